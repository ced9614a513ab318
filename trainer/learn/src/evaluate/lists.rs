//! The first rows for each example, as the browser would show them.

use super::ranks::Ranking;
use crate::dataset::Examples;
use rayon::prelude::*;
use vitrine_core::best::best;
use vitrine_core::score::Scorer;

impl Ranking<'_> {
    /// The `k` best rows for each example with their scores, best first, ties to the lower row.
    ///
    /// With an encoder's answer every row is scored, where the rank of a label mostly needs no
    /// more than the rows that beat it: about twice the time of [`Ranking::label_ranks`].
    pub fn lists(&self, examples: &Examples, k: usize) -> Vec<Vec<(u32, f32)>> {
        (0..examples.len())
            .into_par_iter()
            .map_init(
                || Scorer::new(self.tables.items()),
                |scorer, example| {
                    let (input, _) = examples.get(example);
                    self.set(scorer, input, example);
                    let masked = self.protocol.masked(input);
                    let is_ranked = |row: u32| masked.binary_search(&row).is_err();
                    best(self.tables, scorer, k, is_ranked)
                },
            )
            .collect()
    }
}
