//! Tables of some rows of a catalogue.

use super::popularity::{by_both_bytes, by_low_byte};
use super::{Constants, Tables, largest_prior};
use crate::blocks::Row;
use crate::neighbours::{WeightBits, from_half, plane_count, planes};
use std::sync::OnceLock;

impl Tables {
    /// The tables of `rows`; `here` gives the place in them of a row of the whole catalogue, and
    /// rises with it.
    pub(crate) fn gathered(
        constants: Constants,
        dim: usize,
        rows: &[&Row],
        here: impl Fn(u32) -> Option<u32>,
    ) -> Self {
        let n = rows.len();
        let mut start = vec![0];
        let mut gaps = Vec::new();
        let mut weights = Vec::new();
        for row in rows {
            let mut next = 0;
            for &(row, weight) in &row.neighbours {
                if let Some(row) = here(row) {
                    gaps.push(row - next);
                    weights.push(weight);
                    next = row + 1;
                }
            }
            start.push(weights.len() as u32);
        }
        let mut bytes = planes(&gaps, plane_count(n));
        let mut append = |more: &mut dyn Iterator<Item = u8>| {
            let from = bytes.len();
            bytes.extend(more);
            from..bytes.len()
        };
        let gap = 0..gaps.len() * plane_count(n);
        let weight = append(&mut weights.into_iter());
        let scale = append(
            &mut rows
                .iter()
                .flat_map(|row| row.neighbour_scale.to_le_bytes()),
        );
        let prior = append(&mut rows.iter().map(|row| row.prior.cast_unsigned()));
        let vectors = rows.iter().flat_map(|row| &row.vector);
        let vectors = append(&mut vectors.map(|v| v.cast_unsigned()));
        let vector_scale = rows.iter().map(|row| from_half(row.vector_scale));
        let popularity: Vec<u16> = rows.iter().map(|row| row.popularity).collect();
        let mut tables = Self {
            start,
            gap,
            weight,
            // Four-bit levels were read as the weights that they stand for.
            bits: WeightBits::Eight,
            scale,
            by_popularity: by_both_bytes(&popularity, &by_low_byte(&popularity)),
            popularity,
            largest_prior: largest_prior(n == 0),
            bounds: OnceLock::new(),
            prior,
            constants,
            dim,
            vectors,
            vector_scale: vector_scale.collect(),
            bytes,
        };
        tables.bound_priors(0..n);
        tables
    }

    /// What is the same for every row.
    pub(crate) fn constants(&self) -> &Constants {
        &self.constants
    }
}
