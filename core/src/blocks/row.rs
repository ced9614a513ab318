//! One row of a block: both sides of the format.

use crate::facets::NO_BAND;
use crate::neighbours::from_half;

/// All that a bundle knows about an item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub id: String,
    pub popularity: u16,
    /// In units of the fusion's.
    pub prior: i8,
    /// Index of the category, -1 for none.
    pub category: i32,
    pub price_band: u8,
    pub in_stock: bool,
    /// Rows of the whole catalogue, rising, with their unscaled weights.
    pub neighbours: Vec<(u32, u8)>,
    /// bfloat16.
    pub neighbour_scale: u16,
    /// `[D]`; empty without an encoder.
    pub vector: Vec<i8>,
    /// bfloat16.
    pub vector_scale: u16,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            id: String::new(),
            popularity: 0,
            prior: 0,
            category: -1,
            price_band: NO_BAND,
            in_stock: true,
            neighbours: Vec::new(),
            neighbour_scale: 0,
            vector: Vec::new(),
            vector_scale: 0,
        }
    }
}

impl Row {
    /// Appends the row's bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        write_number(out, self.id.len() as u32);
        out.extend(self.id.as_bytes());
        out.extend(self.popularity.to_le_bytes());
        out.push(self.prior.cast_unsigned());
        write_number(out, (self.category + 1) as u32);
        out.extend([self.price_band, u8::from(self.in_stock)]);
        out.push(self.neighbours.len() as u8);
        out.extend(self.neighbour_scale.to_le_bytes());
        let mut next = 0;
        for &(row, weight) in &self.neighbours {
            write_number(out, row - next);
            out.push(weight);
            next = row + 1;
        }
        if !self.vector.is_empty() {
            out.extend(self.vector_scale.to_le_bytes());
            out.extend(self.vector.iter().map(|v| v.cast_unsigned()));
        }
    }

    /// Reads a row of a catalogue of so many `items` and `categories`, with vectors of width
    /// `dim`; `None` when the bytes end too early or hold what may not be.
    pub(crate) fn read(
        bytes: &mut Reader<'_>,
        items: u32,
        categories: usize,
        dim: usize,
    ) -> Option<Self> {
        let length = bytes.number()? as usize;
        let id = std::str::from_utf8(bytes.take(length)?).ok()?.into();
        let popularity = bytes.u16()?;
        let prior = bytes.byte()?.cast_signed();
        let category = bytes.number()?;
        let [price_band, in_stock] = [bytes.byte()?, bytes.byte()?];
        let count = bytes.byte()?;
        let neighbour_scale = bytes.u16()?;
        let mut neighbours = Vec::with_capacity(usize::from(count));
        let mut next = 0_u32;
        for _ in 0..count {
            let row = next.checked_add(bytes.number()?)?;
            if row >= items {
                return None;
            }
            neighbours.push((row, bytes.byte()?));
            next = row + 1;
        }
        let (vector_scale, vector) = match dim {
            0 => (0, &[][..]),
            _ => (bytes.u16()?, bytes.take(dim)?),
        };
        let sound = category as usize <= categories
            && in_stock <= 1
            && from_half(neighbour_scale).is_finite()
            && from_half(vector_scale).is_finite();
        sound.then(|| Self {
            id,
            popularity,
            prior,
            category: category as i32 - 1,
            price_band,
            in_stock: in_stock == 1,
            neighbours,
            neighbour_scale,
            vector: vector.iter().map(|v| v.cast_signed()).collect(),
            vector_scale,
        })
    }
}

/// LEB128 (DWARF 5, section 7.6).
fn write_number(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The rest of a block.
pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)
            .map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(number).ok();
            }
        }
        None
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;

    #[test]
    fn a_row_survives_its_own_bytes_and_nothing_less() {
        let row = Row {
            id: "mug-ü".into(),
            popularity: 40_000,
            prior: -3,
            category: 2,
            price_band: 4,
            in_stock: false,
            neighbours: vec![(0, 255), (1, 7), (999_999, 1)],
            neighbour_scale: 0x3f80,
            vector: vec![-127, 0, 127],
            vector_scale: 0x3c00,
        };
        let mut bytes = Vec::new();
        row.write(&mut bytes);
        let read =
            |bytes: &[u8], items, categories| Row::read(&mut Reader(bytes), items, categories, 3);
        assert_eq!(read(&bytes, 1_000_000, 3), Some(row));
        assert_eq!(read(&bytes, 999_999, 3), None, "a neighbour beyond");
        assert_eq!(read(&bytes, 1_000_000, 2), None, "a category beyond");
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end], 1_000_000, 3), None, "{end}");
        }
    }

    #[test]
    fn numbers_of_any_length_come_back_and_longer_ones_are_refused() {
        for number in [0, 127, 128, 16_383, 16_384, 1 << 21, u32::MAX] {
            let mut bytes = Vec::new();
            write_number(&mut bytes, number);
            assert_eq!(Reader(&bytes).number(), Some(number));
        }
        assert_eq!(Reader(&[0xff; 5]).number(), None);
        assert_eq!(Reader(&[0x80]).number(), None);
    }
}
