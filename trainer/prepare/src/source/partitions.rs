//! Columns that the names of a file's folders give, where the file has none of that name.

use super::{Chunk, Holds, Reader, Remarks, Selection, SourceFile};
use crate::columns::plain;
use crate::error::PrepareError;
use datafusion::arrow::array::{ArrayRef, StringArray, new_null_array};
use datafusion::arrow::datatypes::DataType;
use std::sync::Arc;

struct WithPartitions {
    inner: Box<dyn Reader>,
    columns: Vec<String>,
    /// Those behind the file's own columns.
    values: Vec<Option<String>>,
    selection: Selection,
}

/// The reader, with the columns that its folders give.
pub(super) fn with_partitions(inner: Box<dyn Reader>, file: &SourceFile) -> Box<dyn Reader> {
    let has = |name: &str| inner.columns().iter().any(|own| plain(own) == plain(name));
    let partitions = file.partitions.iter().filter(|(name, _)| !has(name));
    let (names, values): (Vec<_>, Vec<_>) = partitions.cloned().unzip();
    if names.is_empty() {
        return inner;
    }
    let columns = [inner.columns(), &names].concat();
    Box::new(WithPartitions {
        selection: Selection::all(columns.len()),
        inner,
        columns,
        values,
    })
}

impl WithPartitions {
    fn own(&self) -> usize {
        self.columns.len() - self.values.len()
    }
}

impl Reader for WithPartitions {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn holds(&self, column: usize) -> Holds {
        if column < self.own() {
            self.inner.holds(column)
        } else {
            Holds::Values
        }
    }

    fn inside(&mut self, column: usize) -> Result<Vec<String>, PrepareError> {
        if column < self.own() {
            self.inner.inside(column)
        } else {
            Ok(Vec::new())
        }
    }

    fn select(&mut self, selection: &Selection) -> Result<(), PrepareError> {
        let own = self.own();
        let picks = selection.picks.iter();
        self.inner.select(&Selection {
            picks: picks.filter(|pick| pick.column < own).cloned().collect(),
            list: selection.list.clone(),
        })?;
        self.selection = selection.clone();
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Chunk>, PrepareError> {
        let Some(mut chunk) = self.inner.next()? else {
            return Ok(None);
        };
        let (own, rows) = (self.own(), chunk.lines.len());
        let mut inner = std::mem::take(&mut chunk.columns).into_iter();
        for pick in &self.selection.picks {
            if pick.column < own {
                chunk.columns.extend(inner.next());
                continue;
            }
            let value = self.values[pick.column - own].as_deref();
            let column: ArrayRef = match value.filter(|_| pick.path.is_whole()) {
                Some(value) => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(
                    value, rows,
                ))),
                None => new_null_array(&DataType::Utf8, rows),
            };
            chunk.columns.push(column);
        }
        Ok(Some(chunk))
    }

    fn position(&self) -> u64 {
        self.inner.position()
    }

    fn encoding(&self) -> Option<&'static str> {
        self.inner.encoding()
    }

    fn remarks(&self) -> &Remarks {
        self.inner.remarks()
    }
}
