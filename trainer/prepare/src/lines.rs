//! Lines of one order: what stands on the first of them only, as in Shopify's export, is carried
//! down to the others.

use crate::columns::Input;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use datafusion::arrow::compute::{concat, take};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::error::ArrowError;

/// The column by which rows of an input belong together, and the columns that they share.
pub(crate) fn shared(input: Input) -> (&'static str, &'static [&'static str]) {
    match input {
        Input::Events | Input::Orders => (
            "order_id",
            &[
                "user_id",
                "session_id",
                "timestamp",
                "time_of_day",
                "order_status",
                "cancelled_at",
            ],
        ),
        // Variants of a product.
        Input::Items => ("item_group", &["title", "category", "image"]),
    }
}

/// The order under way, from chunk to chunk of a file.
#[derive(Debug, Default)]
pub(crate) struct Carry {
    order: Option<String>,
    /// The last value of each column of the order, as arrays of one row.
    last: Vec<Option<ArrayRef>>,
    /// Lines that took a value.
    pub lines: u64,
    /// Of those, lines that don't even tell their order.
    pub lines_without_order: u64,
}

impl Carry {
    /// Fills the empty values of `columns`, which all lines of an order have in common, from the
    /// line above of the same order. Where `is_line` says so, a row with nothing in any of them nor
    /// an order belongs to the order above, as in a sheet that prints each order once.
    pub(crate) fn down(
        &mut self,
        orders: &ArrayRef,
        columns: &mut [ArrayRef],
        is_line: impl Fn(usize) -> bool,
    ) -> Result<(), ArrowError> {
        let ids = crate::values::ids(orders)?;
        let empty: Vec<Vec<bool>> = columns.iter().map(is_empty).collect();
        self.last.resize(columns.len(), None);
        let rows = orders.len();
        if rows == 0 {
            return Ok(());
        }
        // Row 0 of the joined array is the value carried over from the chunk before.
        let mut from: Vec<Vec<u32>> = vec![Vec::with_capacity(rows); columns.len()];
        let mut current: Vec<Option<u32>> = self
            .last
            .iter()
            .map(|last| last.as_ref().map(|_| 0))
            .collect();
        for row in 0..rows {
            let own = row as u32 + 1;
            let alone = empty.iter().all(|column| column[row]);
            let order = ids.is_valid(row).then(|| ids.value(row));
            let continues = match order {
                Some(order) => self.order.as_deref() == Some(order),
                None => alone && self.order.is_some() && is_line(row),
            };
            if !continues {
                self.order = order.map(str::to_string);
                current.iter_mut().for_each(|last| *last = None);
            }
            let mut took = false;
            for (column, last) in current.iter_mut().enumerate() {
                if !empty[column][row] {
                    *last = self.order.as_ref().map(|_| own);
                    from[column].push(own);
                } else if let Some(carried) = *last {
                    took = true;
                    from[column].push(carried);
                } else {
                    from[column].push(own);
                }
            }
            if took {
                self.lines += 1;
                if order.is_none() {
                    self.lines_without_order += 1;
                }
            }
        }
        for (at, column) in columns.iter_mut().enumerate() {
            // Where nothing was carried over, row 0 is never taken.
            let above = self.last[at].clone().unwrap_or_else(|| column.slice(0, 1));
            let joined = concat(&[above.as_ref(), column.as_ref()])?;
            self.last[at] = current[at].map(|row| joined.slice(row as usize, 1));
            *column = take(
                &joined,
                &UInt32Array::from(std::mem::take(&mut from[at])),
                None,
            )?;
        }
        Ok(())
    }
}

/// True if each value is missing or a word for nothing.
fn is_empty(column: &ArrayRef) -> Vec<bool> {
    if column.data_type() != &DataType::Utf8 {
        return (0..column.len()).map(|row| column.is_null(row)).collect();
    }
    let texts = column.as_string::<i32>();
    let texts = texts.iter();
    texts
        .map(|text| text.and_then(crate::typed::something).is_none())
        .collect()
}
