//! Values that could not be used. Each costs itself, not its row, so each is counted and said.

use crate::notice::Notices;
use serde::Serialize;
use std::collections::BTreeMap;

/// Examples kept for each column.
const EXAMPLES: usize = 3;
/// Different words that are counted each for itself.
const WORDS: usize = 50;

/// The unused values of one column.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Unread {
    /// Vitrine's name of the column.
    pub column: &'static str,
    pub rows: u64,
    pub examples: Vec<Example>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Example {
    pub file: String,
    pub line: u64,
    pub problem: String,
}

/// The unused values of an input.
#[derive(Debug, Default)]
pub(crate) struct UnreadValues(BTreeMap<&'static str, Unread>);

impl UnreadValues {
    pub(crate) fn add(
        &mut self,
        column: &'static str,
        file: &str,
        line: u64,
        problem: impl FnOnce() -> String,
    ) {
        let unread = self.0.entry(column).or_insert_with(|| Unread {
            column,
            rows: 0,
            examples: Vec::new(),
        });
        unread.rows += 1;
        if unread.examples.len() < EXAMPLES {
            unread.examples.push(Example {
                file: file.into(),
                line,
                problem: problem(),
            });
        }
    }

    pub(crate) fn of(&self, column: &str) -> Option<&Unread> {
        self.0.get(column)
    }

    /// One notice a column.
    pub(crate) fn tell(&self, input: &str, rows: u64, notices: &Notices) {
        for unread in self.0.values() {
            let examples: Vec<_> = unread
                .examples
                .iter()
                .map(|example| {
                    format!(
                        "{}, line {}: {}",
                        example.file, example.line, example.problem
                    )
                })
                .collect();
            notices.add(
                "unread_values",
                format!(
                    "{} of {rows} rows of the {input} have a {} that can't be used and count without it: {}.",
                    unread.rows,
                    unread.column,
                    examples.join("; ")
                ),
                advice(unread.column),
            );
        }
    }

    pub(crate) fn into_list(self) -> Vec<Unread> {
        self.0.into_values().collect()
    }
}

fn advice(column: &str) -> &'static str {
    match column {
        "timestamp" => {
            "Say how times are written with --timestamp-format, or mend them in the source."
        }
        "price" => {
            "Mend them in the source; where dear items are right, raise --max-price; the decimal mark is set with --decimal."
        }
        "quantity" => "Mend them in the source; the decimal mark is set with --decimal.",
        _ => "Mend them in the source, or name another column with --column.",
    }
}

/// Words that nobody explained, by their number of rows.
#[derive(Debug, Default)]
pub(crate) struct Words(BTreeMap<String, u64>);

impl Words {
    pub(crate) fn add(&mut self, word: &str) {
        if let Some(count) = self.0.get_mut(word) {
            *count += 1;
        } else {
            let word = if self.0.len() < WORDS { word } else { "others" };
            *self.0.entry(word.into()).or_default() += 1;
        }
    }

    /// Rows, and the most frequent words with theirs, as the part of a sentence.
    pub(crate) fn told(&self) -> Option<(u64, String)> {
        let mut words: Vec<_> = self.0.iter().collect();
        words.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let rows = words.iter().map(|(_, count)| **count).sum();
        let told: Vec<_> = words
            .iter()
            .take(5)
            .map(|(word, count)| format!("'{}' ({count} rows)", crate::typed::short(word)))
            .collect();
        let more = if words.len() > 5 { " and others" } else { "" };
        (!words.is_empty()).then(|| (rows, format!("{}{more}", told.join(", "))))
    }
}
