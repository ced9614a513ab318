//! The first rows for each example, as the browser would show them.

use super::ranks::Ranking;
use crate::dataset::Examples;
use rayon::prelude::*;
use vitrine_core::score::Scorer;
use vitrine_core::topk::TopK;

impl Ranking<'_> {
    /// The `k` best rows for each example, best first, ties to the lower row.
    ///
    /// With an encoder's answer every row is scored, where the rank of a label mostly needs no
    /// more than the rows that beat it: about twice the time of [`Ranking::label_ranks`].
    pub fn lists(&self, examples: &Examples, k: usize) -> Vec<Vec<u32>> {
        let by_popularity = self.by_popularity();
        (0..examples.len())
            .into_par_iter()
            .map_init(
                || Scorer::new(self.tables.items()),
                |scorer, example| {
                    let (input, _) = examples.get(example);
                    self.set(scorer, input, example);
                    let masked = self.protocol.masked(input);
                    self.best(scorer, &by_popularity, &masked, k)
                },
            )
            .collect()
    }

    fn best(&self, scorer: &Scorer, by_popularity: &[u32], masked: &[u32], k: usize) -> Vec<u32> {
        let tables = self.tables;
        let is_ranked = |row: u32| masked.binary_search(&row).is_err();
        let mut top = TopK::new(k);
        if scorer.has_query() || tables.fusion().popularity < 0.0 {
            for row in (0..tables.items()).filter(|&row| is_ranked(row)) {
                top.offer(row, scorer.score(tables, row));
            }
        } else {
            for &row in scorer.touched().iter().filter(|&&row| is_ranked(row)) {
                top.offer(row, scorer.score(tables, row));
            }
            // What the session does not reach is ordered by popularity alone.
            let unreached = by_popularity.iter().filter(|&&row| !scorer.reaches(row));
            for &row in unreached.filter(|&&row| is_ranked(row)) {
                let score = scorer.score(tables, row);
                if top.is_closed_to(score) {
                    break;
                }
                top.offer(row, score);
            }
        }
        top.into_sorted().into_iter().map(|(row, _)| row).collect()
    }
}
