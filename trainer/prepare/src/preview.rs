//! A dry run: the files, which column is which, and the first rows as they would be read. Nothing is
//! written, so that a mapping can be tried in a second on a history of any size.

use crate::collect::{DefaultAction, as_read, check_columns};
use crate::columns::Input;
use crate::error::PrepareError;
use crate::mapping::{How, Mapping, Shape};
use crate::notice::{Notice, Notices, shell_word};
use crate::options::Options;
use crate::run::{Inputs, check};
use crate::source::{self, Chunk, SourceFile};
use crate::typed::{self, ActionCode, TimeFormat};
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Rows that are shown of an input.
const ROWS: usize = 5;
/// Rows by which a column is told to look like times.
const LOOKED_AT: usize = 100;

/// The inputs as a run would read them.
#[derive(Debug, Serialize)]
pub struct Preview {
    /// The inputs that there are.
    pub inputs: Vec<InputPreview>,
    /// The notices of the dry run.
    pub notices: Vec<Notice>,
}

/// One input as it would be read.
#[derive(Debug, Serialize)]
pub struct InputPreview {
    /// events, orders or items.
    pub input: &'static str,
    /// Its files, in the order in which they are read.
    pub files: Vec<PathBuf>,
    /// The columns that are read, from the first file.
    pub columns: Vec<ColumnPreview>,
    /// The columns of the first file that are not read.
    pub unused: Vec<UnusedColumn>,
    /// The first rows of the first file.
    pub rows: Vec<RowPreview>,
}

/// A column that is read.
#[derive(Debug, Serialize)]
pub struct ColumnPreview {
    /// Vitrine's name.
    pub name: &'static str,
    /// The source's columns; the first that has a value counts.
    pub from: Vec<String>,
    /// How it was chosen.
    pub how: How,
}

/// A column that is not read.
#[derive(Debug, Serialize)]
pub struct UnusedColumn {
    /// The source's name.
    pub column: String,
    /// Its first value.
    pub sample: Option<String>,
}

/// A row as it would be read.
#[derive(Debug, Serialize)]
pub struct RowPreview {
    /// Its line, or its number in a Parquet file.
    pub line: u64,
    /// Values by Vitrine's names, without those that are missing.
    pub values: Map<String, Value>,
    /// Why the row can't be used, where it can't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Tells what [`prepare`](crate::prepare) would read. Blocks until it is done.
///
/// # Errors
/// As `prepare`: files that are missing or unreadable, columns that can't be found.
pub fn preview(options: &Options) -> Result<Preview, PrepareError> {
    check(options)?;
    let mapping = Mapping::new(options)?;
    let Inputs {
        events,
        orders,
        items,
    } = Inputs::find(options, &mapping)?;
    let notices = Notices::default();
    let mut inputs = Vec::new();
    for (shape, files) in [
        (&mapping.events, events),
        (&mapping.orders, orders),
        (&mapping.items, items),
    ] {
        let Some(first) = files.first() else {
            continue;
        };
        let input = input(shape, first, &files, DefaultAction(options.default_action))?;
        let has = |name: &str| input.columns.iter().any(|column| column.name == name);
        if shape.input == Input::Events && !has("timestamp") && !has("split") {
            note_missing_times(shape, &files, &notices)?;
        }
        inputs.push(input);
    }
    Ok(Preview {
        inputs,
        notices: notices.all(),
    })
}

fn input(
    shape: &Shape,
    first: &SourceFile,
    files: &[SourceFile],
    default_action: DefaultAction,
) -> Result<InputPreview, PrepareError> {
    let head = Head::read(shape, first)?;
    check_columns(shape, first, &head.names, &head.resolved)?;
    let wanted = shape.input.wanted().iter().zip(&head.resolved);
    let columns: Vec<_> = wanted
        .filter(|(_, found)| !found.is_empty())
        .map(|(wanted, found)| ColumnPreview {
            name: wanted.name,
            from: found.iter().map(|&at| head.names[at].clone()).collect(),
            how: shape.how(wanted.name),
        })
        .collect();
    let unused = head.unused().map(|at| UnusedColumn {
        column: head.names[at].clone(),
        sample: head.texts(at).next().map(|text| typed::short(&text)),
    });
    let rows = match &head.chunk {
        Some(chunk) => rows(shape, &head, chunk, default_action, &columns).map_err(|error| {
            PrepareError::source(&first.path, format!("can't be read: {error}"))
        })?,
        None => Vec::new(),
    };
    Ok(InputPreview {
        input: shape.input.name(),
        files: files.iter().map(|file| file.path.clone()).collect(),
        unused: unused.collect(),
        columns,
        rows,
    })
}

/// The beginning of a file, with all its columns.
struct Head {
    names: Vec<String>,
    resolved: Vec<Vec<usize>>,
    chunk: Option<Chunk>,
}

impl Head {
    fn read(shape: &Shape, file: &SourceFile) -> Result<Self, PrepareError> {
        let mut reader = source::open(file, shape)?;
        let names = reader.columns().to_vec();
        let resolved = shape.resolve(&file.path, &names, shape.input == Input::Events)?;
        let all: Vec<usize> = (0..names.len()).collect();
        reader.select(&all)?;
        let chunk = reader.next()?;
        Ok(Self {
            names,
            resolved,
            chunk,
        })
    }

    /// The columns that are not read.
    fn unused(&self) -> impl Iterator<Item = usize> {
        (0..self.names.len()).filter(|at| !self.resolved.iter().flatten().any(|used| used == at))
    }

    /// The first values of a column that are not empty.
    fn texts(&self, column: usize) -> impl Iterator<Item = String> {
        let options = FormatOptions::default().with_null("");
        let column = self
            .chunk
            .as_ref()
            .map(|chunk| chunk.columns[column].clone());
        let texts: Vec<_> = column
            .iter()
            .filter_map(|column| ArrayFormatter::try_new(column, &options).ok())
            .flat_map(|formatter| {
                let rows = self.chunk.as_ref().map_or(0, |chunk| chunk.lines.len());
                let texts = (0..rows.min(LOOKED_AT)).map(|row| formatter.value(row).to_string());
                texts.collect::<Vec<_>>()
            })
            .filter(|text| typed::something(text).is_some())
            .collect();
        texts.into_iter()
    }
}

fn rows(
    shape: &Shape,
    head: &Head,
    chunk: &Chunk,
    default_action: DefaultAction,
    columns: &[ColumnPreview],
) -> Result<Vec<RowPreview>, datafusion::arrow::error::ArrowError> {
    let batch = as_read(shape, &head.resolved, chunk, default_action)?;
    let rows = (0..batch.num_rows().min(ROWS)).map(|row| {
        let values = columns
            .iter()
            .filter_map(|column| Some((column.name.to_string(), value(&batch, column.name, row)?)));
        RowPreview {
            line: chunk.lines[row],
            values: values.collect(),
            reason: crate::pipeline::text(&batch, "reason", row),
        }
    });
    Ok(rows.collect())
}

/// A value as Vitrine understands it; `None` where there is none.
fn value(batch: &RecordBatch, name: &str, row: usize) -> Option<Value> {
    use datafusion::arrow::datatypes::DataType;
    let column = batch.column_by_name(name)?;
    if !column.is_valid(row) {
        return None;
    }
    Some(match (name, column.data_type()) {
        ("timestamp", _) => {
            let ms = column.as_primitive_opt::<Int64Type>()?.value(row);
            let time = chrono::DateTime::from_timestamp_millis(ms)?;
            time.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string().into()
        }
        ("action", _) => {
            let code = column.as_primitive_opt::<Int32Type>()?.value(row);
            ActionCode::name(code).into()
        }
        ("split", _) => {
            let part = column.as_primitive_opt::<Int32Type>()?.value(row);
            ["train", "valid", "test"][usize::try_from(part).ok()?.min(2)].into()
        }
        (_, DataType::Utf8) => column.as_string_opt::<i32>()?.value(row).into(),
        (_, DataType::Float64) => {
            let value = column.as_primitive_opt::<Float64Type>()?.value(row);
            // A column of four bytes is shown with the digits that it has.
            let short = value as f32;
            let digits = (f64::from(short) == value).then(|| short.to_string().parse().ok());
            digits.flatten().unwrap_or(value).into()
        }
        (_, DataType::Int64) => column.as_primitive_opt::<Int64Type>()?.value(row).into(),
        (_, DataType::Boolean) => column.as_boolean_opt()?.value(row).into(),
        _ => return None,
    })
}

/// Notes that events have no times, with the columns that look like them.
pub(crate) fn note_missing_times(
    shape: &Shape,
    files: &[SourceFile],
    notices: &Notices,
) -> Result<(), PrepareError> {
    let Some(first) = files.first() else {
        return Ok(());
    };
    let head = Head::read(shape, first)?;
    let column = |name: &str| {
        let at = shape.input.wanted().iter().position(|w| w.name == name);
        at.and_then(|at| head.resolved[at].first().copied())
    };
    let without = if column("session_id").is_some() {
        "events stand in the order of the file, and its last sessions are the test part"
    } else {
        "a visitor's events are one session, in the order of the file, and its last sessions are the test part"
    };
    if let Some(at) = column("timestamp") {
        notices.add(
            "no_times",
            format!("Column '{}' holds no time that could be read: {without}.", head.names[at]),
            "Say how times are written with timestamp_format in a mapping file, or name another column with --column timestamp=COLUMN.",
        );
        return Ok(());
    }
    let like: Vec<_> = head
        .unused()
        .filter_map(|at| {
            let texts: Vec<_> = head.texts(at).collect();
            let like = texts.iter().filter(|text| looks_like_time(text)).count();
            let sample = texts.first()?;
            (like * 10 >= texts.len() * 8 || named_like_time(&head.names[at]))
                .then(|| (head.names[at].clone(), typed::short(sample)))
        })
        .collect();
    let finding = match &like[..] {
        [] => format!("No column with times was found: {without}."),
        columns => {
            let columns: Vec<_> = columns
                .iter()
                .map(|(name, sample)| format!("'{name}' ('{sample}')"))
                .collect();
            format!(
                "No column with times was found, but {} may hold them; without, {without}.",
                columns.join(", ")
            )
        }
    };
    let column = like
        .first()
        .map_or("COLUMN".into(), |(name, _)| shell_word(name));
    notices.add(
        "no_times",
        finding,
        format!("Name the column with --column timestamp={column}; if there is none, let it pass with --accept no_times."),
    );
    Ok(())
}

/// True where a value may be a time, readable or not.
fn looks_like_time(text: &str) -> bool {
    let text = text.trim();
    if let Ok(ms) = TimeFormat::Recognised.read(text) {
        // 1989 to 2049; other numbers are ids and amounts.
        return text.parse::<f64>().is_err() || (600_000_000_000..2_500_000_000_000).contains(&ms);
    }
    // 31.12.2024, 12/31/24 10:00
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    ['.', '/', '-'].iter().any(|&separator| {
        let parts: Vec<_> = day.split(separator).collect();
        parts.len() == 3
            && parts.iter().all(|part| {
                (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
            })
    })
}

fn named_like_time(name: &str) -> bool {
    let name = name.to_lowercase();
    ["date", "time", "when"]
        .iter()
        .any(|word| name.contains(word))
        || name.ends_with("_at")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_numbers_and_words() {
        for text in [
            "2024-06-01",
            "2024-06-01T10:00:00Z",
            "1717236000",
            "1717236000000",
            "20240601",
            "01.06.2024",
            "6/1/24 10:00",
        ] {
            assert!(looks_like_time(text), "{text}");
        }
        for text in [
            "17", "12.99", "1.2.3.4", "red", "10-20", "99999999", "A-1-2",
        ] {
            assert!(!looks_like_time(text), "{text}");
        }
    }
}
