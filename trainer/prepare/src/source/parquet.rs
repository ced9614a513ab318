//! Parquet, with whatever types its columns have.
//!
//! A few bytes can stand for gigabytes: a dictionary of one long value, repeated by run lengths. So
//! text is read as views into its pages, which repeat nothing, and becomes strings a chunk at a time
//! after each value's length was checked. How large a page may be is in [`super::pages`].

mod schema;
mod values;

use super::node::Node;
use super::pages::{Pages, is_read};
use super::path::{Path, Step};
use super::remarks::Remarks;
use super::rows::Plan;
use super::{CHUNK_ROWS, Chunk, Holds, Need, Pick, Reader, Selection, SourceFile, empty};
use crate::error::PrepareError;
use datafusion::arrow::array::{Array, RecordBatch, new_null_array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::ColumnChunkMetaData;
use schema::as_read;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use values::{Inside, UUID, end_of_chunk, strings, walk};

/// Rows of a batch where values share their beginnings, so that each can be as long as its page.
const DELTA_ROWS: usize = 32;
/// Rows of a batch with lists, of which each row may hold many elements.
const NESTED_ROWS: usize = 1024;
/// Rows that are looked into for the paths in their values.
const LOOKED_INTO: usize = 200;
/// Rows that any file may have.
const ANY_ROWS: u64 = 10_000_000;
/// Rows that a longer file may have to a byte: a row that says something costs more than a bit.
const ROWS_PER_BYTE: u64 = 8;

pub(super) struct ParquetFile {
    path: PathBuf,
    disk: PathBuf,
    bytes: u64,
    rows: u64,
    metadata: ArrowReaderMetadata,
    columns: Vec<String>,
    selection: Selection,
    /// The selected values inside other values.
    inside: Plan,
    remarks: Remarks,
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
            return Err(empty(
                &path,
                "is empty (0 bytes); remove it or export it again",
            ));
        }
        let handle = File::open(file.disk()).map_err(PrepareError::io(&path))?;
        let metadata = ArrowReaderMetadata::load(&handle, Default::default())
            .and_then(|metadata| {
                let options = ArrowReaderOptions::new().with_schema(Arc::new(as_read(&metadata)));
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
        if rows == 0 {
            return Err(empty(&path, "has no rows; remove it or export it again"));
        }
        let selection = Selection::all(columns.len());
        Ok(Self {
            path,
            disk: file.disk().into(),
            bytes: file.bytes,
            rows,
            inside: Plan::new(&columns, &inside(&selection)),
            selection,
            remarks: Remarks::default(),
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
            DataType::FixedSizeBinary(length) if *length != UUID => {
                return Err(format!(
                    "has values of {length} bytes each that are no text; write it as text"
                ));
            }
            DataType::RunEndEncoded(..) => return Err("holds runs".into()),
            _ => {}
        }
        for chunk in self.chunks(column) {
            if !is_read(chunk.compression()) {
                return Err(format!(
                    "is compressed with {}; write it with zstd, snappy or gzip",
                    chunk.compression()
                ));
            }
        }
        let values = self.chunks(column).map(ColumnChunkMetaData::num_values);
        let values: u64 = values.filter_map(|n| u64::try_from(n).ok()).sum();
        let leaves = self.metadata.parquet_schema().num_columns() as u64;
        if values > leaves * ANY_ROWS.max(self.bytes.saturating_mul(ROWS_PER_BYTE)) {
            return Err(format!("promises {values} values, which no history fills"));
        }
        Ok(())
    }

    /// The columns that are read, in the order of the file.
    fn in_file(&self) -> Vec<usize> {
        let picks = self.selection.picks.iter().map(|pick| pick.column);
        let list = self.selection.list.iter().map(|(column, _)| *column);
        let mut in_file: Vec<_> = picks
            .chain(list)
            .filter(|column| self.check_column(*column).is_ok())
            .collect();
        in_file.sort_unstable();
        in_file.dedup();
        in_file
    }

    /// The leaves of the columns that are read: of a column that is not selected as a whole, those
    /// to which a selected path leads.
    fn leaves(&self) -> Vec<usize> {
        let schema = self.metadata.parquet_schema();
        let mut leaves = Vec::new();
        for column in self.in_file() {
            let own = (0..schema.num_columns())
                .filter(|leaf| schema.get_column_root_idx(*leaf) == column);
            let own: Vec<_> = own.collect();
            let picks = self.selection.picks.iter();
            let mut found = Vec::new();
            for pick in picks.filter(|pick| pick.column == column) {
                let before = found.len();
                found.extend(
                    own.iter()
                        .copied()
                        .filter(|leaf| leads_to(&pick.path, schema.column(*leaf).path().parts())),
                );
                if pick.path.is_whole() || found.len() == before {
                    // The name of a key leads to no leaf.
                    found.clone_from(&own);
                    break;
                }
            }
            leaves.extend(if found.is_empty() { own } else { found });
        }
        leaves
    }

    fn batches(&self) -> Result<ParquetRecordBatchReader, PrepareError> {
        let handle = File::open(&self.disk).map_err(PrepareError::io(&self.path))?;
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
        let mask = ProjectionMask::leaves(builder.parquet_schema(), self.leaves());
        let schema = self.metadata.schema();
        let nested = columns
            .iter()
            .any(|column| schema.field(*column).data_type().is_nested());
        let rows = match (delta, nested) {
            (true, _) => DELTA_ROWS,
            (_, true) => NESTED_ROWS,
            _ => CHUNK_ROWS,
        };
        builder
            .with_projection(mask)
            .with_batch_size(rows)
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

    fn holds(&self, column: usize) -> Holds {
        match self.metadata.schema().field(column).data_type() {
            kind if kind.is_nested() => Holds::Nested,
            // Text may be JSON.
            DataType::Utf8View | DataType::BinaryView => Holds::Unknown,
            _ => Holds::Values,
        }
    }

    fn inside(&mut self, column: usize) -> Result<Vec<String>, PrepareError> {
        self.select(&Selection {
            picks: vec![Pick {
                column,
                path: Path::default(),
                need: Need::Shown,
            }],
            list: None,
        })?;
        let mut paths = Vec::new();
        if let Some((batch, _)) = self.batch()?
            && let Some(values) = batch.columns().first()
        {
            for row in 0..values.len().min(LOOKED_INTO) {
                let node = Node::Cell(values.clone(), row);
                node.list_paths(&self.columns[column], &mut paths);
            }
        }
        Ok(paths)
    }

    fn select(&mut self, selection: &Selection) -> Result<(), PrepareError> {
        let needed = selection
            .picks
            .iter()
            .filter(|pick| pick.need != Need::Shown);
        for column in needed.map(|pick| pick.column) {
            self.check_column(column).map_err(|reason| {
                let name = &self.columns[column];
                PrepareError::source(
                    &self.path,
                    format!("has a column '{name}' that Vitrine can't read: it {reason}"),
                )
            })?;
        }
        self.inside = Plan::new(&self.columns, &inside(selection));
        self.selection = selection.clone();
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
        let column = |column: usize| {
            in_file
                .binary_search(&column)
                .ok()
                .map(|at| rows.column(at))
        };
        let Inside {
            parents,
            columns: inside,
            empty_lists,
            mut unreadable,
        } = walk(&self.inside, &rows, column, first, &mut self.remarks);
        let mut inside = inside.into_iter();
        let mut lines: Vec<u64> = (first..=self.read).collect();
        if let Some(parents) = &parents {
            lines = parents
                .values()
                .iter()
                .map(|row| first + u64::from(*row))
                .collect();
        }
        let mut columns = Vec::with_capacity(self.selection.picks.len());
        for pick in &self.selection.picks {
            if !pick.path.is_whole() {
                columns.extend(inside.next());
                continue;
            }
            let Some(values) = column(pick.column) else {
                columns.push(new_null_array(&DataType::Utf8, lines.len()));
                continue;
            };
            let repeated = match &parents {
                Some(parents) => take(values, parents, None).map_err(|e| self.damaged(e))?,
                None => Arc::clone(values),
            };
            let name = &self.columns[pick.column];
            columns.push(strings(
                &repeated,
                (name, pick.need),
                &lines,
                &mut unreadable,
                &mut self.remarks,
            ));
        }
        unreadable.sort_by_key(|unreadable| unreadable.row);
        unreadable.dedup_by_key(|unreadable| unreadable.row);
        Ok(Some(Chunk {
            columns,
            lines,
            unreadable,
            empty_lists,
        }))
    }

    fn remarks(&self) -> &Remarks {
        &self.remarks
    }

    fn position(&self) -> u64 {
        if self.rows == 0 {
            return self.bytes;
        }
        let share = u128::from(self.bytes) * u128::from(self.read.min(self.rows));
        u64::try_from(share / u128::from(self.rows)).unwrap_or(self.bytes)
    }
}

/// The part of a selection that lies inside values.
fn inside(selection: &Selection) -> Selection {
    let picks = selection.picks.iter();
    Selection {
        picks: picks
            .filter(|pick| !pick.path.is_whole())
            .cloned()
            .collect(),
        list: selection.list.clone(),
    }
}

/// True if the names of a path stand in the path of a leaf, in their order; the names in between
/// are those of lists and maps.
fn leads_to(path: &Path, leaf: &[String]) -> bool {
    let mut parts = leaf.iter().skip(1);
    path.steps().iter().all(|step| match step {
        Step::Each => true,
        Step::Member(name) => parts.any(|part| part == name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Format;
    use crate::source::content::Packing;
    use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
    use parquet::arrow::ArrowWriter;

    fn rows(path: &std::path::Path) -> Result<usize, PrepareError> {
        let bytes = std::fs::metadata(path)
            .map_err(PrepareError::io(path))?
            .len();
        let file = SourceFile::new(path.into(), Format::Parquet, Packing::None, bytes);
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
