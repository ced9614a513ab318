//! Parquet, with whatever types its columns have.
//!
//! A few bytes can stand for gigabytes: a dictionary of one long value, repeated by run lengths. So
//! text is read as views into its pages, which repeat nothing, and becomes strings a chunk at a time
//! after each value's length was checked. How large a page may be is in [`super::pages`].

use super::pages::{Pages, is_read};
use super::{
    CHUNK_BYTES, CHUNK_ROWS, Chunk, LONGEST_VALUE, Reader, SourceFile, Unreadable, too_long,
};
use crate::error::PrepareError;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, StringBuilder, new_null_array,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::ColumnChunkMetaData;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows of a batch where values share their beginnings, so that each can be as long as its page.
const DELTA_ROWS: usize = 32;
/// Longest value of a column whose values all have one length.
const LONGEST_FIXED: i32 = 1024;
/// Rows that any file may have.
const ANY_ROWS: u64 = 10_000_000;
/// Rows that a longer file may have to a byte: a row that says something costs more than a bit.
const ROWS_PER_BYTE: u64 = 8;

pub(super) struct ParquetFile {
    path: PathBuf,
    bytes: u64,
    rows: u64,
    metadata: ArrowReaderMetadata,
    columns: Vec<String>,
    selected: Vec<usize>,
    batches: Option<ParquetRecordBatchReader>,
    /// A batch under way, and how many of its rows are behind us.
    batch: Option<(RecordBatch, usize)>,
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
        let metadata = ArrowReaderMetadata::load(&handle, Default::default())
            .and_then(|metadata| {
                let options = ArrowReaderOptions::new().with_schema(Arc::new(in_views(metadata.schema())));
                ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
            })
            .map_err(|e| {
                PrepareError::source(
                    &path,
                    format!(
                        "is not a whole Parquet file ({e}); it may be cut off: copy or export it again"
                    ),
                )
            })?;
        let rows = metadata.metadata().file_metadata().num_rows();
        let rows = u64::try_from(rows).unwrap_or(0);
        if rows > ANY_ROWS.max(file.bytes.saturating_mul(ROWS_PER_BYTE)) {
            return Err(PrepareError::source(
                &path,
                format!(
                    "promises {rows} rows in {} bytes, which no history fills; export it again",
                    file.bytes
                ),
            ));
        }
        let fields = metadata.schema().fields();
        let columns: Vec<_> = fields.iter().map(|f| f.name().clone()).collect();
        // Until columns are chosen, those that can't be read are left out.
        Ok(Self {
            path,
            bytes: file.bytes,
            rows,
            selected: (0..columns.len()).collect(),
            metadata,
            columns,
            batches: None,
            batch: None,
            read: 0,
        })
    }

    fn damaged(&self, error: impl std::fmt::Display) -> PrepareError {
        PrepareError::source(
            &self.path,
            format!(
                "can't be read beyond row {} ({error}); copy or export it again",
                self.read
            ),
        )
    }

    /// The chunks of a column in the row groups.
    fn chunks(&self, column: usize) -> impl Iterator<Item = &ColumnChunkMetaData> {
        let schema = self.metadata.parquet_schema();
        let groups = self.metadata.metadata().row_groups().iter();
        groups.flat_map(move |group| {
            let chunks = group.columns().iter().enumerate();
            chunks
                .filter(move |(leaf, _)| schema.get_column_root_idx(*leaf) == column)
                .map(|(_, chunk)| chunk)
        })
    }

    /// Why a column can't be read, or that it can.
    fn check_column(&self, column: usize) -> Result<(), String> {
        let field = self.metadata.schema().field(column);
        match field.data_type() {
            DataType::FixedSizeBinary(length) if *length > LONGEST_FIXED => {
                return Err(format!("has values of {length} bytes each"));
            }
            DataType::RunEndEncoded(..) => return Err("holds runs".into()),
            kind if kind.is_nested() => return Err("holds lists or structures".into()),
            _ => {}
        }
        match self
            .chunks(column)
            .find(|chunk| !is_read(chunk.compression()))
        {
            Some(chunk) => Err(format!(
                "is compressed with {}; write it with zstd, snappy or gzip",
                chunk.compression()
            )),
            None => Ok(()),
        }
    }

    /// The selected columns that are read, in the order of the file.
    fn in_file(&self) -> Vec<usize> {
        let selected = self.selected.iter().copied();
        let mut in_file: Vec<_> = selected
            .filter(|column| self.check_column(*column).is_ok())
            .collect();
        in_file.sort_unstable();
        in_file.dedup();
        in_file
    }

    fn batches(&self) -> Result<ParquetRecordBatchReader, PrepareError> {
        let handle = File::open(&self.path).map_err(PrepareError::io(&self.path))?;
        let columns = self.in_file();
        let any = |test: &dyn Fn(&ColumnChunkMetaData) -> bool| {
            let mut chunks = columns.iter().flat_map(|&column| self.chunks(column));
            chunks.any(test)
        };
        let delta = any(&|chunk| {
            let mut encodings = chunk.encodings();
            encodings.any(|encoding| encoding == Encoding::DELTA_BYTE_ARRAY)
        });
        let gzip = any(&|chunk| matches!(chunk.compression(), Compression::GZIP(_)));
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
            Pages::new(handle, delta, gzip),
            self.metadata.clone(),
        );
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
        builder
            .with_projection(mask)
            .with_batch_size(if delta { DELTA_ROWS } else { CHUNK_ROWS })
            .build()
            .map_err(|e| self.damaged(e))
    }

    /// The next batch; `None` at the end.
    fn batch(&mut self) -> Result<Option<(RecordBatch, usize)>, PrepareError> {
        if let Some(under_way) = self.batch.take() {
            return Ok(Some(under_way));
        }
        if self.batches.is_none() {
            self.batches = Some(self.batches()?);
        }
        match self.batches.as_mut().and_then(Iterator::next) {
            Some(batch) => Ok(Some((batch.map_err(|e| self.damaged(e))?, 0))),
            None if self.read < self.rows => {
                Err(self.damaged(format!("{} rows are promised", self.rows)))
            }
            None => Ok(None),
        }
    }
}

impl Reader for ParquetFile {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn select(&mut self, columns: &[usize]) -> Result<(), PrepareError> {
        for &column in columns {
            self.check_column(column).map_err(|reason| {
                let name = &self.columns[column];
                PrepareError::source(
                    &self.path,
                    format!("has a column '{name}' that Vitrine can't read: it {reason}"),
                )
            })?;
        }
        self.selected = columns.to_vec();
        self.batches = None;
        self.batch = None;
        self.read = 0;
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Chunk>, PrepareError> {
        let Some((batch, start)) = self.batch()? else {
            return Ok(None);
        };
        let end = end_of_chunk(&batch, start);
        let rows = batch.slice(start, end - start);
        if end < batch.num_rows() {
            self.batch = Some((batch, end));
        }
        let first = self.read + 1;
        self.read += rows.num_rows() as u64;
        // A projection keeps the file's order of columns; ours may be another.
        let in_file = self.in_file();
        let mut unreadable: Vec<Unreadable> = Vec::new();
        let columns = self
            .selected
            .iter()
            .map(|column| match in_file.binary_search(column) {
                Ok(at) => strings(rows.column(at), &self.columns[*column], &mut unreadable),
                Err(_) => new_null_array(&DataType::Utf8, rows.num_rows()),
            });
        let columns = columns.collect();
        unreadable.sort_by_key(|unreadable| unreadable.row);
        unreadable.dedup_by_key(|unreadable| unreadable.row);
        Ok(Some(Chunk {
            columns,
            lines: (first..=self.read).collect(),
            unreadable,
        }))
    }

    fn position(&self) -> u64 {
        if self.rows == 0 {
            return self.bytes;
        }
        let share = u128::from(self.bytes) * u128::from(self.read.min(self.rows));
        u64::try_from(share / u128::from(self.rows)).unwrap_or(self.bytes)
    }
}

/// The schema with text and bytes as views.
fn in_views(schema: &Schema) -> Schema {
    fn view(kind: &DataType) -> Option<DataType> {
        match kind {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(DataType::Utf8View),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                Some(DataType::BinaryView)
            }
            DataType::Dictionary(_, values) => view(values),
            _ => None,
        }
    }
    let fields = schema
        .fields()
        .iter()
        .map(|field| match view(field.data_type()) {
            Some(view) => Arc::new(Field::clone(field).with_data_type(view)),
            None => Arc::clone(field),
        });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone())
}

/// Length of a value of a column of text or bytes; 0 of other types.
fn length(column: &ArrayRef, row: usize) -> usize {
    // A view begins with its length.
    let views = match column.data_type() {
        DataType::Utf8View => column.as_string_view().views(),
        DataType::BinaryView => column.as_binary_view().views(),
        _ => return 0,
    };
    if column.is_null(row) {
        0
    } else {
        views[row] as u32 as usize
    }
}

/// Where a chunk from row `start` on ends: before its values pass [`CHUNK_BYTES`].
fn end_of_chunk(batch: &RecordBatch, start: usize) -> usize {
    let mut bytes = 0;
    for row in start..batch.num_rows() {
        let lengths = batch.columns().iter().map(|column| length(column, row));
        bytes += lengths
            .map(|length| length.min(LONGEST_VALUE))
            .sum::<usize>();
        if bytes > CHUNK_BYTES && row > start {
            return row;
        }
    }
    batch.num_rows()
}

/// The first kilobyte of a value, for a message.
fn beginning(column: &ArrayRef, row: usize) -> String {
    let bytes = match column.data_type() {
        DataType::Utf8View => column.as_string_view().value(row).as_bytes(),
        _ => column.as_binary_view().value(row),
    };
    String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).into_owned()
}

/// A column of text or bytes as strings, without values that are too long; others as they are.
/// Bytes that are no text are as good as none.
fn strings(column: &ArrayRef, name: &str, unreadable: &mut Vec<Unreadable>) -> ArrayRef {
    let value = |row: usize| match column.data_type() {
        DataType::Utf8View => Some(column.as_string_view().value(row)),
        _ => std::str::from_utf8(column.as_binary_view().value(row)).ok(),
    };
    if !matches!(
        column.data_type(),
        DataType::Utf8View | DataType::BinaryView
    ) {
        return Arc::clone(column);
    }
    let mut strings = StringBuilder::with_capacity(column.len(), column.len() * 16);
    for row in 0..column.len() {
        let length = length(column, row);
        if length > LONGEST_VALUE {
            strings.append_null();
            unreadable.push(Unreadable {
                row,
                reason: too_long(name, length),
                text: beginning(column, row),
            });
        } else if column.is_null(row) {
            strings.append_null();
        } else {
            strings.append_option(value(row));
        }
    }
    Arc::new(strings.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Format;
    use datafusion::arrow::array::{Int64Array, StringArray};
    use parquet::arrow::ArrowWriter;
    use std::path::Path;

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
