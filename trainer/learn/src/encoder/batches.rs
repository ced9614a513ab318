//! Cuts sessions into batches and draws the negatives: all randomness of a pass comes from one
//! seed, so that a pass can be made again.

use super::EncoderParameters;
use super::features::Features;
use crate::dataset::Sessions;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use vitrine_core::Action;
use vitrine_core::score::Event;

/// Batches whose sessions are sorted by length together, so that little is padded.
const SORTED_TOGETHER: usize = 32;

/// One step's input, in numbers that are rows of `rows`.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Distinct rows of the item table that the step touches.
    pub rows: Vec<u32>,
    /// Candidates: the first of `rows`, this many.
    pub candidates: usize,
    /// Logarithm of how often each candidate is expected among the candidates; empty when all
    /// items are candidates.
    pub log_expected: Vec<f32>,
    /// Sessions of their own that share all of this.
    pub parts: Vec<Part>,
}

impl Batch {
    /// Labels of all parts.
    pub fn labels(&self) -> usize {
        self.parts.iter().map(|part| part.labels.len()).sum()
    }
}

/// Some sessions of a step, side by side.
#[derive(Clone, Debug)]
pub struct Part {
    /// Steps, T.
    pub steps: usize,
    /// Sessions, B.
    pub sessions: usize,
    /// Input items by step and session, `[T × B]`, as places in `rows`; padding is place 0.
    pub input: Vec<i32>,
    /// One-hot actions, `[T × B × 3]`.
    pub actions: Vec<f32>,
    /// Factors of the input vectors, `[T × B × D]`: 0 where dropped, 1/(1 − p) elsewhere; empty
    /// without dropout.
    pub dropout: Vec<f32>,
    /// Places in `[T × B]` that have a label.
    pub labelled: Vec<i32>,
    /// The label of each, as a place among the candidates.
    pub labels: Vec<i32>,
}

/// Draws negatives and knows how likely each row is. A row without events is none where its
/// features place it: that nobody chose it says nothing, it may not have been there.
pub struct Negatives {
    /// The rows that are candidates in every step; empty when negatives are drawn.
    always: Vec<u32>,
    /// Cumulated shares; empty when nothing is drawn.
    cumulated: Vec<f64>,
    /// Share of each row among the drawn.
    share: Vec<f64>,
    /// Share of each row among the labels.
    label_share: Vec<f64>,
    count: usize,
}

impl Negatives {
    /// For rows of the given popularity and features.
    pub fn new(popularity: &[f64], features: &Features, parameters: &EncoderParameters) -> Self {
        let total: f64 = popularity.iter().sum();
        let label_share = popularity.iter().map(|p| p / total.max(1.0)).collect();
        let is_one = |row: u32| popularity[row as usize] > 0.0 || features.of_item(row).is_empty();
        let rows = 0..popularity.len() as u32;
        let negatives: Vec<u32> = rows.clone().filter(|&row| is_one(row)).collect();
        if negatives.len() <= parameters.negatives {
            return Self {
                count: negatives.len(),
                always: negatives,
                cumulated: Vec::new(),
                share: Vec::new(),
                label_share,
            };
        }
        let weight = |row: u32| {
            if is_one(row) {
                (popularity[row as usize] + 1.0).powf(parameters.negative_power)
            } else {
                0.0
            }
        };
        let raw: Vec<f64> = rows.map(weight).collect();
        let total: f64 = raw.iter().sum();
        let share: Vec<f64> = raw.iter().map(|r| r / total).collect();
        let mut sum = 0.0;
        let cumulated = share
            .iter()
            .map(|s| {
                sum += s;
                sum
            })
            .collect();
        Self {
            always: Vec::new(),
            cumulated,
            share,
            label_share,
            count: parameters.negatives,
        }
    }

    fn all(&self) -> bool {
        self.cumulated.is_empty()
    }

    /// Logarithm of the chance of each row to be among the candidates of a step with so many
    /// `labels`: each is one candidate however often it was drawn. Empty when all always are.
    fn log_expected(&self, rows: &[u32], labels: usize) -> Vec<f32> {
        if self.all() {
            return Vec::new();
        }
        let of_row = |&row: &u32| {
            let (drawn, label) = (self.share[row as usize], self.label_share[row as usize]);
            let missed = (1.0 - drawn).powf(self.count as f64) * (1.0 - label).powf(labels as f64);
            (1.0 - missed).max(1e-12).ln() as f32
        };
        rows.iter().map(of_row).collect()
    }

    fn draw(&self, rng: &mut impl Rng) -> u32 {
        let at = rng.random::<f64>();
        let row = self.cumulated.partition_point(|&sum| sum < at);
        row.min(self.cumulated.len() - 1) as u32
    }
}

/// Sessions of known items only, cut to at most `length + 1` events; one event is shared where a
/// session is cut, so that no transition is lost.
pub fn pieces(sessions: &Sessions, length: usize) -> Vec<Vec<Event>> {
    let mut pieces = Vec::new();
    for session in sessions.iter() {
        let known: Vec<Event> = session
            .iter()
            .copied()
            .filter(|e| e.row.is_some())
            .collect();
        let mut end = known.len();
        while end >= 2 {
            let from = end.saturating_sub(length + 1);
            pieces.push(known[from..end].to_vec());
            if from == 0 {
                break;
            }
            end = from + 1;
        }
    }
    pieces
}

/// The order of one pass: places in `pieces`, batch by batch.
pub fn order(pieces: &[Vec<Event>], batch: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut places: Vec<usize> = (0..pieces.len()).collect();
    places.shuffle(&mut rng);
    for group in places.chunks_mut(batch * SORTED_TOGETHER) {
        group.sort_by_key(|&place| pieces[place].len());
    }
    let mut batches: Vec<Vec<usize>> = places.chunks(batch).map(<[usize]>::to_vec).collect();
    batches.shuffle(&mut rng);
    batches
}

/// Scratch space to number the rows of a step.
pub struct Numbering {
    place: Vec<i32>,
}

impl Numbering {
    /// For N items.
    pub fn new(items: usize) -> Self {
        Self {
            place: vec![-1; items],
        }
    }

    fn number(&mut self, row: u32, rows: &mut Vec<u32>) -> i32 {
        let place = &mut self.place[row as usize];
        if *place < 0 {
            *place = rows.len() as i32;
            rows.push(row);
        }
        *place
    }

    /// Lays out one batch in at most `parts` parts.
    pub fn lay_out(
        &mut self,
        sessions: &[&[Event]],
        parts: usize,
        negatives: &Negatives,
        parameters: &EncoderParameters,
        seed: u64,
    ) -> Batch {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut rows = Vec::new();
        for &row in &negatives.always {
            self.number(row, &mut rows);
        }
        let mut parts: Vec<(&[&[Event]], Part)> = sessions
            .chunks(sessions.len().div_ceil(parts).max(1))
            .map(|sessions| (sessions, self.with_labels(sessions, &mut rows)))
            .collect();
        if !negatives.all() {
            for _ in 0..negatives.count {
                let row = negatives.draw(&mut rng);
                self.number(row, &mut rows);
            }
        }
        let candidates = rows.len();
        let labels: usize = parts.iter().map(|(_, part)| part.labels.len()).sum();
        let log_expected = negatives.log_expected(&rows, labels);
        for (sessions, part) in &mut parts {
            self.add_input(sessions, part, &mut rows);
            part.dropout = dropout(part.input.len(), parameters, &mut rng);
        }
        for &row in &rows {
            self.place[row as usize] = -1;
        }
        Batch {
            rows,
            candidates,
            log_expected,
            parts: parts.into_iter().map(|(_, part)| part).collect(),
        }
    }

    fn with_labels(&mut self, sessions: &[&[Event]], rows: &mut Vec<u32>) -> Part {
        let b = sessions.len();
        let steps = sessions.iter().map(|s| s.len() - 1).max().unwrap_or(0);
        let mut part = Part {
            steps,
            sessions: b,
            input: vec![0; steps * b],
            actions: vec![0.0; steps * b * Action::COUNT],
            dropout: Vec::new(),
            labelled: Vec::new(),
            labels: Vec::new(),
        };
        for (at, session) in sessions.iter().enumerate() {
            for (step, event) in session[1..].iter().enumerate() {
                if let Some(row) = event.row {
                    part.labelled.push((step * b + at) as i32);
                    part.labels.push(self.number(row, rows));
                }
            }
        }
        part
    }

    fn add_input(&mut self, sessions: &[&[Event]], part: &mut Part, rows: &mut Vec<u32>) {
        for (at, session) in sessions.iter().enumerate() {
            for (step, event) in session[..session.len() - 1].iter().enumerate() {
                if let Some(row) = event.row {
                    let place = step * part.sessions + at;
                    part.input[place] = self.number(row, rows);
                    let action = usize::from(event.action.code());
                    part.actions[place * Action::COUNT + action] = 1.0;
                }
            }
        }
    }
}

/// Factors for `places` vectors.
fn dropout(places: usize, parameters: &EncoderParameters, rng: &mut impl Rng) -> Vec<f32> {
    if parameters.dropout <= 0.0 {
        return Vec::new();
    }
    let kept = 1.0 - parameters.dropout;
    let factor = (1.0 / kept) as f32;
    (0..places * parameters.dim)
        .map(|_| {
            if rng.random::<f64>() < kept {
                factor
            } else {
                0.0
            }
        })
        .collect()
}
