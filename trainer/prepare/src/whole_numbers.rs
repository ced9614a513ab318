//! Ids that were whole numbers before a program made floats of the column, as pandas does where a
//! value is missing: `1001.0` is `1001` again.
//!
//! Only a column that has nothing else in the whole file is read so. In a column of versions or of
//! mixed ids, `2.0` is what the shop calls the item.

use crate::choice::IDS;
use crate::error::PrepareError;
use crate::notice::Notices;
use crate::sink::Sink;
use crate::source::SourceFile;
use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::Int32Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// The values of one id column of one file, so far.
#[derive(Clone, Debug)]
struct Seen {
    values: u64,
    example: String,
    all_whole: bool,
}

/// Watches the id columns while they are collected.
#[derive(Debug, Default)]
pub(crate) struct WholeNumbers(BTreeMap<(&'static str, usize), Seen>);

impl WholeNumbers {
    /// Looks at a collected batch of the file of this number.
    pub(crate) fn look(&mut self, file: usize, batch: &RecordBatch) {
        for id in IDS {
            let Some(values) = batch.column_by_name(id) else {
                continue;
            };
            let seen = self.0.entry((id, file)).or_insert(Seen {
                values: 0,
                example: String::new(),
                all_whole: true,
            });
            if !seen.all_whole {
                continue;
            }
            for value in values.as_string::<i32>().iter().flatten() {
                if whole(value).is_none() {
                    seen.all_whole = false;
                    break;
                }
                if seen.values == 0 {
                    seen.example = value.to_string();
                }
                seen.values += 1;
            }
        }
    }

    /// Rewrites the collected table where columns hold nothing but such numbers, and tells of it.
    pub(crate) fn settle(
        self,
        files: &[SourceFile],
        table: &Path,
        notices: &Notices,
    ) -> Result<(), PrepareError> {
        let columns: BTreeMap<_, _> = self
            .0
            .into_iter()
            .filter(|(_, seen)| seen.all_whole && seen.values > 0)
            .collect();
        if columns.is_empty() {
            return Ok(());
        }
        let mut told: BTreeMap<&str, (u64, u64, usize)> = BTreeMap::new();
        for ((id, file), seen) in &columns {
            let (files, values, _) = told.entry(id).or_insert((0, 0, *file));
            *files += 1;
            *values += seen.values;
        }
        for (id, (count, values, first)) in told {
            let example = columns.get(&(id, first)).map_or("", |seen| &seen.example);
            let more = match count {
                1 => String::new(),
                count => format!(" and {} more files", count - 1),
            };
            notices.add(
                "ids_with_point_zero",
                format!(
                    "{}{more}: all {values} values of {id} are written like {example}, and were read like {}.",
                    files[first].path.display(),
                    whole(example).unwrap_or(example),
                ),
                "The export has made floats of whole numbers, as pandas does where a value is missing. Write the ids as whole numbers or as text, e.g. with astype(\"Int64\").",
            );
        }
        rewrite(table, &columns)
    }
}

/// `1001` of `1001.0`.
fn whole(text: &str) -> Option<&str> {
    let (whole, zeros) = text.split_once('.')?;
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let is_whole = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !zeros.is_empty()
        && zeros.bytes().all(|byte| byte == b'0');
    is_whole.then_some(whole)
}

fn rewrite(
    table: &Path,
    columns: &BTreeMap<(&'static str, usize), Seen>,
) -> Result<(), PrepareError> {
    let failed = |error: parquet::errors::ParquetError| {
        PrepareError::io(table)(std::io::Error::other(error))
    };
    let old = table.with_extension("floats");
    std::fs::rename(table, &old).map_err(PrepareError::io(table))?;
    let file = File::open(&old).map_err(PrepareError::io(&old))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    let schema = reader.schema().clone();
    let mut sink = Sink::create(table, schema.clone())?;
    for batch in reader.build().map_err(failed)? {
        let batch = batch.map_err(|error| failed(error.into()))?;
        let files = batch
            .column_by_name("file")
            .map(|files| files.as_primitive::<Int32Type>());
        let rewritten = schema.fields().iter().zip(batch.columns());
        let rewritten = rewritten.map(|(field, column)| -> ArrayRef {
            let Some(texts) = column.as_string_opt::<i32>() else {
                return Arc::clone(column);
            };
            let Some(id) = IDS.iter().find(|id| *id == field.name()) else {
                return Arc::clone(column);
            };
            let ids = texts.iter().enumerate().map(|(row, text)| {
                let file = files.and_then(|files| usize::try_from(files.value(row)).ok());
                let applies = file.is_some_and(|file| columns.contains_key(&(*id, file)));
                text.map(|text| match whole(text) {
                    Some(whole) if applies => whole,
                    _ => text,
                })
            });
            Arc::new(ids.collect::<StringArray>())
        });
        let batch = RecordBatch::try_new(schema.clone(), rewritten.collect())
            .map_err(|error| failed(error.into()))?;
        sink.write(&batch)?;
    }
    sink.close()?;
    std::fs::remove_file(&old).map_err(PrepareError::io(&old))
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn only_whole_numbers_lose_their_zeros() {
        assert_eq!(whole("1001.0"), Some("1001"));
        assert_eq!(whole("-7.00"), Some("-7"));
        assert_eq!(
            whole("18446744073709551617.0"),
            Some("18446744073709551617")
        );
        for text in ["1001", "1.5", ".0", "1.", "v1.0", "1.0.0", "1e3"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
