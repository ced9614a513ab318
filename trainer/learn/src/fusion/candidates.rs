//! The encoder's inner products, computed once, so that many weights can be tried.
//!
//! A full scan of the catalogue for every example and every candidate weight would cost minutes.
//! But only two kinds of rows can be among the first: those that the session's neighbours reach,
//! and those that the encoder likes best. Their inner products do not depend on the weights. The
//! weights that are chosen are then judged by scanning everything.

use crate::dataset::Examples;
use crate::evaluate::ranks::CUTOFF;
use crate::search::Shape;
use rayon::prelude::*;
use vitrine_core::score::{Query, Scorer, fuse};
use vitrine_core::tables::Tables;
use vitrine_core::topk::TopK;

/// Rows taken by inner product alone.
const BY_ENCODER: usize = 200;

/// Rows that may be among the first, with their inner products, for every example.
pub struct Candidates {
    by_example: Vec<Vec<(u32, f32)>>,
}

impl Candidates {
    /// Scans the catalogue of `tables`, which hold the item vectors, for every example.
    pub fn new(
        tables: &Tables,
        examples: &Examples,
        queries: &[Option<Query>],
        shape: Shape,
    ) -> Self {
        let by_example = (0..examples.len())
            .into_par_iter()
            .map_init(
                || Scorer::new(tables.items()),
                |scorer, example| {
                    let (input, _) = examples.get(example);
                    let Some(query) = &queries[example] else {
                        return Vec::new();
                    };
                    let from = input.len().saturating_sub(shape.max_session);
                    scorer.set(tables, &input[from..], None);
                    let mut top = TopK::new(BY_ENCODER);
                    let mut rows = Vec::new();
                    for row in 0..tables.items() {
                        let dot = query.dot(tables, row);
                        if scorer.reaches(row) {
                            rows.push((row, dot));
                        } else {
                            top.offer(row, dot);
                        }
                    }
                    rows.extend(top.into_sorted());
                    rows
                },
            )
            .collect();
        Self { by_example }
    }

    /// The rows of one example, with their inner products.
    pub fn of_example(&self, example: usize) -> &[(u32, f32)] {
        &self.by_example[example]
    }

    /// Rank of every label among the candidates; 0 beyond the cut-off, for a label that is none of
    /// them, and for examples without an answer of the encoder, whatever the weights.
    pub fn label_ranks(&self, tables: &Tables, examples: &Examples, shape: Shape) -> Vec<u32> {
        (0..examples.len())
            .into_par_iter()
            .map_init(
                || Scorer::new(tables.items()),
                |scorer, example| {
                    let (input, label) = examples.get(example);
                    let Some(label) = label else { return 0 };
                    let from = input.len().saturating_sub(shape.max_session);
                    scorer.set(tables, &input[from..], None);
                    let score = |row: u32, dot: f32| {
                        let known = scorer.score(tables, row);
                        fuse(tables.fusion(), known, dot, tables.prior(row))
                    };
                    let rows = &self.by_example[example];
                    let Some(own) = rows.iter().find(|entry| entry.0 == label) else {
                        return 0;
                    };
                    let wanted = score(label, own.1);
                    let rank = rows
                        .iter()
                        .filter(|entry| score(entry.0, entry.1) >= wanted)
                        .count();
                    if rank <= CUTOFF as usize {
                        rank as u32
                    } else {
                        0
                    }
                },
            )
            .collect()
    }
}
