//! Parquet files as this crate writes them.

use crate::error::PrepareError;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// Rows of a row group: small enough that two cores can share a file of a million rows.
const ROW_GROUP: usize = 1 << 17;

/// A Parquet file under way. Columns are cast to the schema that it was created with.
pub(crate) struct Sink {
    path: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<Disk>,
    failure: Arc<AtomicI32>,
    rows: u64,
}

/// A file that remembers the system's error: the Parquet writer passes on its words only, and a
/// full disk is to be told from the rest.
struct Disk {
    file: File,
    failure: Arc<AtomicI32>,
}

impl Disk {
    fn remember<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            if let Some(code) = error.raw_os_error() {
                self.failure.store(code, Ordering::Relaxed);
            }
        })
    }
}

impl Write for Disk {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let result = self.file.write(buffer);
        self.remember(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.file.flush();
        self.remember(result)
    }
}

impl Sink {
    pub(crate) fn create(path: &Path, schema: SchemaRef) -> Result<Self, PrepareError> {
        let file = File::create(path).map_err(PrepareError::io(path))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .build();
        let failure = Arc::new(AtomicI32::new(0));
        let disk = Disk {
            file,
            failure: Arc::clone(&failure),
        };
        let writer = ArrowWriter::try_new(disk, schema.clone(), Some(properties))
            .map_err(|error| failed(path, &failure, error))?;
        Ok(Self {
            path: path.into(),
            schema,
            writer,
            failure,
            rows: 0,
        })
    }

    /// Appends rows whose columns stand in the order of the schema.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), PrepareError> {
        let columns = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(column, field)| cast(column, field.data_type()));
        let batch = columns
            .collect::<Result<Vec<_>, _>>()
            .and_then(|columns| RecordBatch::try_new(self.schema.clone(), columns))
            .map_err(|error| failed(&self.path, &self.failure, error.into()))?;
        self.rows += batch.num_rows() as u64;
        let written = self.writer.write(&batch);
        written.map_err(|error| failed(&self.path, &self.failure, error))
    }

    /// Writes the footer; returns the file's rows.
    pub(crate) fn close(self) -> Result<u64, PrepareError> {
        let Self {
            path,
            writer,
            failure,
            rows,
            ..
        } = self;
        writer
            .close()
            .map_err(|error| failed(&path, &failure, error))?;
        Ok(rows)
    }
}

fn failed(path: &Path, failure: &AtomicI32, error: ParquetError) -> PrepareError {
    PrepareError::io(path)(match failure.load(Ordering::Relaxed) {
        0 => io::Error::other(error),
        code => io::Error::from_raw_os_error(code),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, Int64Array};
    use std::sync::Arc;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
        let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
        let write = || -> Result<u64, PrepareError> {
            let mut sink = Sink::create(Path::new("/dev/full"), batch.schema())?;
            sink.write(&batch)?;
            sink.close()
        };
        let error = write().unwrap_err().to_string();
        assert!(error.starts_with("/dev/full: the disk is full"), "{error}");
    }
}
