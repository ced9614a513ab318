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
use crate::sink::Sink;
use crate::source::{self, Chunk, Layout, Observed, SourceFile};
use crate::typed::{self, ActionCode};
use crate::whole_numbers::WholeNumbers;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Float64Builder, Int32Builder, Int64Array,
    Int64Builder, RecordBatch, StringArray, StringBuilder,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::error::ArrowError;
use std::path::Path;
use std::sync::Arc;
use vitrine_core::Action;

/// Type of a collected column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// Milliseconds of Unix time.
    Time,
    Number,
    Whole,
    Truth,
    Action,
    Part,
}

/// The type in which a wanted column is collected.
fn kind(name: &str) -> Kind {
    match name {
        "timestamp" => Kind::Time,
        "rating" | "price" | "time_offset" => Kind::Number,
        "quantity" | "position" => Kind::Whole,
        "in_stock" | "is_product" => Kind::Truth,
        "action" => Kind::Action,
        "split" => Kind::Part,
        _ => Kind::Text,
    }
}

/// Schema of the collected table: `source_row`, `file`, `line`, the wanted columns, `rule` and `reason`
/// (set where a row could not be read).
fn schema(input: Input) -> SchemaRef {
    let mut fields = vec![
        Field::new("source_row", DataType::Int64, false),
        Field::new("file", DataType::Int32, false),
        Field::new("line", DataType::Int64, false),
    ];
    fields.extend(input.wanted().iter().map(|wanted| {
        let data_type = match kind(wanted.name) {
            Kind::Text => DataType::Utf8,
            Kind::Time | Kind::Whole => DataType::Int64,
            Kind::Number => DataType::Float64,
            Kind::Truth => DataType::Boolean,
            Kind::Action | Kind::Part => DataType::Int32,
        };
        Field::new(wanted.name, data_type, true)
    }));
    fields.push(Field::new("rule", DataType::Utf8, true));
    fields.push(Field::new("reason", DataType::Utf8, true));
    Arc::new(Schema::new(fields))
}

/// What was collected of one input.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// The files, in the order of `file`.
    pub files: Vec<SourceFile>,
    /// Rows read, unreadable ones included.
    pub rows: u64,
    /// Whether each wanted column was found in some file.
    pub found: Vec<&'static str>,
}

/// What the action of an event is when the source does not tell.
#[derive(Clone, Copy)]
pub(crate) struct DefaultAction(pub Option<Action>);

/// Writes the table of an input that was not given.
pub(crate) fn empty(input: Input, target: &Path) -> Result<(), PrepareError> {
    Sink::create(target, schema(input))?.close().map(|_| ())
}

/// Reads all `files` of an input into `target`.
pub(crate) fn collect(
    shape: &Shape,
    files: Vec<SourceFile>,
    default_action: DefaultAction,
    first_row: u64,
    target: &Path,
    notices: &Notices,
    progress: &dyn Progress,
) -> Result<Collected, PrepareError> {
    let input = shape.input;
    let schema = schema(input);
    let mut sink = Sink::create(target, schema.clone())?;
    let mut collected = Collected::default();
    progress.start(
        &format!("reading {}", input.name()),
        Some(files.iter().map(|file| file.bytes).sum()),
    );
    let mut schemas = Schemas::default();
    let mut paths = Paths::default();
    let mut observed = Observed::default();
    let mut whole_numbers = WholeNumbers::default();
    let mut empty_files = Vec::new();
    let alone = files.len() == 1;
    for mut file in files {
        let number = collected.files.len();
        let mut reader = match source::open(&file, shape) {
            Err(PrepareError::Empty { .. }) if !alone => {
                empty_files.push(file.path);
                continue;
            }
            opened => opened?,
        };
        let choice = choose(shape, &mut file, &mut *reader)?;
        paths.add_file(input, &choice);
        file.encoding = reader.encoding();
        let before = collected.rows;
        let mut told = 0;
        while let Some(chunk) = reader.next()? {
            let place = Place {
                file: number,
                first_row: first_row + collected.rows,
            };
            let candidates = &choice.candidates;
            let batch = typed_batch(shape, &schema, candidates, &chunk, default_action, place)
                .map_err(|error| {
                    PrepareError::source(
                        &file.path,
                        format!(
                            "has a column that Vitrine can't read near row {}: {error}",
                            chunk.lines[0]
                        ),
                    )
                })?;
            paths.look(&choice, &chunk);
            whole_numbers.look(number, &batch);
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
    whole_numbers.settle(&collected.files, target, notices)?;
    Ok(collected)
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
        Input::Events | Input::Orders => &[&["item_id"], &["user_id", "session_id"]],
        Input::Items => &[&["item_id"]],
    };
    match wanted.iter().find(|any| !any.iter().any(|name| has(name))) {
        Some(missing) => Err(shape.missing(&file.path, layout, missing)),
        None => Ok(()),
    }
}

/// Whether a file has the columns of an input. One without rows is passed over later.
pub(crate) fn fits(shape: &Shape, file: &SourceFile) -> Result<(), PrepareError> {
    match source::open(file, shape) {
        Ok(mut reader) => choose(shape, &mut file.clone(), &mut *reader).map(|_| ()),
        Err(PrepareError::Empty { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

struct Place {
    file: usize,
    first_row: u64,
}

/// Rules and reasons of rows that can't be used, the first problem of a row only.
struct Problems(Vec<Option<(&'static str, String)>>);

impl Problems {
    fn add(&mut self, row: usize, rule: &'static str, reason: impl FnOnce() -> String) {
        let problem = &mut self.0[row];
        if problem.is_none() {
            *problem = Some((rule, reason()));
        }
    }
}

fn typed_batch(
    shape: &Shape,
    schema: &SchemaRef,
    candidates: &[Vec<usize>],
    chunk: &Chunk,
    default_action: DefaultAction,
    place: Place,
) -> Result<RecordBatch, datafusion::arrow::error::ArrowError> {
    let rows = chunk.lines.len();
    let first_row = i64::try_from(place.first_row).unwrap_or(i64::MAX);
    let mut problems = Problems(vec![None; rows]);
    for unreadable in &chunk.unreadable {
        problems.add(unreadable.row, "unreadable_row", || {
            unreadable.reason.clone()
        });
    }
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(
            (0..rows as i64).map(|row| first_row + row),
        )),
        Arc::new(datafusion::arrow::array::Int32Array::from_value(
            i32::try_from(place.file).unwrap_or(i32::MAX),
            rows,
        )),
        Arc::new(
            chunk
                .lines
                .iter()
                .map(|&line| i64::try_from(line).ok())
                .collect::<Int64Array>(),
        ),
    ];
    for (wanted, candidates) in shape.input.wanted().iter().zip(candidates) {
        let kind = kind(wanted.name);
        let Some(&first) = candidates.first() else {
            columns.push(absent(kind, rows, default_action));
            continue;
        };
        let source = &chunk.columns[first];
        let named = |error| ArrowError::CastError(format!("{}: {error}", wanted.name));
        columns.push(match kind {
            Kind::Text => {
                let mut texts = texts(source).map_err(named)?;
                for &other in &candidates[1..] {
                    texts = coalesce(&texts, &self::texts(&chunk.columns[other]).map_err(named)?);
                }
                Arc::new(texts)
            }
            Kind::Time => times(source, shape, &mut problems).map_err(named)?,
            Kind::Number => numbers(source, wanted.name, &mut problems).map_err(named)?,
            Kind::Whole => wholes(source, wanted.name, &mut problems).map_err(named)?,
            Kind::Truth => truths(source, wanted.name, &mut problems).map_err(named)?,
            Kind::Action => actions(source, shape, default_action, &mut problems).map_err(named)?,
            Kind::Part => parts(source, &mut problems).map_err(named)?,
        });
    }
    let item = shape
        .input
        .wanted()
        .iter()
        .position(|w| w.name == "item_id");
    for &row in &chunk.empty_lists {
        if item.is_some_and(|item| columns[item + 3].is_null(row)) {
            problems.add(row, "no_element", || {
                "the list of items is empty or missing: the row is of no item".into()
            });
        }
    }
    let (mut rules, mut reasons) = (StringBuilder::new(), StringBuilder::new());
    for problem in problems.0 {
        rules.append_option(problem.as_ref().map(|(rule, _)| *rule));
        reasons.append_option(problem.map(|(_, reason)| reason));
    }
    columns.push(Arc::new(rules.finish()));
    columns.push(Arc::new(reasons.finish()));
    RecordBatch::try_new(schema.clone(), columns)
}

/// The column where the source has none.
fn absent(kind: Kind, rows: usize, default_action: DefaultAction) -> ArrayRef {
    use datafusion::arrow::array::{Int32Array, new_null_array};
    match kind {
        Kind::Action => {
            let action = default_action.0.unwrap_or(Action::View);
            Arc::new(Int32Array::from_value(
                ActionCode::Known(action).code(),
                rows,
            ))
        }
        Kind::Text => new_null_array(&DataType::Utf8, rows),
        Kind::Time | Kind::Whole => new_null_array(&DataType::Int64, rows),
        Kind::Number => new_null_array(&DataType::Float64, rows),
        Kind::Truth => new_null_array(&DataType::Boolean, rows),
        Kind::Part => new_null_array(&DataType::Int32, rows),
    }
}

type Column = Result<ArrayRef, datafusion::arrow::error::ArrowError>;

/// Text of a column of any type, without words for nothing. A whole number that was widened to a
/// float because others were missing reads as a whole number: 13085, not 13085.0.
fn texts(source: &ArrayRef) -> Result<StringArray, datafusion::arrow::error::ArrowError> {
    let plain = match source.data_type() {
        DataType::Float32 | DataType::Float64 => {
            let floats = cast(source, &DataType::Float64)?;
            let floats = floats.as_primitive::<datafusion::arrow::datatypes::Float64Type>();
            return Ok(floats
                .iter()
                .map(|value| {
                    value.filter(|v| v.is_finite()).map(|value| {
                        if value.fract() == 0.0 && value.abs() < 9e15 {
                            (value as i64).to_string()
                        } else {
                            value.to_string()
                        }
                    })
                })
                .collect());
        }
        DataType::Utf8 => source.clone(),
        _ => cast(source, &DataType::Utf8)?,
    };
    let decimal = source.data_type().is_decimal();
    Ok(plain
        .as_string::<i32>()
        .iter()
        .map(|text| text.map(|text| if decimal { without_zeros(text) } else { text }))
        .map(|text| text.and_then(typed::something))
        .collect())
}

/// A decimal number without the zeros that its column's scale adds.
fn without_zeros(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

fn coalesce(first: &StringArray, second: &StringArray) -> StringArray {
    first.iter().zip(second).map(|(a, b)| a.or(b)).collect()
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer()
        || data_type.is_floating()
        || matches!(data_type, DataType::Decimal128(..))
}

fn floats(
    source: &ArrayRef,
) -> Result<datafusion::arrow::array::Float64Array, datafusion::arrow::error::ArrowError> {
    Ok(cast(source, &DataType::Float64)?.as_primitive().clone())
}

fn times(source: &ArrayRef, shape: &Shape, problems: &mut Problems) -> Column {
    match source.data_type() {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            let ms = cast(source, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
            cast(&ms, &DataType::Int64)
        }
        number if is_number(number) => {
            let mut built = Int64Builder::with_capacity(source.len());
            for (row, value) in floats(source)?.iter().enumerate() {
                built.append_option(value.and_then(|value| {
                    shape
                        .time_format
                        .read_number(value)
                        .map_err(|reason| {
                            problems.add(row, "bad_time", || format!("timestamp {reason}"))
                        })
                        .ok()
                }));
            }
            Ok(Arc::new(built.finish()))
        }
        _ => {
            let mut built = Int64Builder::with_capacity(source.len());
            for (row, text) in texts(source)?.iter().enumerate() {
                built.append_option(text.and_then(|text| {
                    shape
                        .time_format
                        .read(text)
                        .map_err(|reason| {
                            problems.add(row, "bad_time", || format!("timestamp {reason}"))
                        })
                        .ok()
                }));
            }
            Ok(Arc::new(built.finish()))
        }
    }
}

fn numbers(source: &ArrayRef, name: &str, problems: &mut Problems) -> Column {
    let mut built = Float64Builder::with_capacity(source.len());
    if is_number(source.data_type()) {
        for value in floats(source)?.iter() {
            built.append_option(value.filter(|value| !value.is_nan()));
        }
    } else {
        for (row, text) in texts(source)?.iter().enumerate() {
            built.append_option(text.and_then(|text| {
                typed::number(text)
                    .map_err(|reason| {
                        problems.add(row, "bad_number", || format!("{name} {reason}"))
                    })
                    .ok()
            }));
        }
    }
    Ok(Arc::new(built.finish()))
}

/// Numbers rounded to whole ones; less than one piece (0.35 kg) counts as one.
fn wholes(source: &ArrayRef, name: &str, problems: &mut Problems) -> Column {
    if source.data_type().is_integer() {
        return cast(source, &DataType::Int64);
    }
    let numbers = numbers(source, name, problems)?;
    let numbers = numbers.as_primitive::<datafusion::arrow::datatypes::Float64Type>();
    let whole = |value: f64| {
        let rounded = if value > 0.0 {
            value.round().max(1.0)
        } else {
            value.round()
        };
        // Saturates: the rules reject what is absurd.
        rounded as i64
    };
    Ok(Arc::new(numbers.unary::<_, Int64Type>(whole)))
}

fn truths(source: &ArrayRef, name: &str, problems: &mut Problems) -> Column {
    if source.data_type() == &DataType::Boolean {
        return Ok(source.clone());
    }
    let mut built = BooleanBuilder::with_capacity(source.len());
    for (row, text) in texts(source)?.iter().enumerate() {
        built.append_option(text.and_then(|text| {
            typed::truth(text)
                .map_err(|reason| problems.add(row, "bad_number", || format!("{name} {reason}")))
                .ok()
        }));
    }
    Ok(Arc::new(built.finish()))
}

fn actions(
    source: &ArrayRef,
    shape: &Shape,
    default_action: DefaultAction,
    problems: &mut Problems,
) -> Column {
    let mut built = Int32Builder::with_capacity(source.len());
    // Few words, many rows: the last answer is most often the next.
    let mut last: Option<(String, Option<ActionCode>)> = None;
    for (row, text) in texts(source)?.iter().enumerate() {
        let Some(text) = text else {
            let default = default_action.0.map(ActionCode::Known);
            let ignored = shape.ignores_other_actions.then_some(ActionCode::Ignored);
            let code = default.or(ignored);
            if code.is_none() {
                problems.add(row, "unknown_action", || "the action is missing".into());
            }
            built.append_option(code.map(ActionCode::code));
            continue;
        };
        let known = match &last {
            Some((word, code)) if word == text => *code,
            _ => {
                let plain = crate::columns::plain(text);
                let code = shape.action(&plain);
                last = Some((text.to_string(), code));
                code
            }
        };
        if known.is_none() {
            problems.add(row, "unknown_action", || {
                format!(
                    "action '{}' is not known; say what it is under [events.actions] in a mapping file",
                    typed::short(text)
                )
            });
        }
        built.append_option(known.map(ActionCode::code));
    }
    Ok(Arc::new(built.finish()))
}

fn parts(source: &ArrayRef, problems: &mut Problems) -> Column {
    let mut built = Int32Builder::with_capacity(source.len());
    for (row, text) in texts(source)?.iter().enumerate() {
        built.append_option(text.and_then(|text| {
            typed::part(text)
                .map_err(|reason| problems.add(row, "unknown_split", || format!("split {reason}")))
                .ok()
        }));
    }
    Ok(Arc::new(built.finish()))
}
