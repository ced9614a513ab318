//! The best items of a whole catalogue: what the browser recommends and what `evaluate` measures.

use crate::scan::scan;
use crate::score::Scorer;
use crate::tables::Tables;
use crate::topk::TopK;

/// The `n` best rows that pass, with their scores, best first; ties go to the lower row.
pub fn best(
    tables: &Tables,
    scorer: &Scorer,
    n: usize,
    passes: impl Fn(u32) -> bool,
) -> Vec<(u32, f32)> {
    let mut top = TopK::new(n.min(tables.items() as usize));
    if let Some(query) = scorer.query() {
        scan(tables, scorer, query, passes, &mut top);
        return top.into_sorted();
    }
    if !scorer.leaves_rest_to_popularity(tables) {
        for row in (0..tables.items()).filter(|&row| passes(row)) {
            top.offer(row, scorer.score(tables, row));
        }
        return top.into_sorted();
    }
    for &row in scorer.touched().iter().filter(|&&row| passes(row)) {
        top.offer(row, scorer.score(tables, row));
    }
    // The walk ends as soon as what is left can no longer win.
    for &row in tables.by_popularity() {
        if !scorer.reaches(row) && passes(row) {
            let score = scorer.score(tables, row);
            if top.is_closed_to(score) {
                break;
            }
            top.offer(row, score);
        }
    }
    top.into_sorted()
}
