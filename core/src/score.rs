//! The score of an item in a session.
//!
//! `α·⟨q, eᵢ⟩ + β·Σ_d decay(d)·w(i | event d) + γ·repeat(i) + δ·popularity(i)`
//!
//! where d counts events back from the latest, w is the weight of i among the neighbours of the
//! event's item (first-order SLIST: Choi et al., WWW 2021, arXiv 2103.16104, without its matrix
//! inverse), repeat(i) is the bonus of an item that this session has already seen, and q is the
//! encoder's answer for the session. Every operation is an `f32` or an integer operation in a
//! fixed order, so a browser and a server compute the same bits; only q itself, which comes from
//! the encoder, may differ in its last digits.

use crate::Action;
use crate::tables::Tables;

/// An event as the score sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Row of the item; `None` when the model does not know it.
    pub row: Option<u32>,
    /// What was done.
    pub action: Action,
}

/// The encoder's answer for a session, in 16-bit integers: `[D]` in units of `scale`.
///
/// An i8 × i16 inner product is exact in i32 for D up to 516, so the scan over the item vectors
/// is the same on every machine, and 15 bits are finer than the table's 7.
#[derive(Clone, Debug)]
pub struct Query {
    units: Vec<i16>,
    scale: f32,
}

impl Query {
    /// Quantises `[D]` floats; `None` when one of them is not finite or D is 0.
    pub fn new(query: &[f32]) -> Option<Self> {
        let largest = query.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
        if query.is_empty() || !query.iter().all(|v| v.is_finite()) {
            return None;
        }
        let scale = if largest > 0.0 {
            largest / 32_767.0
        } else {
            1.0
        };
        let units = query.iter().map(|v| (v / scale).round() as i16).collect();
        Some(Self { units, scale })
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.units.len()
    }

    /// `⟨q, e⟩` with the vector of `row`.
    #[inline]
    pub fn dot(&self, tables: &Tables, row: u32) -> f32 {
        // Two i32 lanes of at most 256 products each keep D ≤ 512 exact; longer vectors are
        // added up in i64.
        let total: i64 = self
            .units
            .chunks(256)
            .zip(tables.vector(row).chunks(256))
            .map(|(q, e)| {
                let sum: i32 = q
                    .iter()
                    .zip(e)
                    .map(|(&q, &e)| i32::from(q) * i32::from(e))
                    .sum();
                i64::from(sum)
            })
            .sum();
        total as f32 * (self.scale * tables.vector_scale(row))
    }
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
    /// δ·popularity.
    pub popularity: f32,
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
                self.add(row, fusion.repeat * tables.repeat(distance));
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
            Some(query) => known + tables.fusion().encoder * query.dot(tables, row),
            None => known,
        }
    }

    /// Rows that the session's neighbours or its own items reach, in the order they were reached.
    pub fn touched(&self) -> &[u32] {
        &self.touched
    }

    /// Whether the session reaches a row.
    pub fn reaches(&self, row: u32) -> bool {
        self.marked[row as usize]
    }

    /// Whether an encoder's answer takes part, so that every row has a score of its own.
    pub fn has_query(&self) -> bool {
        self.query.is_some()
    }

    /// The terms of a row's score for the session that was set.
    pub fn terms(&self, tables: &Tables, session: &[Event], row: u32) -> Terms {
        let fusion = tables.fusion();
        let mut terms = Terms {
            popularity: popularity(tables, row),
            ..Terms::default()
        };
        if let Some(query) = &self.query {
            terms.encoder = fusion.encoder * query.dot(tables, row);
        }
        for (distance, event) in session.iter().rev().enumerate() {
            terms.neighbours += contribution(tables, distance, *event, row);
        }
        if let Some(distance) = session.iter().rev().position(|e| e.row == Some(row)) {
            terms.repeat = fusion.repeat * tables.repeat(distance);
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

#[inline]
fn popularity(tables: &Tables, row: u32) -> f32 {
    tables.fusion().popularity * (f32::from(tables.popularity(row)) * (1.0 / 65_535.0))
}
