//! CSV and its relatives: RFC 4180 with any delimiter, with or without a header.
//!
//! Fields are split by `csv-core`, but records are assembled from lines here, for two reasons.
//! Each row keeps its line number. And one stray quote at the start of a field makes an RFC 4180
//! parser swallow the rows after it, up to the next quote or the end of the file; here a row that
//! spans lines must come out with the right number of fields within [`LONGEST_RECORD`] lines, or
//! the stray quote costs the line it stands on and reading goes on with the next.

use super::encoding::{Coding, Judge, decode};
use super::fields::{Fields, shows_escapes, sniff};
use super::lines::{LONGEST_LINE, Line, Lines};
use super::node::Node;
use super::path::Value;
use super::remarks::{Remark, Remarks};
use super::rows::{Plan, Rows};
use super::{Chunk, Holds, Reader, Selection, SourceFile, check_width, empty};
use crate::error::PrepareError;
use crate::mapping::{Escape, Shape};
use crate::typed::{short, something};
use encoding_rs::Encoding;
use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;

/// Most lines that one quoted field may span, within the length of a line.
const LONGEST_RECORD: usize = 100;
/// Lines that show whether a column holds JSON.
const SAMPLE: usize = 200;

pub(super) struct Delimited {
    path: PathBuf,
    lines: Lines,
    columns: Vec<String>,
    holds: Vec<Holds>,
    plan: Plan,
    fields: Fields,
    header: Option<Header>,
    escape: Escape,
    judge: Judge,
    coding: Coding,
    remarks: Remarks,
}

/// The column names, to recognise them further down.
struct Header {
    /// By its first byte a field can be told from nearly all names.
    first_bytes: [bool; 256],
}

impl Header {
    fn new(columns: &[String]) -> Self {
        let mut first_bytes = [false; 256];
        // A byte order mark.
        first_bytes[0xef] = true;
        for byte in columns.iter().filter_map(|name| name.bytes().next()) {
            first_bytes[usize::from(byte)] = true;
        }
        Self { first_bytes }
    }
}

impl Delimited {
    pub(super) fn open(file: &SourceFile, shape: &Shape) -> Result<Self, PrepareError> {
        let mut lines = Lines::open(file, shape.encoding)?;
        let first = loop {
            match lines.next()? {
                None => {
                    return Err(empty(&file.path, "has no rows, only blank lines"));
                }
                Some(line) if line.is_blank() => {}
                Some(line) => break line,
            }
        };
        let delimiter = shape.delimiter.unwrap_or_else(|| sniff(&first.bytes));
        let mut fields = Fields::new(delimiter, shape.escape == Escape::Backslash);
        let not_text = || {
            PrepareError::source(
                &file.path,
                "does not begin with a line of text in UTF-8, UTF-16 or Windows-1252; is it the \
                 right file? If it is, say encoding = \"…\" in a mapping file",
            )
        };
        if first.cut || first.bytes.contains(&0) || !fields.split(&first.bytes) {
            return Err(not_text());
        }
        let mut judge = Judge::new(shape.encoding);
        let mut remarks = Remarks::default();
        let coding = judge.judge(&first, &mut lines, &mut remarks)?;
        let count = fields.ranges.len();
        let names = (0..count)
            .map(|at| decode(fields.field(at), coding).map(|name| name.trim().to_string()));
        let names: Vec<String> = names.collect::<Result<_, _>>().map_err(|_| not_text())?;
        check_width(&file.path, names.len())?;
        let (columns, header) = if shape.header {
            let header = Header::new(&names);
            (names, Some(header))
        } else {
            let numbered = (1..=names.len()).map(|n| n.to_string()).collect();
            lines.give_back(std::iter::once(first));
            (numbered, None)
        };
        let mut reader = Self {
            path: file.path.clone(),
            lines,
            plan: Plan::new(&columns, &Selection::all(columns.len())),
            holds: Vec::new(),
            columns,
            fields,
            header,
            escape: shape.escape,
            judge,
            coding,
            remarks,
        };
        reader.holds = reader.look()?;
        Ok(reader)
    }

    /// Tells from the first lines which columns hold JSON.
    fn look(&mut self) -> Result<Vec<Holds>, PrepareError> {
        let mut holds = vec![Holds::Unknown; self.columns.len()];
        self.sample(|column, text| {
            let nested = Node::from_text(text).is_some();
            holds[column] = match (holds[column], nested) {
                (Holds::Unknown | Holds::Nested, true) => Holds::Nested,
                _ => Holds::Values,
            };
        })?;
        Ok(holds)
    }

    /// Hands out the values of the first lines, and gives the lines back.
    fn sample(&mut self, mut take: impl FnMut(usize, &str)) -> Result<(), PrepareError> {
        let mut lines = Vec::new();
        while lines.len() < SAMPLE {
            let Some(line) = self.lines.next()? else {
                break;
            };
            if self.fields.split(&line.bytes) && self.check().is_ok() {
                for column in 0..self.columns.len() {
                    let text = decode(self.fields.field(column), self.coding);
                    if let Ok(text) = text
                        && let Some(text) = something(&text)
                    {
                        take(column, text);
                    }
                }
            }
            lines.push(line);
        }
        self.lines.give_back(lines.into_iter());
        Ok(())
    }

    /// Reads the record that begins with `first` into `self.fields`.
    fn record(&mut self, first: &Line) -> Result<Result<(), String>, PrepareError> {
        if first.cut {
            return Ok(Err("the line is longer than a mebibyte".into()));
        }
        if self.escape == Escape::Recognised && shows_escapes(&first.bytes, self.fields.delimiter())
        {
            self.escape = Escape::Backslash;
            self.fields.escape();
            self.remarks
                .note(Remark::Escapes, "", first.number, || short(&first.text()));
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
            if self.coding == Coding::Utf8 {
                self.coding = self
                    .judge
                    .judge(&line, &mut self.lines, &mut self.remarks)?;
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

    /// True if the record in `self.fields` repeats the column names. Names in another order would
    /// give every row behind them to the wrong columns.
    fn repeats_header(&self, line: &Line) -> Result<bool, PrepareError> {
        let Some(header) = &self.header else {
            return Ok(false);
        };
        let first = self.fields.field(0);
        if !first
            .first()
            .is_some_and(|byte| header.first_bytes[usize::from(*byte)])
        {
            return Ok(false);
        }
        let field = |at: usize| {
            let field = self.fields.field(at);
            let field = field.strip_prefix(b"\xef\xbb\xbf").unwrap_or(field);
            decode(field, self.coding).unwrap_or_default()
        };
        let known = |at: usize| {
            let field = field(at);
            self.columns.iter().any(|name| name == field.trim())
        };
        if !known(0) {
            return Ok(false);
        }
        let count = self.fields.ranges.len();
        let same = |at: usize| field(at).trim() == self.columns[at];
        if count == self.columns.len() && (0..count).all(same) {
            return Ok(true);
        }
        // All but a few of the fields are names: another file's header.
        let names = (0..count).filter(|at| known(*at)).count();
        if count < 2 || names < 2 || names * 2 < count {
            return Ok(false);
        }
        Err(PrepareError::Columns {
            path: self.path.clone(),
            problem: format!(
                "line {} is another line of column names ({}) than the first ({}): files with different columns were joined; give them as files of a folder",
                line.number,
                (0..count)
                    .map(|at| field(at).trim().to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
                self.columns.join(", "),
            ),
        })
    }

    /// Adds the record in `self.fields` to the rows.
    fn push(&mut self, line: &Line, rows: &mut Rows) {
        let (fields, coding) = (&self.fields, self.coding);
        let value = |column: usize| match decode(fields.field(column), coding) {
            Ok(text) => Value::Text(text),
            Err(text) => Value::Undecodable(text),
        };
        if let Some(columns) = &self.plan.whole {
            if rows.push_plain(&self.plan, line.number, |place| {
                fields.field(columns[place])
            }) {
                return;
            }
            let row: Vec<_> = columns.iter().map(|&column| value(column)).collect();
            rows.push(&self.plan, line.number, &row, &mut self.remarks, || {
                line.text()
            });
            return;
        }
        let (plan, remarks) = (&self.plan, &mut self.remarks);
        plan.rows(
            |column, inside| {
                let value = value(column);
                let node = match &value {
                    Value::Text(Cow::Borrowed(text)) if inside => Node::from_text(text),
                    Value::Text(text) if inside => Node::from_text(text).map(Node::into_owned),
                    _ => None,
                };
                (value, node)
            },
            &mut |row, made| {
                rows.push_made(plan, line.number, (&row, made), remarks, || line.text());
            },
        );
    }
}

impl Reader for Delimited {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn holds(&self, column: usize) -> Holds {
        self.holds[column]
    }

    fn inside(&mut self, column: usize) -> Result<Vec<String>, PrepareError> {
        let mut paths = Vec::new();
        let name = self.columns[column].clone();
        self.sample(|at, text| {
            if at == column
                && let Some(node) = Node::from_text(text)
            {
                node.list_paths(&name, &mut paths);
            }
        })?;
        Ok(paths)
    }

    fn select(&mut self, selection: &Selection) -> Result<(), PrepareError> {
        self.plan = Plan::new(&self.columns, selection);
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Chunk>, PrepareError> {
        let mut rows = Rows::new(self.plan.names.len());
        while !rows.is_full() {
            let Some(line) = self.lines.next()? else {
                break;
            };
            if line.is_blank() {
                continue;
            }
            self.coding = self
                .judge
                .judge(&line, &mut self.lines, &mut self.remarks)?;
            let read = self.record(&line)?;
            if self.repeats_header(&line)? {
                self.remarks
                    .note(Remark::RepeatedHeader, "", line.number, String::new);
                continue;
            }
            match read {
                Ok(()) => self.push(&line, &mut rows),
                Err(reason) => rows.fail(line.number, reason, line.text()),
            }
        }
        Ok(rows.chunk())
    }

    fn position(&self) -> u64 {
        self.lines.position()
    }

    fn encoding(&self) -> Option<&'static str> {
        self.lines.wide.map(Encoding::name)
    }

    fn remarks(&self) -> &Remarks {
        &self.remarks
    }
}
