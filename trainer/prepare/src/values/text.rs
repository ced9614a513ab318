//! Columns of any type as text or numbers.

use crate::typed;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::error::ArrowError;

/// Ids of a column of any type. A whole number that was widened to a float because others were
/// missing reads as a whole number: 13085, not 13085.0.
pub(crate) fn ids(source: &ArrayRef) -> Result<StringArray, ArrowError> {
    as_text(source, typed::id)
}

/// Text of a column of any type, without words for nothing.
pub(super) fn texts(source: &ArrayRef) -> Result<StringArray, ArrowError> {
    as_text(source, typed::something)
}

fn as_text(
    source: &ArrayRef,
    value_of: impl Fn(&str) -> Option<&str>,
) -> Result<StringArray, ArrowError> {
    let plain = match source.data_type() {
        DataType::Float32 | DataType::Float64 => {
            let floats = cast(source, &DataType::Float64)?;
            let floats = floats.as_primitive::<Float64Type>();
            return Ok(floats
                .iter()
                .map(|value| {
                    value.filter(|v| v.is_finite()).map(|value| {
                        if value.fract() == 0.0 && value.abs() < 9e15 {
                            (value as i64).to_string()
                        } else {
                            value.to_string()
                        }
                    })
                })
                .collect());
        }
        DataType::Utf8 => source.clone(),
        _ => cast(source, &DataType::Utf8)?,
    };
    let decimal = source.data_type().is_decimal();
    Ok(plain
        .as_string::<i32>()
        .iter()
        .map(|text| text.map(|text| if decimal { without_zeros(text) } else { text }))
        .map(|text| text.and_then(&value_of))
        .collect())
}

/// A decimal number without the zeros that its column's scale adds.
fn without_zeros(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

/// Of each row the first text that is there.
pub(super) fn first_of(
    read: impl Iterator<Item = Result<StringArray, ArrowError>>,
    rows: usize,
) -> Result<StringArray, ArrowError> {
    let mut first: Option<StringArray> = None;
    for texts in read {
        let texts = texts?;
        first = Some(match first {
            None => texts,
            Some(first) => first.iter().zip(&texts).map(|(a, b)| a.or(b)).collect(),
        });
    }
    Ok(first.unwrap_or_else(|| StringArray::new_null(rows)))
}

pub(super) fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer()
        || data_type.is_floating()
        || matches!(
            data_type,
            DataType::Decimal128(..) | DataType::Decimal256(..)
        )
}

pub(super) fn floats(source: &ArrayRef) -> Result<Float64Array, ArrowError> {
    Ok(cast(source, &DataType::Float64)?.as_primitive().clone())
}
