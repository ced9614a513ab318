//! The encoder's answer for a session, and its inner product with an item vector.
//!
//! Both sides are integers, so a product is exact and the same on every machine.

use crate::tables::Tables;
use vitrine_kernel::{EXACT, product};

/// The encoder's answer for a session, in 16-bit integers: `[D]` in units of `scale`.
///
/// 15 bits are finer than the table's 7.
#[derive(Clone, Debug)]
pub struct Query {
    units: Vec<i16>,
    scale: f32,
}

impl Query {
    /// Quantises `[D]` floats; `None` when one of them is not finite or D is 0.
    pub fn new(query: &[f32]) -> Option<Self> {
        let largest = query.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
        if query.is_empty() || !query.iter().all(|v| v.is_finite()) {
            return None;
        }
        let scale = if largest > 0.0 {
            largest / 32_767.0
        } else {
            1.0
        };
        let units = query.iter().map(|v| (v / scale).round() as i16).collect();
        Some(Self { units, scale })
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.units.len()
    }

    /// The units; `[D]`.
    pub(crate) fn units(&self) -> &[i16] {
        &self.units
    }

    /// Value of one unit.
    pub(crate) fn scale(&self) -> f32 {
        self.scale
    }

    /// `⟨q, e⟩` with the vector of `row`.
    #[inline]
    pub fn dot(&self, tables: &Tables, row: u32) -> f32 {
        // Longer vectors are added up in i64.
        let total: i64 = self
            .units
            .chunks(EXACT)
            .zip(tables.vector(row).chunks(EXACT))
            .map(|(q, e)| i64::from(product(e, q)))
            .sum();
        total as f32 * (self.scale * tables.vector_scale(row))
    }
}
