//! The rank of each label among all items, ties counted against it.

use crate::dataset::Examples;
use rayon::prelude::*;
use vitrine_core::score::{Query, Scorer};
use vitrine_core::tables::Tables;

/// Ranks below this are not told apart.
pub const CUTOFF: u32 = 20;

/// Rank of every label, from 1; 0 when it is unknown or not among the first [`CUTOFF`].
/// `max_session` is how many of the latest events the score looks at; `queries` are the encoder's
/// answers by example, or empty to rank by the tables alone.
pub fn label_ranks(
    tables: &Tables,
    examples: &Examples,
    max_session: usize,
    queries: &[Option<Query>],
) -> Vec<u32> {
    let mut by_popularity: Vec<u32> = (0..tables.items()).collect();
    by_popularity.sort_by_key(|&row| std::cmp::Reverse(tables.popularity(row)));
    (0..examples.len())
        .into_par_iter()
        .map_init(
            || Scorer::new(tables.items()),
            |scorer, example| {
                let (input, label) = examples.get(example);
                let Some(label) = label else { return 0 };
                let from = input.len().saturating_sub(max_session);
                let query = queries.get(example).cloned().flatten();
                scorer.set(tables, &input[from..], query);
                rank_of(scorer, tables, &by_popularity, label)
            },
        )
        .collect()
}

/// 1 + the number of other rows that score at least as much; 0 beyond the cut-off.
fn rank_of(scorer: &Scorer, tables: &Tables, by_popularity: &[u32], label: u32) -> u32 {
    let wanted = scorer.score(tables, label);
    let mut rank = 1;
    for &row in scorer.touched() {
        if row != label && scorer.score(tables, row) >= wanted {
            rank += 1;
            if rank > CUTOFF {
                return 0;
            }
        }
    }
    for &row in by_popularity {
        if scorer.reaches(row) {
            continue;
        }
        let score = scorer.score(tables, row);
        if score >= wanted && row != label {
            rank += 1;
            if rank > CUTOFF {
                return 0;
            }
        } else if !scorer.has_query() && score < wanted {
            // Untouched rows are ordered by popularity alone.
            break;
        }
    }
    rank
}
