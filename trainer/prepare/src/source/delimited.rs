//! CSV and its relatives: RFC 4180 with any delimiter, with or without a header.
//!
//! Fields are split by `csv-core`, but records are assembled from lines here, for two reasons.
//! Each row keeps its line number. And one stray quote at the start of a field makes an RFC 4180
//! parser swallow the rows after it, up to the next quote or the end of the file; here a row that
//! spans lines must come out with the right number of fields within [`LONGEST_RECORD`] lines, or
//! the stray quote costs the line it stands on and reading goes on with the next.

use super::lines::{LONGEST_LINE, Line, Lines};
use super::{
    CHUNK_BYTES, CHUNK_ROWS, Chunk, LONGEST_VALUE, Reader, SourceFile, Unreadable, check_width,
    too_long,
};
use crate::error::PrepareError;
use crate::mapping::Shape;
use csv_core::ReadRecordResult;
use datafusion::arrow::array::{ArrayRef, StringBuilder};
use std::ops::Range;
use std::sync::Arc;

/// Most lines that one quoted field may span, within the length of a line.
const LONGEST_RECORD: usize = 100;

pub(super) struct Delimited {
    lines: Lines,
    columns: Vec<String>,
    selected: Vec<usize>,
    fields: Fields,
}

/// Splits one record, keeping its buffers.
struct Fields {
    delimiter: u8,
    core: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    ranges: Vec<Range<usize>>,
}

impl Delimited {
    pub(super) fn open(file: &SourceFile, shape: &Shape) -> Result<Self, PrepareError> {
        let mut lines = Lines::open(file)?;
        let first = loop {
            match lines.next()? {
                None => {
                    return Err(PrepareError::source(
                        &file.path,
                        "has no rows, only blank lines",
                    ));
                }
                Some(line) if line.is_blank() => {}
                Some(line) => break line,
            }
        };
        let delimiter = shape.delimiter.unwrap_or_else(|| sniff(&first.bytes));
        let mut fields = Fields::new(delimiter);
        let not_text = || {
            PrepareError::source(
                &file.path,
                "does not begin with a line of UTF-8 text; is it the right file?",
            )
        };
        if first.cut || first.bytes.contains(&0) || !fields.split(&first.bytes) {
            return Err(not_text());
        }
        let names = fields.ranges.iter().map(|range| {
            std::str::from_utf8(&fields.text[range.clone()]).map(|name| name.trim().to_string())
        });
        let names: Vec<String> = names.collect::<Result<_, _>>().map_err(|_| not_text())?;
        check_width(&file.path, names.len())?;
        let columns = if shape.header {
            names
        } else {
            let numbered = (1..=names.len()).map(|n| n.to_string()).collect();
            lines.give_back(std::iter::once(first));
            numbered
        };
        Ok(Self {
            lines,
            selected: (0..columns.len()).collect(),
            columns,
            fields,
        })
    }

    /// Reads the record that begins with `first` into `self.fields`.
    fn record(&mut self, first: &Line) -> Result<Result<(), String>, PrepareError> {
        if first.cut {
            return Ok(Err("the line is longer than a mebibyte".into()));
        }
        if self.fields.split(&first.bytes) {
            return Ok(self.check());
        }
        let mut record = first.bytes.clone();
        let mut more = Vec::new();
        while more.len() + 1 < LONGEST_RECORD {
            let Some(line) = self.lines.next()? else {
                break;
            };
            if record.len() + line.bytes.len() >= LONGEST_LINE {
                more.push(line);
                break;
            }
            record.push(b'\n');
            record.extend_from_slice(&line.bytes);
            more.push(line);
            if self.fields.split(&record) {
                if self.check().is_ok() {
                    return Ok(Ok(()));
                }
                // Closed by the opening quote of a later row.
                break;
            }
        }
        self.lines.give_back(more.into_iter());
        Ok(Err(
            "a quote is opened and not closed where the field ends".into()
        ))
    }

    fn check(&self) -> Result<(), String> {
        let (found, wanted) = (self.fields.ranges.len(), self.columns.len());
        let trailing =
            found == wanted + 1 && self.fields.ranges.last().is_some_and(Range::is_empty);
        if found == wanted || trailing {
            return Ok(());
        }
        Err(format!(
            "the row has {found} {} where the {} has {wanted}",
            if found == 1 { "field" } else { "fields" },
            "first line",
        ))
    }

    /// The selected fields as text, or the name of the column that is not text.
    fn texts(&self) -> Result<Vec<&str>, String> {
        self.selected
            .iter()
            .map(|&column| {
                let range = self.fields.ranges[column].clone();
                if range.len() > LONGEST_VALUE {
                    return Err(too_long(&self.columns[column], range.len()));
                }
                std::str::from_utf8(&self.fields.text[range]).map_err(|_| {
                    format!(
                        "column '{}' is not UTF-8 text; convert the file first, e.g. iconv -f latin1 -t utf-8",
                        self.columns[column]
                    )
                })
            })
            .collect()
    }
}

impl Reader for Delimited {
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
            let read = self.record(&line)?;
            match read.and_then(|()| self.texts()) {
                Ok(texts) => {
                    for (builder, text) in builders.iter_mut().zip(texts) {
                        bytes += text.len();
                        builder.append_value(text);
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

impl Fields {
    fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            core: csv_core::ReaderBuilder::new()
                .delimiter(delimiter)
                .terminator(csv_core::Terminator::Any(b'\n'))
                .build(),
            text: Vec::new(),
            ends: Vec::new(),
            ranges: Vec::new(),
        }
    }

    /// Splits a record into `ranges` of `text`; false where it ends inside a quoted field.
    fn split(&mut self, record: &[u8]) -> bool {
        self.ranges.clear();
        self.text.clear();
        if !record.contains(&b'"') {
            self.text.extend_from_slice(record);
            let mut start = 0;
            for (at, &byte) in record.iter().enumerate() {
                if byte == self.delimiter {
                    self.ranges.push(start..at);
                    start = at + 1;
                }
            }
            self.ranges.push(start..record.len());
            return true;
        }
        self.core.reset();
        self.text.resize(record.len() + 1, 0);
        self.ends.resize(record.len() + 2, 0);
        let (mut text, mut ends) = (0, 0);
        for input in [record, b"\n"] {
            let mut rest = input;
            while !rest.is_empty() {
                let (result, read, wrote, ended) =
                    self.core
                        .read_record(rest, &mut self.text[text..], &mut self.ends[ends..]);
                rest = &rest[read..];
                text += wrote;
                ends += ended;
                if matches!(result, ReadRecordResult::Record | ReadRecordResult::End) {
                    let mut start = 0;
                    for &end in &self.ends[..ends] {
                        self.ranges.push(start..end);
                        start = end;
                    }
                    return true;
                }
                if read == 0 && wrote == 0 && ended == 0 {
                    return false;
                }
            }
        }
        false
    }
}

/// The delimiter that occurs most often outside quotes; a comma where none does.
fn sniff(line: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for &byte in line {
        quoted ^= byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!quoted && byte == *delimiter);
        }
    }
    // The first of equals, so that a comma wins a draw.
    let best = counts.iter().rev().max_by_key(|(_, count)| *count);
    best.map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(record: &str) -> Option<Vec<String>> {
        let mut fields = Fields::new(b',');
        fields.split(record.as_bytes()).then(|| {
            let field =
                |r: &Range<usize>| String::from_utf8_lossy(&fields.text[r.clone()]).into_owned();
            fields.ranges.iter().map(field).collect()
        })
    }

    #[test]
    fn fields_are_split_as_rfc_4180_says() {
        assert_eq!(split("a,,c").unwrap(), ["a", "", "c"]);
        assert_eq!(split(r#"1,"TV, 42""",x"#).unwrap(), ["1", "TV, 42\"", "x"]);
        assert_eq!(
            split(r#"1,TV 42" wide,x"#).unwrap(),
            ["1", "TV 42\" wide", "x"]
        );
        assert_eq!(
            split("1,\"two\nlines\",x").unwrap(),
            ["1", "two\nlines", "x"]
        );
        assert_eq!(split(r#"1,"open,x"#), None);
        assert_eq!(split(r#""""#).unwrap(), [""]);
    }

    #[test]
    fn the_delimiter_is_the_commonest_one_outside_quotes() {
        assert_eq!(sniff(b"a;b;\"c,d,e,f\""), b';');
        assert_eq!(sniff(b"a\tb"), b'\t');
        assert_eq!(sniff(b"alone"), b',');
    }
}
