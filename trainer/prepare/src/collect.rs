//! The first stage: sources of any kind become one typed Parquet table per input.
//!
//! Rows are numbered over all inputs in the order in which they are read. The number ties a row
//! through every statement to its file and line: rejected rows are found again by reading the
//! sources a second time, in the same order, so that nothing of the raw text has to be carried
//! along.

use crate::columns::Input;
use crate::error::PrepareError;
use crate::mapping::Shape;
use crate::notice::Notices;
use crate::progress::Progress;
use crate::recognise::{LikeTimes, Sample, refine};
use crate::sink::Sink;
use crate::source::{self, Format, SourceFile};
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
    /// Whether each wanted column was found in some file.
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
        collected.files = files;
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
    let mut found_first = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let mut reader = source::open(file, shape)?;
        let must_have_all = input == Input::Events || shape.is_joined;
        let mut resolved = shape.resolve(&file.path, reader.columns(), must_have_all)?;
        let recognised = refine(shape, file, reader.columns(), &mut resolved, notices)?;
        check_columns(shape, file, reader.columns(), &resolved)?;
        if let Some(preset) = shape.better_preset(reader.columns()) {
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
        if recognised.orders && !values.knows_action() {
            note_orders(file, notices);
        }
        collected.like_times.extend(recognised.like_times);
        let found = input.wanted().iter().zip(&resolved);
        let found = found.filter(|(_, candidates)| !candidates.is_empty());
        let found: Vec<_> = found.map(|(wanted, _)| wanted.name).collect();
        // The files of a catalogue may each hold some columns; those of a log hold the same.
        if number > 0 && input != Input::Items {
            note_differing_columns(&files[0], file, &found_first, &found, notices);
        }
        for name in &found {
            if !collected.found.contains(name) {
                collected.found.push(name);
            }
        }
        if number == 0 {
            found_first = found;
        }
        let mut selected: Vec<usize> = resolved.iter().flatten().copied().collect();
        selected.sort_unstable();
        selected.dedup();
        reader.select(&selected)?;
        // From here on, candidates are places among the selected columns.
        let candidates: Vec<Vec<usize>> = resolved
            .iter()
            .map(|found| {
                found
                    .iter()
                    .map(|c| selected.partition_point(|s| s < c))
                    .collect()
            })
            .collect();
        values.begin(OfFile {
            candidates,
            name: file.path.display().to_string(),
            of_programs: file.format == Format::JsonLines,
            orders: recognised.orders,
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
            sink.write(&of_use(batch))?;
            collected.rows += chunk.lines.len() as u64;
            let position = reader.position();
            progress.advance(position.saturating_sub(told));
            told = position;
        }
        if collected.rows == before {
            return Err(PrepareError::source(
                &file.path,
                "has column names but no rows; remove it or export it again",
            ));
        }
    }
    sink.close()?;
    progress.finish();
    Ok(collected)
}

/// Says that an events file was read as orders.
fn note_orders(file: &SourceFile, notices: &Notices) {
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
    columns: &[String],
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
            Err(shape.missing(&file.path, columns, missing, sample.as_ref()))
        }
        None => Ok(()),
    }
}

/// Notes a column that one file of an input has and its first file lacks, or the reverse.
fn note_differing_columns(
    first: &SourceFile,
    file: &SourceFile,
    in_first: &[&str],
    in_file: &[&str],
    notices: &Notices,
) {
    let (first, file) = (first.path.display(), file.path.display());
    for (here, there, has, lacks) in [
        (in_first, in_file, &first, &file),
        (in_file, in_first, &file, &first),
    ] {
        for name in here.iter().filter(|name| !there.contains(name)) {
            notices.add(
                "differing_columns",
                format!("{has} has a column for {name}, {lacks} has none."),
                "Its rows are read without it; name the column of each file with --mapping, or export them alike.",
            );
        }
    }
}
