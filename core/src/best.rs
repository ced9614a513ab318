//! The best items of a whole catalogue: what the browser recommends and what `evaluate` measures.

use crate::scan::scan;
use crate::score::Scorer;
use crate::tables::Tables;
use crate::topk::TopK;

/// Rows from the most to the least popular; ties go to the lower row.
pub fn rows_by_popularity(tables: &Tables) -> Vec<u32> {
    // Sorted by the low byte, then by the high byte: a browser does it at the first list, and a
    // comparing sort of 100,000 rows would hold up its page.
    let rows = sorted_by(0..tables.items(), |row| !tables.popularity(row) as u8);
    sorted_by(rows.into_iter(), |row| (!tables.popularity(row) >> 8) as u8)
}

/// `rows` by their key, in the order they came where it is the same.
fn sorted_by(rows: impl Iterator<Item = u32> + Clone, key: impl Fn(u32) -> u8) -> Vec<u32> {
    let mut place = [0_usize; 257];
    let mut count = 0;
    for row in rows.clone() {
        place[usize::from(key(row)) + 1] += 1;
        count += 1;
    }
    for at in 1..place.len() {
        place[at] += place[at - 1];
    }
    let mut sorted = vec![0; count];
    for row in rows {
        let place = &mut place[usize::from(key(row))];
        sorted[*place] = row;
        *place += 1;
    }
    sorted
}

/// The `n` best rows that pass, with their scores, best first; ties go to the lower row.
/// `by_popularity` is what [`rows_by_popularity`] gave.
pub fn best(
    tables: &Tables,
    scorer: &Scorer,
    by_popularity: &[u32],
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
    for &row in by_popularity {
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
