//! Reads named columns of a Parquet file, with errors that name file, column and row.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{ArrowPrimitiveType, DataType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::path::{Path, PathBuf};

/// Why a prepared file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is not there or may not be read.
    #[error("{path}: {source}: run `vitrine prepare` first, or give the folder that it wrote")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is damaged or not Parquet.
    #[error("{path}: not a readable Parquet file ({reason}): prepare the data again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// A column is missing or of another type.
    #[error("{path}: column '{column}' {reason}")]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The batches of one file, reduced to the columns that were asked for.
pub struct Columns {
    path: PathBuf,
    batches: Vec<RecordBatch>,
}

impl Columns {
    /// Opens `path` and reads those of `names` that it has.
    pub fn read(path: &Path, names: &[&str]) -> Result<Self, ReadError> {
        let file = std::fs::File::open(path).map_err(|source| ReadError::Open {
            path: path.into(),
            source,
        })?;
        let damaged = |reason: String| ReadError::Damaged {
            path: path.into(),
            reason,
        };
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged(e.to_string()))?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
        let batches = builder
            .with_projection(mask)
            .build()
            .map_err(|e| damaged(e.to_string()))?
            .collect::<Result<_, _>>()
            .map_err(|e| damaged(e.to_string()))?;
        Ok(Self {
            path: path.into(),
            batches,
        })
    }

    /// Rows in the file.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Whether the file has the column.
    pub fn has(&self, name: &str) -> bool {
        self.batches
            .iter()
            .any(|b| b.column_by_name(name).is_some())
    }

    fn chunks(&self, name: &str, to: &DataType) -> Result<Vec<ArrayRef>, ReadError> {
        self.batches
            .iter()
            .map(|batch| {
                let column = batch
                    .column_by_name(name)
                    .ok_or_else(|| self.fail(name, "is missing"))?;
                cast(column, to).map_err(|e| self.fail(name, &format!("has another type: {e}")))
            })
            .collect()
    }

    fn fail(&self, column: &str, reason: &str) -> ReadError {
        ReadError::Column {
            path: self.path.clone(),
            column: column.into(),
            reason: format!("{reason}: prepare the data again"),
        }
    }

    /// A column of numbers; nulls become `None`.
    pub fn numbers<T: ArrowPrimitiveType>(
        &self,
        name: &str,
    ) -> Result<Vec<Option<T::Native>>, ReadError> {
        let mut values = Vec::with_capacity(self.rows());
        for chunk in self.chunks(name, &T::DATA_TYPE)? {
            values.extend(chunk.as_primitive::<T>().iter());
        }
        Ok(values)
    }

    /// A column of numbers that holds no null.
    pub fn present<T: ArrowPrimitiveType>(&self, name: &str) -> Result<Vec<T::Native>, ReadError> {
        self.numbers::<T>(name)?
            .into_iter()
            .enumerate()
            .map(|(row, value)| {
                value.ok_or_else(|| self.fail(name, &format!("is null in row {row}")))
            })
            .collect()
    }

    /// Calls `each` with every value of a text column, in order.
    pub fn each_text(
        &self,
        name: &str,
        mut each: impl FnMut(Option<&str>),
    ) -> Result<(), ReadError> {
        for chunk in self.chunks(name, &DataType::Utf8)? {
            let chunk = chunk.as_string::<i32>();
            for row in 0..chunk.len() {
                each(chunk.is_valid(row).then(|| chunk.value(row)));
            }
        }
        Ok(())
    }

    /// A text column; nulls become `None`.
    pub fn texts(&self, name: &str) -> Result<Vec<Option<String>>, ReadError> {
        let mut values = Vec::with_capacity(self.rows());
        self.each_text(name, |value| values.push(value.map(str::to_owned)))?;
        Ok(values)
    }

    /// A column of truth values; nulls become `None`.
    pub fn truths(&self, name: &str) -> Result<Vec<Option<bool>>, ReadError> {
        let mut values = Vec::with_capacity(self.rows());
        for chunk in self.chunks(name, &DataType::Boolean)? {
            values.extend(chunk.as_boolean().iter());
        }
        Ok(values)
    }
}
