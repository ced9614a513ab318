//! The scan of a whole catalogue with an encoder's answer: products and the best rows in one pass.
//!
//! Every row's score is `α·⟨q, e⟩` plus a logarithm of the table's part, and the product is the
//! cheap half of it. But few rows are reached by the session; of all others the table knows their
//! popularity only, so that 256 logarithms bound them all. A row is scored in full when its bound
//! is not below the worst of the best so far. The rows that are reached come first, which makes
//! that worst one good early. What comes out is what scoring every row gives, to the bit.

use crate::query::Query;
use crate::score::Scorer;
use crate::tables::Tables;
use crate::topk::TopK;
use vitrine_kernel::{EXACT, Scan};

/// Offers to `top` whatever could be among its best, of the rows that pass.
pub(crate) fn scan(
    tables: &Tables,
    scorer: &Scorer,
    query: &Query,
    passes: impl Fn(u32) -> bool,
    top: &mut TopK,
) {
    for &row in scorer.touched().iter().filter(|&&row| passes(row)) {
        top.offer(row, scorer.score(tables, row));
    }
    let fusion = tables.fusion();
    let bounds = tables.bounds();
    let scan = Scan {
        units: query.units(),
        vectors: tables.vectors(),
        scales: tables.vector_scales(),
        scale: query.scale(),
        weight: fusion.encoder,
        popularity: tables.popularities(),
        bounds: &bounds.by_popularity,
        most: bounds.most,
    };
    let n = tables.items() as usize;
    let mut row = 0;
    while row < n {
        let mut may = [true; 4];
        if query.dim() <= EXACT {
            (row, may) = scan.next(row, top.threshold());
        }
        for (row, may) in (row..n.min(row + 4)).zip(may) {
            let row = row as u32;
            if may && !scorer.reaches(row) && passes(row) {
                top.offer(row, scorer.score(tables, row));
            }
        }
        row += 4;
    }
}
