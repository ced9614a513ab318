//! The first stage: sources of any kind become one typed Parquet table per input.
//!
//! Rows are numbered over all inputs in the order in which they are read. The number ties a row
//! through every statement to its file and line: rejected rows are found again by reading the
//! sources a second time, in the same order, so that nothing of the raw text has to be carried
//! along.

use crate::alike::{Paths, Schemas, all_empty, tell_of_empty};
use crate::choice::choose;
use crate::columns::Input;
use crate::error::PrepareError;
use crate::mapping::Shape;
use crate::notice::Notices;
use crate::progress::Progress;
use crate::recognise::{LikeTimes, Recognised, Sample};
use crate::sink::Sink;
use crate::source::{self, Format, Layout, Observed, SourceFile};
use crate::unread::Unread;
use crate::values::{Decided, OfFile, Place, Told, Values, schema};
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use std::path::Path;

/// What was collected of one input.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// The files, in the order of `file`.
    pub files: Vec<SourceFile>,
    /// Rows read, unreadable ones included.
    pub rows: u64,
    /// True if each wanted column was found in some file.
    pub found: Vec<&'static str>,
    /// Columns that look like times, where none was taken for the time.
    pub like_times: Vec<LikeTimes>,
    /// Values that could not be used, by column.
    pub unread: Vec<Unread>,
    /// The file that is joined to this input by the order's id.
    pub joined: Option<Box<Collected>>,
}

/// Writes the table of an input that was not given.
pub(crate) fn empty(input: Input, target: &Path) -> Result<(), PrepareError> {
    Sink::create(target, schema(input))?.close().map(|_| ())
}

/// Reads all `files` of an input into `target`: once, or twice where the columns turned out to be
/// other than was assumed.
#[allow(clippy::too_many_arguments)]
pub(crate) fn collect(
    shape: &Shape,
    files: Vec<SourceFile>,
    told: Told,
    max_bad_rows: f64,
    first_row: u64,
    target: &Path,
    notices: &Notices,
    progress: &dyn Progress,
) -> Result<Collected, PrepareError> {
    let mut decided = Decided::default();
    let mut once_more = true;
    loop {
        let mut values = Values::new(shape, told, &decided);
        let found = Notices::default();
        let mut collected = read_all(
            shape,
            &files,
            &mut values,
            first_row,
            target,
            &found,
            progress,
        )?;
        if let Some(verdict) = values.verdict().filter(|_| once_more) {
            decided = verdict;
            once_more = false;
            continue;
        }
        check_times(&values, collected.rows, max_bad_rows, &files)?;
        for notice in found.all() {
            notices.add(notice.name, notice.finding, notice.advice);
        }
        collected.unread = values.tell(notices);
        return Ok(collected);
    }
}

/// Stops where times can't be told: nothing good comes of a history whose days are months.
fn check_times(
    values: &Values<'_>,
    rows: u64,
    max_bad_rows: f64,
    files: &[SourceFile],
) -> Result<(), PrepareError> {
    let Some(file) = files.first() else {
        return Ok(());
    };
    if let Some((count, example)) = values.undecided_dates() {
        return Err(PrepareError::Columns {
            path: file.path.clone(),
            problem: format!(
                "{count} dates such as '{example}' have the day or the month first, and the column's other values don't tell which. Say --timestamp-format day-first, --timestamp-format month-first, or the whole pattern, e.g. --timestamp-format '%d/%m/%Y %H:%M'."
            ),
        });
    }
    match values.unread_times() {
        Some(unread) if unread.rows as f64 > max_bad_rows * rows as f64 => {
            let examples = unread.examples.iter();
            let examples = examples.map(|example| {
                format!(
                    "  {}, line {}: {}",
                    example.file, example.line, example.problem
                )
            });
            Err(PrepareError::TooManyBadRows {
                path: file.path.clone(),
                bad: unread.rows,
                rows,
                percent: max_bad_rows * 100.0,
                examples: examples.collect(),
            })
        }
        _ => Ok(()),
    }
}

fn read_all(
    shape: &Shape,
    files: &[SourceFile],
    values: &mut Values<'_>,
    first_row: u64,
    target: &Path,
    notices: &Notices,
    progress: &dyn Progress,
) -> Result<Collected, PrepareError> {
    let input = shape.input;
    let mut sink = Sink::create(target, schema(input))?;
    let mut collected = Collected::default();
    progress.start(
        &format!("reading {}", input.name()),
        Some(files.iter().map(|file| file.bytes).sum()),
    );
    let mut schemas = Schemas::default();
    let mut paths = Paths::default();
    let mut observed = Observed::default();
    let mut empty_files = Vec::new();
    let alone = files.len() == 1;
    for file in files {
        let mut file = file.clone();
        let number = collected.files.len();
        let mut reader = match source::open(&file, shape) {
            Err(PrepareError::Empty { .. }) if !alone => {
                empty_files.push(file.path);
                continue;
            }
            opened => opened?,
        };
        let choice = choose(shape, &mut file, &mut *reader, notices)?;
        note_recognised(&choice.recognised, &file, values, notices);
        note_preset(shape, &file, reader.columns(), notices);
        paths.add_file(input, &choice);
        file.encoding = reader.encoding();
        values.begin(OfFile {
            candidates: choice.candidates.clone(),
            name: file.path.display().to_string(),
            of_programs: file.format == Format::JsonLines,
            orders: choice.recognised.orders,
        });
        let before = collected.rows;
        let mut told = 0;
        while let Some(chunk) = reader.next()? {
            let place = Place {
                file: number,
                first_row: first_row + collected.rows,
            };
            let batch = values.read(&chunk, &place).map_err(|error| {
                PrepareError::source(
                    &file.path,
                    format!(
                        "has a column that Vitrine can't read near row {}: {error}",
                        chunk.lines[0]
                    ),
                )
            })?;
            paths.look(&choice, &chunk);
            sink.write(&of_use(batch))?;
            collected.rows += chunk.lines.len() as u64;
            let position = reader.position();
            progress.advance(position.saturating_sub(told));
            told = position;
        }
        if collected.rows == before {
            if alone {
                return Err(PrepareError::Empty {
                    path: file.path,
                    problem: "has column names but no rows; remove it or export it again".into(),
                });
            }
            empty_files.push(file.path);
            continue;
        }
        // The files of a catalogue may each hold some columns; those of a log hold the same.
        if input != Input::Items {
            schemas.add(&file, choice.found(input))?;
        }
        for name in choice.found(input) {
            if !collected.found.contains(&name) {
                collected.found.push(name);
            }
        }
        collected.like_times.extend(choice.recognised.like_times);
        observed.add(&file.path, reader.remarks());
        collected.files.push(file);
    }
    sink.close()?;
    progress.finish();
    if collected.files.is_empty() {
        return Err(all_empty(&empty_files));
    }
    paths.check(shape, &collected.files)?;
    collected.found.retain(|name| paths.has(name));
    schemas.tell(notices);
    tell_of_empty(&empty_files, notices);
    observed.tell(notices);
    Ok(collected)
}

/// Says that a file has the columns of a preset that nobody asked for.
pub(crate) fn note_preset(shape: &Shape, file: &SourceFile, columns: &[String], notices: &Notices) {
    if let Some(preset) = shape.better_preset(columns) {
        notices.add(
            "like_a_preset",
            format!(
                "{} has the columns of the preset {}, and was read by common names.",
                file.path.display(),
                preset.name()
            ),
            format!("Give --preset {}.", preset.name()),
        );
    }
}

/// Says that an events file was read as orders.
fn note_recognised(
    recognised: &Recognised,
    file: &SourceFile,
    values: &Values<'_>,
    notices: &Notices,
) {
    if !recognised.orders || values.knows_action() {
        return;
    }
    notices.add(
        "orders_as_events",
        format!(
            "{} has no actions, but an order's id in each row: its rows were read as purchases.",
            file.path.display()
        ),
        "Say --all-actions buy if that is right, --all-actions view if it is a log of views; beside a log of views, give it with --orders.",
    );
}

/// Properties, one per row, that `integrate/10_items.sql` reads; a catalogue in that form has
/// hundreds of others, of which each would be a row.
const PROPERTIES: &[&str] = &["categoryid", "available"];

/// The rows of a catalogue of properties that are read later; every row of anything else.
fn of_use(batch: RecordBatch) -> RecordBatch {
    let Some(properties) = batch.column_by_name("property") else {
        return batch;
    };
    let properties = properties.as_string::<i32>();
    if properties.null_count() == properties.len() {
        return batch;
    }
    let keep = properties
        .iter()
        .map(|name| Some(name.is_none_or(|name| PROPERTIES.contains(&name))));
    // The mask has the batch's length, so that the filter can't fail; if it did, all rows stay.
    datafusion::arrow::compute::filter_record_batch(&batch, &keep.collect()).unwrap_or(batch)
}

/// The columns without which an input is of no use.
pub(crate) fn check_columns(
    shape: &Shape,
    file: &SourceFile,
    layout: &Layout,
    resolved: &[Vec<usize>],
) -> Result<(), PrepareError> {
    let has = |name: &str| {
        let at = shape.input.wanted().iter().position(|w| w.name == name);
        at.is_some_and(|at| !resolved[at].is_empty())
    };
    let wanted: &[&[&str]] = match shape.input {
        _ if shape.is_joined => &[&["order_id"]],
        Input::Events | Input::Orders if shape.join.is_some() => &[&["item_id"], &["order_id"]],
        Input::Events | Input::Orders => &[&["item_id"], &["user_id", "session_id", "order_id"]],
        Input::Items => &[&["item_id"]],
    };
    match wanted.iter().find(|any| !any.iter().any(|name| has(name))) {
        Some(missing) => {
            let sample = Sample::of(file, shape);
            Err(shape.missing(&file.path, layout, missing, sample.as_ref()))
        }
        None => Ok(()),
    }
}

/// True if a file has the columns of an input. One without rows is passed over later.
pub(crate) fn fits(shape: &Shape, file: &SourceFile) -> Result<(), PrepareError> {
    match source::open(file, shape) {
        Ok(mut reader) => {
            let unheard = Notices::default();
            choose(shape, &mut file.clone(), &mut *reader, &unheard).map(|_| ())
        }
        Err(PrepareError::Empty { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
