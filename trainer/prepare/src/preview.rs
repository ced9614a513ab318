//! A dry run: the files, which column is which, and the first rows as they would be read. Nothing is
//! written, so that a mapping can be tried in a second on a history of any size.

use crate::choice::{Choice, choose};
use crate::collect::note_preset;
use crate::columns::Input;
use crate::error::PrepareError;
use crate::inputs::{self, Inputs};
use crate::mapping::{How, Mapping, Shape};
use crate::notice::{Notice, Notices, shell_word};
use crate::options::Options;
use crate::recognise::LikeTimes;
use crate::run::check;
use crate::source::{self, Chunk, Format, Layout, SourceFile};
use crate::typed::{self, ActionCode};
use crate::values::{Decided, OfFile, Place, Told, Values};
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Rows that are shown of an input.
const ROWS: usize = 5;
/// Rows in which the first value of a column is looked for.
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
    let notices = Notices::default();
    let Inputs {
        events,
        orders,
        items,
    } = inputs::find(options, &mapping, &notices)?;
    let mut inputs = Vec::new();
    for (shape, files) in [
        (&mapping.events, events),
        (&mapping.orders, orders),
        (&mapping.items, items),
    ] {
        let Some(first) = files.first() else {
            continue;
        };
        let told = Told::of(options, mapping.preset);
        let (input, like_times) = input(shape, first, &files, told, &notices)?;
        let has = |name: &str| input.columns.iter().any(|column| column.name == name);
        if shape.input == Input::Events && !has("timestamp") && !has("split") {
            note_missing_times(&like_times, has("session_id"), &notices);
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
    told: Told,
    notices: &Notices,
) -> Result<(InputPreview, Vec<LikeTimes>), PrepareError> {
    let head = Head::read(shape, first, notices)?;
    let wanted = shape.input.wanted().iter().zip(&head.choice.candidates);
    let columns: Vec<_> = wanted
        .filter(|(_, found)| !found.is_empty())
        .map(|(wanted, found)| ColumnPreview {
            name: wanted.name,
            from: found
                .iter()
                .map(|&at| head.choice.names[at].clone())
                .collect(),
            how: if head.choice.by_name.contains(&wanted.name) {
                shape.how(wanted.name)
            } else {
                How::Values
            },
        })
        .collect();
    let unused = head.unused().map(|at| UnusedColumn {
        column: head.names[at].clone(),
        sample: head.texts(at).next().map(|text| typed::short(&text)),
    });
    let rows = match &head.read {
        Some(chunk) => rows(shape, first, &head, chunk, told, &columns).map_err(|error| {
            PrepareError::source(&first.path, format!("can't be read: {error}"))
        })?,
        None => Vec::new(),
    };
    let preview = InputPreview {
        input: shape.input.name(),
        files: files.iter().map(|file| file.path.clone()).collect(),
        unused: unused.collect(),
        columns,
        rows,
    };
    Ok((preview, head.choice.recognised.like_times))
}

/// The beginning of a file, with all its columns.
struct Head {
    /// The file's columns, then the paths into them that were named.
    names: Vec<String>,
    /// Numbers of the selected names.
    selected: Vec<usize>,
    choice: Choice,
    /// The first rows, with the selected values.
    read: Option<Chunk>,
    /// The first rows, with all columns.
    shown: Option<Chunk>,
}

impl Head {
    fn read(shape: &Shape, file: &SourceFile, notices: &Notices) -> Result<Self, PrepareError> {
        let mut file = file.clone();
        let mut reader = source::open(&file, shape)?;
        let layout = Layout::new(&*reader, shape.sources());
        let choice = choose(shape, &mut file, &mut *reader, notices)?;
        note_preset(shape, &file, reader.columns(), notices);
        let read = reader.next()?;
        let shown = source::open_again(&file, shape)?.next()?;
        let names = layout.names().to_vec();
        let place = |name: &String| names.iter().position(|other| other == name);
        Ok(Self {
            selected: choice.names.iter().filter_map(place).collect(),
            names,
            choice,
            read,
            shown,
        })
    }

    /// The columns that are not read.
    fn unused(&self) -> impl Iterator<Item = usize> {
        let own = self.shown.as_ref().map_or(0, |chunk| chunk.columns.len());
        (0..own).filter(|at| !self.selected.contains(at))
    }

    /// The first values of a column that are not empty.
    fn texts(&self, column: usize) -> impl Iterator<Item = String> {
        let options = FormatOptions::default().with_null("");
        let column = self
            .shown
            .as_ref()
            .and_then(|chunk| chunk.columns.get(column).cloned());
        let texts: Vec<_> = column
            .iter()
            .filter_map(|column| ArrayFormatter::try_new(column, &options).ok())
            .flat_map(|formatter| {
                let rows = self.shown.as_ref().map_or(0, |chunk| chunk.lines.len());
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
    file: &SourceFile,
    head: &Head,
    chunk: &Chunk,
    told: Told,
    columns: &[ColumnPreview],
) -> Result<Vec<RowPreview>, ArrowError> {
    let batch = as_read(shape, file, head, chunk, told)?;
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

/// The rows of a chunk as they would be collected. Columns may turn out to be other than was
/// assumed, and then they are read once more.
fn as_read(
    shape: &Shape,
    file: &SourceFile,
    head: &Head,
    chunk: &Chunk,
    told: Told,
) -> Result<RecordBatch, ArrowError> {
    let read = |decided: &Decided| {
        let mut values = Values::new(shape, told, decided);
        values.begin(OfFile {
            candidates: head.choice.candidates.clone(),
            name: file.path.display().to_string(),
            of_programs: file.format == Format::JsonLines,
            orders: head.choice.recognised.orders,
        });
        let place = Place {
            file: 0,
            first_row: 0,
        };
        let batch = values.read(chunk, &place)?;
        Ok((batch, values.verdict()))
    };
    match read(&Decided::default())? {
        (batch, None) => Ok(batch),
        (_, Some(decided)) => read(&decided).map(|(batch, _)| batch),
    }
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
pub(crate) fn note_missing_times(like: &[LikeTimes], sessions: bool, notices: &Notices) {
    let without = match sessions {
        true => "events stand in the order of the file, and its last sessions are the test part",
        false => {
            "a visitor's events are one session, in the order of the file, and its last sessions are the test part"
        }
    };
    let finding = match like {
        [] => format!("No column with times was found: {without}."),
        columns => {
            let columns: Vec<_> = columns
                .iter()
                .map(|like| format!("'{}' ('{}')", like.column, typed::short(&like.sample)))
                .collect();
            format!(
                "No column with times was found, but {} may hold them; without, {without}.",
                columns.join(", ")
            )
        }
    };
    let column = like
        .first()
        .map_or("COLUMN".into(), |like| shell_word(&like.column));
    notices.add(
        "no_times",
        finding,
        format!("Name the column with --column timestamp={column}; if there is none, let it pass with --accept no_times."),
    );
}
