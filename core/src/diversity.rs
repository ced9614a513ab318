//! A list that does not say the same thing twenty times: maximal marginal relevance (Carbonell &
//! Goldstein, SIGIR 1998) over the head of a ranking.
//!
//! The next place goes to the item with the largest `(1 − d)·relevance − d·similarity`, where the
//! relevance is the score, brought to 0..1 over the head, and the similarity that to the most
//! similar item already chosen. The first place is the best item's for every d; d = 0 is the
//! ranking itself. Ties go to the better item, so the result is the same on every machine.
//!
//! How similar two items are is asked of what the bundle knows best: with an encoder it is the
//! cosine of their vectors (negative ones count as 0); without, it is how much their neighbour
//! lists have in common, each item counted into its own list (cosine of the two sets), in the mean
//! with whether they are of one category, where both have one.

use crate::bundle::Bundle;
use crate::order::Bits;
use crate::tables::Tables;
use vitrine_kernel::{EXACT, product};

/// Places that are chosen for diversity; beyond them nobody compares.
const PLACES: usize = 100;
/// Items of the head for each such place.
const DEPTH: usize = 4;

/// How many of the best items must be known to diversify a list of `n`.
pub fn head(n: usize) -> usize {
    n.max(DEPTH * n.min(PLACES))
}

/// The first `n` of `ranking` (rows and scores, best first) for a `diversity` in 0..=1.
pub fn diversified(
    bundle: &Bundle,
    ranking: Vec<(u32, f32)>,
    n: usize,
    diversity: f32,
) -> Vec<(u32, f32)> {
    let (Some(&(_, most)), Some(&(_, least))) = (ranking.first(), ranking.last()) else {
        return ranking;
    };
    let span = if most > least { most - least } else { 1.0 };
    let mut left: Vec<Candidate> = ranking
        .into_iter()
        .map(|(row, score)| Candidate {
            row,
            score,
            relevance: (score - least) / span,
            similarity: 0.0,
        })
        .collect();
    let mut chosen: Vec<(u32, f32)> = Vec::with_capacity(n);
    while chosen.len() < n.min(PLACES) && !left.is_empty() {
        let mut best = (0, f32::NEG_INFINITY);
        for (at, one) in left.iter().enumerate() {
            let value = (1.0 - diversity) * one.relevance - diversity * one.similarity;
            if value > best.1 {
                best = (at, value);
            }
        }
        // In order, so that the better one stays before the other.
        let next = left.remove(best.0);
        chosen.push((next.row, next.score));
        let likeness = Likeness::to(bundle, next.row);
        for one in &mut left {
            one.similarity = one.similarity.max(likeness.of(one.row));
        }
    }
    let rest = left.into_iter().map(|one| (one.row, one.score));
    chosen.extend(rest.take(n.saturating_sub(PLACES)));
    chosen
}

struct Candidate {
    row: u32,
    score: f32,
    relevance: f32,
    /// To the most similar item that was chosen.
    similarity: f32,
}

/// How similar items are to one of them, in 0..=1.
struct Likeness<'a> {
    bundle: &'a Bundle,
    row: u32,
    kind: Kind,
}

enum Kind {
    /// The item's vector in units, and its length.
    Vector(Vec<i16>, f32),
    /// The item and its neighbours, and how many they are.
    Neighbours(Bits, usize),
}

impl<'a> Likeness<'a> {
    fn to(bundle: &'a Bundle, row: u32) -> Self {
        let tables = bundle.tables();
        let kind = if (1..=EXACT).contains(&tables.dim()) {
            let units = tables.vector(row).iter().map(|&unit| i16::from(unit));
            Kind::Vector(units.collect(), length(tables, row))
        } else {
            let mut circle = Bits::none(tables.items() as usize);
            let mut count = 0;
            for_circle(tables, row, |row| {
                circle.insert(row);
                count += 1;
            });
            Kind::Neighbours(circle, count)
        };
        Self { bundle, row, kind }
    }

    fn of(&self, other: u32) -> f32 {
        let tables = self.bundle.tables();
        match &self.kind {
            Kind::Vector(units, own) => {
                let lengths = own * length(tables, other);
                let dot = product(tables.vector(other), units) as f32;
                if lengths > 0.0 {
                    (dot / lengths).clamp(0.0, 1.0)
                } else {
                    0.0
                }
            }
            Kind::Neighbours(circle, count) => {
                let (mut others, mut common) = (0, 0);
                for_circle(tables, other, |row| {
                    others += 1;
                    common += usize::from(circle.holds(row));
                });
                let overlap = common as f32 / ((count * others) as f32).sqrt();
                match self.is_of_one_category(other) {
                    Some(same) => (overlap + f32::from(u8::from(same))) / 2.0,
                    None => overlap,
                }
            }
        }
    }

    fn is_of_one_category(&self, other: u32) -> Option<bool> {
        let category = &self.bundle.facets()?.category;
        let [one, other] = [self.row, other].map(|row| category[row as usize]);
        (one >= 0 && other >= 0).then_some(one == other)
    }
}

fn length(tables: &Tables, row: u32) -> f32 {
    let squares = tables
        .vector(row)
        .iter()
        .map(|&unit| i32::from(unit).pow(2));
    (squares.sum::<i32>() as f32).sqrt()
}

/// Calls `each` with the item and each of its neighbours, once.
fn for_circle(tables: &Tables, row: u32, mut each: impl FnMut(u32)) {
    each(row);
    tables.neighbours(row).for_each(|neighbour, _| {
        if neighbour != row {
            each(neighbour);
        }
    });
}
