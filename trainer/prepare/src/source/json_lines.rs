//! JSON Lines: one object a line. Values inside values stay JSON text.

use super::lines::{Line, Lines};
use super::{
    CHUNK_BYTES, CHUNK_ROWS, Chunk, LONGEST_VALUE, Reader, SourceFile, Unreadable, check_width,
    too_long,
};
use crate::error::PrepareError;
use datafusion::arrow::array::{ArrayRef, StringBuilder};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// Lines whose keys make up the columns; a key that first appears later is not known.
const SAMPLE: usize = 1000;
/// Bytes of such lines that are held at once.
const SAMPLE_BYTES: usize = 16 << 20;

pub(super) struct JsonLines {
    lines: Lines,
    columns: Vec<String>,
    selected: Vec<usize>,
}

impl JsonLines {
    pub(super) fn open(file: &SourceFile) -> Result<Self, PrepareError> {
        let mut lines = Lines::open(file)?;
        let mut sample = Vec::new();
        let mut columns: Vec<String> = Vec::new();
        let mut known: HashSet<String> = HashSet::new();
        let mut bytes = 0;
        while sample.len() < SAMPLE && bytes < SAMPLE_BYTES {
            let Some(line) = lines.next()? else { break };
            if sample.is_empty() && line.bytes.trim_ascii_start().starts_with(b"[") {
                return Err(PrepareError::source(
                    &file.path,
                    "is one JSON array; Vitrine reads JSON Lines, one object a line: jq -c '.[]'",
                ));
            }
            if let Ok(object) = parse(&line) {
                for key in object.keys() {
                    if known.insert(key.clone()) {
                        columns.push(key.clone());
                    }
                }
                check_width(&file.path, columns.len())?;
            }
            bytes += line.bytes.len();
            sample.push(line);
        }
        if columns.is_empty() {
            return Err(PrepareError::source(
                &file.path,
                format!(
                    "holds no JSON object in its first {} lines; Vitrine reads JSON Lines, one object a line",
                    sample.len()
                ),
            ));
        }
        lines.give_back(sample.into_iter());
        Ok(Self {
            lines,
            selected: (0..columns.len()).collect(),
            columns,
        })
    }
}

impl JsonLines {
    /// The selected values as text, or why there are none.
    fn texts(&self, mut object: Map<String, Value>) -> Result<Vec<Option<String>>, String> {
        let text = |&column: &usize| {
            let name = &self.columns[column];
            let text = match object.get_mut(name).map(Value::take) {
                None | Some(Value::Null) => return Ok(None),
                Some(Value::String(text)) => text,
                Some(other) => other.to_string(),
            };
            if text.len() > LONGEST_VALUE {
                return Err(too_long(name, text.len()));
            }
            Ok(Some(text))
        };
        self.selected.iter().map(text).collect()
    }
}

fn parse(line: &Line) -> Result<Map<String, Value>, String> {
    if line.cut {
        return Err("the line is longer than a mebibyte".into());
    }
    serde_json::from_slice(&line.bytes).map_err(|error| {
        // The line within the text that serde saw is always 1.
        let words = error.to_string();
        let words = words.split(" at line").next().unwrap_or_default();
        format!(
            "the line is not a JSON object: {words} at column {}",
            error.column()
        )
    })
}

impl Reader for JsonLines {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn select(&mut self, columns: &[usize]) -> Result<(), PrepareError> {
        self.selected = columns.to_vec();
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Chunk>, PrepareError> {
        let mut lines = Vec::with_capacity(CHUNK_ROWS);
        let mut unreadable = Vec::new();
        let mut builders: Vec<_> = self.selected.iter().map(|_| StringBuilder::new()).collect();
        let mut bytes = 0;
        while lines.len() < CHUNK_ROWS && bytes < CHUNK_BYTES {
            let Some(line) = self.lines.next()? else {
                break;
            };
            if line.is_blank() {
                continue;
            }
            match parse(&line).and_then(|object| self.texts(object)) {
                Ok(texts) => {
                    for (builder, text) in builders.iter_mut().zip(texts) {
                        bytes += text.as_ref().map_or(0, String::len);
                        builder.append_option(text);
                    }
                }
                Err(reason) => {
                    builders.iter_mut().for_each(StringBuilder::append_null);
                    unreadable.push(Unreadable {
                        row: lines.len(),
                        reason,
                        text: line.text(),
                    });
                }
            }
            lines.push(line.number);
        }
        let columns = builders
            .into_iter()
            .map(|mut b| Arc::new(b.finish()) as ArrayRef);
        Ok((!lines.is_empty()).then(|| Chunk {
            columns: columns.collect(),
            lines,
            unreadable,
        }))
    }

    fn position(&self) -> u64 {
        self.lines.position()
    }
}
