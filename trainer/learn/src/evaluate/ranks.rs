//! The rank of each label among all items, ties counted against it.

use super::protocol::Protocol;
use crate::dataset::Examples;
use rayon::prelude::*;
use vitrine_core::score::{Event, Query, Scorer};
use vitrine_core::tables::Tables;

/// Ranks below this are not told apart.
pub const CUTOFF: u32 = 20;

/// How the examples are ranked.
pub struct Ranking<'a> {
    /// What the score is computed from.
    pub tables: &'a Tables,
    /// How many of the latest events the score looks at.
    pub max_session: usize,
    /// The encoder's answers by example, or empty to rank by the tables alone.
    pub queries: &'a [Option<Query>],
    /// Says which items are ranked.
    pub protocol: Protocol,
}

impl Ranking<'_> {
    /// Rank of every label, from 1; 0 when it is unknown, masked or not among the first
    /// [`CUTOFF`].
    pub fn label_ranks(&self, examples: &Examples) -> Vec<u32> {
        (0..examples.len())
            .into_par_iter()
            .map_init(
                || Scorer::new(self.tables.items()),
                |scorer, example| {
                    let (input, label) = examples.get(example);
                    let Some(label) = label else { return 0 };
                    self.set(scorer, input, example);
                    let masked = self.protocol.masked(input);
                    rank_of(scorer, self.tables, &masked, label)
                },
            )
            .collect()
    }

    /// Takes up the input of an example.
    pub(super) fn set(&self, scorer: &mut Scorer, input: &[Event], example: usize) {
        let from = input.len().saturating_sub(self.max_session);
        let query = self.queries.get(example).cloned().flatten();
        scorer.set(self.tables, &input[from..], query);
    }
}

/// Rank of every label among all items, from 1; 0 when it is unknown or not among the first
/// [`CUTOFF`]. `max_session` is how many of the latest events the score looks at; `queries` are
/// the encoder's answers by example, or empty to rank by the tables alone.
pub fn label_ranks(
    tables: &Tables,
    examples: &Examples,
    max_session: usize,
    queries: &[Option<Query>],
) -> Vec<u32> {
    let ranking = Ranking {
        tables,
        max_session,
        queries,
        protocol: Protocol::NextItem,
    };
    ranking.label_ranks(examples)
}

/// 1 + the number of other rows outside `masked` that score at least as much; 0 beyond the
/// cut-off, and for a masked row.
fn rank_of(scorer: &Scorer, tables: &Tables, masked: &[u32], label: u32) -> u32 {
    let is_ranked = |row: u32| masked.binary_search(&row).is_err();
    if !is_ranked(label) {
        return 0;
    }
    let wanted = scorer.score(tables, label);
    let mut rank = 1;
    for &row in scorer.touched() {
        if row != label && scorer.score(tables, row) >= wanted && is_ranked(row) {
            rank += 1;
            if rank > CUTOFF {
                return 0;
            }
        }
    }
    for &row in tables.by_popularity() {
        if scorer.reaches(row) {
            continue;
        }
        let score = scorer.score(tables, row);
        if score >= wanted {
            if row != label && is_ranked(row) {
                rank += 1;
                if rank > CUTOFF {
                    return 0;
                }
            }
        } else if scorer.leaves_rest_to_popularity(tables) {
            // Untouched rows are ordered by popularity alone.
            break;
        }
    }
    rank
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Sessions;
    use crate::demand::Demand;
    use crate::search::{Shape, assemble, compress};
    use vitrine_core::Action;
    use vitrine_core::neighbours::WeightBits;

    #[test]
    fn a_weight_that_puts_the_popular_last_counts_all_who_are_before_the_label() {
        // 30 items that nothing reaches, each seen as often as its row says: row 4 is fifth.
        let shape = Shape {
            neighbours: 1,
            most_neighbours: 1,
            max_session: 3,
            weight_bits: WeightBits::Eight,
        };
        let parameters = crate::parameters::TableParameters {
            popularity: -0.5,
            repeat_last: 0.0,
            repeat_session: 0.0,
            ..Default::default()
        };
        let seen = Demand {
            count: (0..30).map(f64::from).collect(),
            trend: vec![0.0; 30],
        };
        let tables = assemble(vec![Vec::new(); 30], &seen, &parameters, shape, None);
        let Ok((_, tables)) = compress(&tables, shape) else {
            panic!("these tables can be written");
        };
        let mut sessions = Sessions::new();
        sessions.push([29, 4].map(|row| Event {
            row: Some(row),
            action: Action::View,
        }));
        let examples = Examples::every_prefix(sessions, 1);
        assert_eq!(label_ranks(&tables, &examples, 3, &[]), [5]);
    }
}
