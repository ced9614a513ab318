//! The values of a batch: text whose length is checked, and values inside others.

use crate::source::node::Node;
use crate::source::path::Value;
use crate::source::remarks::{Remark, Remarks};
use crate::source::rows::{Plan, Rows};
use crate::source::{CHUNK_BYTES, LONGEST_VALUE, Need, Unreadable};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, StringArray, StringBuilder, UInt32Array,
};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use std::sync::Arc;

/// Bytes of a UUID, the only id that is kept as bytes of one length.
pub(super) const UUID: i32 = 16;
/// The largest whole number up to which a float of 64 bits holds every one: 2⁵³.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The selected values inside the values of a batch.
pub(super) struct Inside {
    /// The batch's row of each row, where elements of a list are rows.
    pub parents: Option<UInt32Array>,
    pub columns: Vec<ArrayRef>,
    pub empty_lists: Vec<usize>,
    pub unreadable: Vec<Unreadable>,
}

pub(super) fn walk<'b>(
    plan: &Plan,
    batch: &'b RecordBatch,
    column: impl Fn(usize) -> Option<&'b ArrayRef>,
    first: u64,
    remarks: &mut Remarks,
) -> Inside {
    let mut parents = Vec::new();
    let mut rows = Rows::new(plan.names.len());
    if !plan.columns.is_empty() {
        for row in 0..batch.num_rows() {
            let line = first + row as u64;
            plan.rows(
                |at, _| {
                    let node = column(at).map(|values| Node::Cell(values.clone(), row));
                    (Value::Nothing, node)
                },
                &mut |values, made| {
                    parents.push(u32::try_from(row).unwrap_or(u32::MAX));
                    rows.push_made(plan, line, (&values, made), remarks, || {
                        format!("row {line}")
                    });
                },
            );
        }
    }
    let (columns, empty_lists, unreadable) = rows.chunk().map_or_else(Default::default, |chunk| {
        (chunk.columns, chunk.empty_lists, chunk.unreadable)
    });
    Inside {
        parents: plan.makes_rows.then(|| parents.into()),
        columns,
        empty_lists,
        unreadable,
    }
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
pub(super) fn end_of_chunk(batch: &RecordBatch, start: usize) -> usize {
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

/// A column of text or bytes as strings, without values that can't be read; others as they are.
pub(super) fn strings(
    column: &ArrayRef,
    (name, need): (&str, Need),
    lines: &[u64],
    unreadable: &mut Vec<Unreadable>,
    remarks: &mut Remarks,
) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View | DataType::BinaryView => {}
        DataType::Float64 if need == Need::Essential => {
            let rounded = column.as_primitive::<Float64Type>().iter().zip(lines);
            for (value, line) in rounded {
                if let Some(value) = value.filter(|value| value.abs() >= EXACT) {
                    remarks.note(Remark::Rounded, name, *line, || value.to_string());
                }
            }
            return Arc::clone(column);
        }
        DataType::FixedSizeBinary(UUID) => {
            let values = column.as_fixed_size_binary().iter();
            let values = values.map(|value| value.map(uuid));
            return Arc::new(values.collect::<StringArray>());
        }
        _ => return Arc::clone(column),
    }
    let value = |row: usize| match column.data_type() {
        _ if column.is_null(row) => Value::Nothing,
        DataType::Utf8View => Value::Text(column.as_string_view().value(row).into()),
        _ => {
            let bytes = column.as_binary_view().value(row);
            match std::str::from_utf8(bytes) {
                Ok(text) => Value::Text(text.into()),
                Err(_) => Value::Undecodable(String::from_utf8_lossy(
                    &bytes[..bytes.len().min(LONGEST_VALUE)],
                )),
            }
        }
    };
    let mut strings = StringBuilder::with_capacity(column.len(), column.len() * 16);
    for (row, line) in lines.iter().enumerate() {
        let value = value(row);
        match value.settle(need, name, *line, remarks) {
            Ok(text) => strings.append_option(text),
            Err(reason) => {
                strings.append_null();
                let shown = value.settle(Need::Shown, name, *line, remarks);
                unreadable.push(Unreadable {
                    row,
                    reason,
                    text: shown.ok().flatten().unwrap_or_default().to_string(),
                });
            }
        }
    }
    Arc::new(strings.finish())
}

/// A UUID as it is written: in hexadecimal digits, in groups.
fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
