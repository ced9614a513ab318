//! Parquet, with whatever types its columns have.

use super::{CHUNK_ROWS, Chunk, Reader, SourceFile};
use crate::error::PrepareError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use std::fs::File;
use std::path::PathBuf;

pub(super) struct ParquetFile {
    path: PathBuf,
    bytes: u64,
    rows: u64,
    metadata: ArrowReaderMetadata,
    columns: Vec<String>,
    selected: Vec<usize>,
    batches: Option<ParquetRecordBatchReader>,
    /// Rows behind us.
    read: u64,
}

impl ParquetFile {
    pub(super) fn open(file: &SourceFile) -> Result<Self, PrepareError> {
        let path = file.path.clone();
        if file.bytes == 0 {
            return Err(PrepareError::source(
                &path,
                "is empty (0 bytes); remove it or export it again",
            ));
        }
        let handle = File::open(&path).map_err(PrepareError::io(&path))?;
        let metadata = ArrowReaderMetadata::load(&handle, Default::default()).map_err(|e| {
            PrepareError::source(
                &path,
                format!(
                    "is not a whole Parquet file ({e}); it may be cut off: copy or export it again"
                ),
            )
        })?;
        let columns: Vec<_> = metadata
            .schema()
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .collect();
        let rows = metadata.metadata().file_metadata().num_rows();
        Ok(Self {
            path,
            bytes: file.bytes,
            rows: u64::try_from(rows).unwrap_or(0),
            metadata,
            selected: (0..columns.len()).collect(),
            columns,
            batches: None,
            read: 0,
        })
    }

    fn damaged(&self, error: impl std::fmt::Display) -> PrepareError {
        PrepareError::source(
            &self.path,
            format!(
                "is damaged after row {} ({error}); copy or export it again",
                self.read
            ),
        )
    }

    fn batches(&self) -> Result<ParquetRecordBatchReader, PrepareError> {
        let handle = File::open(&self.path).map_err(PrepareError::io(&self.path))?;
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(handle, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), self.selected.iter().copied());
        builder
            .with_projection(mask)
            .with_batch_size(CHUNK_ROWS)
            .build()
            .map_err(|e| self.damaged(e))
    }
}

impl Reader for ParquetFile {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn select(&mut self, columns: &[usize]) -> Result<(), PrepareError> {
        self.selected = columns.to_vec();
        self.batches = None;
        self.read = 0;
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Chunk>, PrepareError> {
        if self.batches.is_none() {
            self.batches = Some(self.batches()?);
        }
        let Some(batch) = self.batches.as_mut().and_then(Iterator::next) else {
            if self.read < self.rows {
                return Err(self.damaged(format!("{} rows are promised", self.rows)));
            }
            return Ok(None);
        };
        let batch = batch.map_err(|e| self.damaged(e))?;
        let first = self.read + 1;
        self.read += batch.num_rows() as u64;
        // A projection keeps the file's order of columns; ours may be another.
        let mut in_file: Vec<_> = self.selected.clone();
        in_file.sort_unstable();
        in_file.dedup();
        let columns = self.selected.iter().map(|column| {
            let at = in_file.partition_point(|c| c < column);
            batch.column(at).clone()
        });
        Ok(Some(Chunk {
            columns: columns.collect(),
            lines: (first..=self.read).collect(),
            unreadable: Vec::new(),
        }))
    }

    fn position(&self) -> u64 {
        if self.rows == 0 {
            return self.bytes;
        }
        self.bytes * self.read.min(self.rows) / self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Format;
    use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use std::path::Path;
    use std::sync::Arc;

    fn rows(path: &Path) -> Result<usize, PrepareError> {
        let file = SourceFile {
            path: path.into(),
            format: Format::Parquet,
            compressed: false,
            bytes: std::fs::metadata(path)
                .map_err(PrepareError::io(path))?
                .len(),
        };
        let mut reader = ParquetFile::open(&file)?;
        let mut rows = 0;
        while let Some(chunk) = reader.next()? {
            rows += chunk.lines.len();
        }
        Ok(rows)
    }

    /// A changed byte is an error or goes unnoticed (a changed letter is a letter), never a panic.
    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..3000));
        let items: ArrayRef = Arc::new(StringArray::from_iter_values(
            (0..3000).map(|n| format!("i{}", n * 7919 % 3001)),
        ));
        let batch = RecordBatch::try_from_iter([("user_id", ids), ("item_id", items)]).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("damaged.parquet");
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(rows(&path).unwrap(), 3000);
        let mut errors = 0;
        // Every byte of the footer, and some of the pages.
        let footer = bytes.len() - 700..bytes.len();
        for place in (0..bytes.len()).step_by(97).chain(footer) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x5a;
            std::fs::write(&path, &damaged).unwrap();
            if let Err(error) = rows(&path) {
                errors += 1;
                assert!(error.to_string().contains("damaged.parquet"), "{error}");
            }
        }
        assert!(errors > 100, "{errors}");
    }
}
