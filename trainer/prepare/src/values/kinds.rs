//! The types of the collected columns.

use crate::columns::Input;
use crate::typed::number::Measure;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

/// Type of a collected column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Text,
    /// Milliseconds of Unix time.
    Time,
    Number,
    Whole,
    Stock,
    Truth,
    Action,
    Part,
    /// Read together with another column or turned into a rule; not in the table.
    Helper,
}

/// The type in which a wanted column is collected.
pub(super) fn kind(name: &str) -> Kind {
    match name {
        "item_id" | "user_id" | "session_id" | "order_id" => Kind::Id,
        "timestamp" => Kind::Time,
        "rating" | "price" | "time_offset" => Kind::Number,
        "quantity" | "position" => Kind::Whole,
        "in_stock" => Kind::Stock,
        "is_product" => Kind::Truth,
        "action" => Kind::Action,
        "split" => Kind::Part,
        "time_of_day" | "order_status" | "cancelled_at" | "item_group" => Kind::Helper,
        _ => Kind::Text,
    }
}

pub(super) fn measure(name: &str) -> Measure {
    match name {
        "price" => Measure::Price,
        "quantity" => Measure::Quantity,
        _ => Measure::Other,
    }
}

/// Schema of the collected table: `source_row`, `file`, `line`, the wanted columns, `rule` and `reason`
/// (set where a row could not be read).
pub(crate) fn schema(input: Input) -> SchemaRef {
    let mut fields = vec![
        Field::new("source_row", DataType::Int64, false),
        Field::new("file", DataType::Int32, false),
        Field::new("line", DataType::Int64, false),
    ];
    fields.extend(input.wanted().iter().filter_map(|wanted| {
        let data_type = match kind(wanted.name) {
            Kind::Id | Kind::Text => DataType::Utf8,
            Kind::Time | Kind::Whole => DataType::Int64,
            Kind::Number => DataType::Float64,
            Kind::Stock | Kind::Truth => DataType::Boolean,
            Kind::Action | Kind::Part => DataType::Int32,
            Kind::Helper => return None,
        };
        Some(Field::new(wanted.name, data_type, true))
    }));
    fields.push(Field::new("rule", DataType::Utf8, true));
    fields.push(Field::new("reason", DataType::Utf8, true));
    Arc::new(Schema::new(fields))
}
