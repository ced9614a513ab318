//! Reading files as they are: text in chunks of rows, each with its line.
//!
//! DataFusion could read CSV, JSON and Parquet by itself, but its text readers give no line
//! numbers, take a column's type from the first rows, and stop at the first bad row. A shop's
//! export has bad rows; the run has to go on and say which. So sources are read here, row by row,
//! and handed to SQL as a typed Parquet table (see [`crate::collect`]).

mod content;
mod delimited;
mod encoding;
mod fields;
mod files;
mod folder;
mod json_lines;
mod json_values;
mod layout;
mod lines;
mod node;
mod pages;
mod parquet;
mod partitions;
mod path;
mod remarks;
mod rows;
mod spool;

pub(crate) use files::{Format, SourceFile, file};
pub(crate) use folder::{Folder, LeftOut};
pub(crate) use layout::Layout;
pub(crate) use path::Path;
pub(crate) use remarks::{Observed, Remarks};
pub(crate) use spool::spool;

use crate::error::PrepareError;
use crate::mapping::Shape;
use datafusion::arrow::array::ArrayRef;

/// Most rows in a chunk.
pub(crate) const CHUNK_ROWS: usize = 8192;
/// Bytes of text after which a chunk ends, however few its rows.
const CHUNK_BYTES: usize = 16 << 20;
/// Longest value of a column that is read, in bytes. SQL holds some ten thousand rows at a time, so a
/// table's memory is bounded by this.
const LONGEST_VALUE: usize = 4 << 10;
/// Most columns of a file.
const MOST_COLUMNS: usize = 10_000;

/// A row that could not be read at all.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// The row's place in the chunk.
    pub row: usize,
    /// Why, as a sentence.
    pub reason: String,
    /// The row as it stands in the file, cut at a kilobyte.
    pub text: String,
}

/// Why a row with a value of more than [`LONGEST_VALUE`] can't be read.
fn too_long(column: &str, bytes: usize) -> String {
    format!(
        "column '{column}' has a value of {bytes} bytes, more than the {LONGEST_VALUE} that are read; \
         shorten it or leave the column out"
    )
}

/// Refuses a file with more than [`MOST_COLUMNS`].
fn check_width(path: &std::path::Path, columns: usize) -> Result<(), PrepareError> {
    if columns <= MOST_COLUMNS {
        return Ok(());
    }
    Err(PrepareError::source(
        path,
        format!("has more than {MOST_COLUMNS} columns; export those that are needed"),
    ))
}

/// The error of a file without rows, which is passed over among others.
fn empty(path: &std::path::Path, problem: &str) -> PrepareError {
    PrepareError::Empty {
        path: path.into(),
        problem: problem.into(),
    }
}

/// Consecutive rows of one file.
pub(crate) struct Chunk {
    /// Line of each row in the file, from 1; in Parquet the row number, from 1. Elements of a list
    /// have the line of the list.
    pub lines: Vec<u64>,
    /// The selected columns, each as long as `lines`; null where the row is unreadable.
    pub columns: Vec<ArrayRef>,
    /// The rows that could not be read, in order.
    pub unreadable: Vec<Unreadable>,
    /// The rows, in order, whose list has no element.
    pub empty_lists: Vec<usize>,
}

/// How a selected value is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// It says whose event it is, or of which item: a row without it can't be read.
    Essential,
    /// A row is worth keeping without it.
    Optional,
    /// It is shown to a person, in part.
    Shown,
}

/// A value to read of each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pick {
    pub column: usize,
    /// The way from the column's value to the one that is read.
    pub path: Path,
    pub need: Need,
}

/// The values to read of each row, and the list whose elements are rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub picks: Vec<Pick>,
    pub list: Option<(usize, Path)>,
}

impl Selection {
    /// All columns, to be shown.
    fn all(columns: usize) -> Self {
        let picks = (0..columns).map(|column| Pick {
            column,
            path: Path::default(),
            need: Need::Shown,
        });
        Self {
            picks: picks.collect(),
            list: None,
        }
    }
}

/// The kind of values in a column, as far as it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Text, numbers, times.
    Values,
    /// Objects or lists.
    Nested,
    /// Nothing, or both.
    Unknown,
}

/// A file under way.
pub(crate) trait Reader {
    /// Names of the file's columns.
    fn columns(&self) -> &[String];

    /// The kind of values in a column.
    fn holds(&self, column: usize) -> Holds;

    /// The paths to the values inside a column, as its first rows show them. The reader is at an
    /// end then.
    fn inside(&mut self, column: usize) -> Result<Vec<String>, PrepareError>;

    /// Chooses what chunks hold; all columns, to be shown, until this is called.
    fn select(&mut self, selection: &Selection) -> Result<(), PrepareError>;

    /// The next rows, or `None` at the end.
    fn next(&mut self) -> Result<Option<Chunk>, PrepareError>;

    /// Bytes of the file that are behind us.
    fn position(&self) -> u64;

    /// The encoding from which the text was converted, where it is not UTF-8 or near to it.
    fn encoding(&self) -> Option<&'static str> {
        None
    }

    /// What was observed so far.
    fn remarks(&self) -> &Remarks;
}

/// Opens a file; one without rows is an error.
pub(crate) fn open(file: &SourceFile, shape: &Shape) -> Result<Box<dyn Reader>, PrepareError> {
    let reader: Box<dyn Reader> = match file.format {
        Format::Delimited => Box::new(delimited::Delimited::open(file, shape)?),
        Format::JsonLines => Box::new(json_lines::JsonLines::open(file, shape)?),
        Format::Parquet => Box::new(parquet::ParquetFile::open(file)?),
    };
    Ok(partitions::with_partitions(reader, file))
}

/// Opens a file once more, to show its rows: they are those that were read the first time.
pub(crate) fn open_again(
    file: &SourceFile,
    shape: &Shape,
) -> Result<Box<dyn Reader>, PrepareError> {
    let mut reader = open(file, shape)?;
    let selection = Selection {
        list: file.list.clone(),
        ..Selection::all(reader.columns().len())
    };
    reader.select(&selection)?;
    Ok(reader)
}
