//! Reading files as they are: text in chunks of rows, each with its line.
//!
//! DataFusion could read CSV, JSON and Parquet by itself, but its text readers give no line
//! numbers, take a column's type from the first rows, and stop at the first bad row. A shop's
//! export has bad rows; the run has to go on and say which. So sources are read here, row by row,
//! and handed to SQL as a typed Parquet table (see [`crate::collect`]).

mod delimited;
mod files;
mod json_lines;
mod lines;
mod pages;
mod parquet;

pub(crate) use files::{Format, SourceFile, discover};

use crate::error::PrepareError;
use crate::mapping::Shape;
use datafusion::arrow::array::ArrayRef;
use std::path::Path;

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
fn check_width(path: &Path, columns: usize) -> Result<(), PrepareError> {
    if columns <= MOST_COLUMNS {
        return Ok(());
    }
    Err(PrepareError::source(
        path,
        format!("has more than {MOST_COLUMNS} columns; export those that are needed"),
    ))
}

/// Consecutive rows of one file.
pub(crate) struct Chunk {
    /// Line of each row in the file, from 1; in Parquet the row number, from 1.
    pub lines: Vec<u64>,
    /// The selected columns, each as long as `lines`; null where the row is unreadable.
    pub columns: Vec<ArrayRef>,
    /// The rows that could not be read, in order.
    pub unreadable: Vec<Unreadable>,
}

/// A file under way.
pub(crate) trait Reader {
    /// Names of the file's columns.
    fn columns(&self) -> &[String];

    /// Chooses the columns that chunks hold, by index; all of them until this is called.
    fn select(&mut self, columns: &[usize]) -> Result<(), PrepareError>;

    /// The next rows, or `None` at the end.
    fn next(&mut self) -> Result<Option<Chunk>, PrepareError>;

    /// Bytes of the file that are behind us.
    fn position(&self) -> u64;
}

/// Opens a file; an empty one is an error.
pub(crate) fn open(file: &SourceFile, shape: &Shape) -> Result<Box<dyn Reader>, PrepareError> {
    Ok(match file.format {
        Format::Delimited => Box::new(delimited::Delimited::open(file, shape)?),
        Format::JsonLines => Box::new(json_lines::JsonLines::open(file)?),
        Format::Parquet => Box::new(parquet::ParquetFile::open(file)?),
    })
}
