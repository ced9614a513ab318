//! Observations of a reader that no single row is to blame for, counted while a file is read.

use std::collections::BTreeMap;
use std::path::Path;

use crate::notice::Notices;

/// The kinds of observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Remark {
    /// A line in Windows-1252.
    Windows,
    /// A line that repeats the column names.
    RepeatedHeader,
    /// A backslash before a quote, from which on backslashes escape.
    Escapes,
    /// A key that the first lines don't have.
    LateKey,
    /// A value that is too long.
    TooLong,
    /// A value that is no text.
    Undecodable,
    /// A number that is too large for its float to be exact.
    Rounded,
    /// An object or a list where a value was expected.
    Nested,
}

/// How often, and where first.
#[derive(Clone, Debug)]
struct Seen {
    count: u64,
    line: u64,
    example: String,
}

/// The observations in one file, by kind and column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remarks(BTreeMap<(Remark, String), Seen>);

impl Remarks {
    /// Counts one observation; the example is taken of the first.
    pub(super) fn note(
        &mut self,
        remark: Remark,
        column: &str,
        line: u64,
        example: impl FnOnce() -> String,
    ) {
        // Looked up by a new string only where the first is noted, which is rare beside the rest.
        let seen = self.0.entry((remark, column.to_string()));
        seen.or_insert_with(|| Seen {
            count: 0,
            line,
            example: example(),
        })
        .count += 1;
    }
}

/// The observations in all files of an input.
#[derive(Debug, Default)]
pub(crate) struct Observed(BTreeMap<(Remark, String), Total>);

#[derive(Debug)]
struct Total {
    files: u64,
    count: u64,
    file: String,
    first: Seen,
}

impl Observed {
    pub(crate) fn add(&mut self, file: &Path, remarks: &Remarks) {
        for (key, seen) in &remarks.0 {
            let total = self.0.entry(key.clone()).or_insert_with(|| Total {
                files: 0,
                count: 0,
                file: file.display().to_string(),
                first: seen.clone(),
            });
            total.files += 1;
            total.count += seen.count;
        }
    }

    /// Tells of each kind and column once.
    pub(crate) fn tell(&self, notices: &Notices) {
        for ((remark, column), total) in &self.0 {
            let Total {
                count, file, first, ..
            } = total;
            let more = match total.files {
                1 => String::new(),
                files => format!(" and {} more files", files - 1),
            };
            let (line, example) = (first.line, &first.example);
            match remark {
                Remark::Windows => notices.add(
                    "windows_1252",
                    format!(
                        "{file}{more} {} not UTF-8: {count} lines were read as Windows-1252, such as line {line}: “{example}”.",
                        if total.files == 1 { "is" } else { "are" }
                    ),
                    "If that is how the text reads, say encoding = \"windows-1252\" in a mapping file, else say the right one, or convert the file to UTF-8.",
                ),
                Remark::RepeatedHeader => notices.add(
                    "repeated_header",
                    format!(
                        "{file}{more} has the line of column names {count} more times, first in line {line}; these lines were skipped."
                    ),
                    "Files that were joined repeat it. Nothing needs to be done unless a part of the file has other columns.",
                ),
                Remark::Escapes => notices.add(
                    "backslash_escapes",
                    format!(
                        "{file}{more} escapes quotes with backslashes, as in line {line}: {example}. From there on a backslash is read as an escape."
                    ),
                    "Say escape = \"\\\\\" in a mapping file to read the whole file so, or escape = \"none\" for backslashes that mean themselves.",
                ),
                Remark::LateKey => notices.add(
                    "late_column",
                    format!(
                        "{file}{more}: '{column}' first appears in line {line}; the rows before are read without it."
                    ),
                    "If the export began to have it there, nothing needs to be done; else export the file again.",
                ),
                Remark::TooLong => notices.add(
                    "long_values",
                    format!(
                        "{file}{more}: {count} values of '{column}' were left out because they are longer than {} bytes, first in line {line}: “{example}…”.",
                        super::LONGEST_VALUE
                    ),
                    "Their rows were kept. Shorten the values, or name another column with --column.",
                ),
                Remark::Undecodable => notices.add(
                    "undecodable_values",
                    format!(
                        "{file}{more}: {count} values of '{column}' were left out because they are no text in the file's encoding, first in line {line}: “{example}”.",
                    ),
                    "Their rows were kept. If the file has another encoding, say so with encoding = \"…\" in a mapping file.",
                ),
                Remark::Rounded => notices.add(
                    "rounded_ids",
                    format!(
                        "{file}{more}: {count} values of '{column}' are floats beyond 2^53, first in line {line}: {example}. Their last digits are lost, and different ids may have become one.",
                    ),
                    "Export the column as whole numbers or as text.",
                ),
                Remark::Nested => notices.add(
                    "nested_values",
                    format!(
                        "{file}{more}: {count} values of '{column}' were left out because they are objects or lists, first in line {line}: {example}.",
                    ),
                    format!("Their rows were kept. Name a value inside, as in {column}.name or {column}[].name."),
                ),
            }
        }
    }
}
