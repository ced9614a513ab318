//! The score of an item in a session.
//!
//! Without an encoder: `t(i) = β·Σ_d decay(d)·w(i | event d) + γ·repeat(i) + δ·popularity(i)`,
//! with its answer q: `α·⟨q, eᵢ⟩ + ln(1 + t(i)/φ) + prior(i)`
//!
//! where d counts events back from the latest, w is the weight of i among the neighbours of the
//! event's item (first-order SLIST: Choi et al., WWW 2021, arXiv 2103.16104, without its matrix
//! inverse) and repeat(i) is the bonus of an item that this session has already seen, n times:
//! `(1 + κ·ln n)` times what is due to the events since it was seen last. prior(i) is what an item
//! has for itself when both speak: less for being popular, which both count already, and more for
//! being on the rise. The table's part is of the kind of a probability and the encoder's inner product of the kind of a
//! logarithm of one; so they meet on the logarithmic scale, where φ is what the table is worth
//! for an item that it does not reach. Every operation is an `f32` or an integer operation in a
//! fixed order, so a browser and a server compute the same bits; only q itself, which comes from
//! the encoder, may differ in its last digits.

use crate::Action;
pub use crate::query::Query;
use crate::tables::{Fusion, Tables};
use vitrine_kernel::STEP;

/// An event as the score sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Row of the item; `None` when the model does not know it.
    pub row: Option<u32>,
    /// What was done.
    pub action: Action,
}

/// The terms of one score, each already weighted; their sum is the score up to rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Terms {
    /// α·⟨q, e⟩.
    pub encoder: f32,
    /// β·neighbours.
    pub neighbours: f32,
    /// γ·repeat.
    pub repeat: f32,
    /// δ·popularity, and the item's prior where the encoder counts.
    pub popularity: f32,
}

/// α·⟨q, e⟩ + ln(1 + t/φ) + prior: the score from the table's part t, the encoder's inner product
/// and the item's prior in its units.
#[inline]
pub fn fuse(fusion: Fusion, table: f32, dot: f32, prior: i8) -> f32 {
    squash(table, fusion.floor) + fusion.prior * f32::from(prior) + fusion.encoder * dot
}

/// ln(1 + t/φ), continued as a line below zero: rises with t everywhere.
#[inline]
fn squash(t: f32, floor: f32) -> f32 {
    let ratio = t / floor;
    if ratio > 0.0 { ln(1.0 + ratio) } else { ratio }
}

/// The natural logarithm of a finite x ≥ 1, within 1e-6, the same bits everywhere: C libraries
/// and browsers differ in the last bit of theirs.
fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    let mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    // ln m = 2·artanh((m − 1)/(m + 1)), with m between √½ and √2.
    let (mantissa, exponent) = if mantissa > std::f32::consts::SQRT_2 {
        (mantissa * 0.5, exponent + 1)
    } else {
        (mantissa, exponent)
    };
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let t2 = t * t;
    let series = 1.0 + t2 * (1.0 / 3.0 + t2 * (0.2 + t2 * (1.0 / 7.0 + t2 * (1.0 / 9.0))));
    exponent as f32 * std::f32::consts::LN_2 + 2.0 * t * series
}

/// Scores items of one session after another, reusing its memory.
pub struct Scorer {
    /// β·neighbours + γ·repeat by row; `[N]`, zero where `touched` does not name the row.
    partial: Vec<f32>,
    marked: Vec<bool>,
    touched: Vec<u32>,
    query: Option<Query>,
}

impl Scorer {
    /// A scorer for N `items`.
    pub fn new(items: u32) -> Self {
        Self {
            partial: vec![0.0; items as usize],
            marked: vec![false; items as usize],
            touched: Vec::new(),
            query: None,
        }
    }

    /// Takes up a session, oldest event first, and the encoder's answer for it.
    ///
    /// A query of another width than the tables' is ignored.
    pub fn set(&mut self, tables: &Tables, session: &[Event], query: Option<Query>) {
        for &row in &self.touched {
            self.partial[row as usize] = 0.0;
            self.marked[row as usize] = false;
        }
        self.touched.clear();
        self.query = query.filter(|q| q.dim() == tables.dim() && tables.fusion().encoder != 0.0);

        let fusion = tables.fusion();
        for (distance, event) in session.iter().rev().enumerate() {
            let Some(row) = event.row else { continue };
            let weight = tables.event_weight(distance, event.action) * fusion.neighbours;
            if weight == 0.0 {
                continue;
            }
            let neighbours = tables.neighbours(row);
            let unit = weight * neighbours.scale;
            neighbours.for_each(|row, units| self.add(row, unit * f32::from(units)));
        }
        for (distance, event) in session.iter().rev().enumerate() {
            let Some(row) = event.row else { continue };
            let later = &session[session.len() - distance..];
            if !later.iter().any(|e| e.row == Some(row)) {
                self.add(row, repeat(tables, session, row, distance));
            }
        }
    }

    #[inline]
    fn add(&mut self, row: u32, value: f32) {
        let at = row as usize;
        if !self.marked[at] {
            self.marked[at] = true;
            self.touched.push(row);
        }
        self.partial[at] += value;
    }

    /// The score of a row.
    #[inline]
    pub fn score(&self, tables: &Tables, row: u32) -> f32 {
        let known = self.partial[row as usize] + popularity(tables, row);
        match &self.query {
            Some(query) => {
                let dot = query.dot(tables, row);
                fuse(tables.fusion(), known, dot, tables.prior(row))
            }
            None => known,
        }
    }

    /// The encoder's answer, where it counts.
    pub fn query(&self) -> Option<&Query> {
        self.query.as_ref()
    }

    /// Rows that the session's neighbours or its own items reach, in the order they were reached.
    pub fn touched(&self) -> &[u32] {
        &self.touched
    }

    /// Whether the session reaches a row.
    pub fn reaches(&self, row: u32) -> bool {
        self.marked[row as usize]
    }

    /// Whether rows that the session does not reach are ordered by popularity alone: without an
    /// encoder's answer, and where the popular are not put last.
    pub fn leaves_rest_to_popularity(&self, tables: &Tables) -> bool {
        self.query.is_none() && tables.fusion().popularity >= 0.0
    }

    /// The terms of a row's score for the session that was set.
    pub fn terms(&self, tables: &Tables, session: &[Event], row: u32) -> Terms {
        let fusion = tables.fusion();
        let mut terms = Terms {
            popularity: popularity(tables, row),
            ..Terms::default()
        };
        for (distance, event) in session.iter().rev().enumerate() {
            terms.neighbours += contribution(tables, distance, *event, row);
        }
        if let Some(distance) = session.iter().rev().position(|e| e.row == Some(row)) {
            terms.repeat = repeat(tables, session, row, distance);
        }
        if let Some(query) = &self.query {
            terms.encoder = fusion.encoder * query.dot(tables, row);
            // The logarithm of the table's part is shared out as the part itself is made up.
            let known = terms.neighbours + terms.repeat + terms.popularity;
            if known != 0.0 {
                let share = squash(known, fusion.floor) / known;
                terms.neighbours *= share;
                terms.repeat *= share;
                terms.popularity *= share;
            }
            terms.popularity += fusion.prior * f32::from(tables.prior(row));
        }
        terms
    }
}

/// β·decay·weight that one event gives to a row.
pub fn contribution(tables: &Tables, distance: usize, event: Event, row: u32) -> f32 {
    let Some(from) = event.row else { return 0.0 };
    let weight = tables.event_weight(distance, event.action) * tables.fusion().neighbours;
    let neighbours = tables.neighbours(from);
    let unit = weight * neighbours.scale;
    let mut sum = 0.0;
    neighbours.for_each(|to, units| {
        if to == row {
            sum += unit * f32::from(units);
        }
    });
    sum
}

/// γ·repeat of a row that the session saw last `distance` events before its latest.
fn repeat(tables: &Tables, session: &[Event], row: u32, distance: usize) -> f32 {
    let fusion = tables.fusion();
    let earlier = &session[..session.len() - distance];
    let times = earlier.iter().filter(|e| e.row == Some(row)).count();
    let growth = 1.0 + fusion.repeat_growth * ln(times.max(1) as f32);
    fusion.repeat * tables.repeat(distance) * growth
}

#[inline]
fn popularity(tables: &Tables, row: u32) -> f32 {
    popularity_term(tables.fusion(), tables.popularity(row))
}

#[inline]
fn popularity_term(fusion: Fusion, popularity: u16) -> f32 {
    fusion.popularity * (f32::from(popularity) * (1.0 / 65_535.0))
}

/// What [`fuse`] less its encoder's part does not pass, for rows that the session does not reach.
pub(crate) struct Bounds {
    /// By popularity / [`STEP`].
    pub by_popularity: [f32; 256],
    /// The largest of them.
    pub most: f32,
}

impl Bounds {
    /// The bounds for `largest_prior`, the largest prior by popularity / [`STEP`].
    pub fn new(fusion: Fusion, largest_prior: &[i8; 256]) -> Self {
        let mut by_popularity = [0.0; 256];
        for (step, bound) in (0..=255).zip(&mut by_popularity) {
            *bound = untouched_bound(fusion, step, largest_prior[usize::from(step)]);
        }
        Self {
            most: by_popularity
                .iter()
                .copied()
                .fold(f32::NEG_INFINITY, f32::max),
            by_popularity,
        }
    }
}

/// The bound of the rows whose popularity / [`STEP`] is `step` and whose priors are at most
/// `prior`.
///
/// The logarithm is within 1e-6 of one that rises, so it may fall by twice as much.
fn untouched_bound(fusion: Fusion, step: u8, prior: i8) -> f32 {
    let low = u16::from(step) * STEP;
    let high = low + (STEP - 1);
    let at = |popularity| fuse(fusion, popularity_term(fusion, popularity), 0.0, prior);
    let bound = at(low).max(at(high));
    bound + 1e-5 + 1e-5 * bound.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_close_and_rises() {
        let mut last = -1.0;
        for step in 0..20_000 {
            let x = 1.0 + (step as f32).powi(2) * 1e-3;
            let found = ln(x);
            assert!((f64::from(found) - f64::from(x).ln()).abs() < 2e-6, "{x}");
            assert!(found >= last);
            last = found;
        }
        assert_eq!(ln(1.0), 0.0);
        assert!(squash(-1.0, 0.1) < squash(0.0, 0.1));
    }
}
