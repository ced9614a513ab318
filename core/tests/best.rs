//! The best rows are those that scoring every row finds, whatever is skipped on the way.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]

use vitrine_core::Action;
use vitrine_core::best::best;
use vitrine_core::manifest::ModelFacts;
use vitrine_core::neighbours::WeightBits;
use vitrine_core::query::Query;
use vitrine_core::score::{Event, Scorer};
use vitrine_core::tables::{Fusion, Tables};
use vitrine_core::writer::NewTables;

/// Knuth's MMIX generator, for numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    /// In -1..1, in a few steps only, so that many scores are equal.
    fn coarse(&mut self) -> f32 {
        self.below(9) as f32 / 4.0 - 1.0
    }
}

fn tables(numbers: &mut Numbers, items: usize, dim: usize, fusion: Fusion) -> Tables {
    let neighbours = (0..items)
        .map(|_| {
            let mut rows: Vec<u32> = (0..3).map(|_| numbers.below(items) as u32).collect();
            rows.sort_unstable();
            rows.dedup();
            rows.into_iter().map(|row| (row, 0.5)).collect()
        })
        .collect();
    let new = NewTables {
        neighbours,
        weight_bits: WeightBits::Eight,
        popularity: (0..items)
            .map(|_| numbers.below(40).pow(2) as f64)
            .collect(),
        position_decay: vec![1.0, 0.5],
        action_weight: [1.0; 3],
        repeat: vec![-0.2, 0.1],
        prior: (0..items).map(|_| numbers.coarse()).collect(),
        fusion,
        vectors: (0..items * dim).map(|_| numbers.coarse()).collect(),
        dim,
    };
    let facts = ModelFacts {
        items: items as u32,
        dim: dim as u32,
        neighbours: 3,
        max_session: 2,
    };
    Tables::parse(&facts, &new.to_bytes().unwrap()).unwrap()
}

#[test]
fn the_scan_equals_scoring_every_row() {
    let mut numbers = Numbers(7);
    for (items, dim) in [
        (1, 5),
        (7, 8),
        (403, 1),
        (402, 19),
        (1001, 64),
        (90, 512),
        (50, 600),
    ] {
        for (encoder, popularity) in [(1.0, 0.05), (0.1, 2.0), (-1.0, 0.5), (0.5, -1.0)] {
            let fusion = Fusion {
                encoder,
                neighbours: 1.0,
                repeat: 1.0,
                popularity,
                floor: 0.02,
                repeat_growth: 0.5,
                prior: 0.0,
            };
            let tables = tables(&mut numbers, items, dim, fusion);
            let mut compared: Vec<u32> = (0..items as u32).collect();
            compared.sort_by_key(|&row| std::cmp::Reverse(tables.popularity(row)));
            assert_eq!(tables.by_popularity(), compared);
            let mut scorer = Scorer::new(items as u32);
            let session: Vec<Event> = (0..2)
                .map(|_| Event {
                    row: Some(numbers.below(items) as u32),
                    action: Action::View,
                })
                .collect();
            let query: Vec<f32> = (0..dim).map(|_| numbers.coarse()).collect();
            scorer.set(&tables, &session, Query::new(&query));
            assert!(scorer.query().is_some());
            let passes = |row: u32| !row.is_multiple_of(5);
            let mut every: Vec<(u32, f32)> = (0..items as u32)
                .filter(|&row| passes(row))
                .map(|row| (row, scorer.score(&tables, row)))
                .collect();
            every.sort_by(|a, b| b.1.total_cmp(&a.1));
            for n in [0, 1, 20, items] {
                let found = best(&tables, &scorer, n, passes);
                let wanted = &every[..n.min(every.len())];
                assert_eq!(found, wanted, "{items} × {dim}, {fusion:?}, n = {n}");
            }
        }
    }
}
