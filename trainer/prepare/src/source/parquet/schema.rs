//! The types as which columns are read, which are not always those that they were written as.

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::basic::Type as PhysicalType;
use std::sync::Arc;

/// The schema as files are read: text and bytes as views, and times of the old INT96 type in
/// milliseconds, because their nanoseconds end in 2262 and wrap.
pub(super) fn as_read(metadata: &ArrowReaderMetadata) -> Schema {
    let parquet = metadata.parquet_schema();
    let mut leaves = parquet.columns().iter().map(|leaf| leaf.physical_type());
    let schema = metadata.schema();
    let fields = schema.fields().iter();
    let fields = fields.map(|field| field_as_read(field, &mut leaves));
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone())
}

fn field_as_read(field: &FieldRef, leaves: &mut dyn Iterator<Item = PhysicalType>) -> FieldRef {
    let kind = type_as_read(field.data_type(), leaves);
    Arc::new(Field::clone(field).with_data_type(kind))
}

/// As [`as_read`]; takes the physical types of the leaves in their order.
fn type_as_read(kind: &DataType, leaves: &mut dyn Iterator<Item = PhysicalType>) -> DataType {
    match kind {
        DataType::Struct(fields) => {
            let fields = fields.iter();
            DataType::Struct(fields.map(|field| field_as_read(field, leaves)).collect())
        }
        DataType::List(field) => DataType::List(field_as_read(field, leaves)),
        DataType::LargeList(field) => DataType::LargeList(field_as_read(field, leaves)),
        DataType::FixedSizeList(field, length) => {
            DataType::FixedSizeList(field_as_read(field, leaves), *length)
        }
        DataType::Map(field, sorted) => DataType::Map(field_as_read(field, leaves), *sorted),
        leaf => {
            let physical = leaves.next();
            match view(leaf) {
                Some(view) => view,
                None => match (leaf, physical) {
                    (
                        DataType::Timestamp(TimeUnit::Nanosecond, zone),
                        Some(PhysicalType::INT96),
                    ) => DataType::Timestamp(TimeUnit::Millisecond, zone.clone()),
                    _ => leaf.clone(),
                },
            }
        }
    }
}

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
