//! The files of one input side by side: empty ones, those whose columns differ, and paths that led
//! to no value.

use crate::choice::Choice;
use crate::columns::Input;
use crate::error::PrepareError;
use crate::mapping::Shape;
use crate::notice::Notices;
use crate::source::{self, Chunk, Format, Path as ValuePath, SourceFile};
use datafusion::arrow::array::Array;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Files that are named before they are only counted.
const NAMED: usize = 10;

/// Columns without which rows are read as something else: other visitors, another order, views.
const DECISIVE: &[&str] = &["session_id", "user_id", "timestamp", "action"];

/// The wanted columns of each file.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    first: Option<(PathBuf, Vec<&'static str>)>,
    /// Columns that some file has and another lacks, with one of each and the number that lack it.
    differing: BTreeMap<&'static str, (PathBuf, PathBuf, u64)>,
}

impl Schemas {
    /// Adds a file; one that lacks a decisive column which others have is an error.
    pub(crate) fn add(
        &mut self,
        file: &SourceFile,
        found: Vec<&'static str>,
    ) -> Result<(), PrepareError> {
        let Some((first, in_first)) = &self.first else {
            self.first = Some((file.path.clone(), found));
            return Ok(());
        };
        let lacking = in_first.iter().filter(|name| !found.contains(name));
        let lacking = lacking.map(|name| (*name, first, &file.path));
        let more = found.iter().filter(|name| !in_first.contains(name));
        let more = more.map(|name| (*name, &file.path, first));
        for (name, has, lacks) in lacking.chain(more) {
            // Objects leave a key out where it would be null, even all of a file.
            if DECISIVE.contains(&name) && file.format != Format::JsonLines {
                return Err(PrepareError::Columns {
                    path: lacks.clone(),
                    problem: format!(
                        "there is no column for {name}, but {} has one. Export the files alike, or move the files of one kind to a folder of their own and prepare that",
                        has.display()
                    ),
                });
            }
            let entry = self.differing.entry(name);
            entry.or_insert((has.clone(), lacks.clone(), 0)).2 += 1;
        }
        Ok(())
    }

    pub(crate) fn tell(&self, notices: &Notices) {
        for (name, (has, lacks, _)) in &self.differing {
            notices.add(
                "differing_columns",
                format!(
                    "{} has a column for {name}, {} has none.",
                    has.display(),
                    lacks.display()
                ),
                "Its rows are read without it; name the column of each file with --mapping, or export them alike.",
            );
        }
    }
}

/// The paths that were chosen, and those that led to a value.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// Wanted columns that have a column of their own in some file.
    columns: BTreeSet<&'static str>,
    /// Wanted columns by path.
    paths: BTreeMap<String, BTreeSet<&'static str>>,
    led: BTreeSet<String>,
    /// True if some row could be read; if none could, the reasons of the rows say more.
    readable: bool,
}

impl Paths {
    pub(crate) fn add_file(&mut self, input: Input, choice: &Choice) {
        for (wanted, candidates) in input.wanted().iter().zip(&choice.candidates) {
            for &place in candidates {
                if choice.is_path[place] {
                    let path = self.paths.entry(choice.names[place].clone());
                    path.or_default().insert(wanted.name);
                } else {
                    self.columns.insert(wanted.name);
                }
            }
        }
    }

    pub(crate) fn look(&mut self, choice: &Choice, chunk: &Chunk) {
        self.readable |= chunk.unreadable.len() < chunk.lines.len();
        let selected = choice.names.iter().zip(&choice.is_path).zip(&chunk.columns);
        for ((name, is_path), values) in selected {
            if *is_path && values.null_count() < values.len() && !self.led.contains(name) {
                self.led.insert(name.clone());
            }
        }
    }

    /// True if a wanted column has values of some column, or of some path.
    pub(crate) fn has(&self, wanted: &str) -> bool {
        let mut paths = self.paths.iter();
        self.columns.contains(wanted)
            || paths.any(|(path, names)| names.contains(wanted) && self.led.contains(path))
    }

    /// Refuses a path that was said and led to no value in any file.
    pub(crate) fn check(&self, shape: &Shape, files: &[SourceFile]) -> Result<(), PrepareError> {
        if !self.readable {
            return Ok(());
        }
        let mut said = shape.said();
        let astray = said
            .find(|(_, source)| self.paths.contains_key(*source) && !self.led.contains(*source));
        let (Some((name, source)), Some(file)) = (astray, files.first()) else {
            return Ok(());
        };
        let mut reader = source::open(file, shape)?;
        let column = ValuePath::locate(source, reader.columns());
        let paths = match column {
            Some((column, _)) => reader.inside(column)?,
            None => Vec::new(),
        };
        Err(PrepareError::Columns {
            path: file.path.clone(),
            problem: format!(
                "'{source}', which was named as {name}, leads to no value in any row. The first rows have: {}",
                if paths.is_empty() {
                    "nothing there".into()
                } else {
                    paths.join(", ")
                }
            ),
        })
    }
}

/// The error where no file has rows.
pub(crate) fn all_empty(files: &[PathBuf]) -> PrepareError {
    PrepareError::Empty {
        path: files.first().cloned().unwrap_or_default(),
        problem: match files.len() {
            1 => "has no rows; remove it or export it again".into(),
            count => format!(
                "and {} more files have no rows; export them again",
                count - 1
            ),
        },
    }
}

/// Tells of files without rows among others.
pub(crate) fn tell_of_empty(files: &[PathBuf], notices: &Notices) {
    if files.is_empty() {
        return;
    }
    let names: Vec<_> = files
        .iter()
        .take(NAMED)
        .map(|file| file.display().to_string())
        .collect();
    let more = match files.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    notices.add(
        "empty_files",
        format!(
            "{} {} no rows and {} passed over: {}{more}.",
            files.len(),
            if files.len() == 1 {
                "file has"
            } else {
                "files have"
            },
            if files.len() == 1 { "was" } else { "were" },
            names.join(", ")
        ),
        "If there were events on those days, export the files again.",
    );
}
