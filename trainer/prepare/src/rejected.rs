//! `rejected.csv`: every dropped row as it stands in its source, with the rule and the reason.
//!
//! The statements know rows by number only. The sources are read a second time, in the same order,
//! beside the sorted list of numbers; so nothing is held in memory, however many rows were dropped.

use crate::engine::{Engine, statement};
use crate::error::PrepareError;
use crate::mapping::Shape;
use crate::pipeline::texts;
use crate::progress::Progress;
use crate::source::{self, SourceFile};
use datafusion::arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::{Stream, StreamExt};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::pin::Pin;

/// Examples kept for each rule.
const EXAMPLES: usize = 3;

/// Bytes of a value that are shown.
const LONGEST_SHOWN: usize = 1024;

/// A dropped row.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Example {
    pub file: String,
    pub line: u64,
    pub rule: String,
    pub reason: String,
    pub fields: String,
}

/// How many rows each rule dropped, and the first few of each.
#[derive(Debug, Default)]
pub(crate) struct Rejected {
    pub by_rule: BTreeMap<String, u64>,
    pub examples: Vec<Example>,
}

/// An input as it was read.
pub(crate) struct Read<'a> {
    pub shape: &'a Shape,
    pub files: &'a [SourceFile],
}

/// Writes the file. `inputs` stand in the order in which their rows were numbered.
pub(crate) async fn write(
    engine: &Engine<'_>,
    inputs: &[Read<'_>],
    path: &Path,
    progress: &dyn Progress,
) -> Result<Rejected, PrepareError> {
    let mut rows = Numbers::new(Box::pin(
        engine.stream(&statement!("transform/99_rejected")).await?,
    ));
    let file = File::create(path).map_err(PrepareError::io(path))?;
    let mut out = BufWriter::new(file);
    writeln!(out, "file,line,rule,reason,fields").map_err(PrepareError::io(path))?;
    let mut rejected = Rejected::default();
    let mut number = 0;
    let mut next = rows.next().await?;
    let bytes = inputs
        .iter()
        .flat_map(|input| input.files)
        .map(|file| file.bytes)
        .sum();
    progress.start("writing rejected rows", Some(bytes));
    for input in inputs {
        for file in input.files {
            if next.is_none() {
                break;
            }
            let mut reader = source::open_again(file, input.shape)?;
            let names: Vec<String> = reader
                .columns()
                .iter()
                .map(|name| json_text(name))
                .collect();
            let mut told = 0;
            while let Some(chunk) = reader.next()? {
                let end = number + chunk.lines.len() as i64;
                let options = FormatOptions::default().with_null("");
                let formatters: Vec<_> = chunk
                    .columns
                    .iter()
                    .map(|column| ArrayFormatter::try_new(column, &options).ok())
                    .collect();
                while let Some(row) = next.take_if(|row| row.number < end) {
                    let at = usize::try_from(row.number - number).unwrap_or(0);
                    let unreadable = chunk.unreadable.binary_search_by_key(&at, |u| u.row);
                    let fields = match unreadable {
                        Ok(place) => {
                            format!("{{\"text\":{}}}", json_text(&chunk.unreadable[place].text))
                        }
                        Err(_) => fields(&names, &formatters, at),
                    };
                    let count = rejected.by_rule.entry(row.rule.clone()).or_default();
                    *count += 1;
                    let example = Example {
                        file: file.path.display().to_string(),
                        line: chunk.lines[at],
                        rule: row.rule,
                        reason: row.reason,
                        fields,
                    };
                    writeln!(
                        out,
                        "{},{},{},{},{}",
                        quoted(&example.file),
                        example.line,
                        example.rule,
                        quoted(&example.reason),
                        quoted(&example.fields)
                    )
                    .map_err(PrepareError::io(path))?;
                    if *count <= EXAMPLES as u64 {
                        rejected.examples.push(example);
                    }
                    next = rows.next().await?;
                }
                number = end;
                let position = reader.position();
                progress.advance(position.saturating_sub(told));
                told = position;
                if next.is_none() {
                    break;
                }
            }
        }
    }
    progress.finish();
    out.flush().map_err(PrepareError::io(path))?;
    Ok(rejected)
}

/// A number of the sorted list.
struct Row {
    number: i64,
    rule: String,
    reason: String,
}

type Batches = Pin<Box<dyn Stream<Item = Result<RecordBatch, PrepareError>> + Send>>;

/// The sorted list, row by row.
struct Numbers {
    batches: Batches,
    numbers: Int64Array,
    rules: StringArray,
    reasons: StringArray,
    at: usize,
}

impl Numbers {
    fn new(batches: Batches) -> Self {
        Self {
            batches,
            numbers: Int64Array::from(Vec::<i64>::new()),
            rules: StringArray::from(Vec::<&str>::new()),
            reasons: StringArray::from(Vec::<&str>::new()),
            at: 0,
        }
    }

    async fn next(&mut self) -> Result<Option<Row>, PrepareError> {
        while self.at == self.numbers.len() {
            let Some(batch) = self.batches.next().await else {
                return Ok(None);
            };
            let batch = batch?;
            self.numbers = batch.column(0).as_primitive::<Int64Type>().clone();
            self.rules = texts(&batch, "rule");
            self.reasons = texts(&batch, "reason");
            self.at = 0;
        }
        let at = self.at;
        self.at += 1;
        Ok(Some(Row {
            number: self.numbers.value(at),
            rule: self.rules.value(at).into(),
            reason: self.reasons.value(at).into(),
        }))
    }
}

/// The row's fields as one JSON object, in the order of the file, without empty ones.
fn fields(names: &[String], formatters: &[Option<ArrayFormatter<'_>>], row: usize) -> String {
    let mut object = String::from("{");
    for (name, formatter) in names.iter().zip(formatters) {
        let mut value = Short::default();
        if let Some(formatter) = formatter {
            // What does not fit ends the writing.
            let _ = write!(value, "{}", formatter.value(row));
        }
        let value = value.0;
        if value.is_empty() {
            continue;
        }
        if object.len() > 1 {
            object.push(',');
        }
        object.push_str(name);
        object.push(':');
        object.push_str(&json_text(&value));
    }
    object.push('}');
    object
}

/// The beginning of a value, at most a kilobyte.
#[derive(Default)]
struct Short(String);

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = LONGEST_SHOWN - self.0.len();
        if text.len() <= left {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&text[..text.floor_char_boundary(left)]);
        Err(fmt::Error)
    }
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A CSV field in quotes. A leading `=`, `+`, `-` or `@` would be a formula in a spreadsheet; the
/// fields here begin with a path, a sentence or a brace.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
