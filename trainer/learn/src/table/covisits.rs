//! Decayed co-visit counts: the additive state behind the table.
//!
//! For sessions s with weight w, over distinct items and over ordered pairs of events:
//!
//! - S_ij = a · Σ_s w/|s| · [i, j ∈ s] + (1 − a) · Σ_s w · Σ_{t < q ≤ t+30} exp(−(q−t−1)/g) · [s_t = i, s_q = j]
//! - G_ii = a · Σ_s w/|s|² · [i ∈ s] + (1 − a) · Σ_s w · #{t < last: s_t = i}
//!
//! with a = `cooccurrence` and g = `gap_decay`. These are X'Y and the diagonal of X'X of SLIST
//! (Choi et al., WWW 2021, arXiv 2103.16104), in which both parts are linear; so the counts of
//! two histories add up to the counts of both together.

use crate::dataset::Sessions;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Pairs further apart than this are not counted.
const MAX_GAP: usize = 30;

/// What is counted, and with which weight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountParameters {
    /// Share of the order-free part, a, in `0..=1`.
    pub cooccurrence: f64,
    /// Events over which a pair's weight falls by e, g, above 0.
    pub gap_decay: f64,
    /// Age at which a session's weight has fallen by e, in lengths of the whole history;
    /// `None` weighs all sessions alike.
    pub age_decay: Option<f64>,
}

/// The counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Covisits {
    /// S: the counts of each row's followers, by rising row; `[N][..]`.
    pub followers: Vec<Vec<(u32, f64)>>,
    /// The diagonal of G; `[N]`.
    pub visits: Vec<f64>,
}

impl Covisits {
    /// Counts `sessions` over `items` rows; sessions are in time order, the latest last.
    pub fn count(items: usize, sessions: &Sessions, parameters: &CountParameters) -> Self {
        let weight = age_weights(sessions.len(), parameters.age_decay);
        Self::count_weighted(items, sessions, &weight, parameters)
    }

    /// Counts `sessions` with a weight for each; `[sessions]`.
    pub fn count_weighted(
        items: usize,
        sessions: &Sessions,
        weight: &[f64],
        parameters: &CountParameters,
    ) -> Self {
        let occurrences = Occurrences::of(items, sessions);
        let distinct: Vec<Vec<u32>> = sessions
            .iter()
            .map(|session| {
                let mut rows: Vec<u32> = session.iter().filter_map(|event| event.row).collect();
                rows.sort_unstable();
                rows.dedup();
                rows
            })
            .collect();
        let decay: Vec<f64> = (0..MAX_GAP)
            .map(|gap| (-(gap as f64) / parameters.gap_decay).exp())
            .collect();
        let together = parameters.cooccurrence;
        let in_order = 1.0 - together;

        let rows: Vec<(Vec<(u32, f64)>, f64)> = (0..items)
            .into_par_iter()
            .map_init(
                || Accumulator::new(items),
                |sum, row| {
                    let mut visits = 0.0;
                    let mut before = None;
                    for &(session, position) in occurrences.of_row(row) {
                        let w = weight[session];
                        if before != Some(session) {
                            before = Some(session);
                            let others = &distinct[session];
                            let length = others.len() as f64;
                            visits += together * w / (length * length);
                            for &other in others {
                                sum.add(other, together * w / length);
                            }
                        }
                        let events = sessions.get(session);
                        if position + 1 < events.len() {
                            visits += in_order * w;
                        }
                        for (gap, later) in events[position + 1..].iter().take(MAX_GAP).enumerate()
                        {
                            if let Some(other) = later.row {
                                sum.add(other, in_order * w * decay[gap]);
                            }
                        }
                    }
                    (sum.take_sorted(), visits)
                },
            )
            .collect();
        let (followers, visits) = rows.into_iter().unzip();
        Self { followers, visits }
    }

    /// Adds the counts of another history over the same rows.
    pub fn add(&mut self, other: &Self) {
        self.add_weighted(other, 1.0);
    }

    /// Adds the counts of another history over the same rows, each times `weight`: below 1, that
    /// history fades.
    pub fn add_weighted(&mut self, other: &Self, weight: f64) {
        if weight == 0.0 {
            return;
        }
        for (mine, theirs) in self.followers.iter_mut().zip(&other.followers) {
            *mine = merge(mine, theirs, weight);
        }
        for (mine, theirs) in self.visits.iter_mut().zip(&other.visits) {
            *mine += weight * theirs;
        }
    }
}

/// Weight of each of `sessions` sessions by its age; the latest weighs 1.
pub fn age_weights(sessions: usize, age_decay: Option<f64>) -> Vec<f64> {
    let last = sessions.saturating_sub(1) as f64;
    (0..sessions)
        .map(|at| match age_decay {
            Some(decay) => ((at as f64 - last) / sessions as f64 / decay).exp(),
            None => 1.0,
        })
        .collect()
}

/// The sums of two sparse rows, the second times `weight`.
fn merge(a: &[(u32, f64)], b: &[(u32, f64)], weight: f64) -> Vec<(u32, f64)> {
    let mut merged = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        match a[i].0.cmp(&b[j].0) {
            std::cmp::Ordering::Less => {
                merged.push(a[i]);
                i += 1;
            }
            std::cmp::Ordering::Greater => {
                merged.push((b[j].0, weight * b[j].1));
                j += 1;
            }
            std::cmp::Ordering::Equal => {
                merged.push((a[i].0, a[i].1 + weight * b[j].1));
                i += 1;
                j += 1;
            }
        }
    }
    merged.extend_from_slice(&a[i..]);
    merged.extend(b[j..].iter().map(|&(row, count)| (row, weight * count)));
    merged
}

/// Where each row occurs, sessions and positions rising.
pub(super) struct Occurrences {
    start: Vec<usize>,
    at: Vec<(usize, usize)>,
}

impl Occurrences {
    pub(super) fn of(items: usize, sessions: &Sessions) -> Self {
        let mut start = vec![0; items + 1];
        for row in sessions.events.iter().filter_map(|event| event.row) {
            start[row as usize + 1] += 1;
        }
        for row in 0..items {
            start[row + 1] += start[row];
        }
        let mut next = start.clone();
        let mut at = vec![(0, 0); start[items]];
        for (session, events) in sessions.iter().enumerate() {
            for (position, event) in events.iter().enumerate() {
                if let Some(row) = event.row {
                    let slot = &mut next[row as usize];
                    at[*slot] = (session, position);
                    *slot += 1;
                }
            }
        }
        Self { start, at }
    }

    pub(super) fn of_row(&self, row: usize) -> &[(usize, usize)] {
        &self.at[self.start[row]..self.start[row + 1]]
    }
}

/// A sparse sum over rows that reuses one dense buffer.
pub(crate) struct Accumulator {
    sum: Vec<f64>,
    touched: Vec<u32>,
}

impl Accumulator {
    pub(crate) fn new(items: usize) -> Self {
        Self {
            sum: vec![0.0; items],
            touched: Vec::new(),
        }
    }

    /// Adds a value.
    pub(crate) fn add(&mut self, row: u32, value: f64) {
        let slot = &mut self.sum[row as usize];
        if *slot == 0.0 {
            self.touched.push(row);
        }
        *slot += value;
    }

    /// The entries by rising row; the buffer is zero again.
    pub(crate) fn take_sorted(&mut self) -> Vec<(u32, f64)> {
        self.touched.sort_unstable();
        self.touched.dedup();
        let sum = &mut self.sum;
        self.touched
            .drain(..)
            .map(|row| (row, std::mem::take(&mut sum[row as usize])))
            .filter(|entry| entry.1 != 0.0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: CountParameters = CountParameters {
        cooccurrence: 0.5,
        gap_decay: 1.0,
        age_decay: None,
    };

    #[test]
    fn one_session_counts_as_worked_out_by_hand() {
        // Session 0 1 0: two distinct items, so each of S_00, S_01, S_10, S_11 has 0.5 · 1/2.
        // In order: (0,1) gap 0: 0.5; (0,0) gap 1: 0.5/e; (1,0) gap 0: 0.5.
        // G_00 = 0.5/4 + 0.5 (the last 0 is followed by nothing); G_11 = 0.5/4 + 0.5.
        let counts = Covisits::count(2, &Sessions::of_views(&[&[0, 1, 0]]), &PARAMETERS);
        let e = 1.0_f64.exp();
        let expected = [[(0, 0.25 + 0.5 / e), (1, 0.75)], [(0, 0.75), (1, 0.25)]];
        for (row, expected) in counts.followers.iter().zip(expected) {
            for (found, expected) in row.iter().zip(expected) {
                assert_eq!(found.0, expected.0);
                assert!((found.1 - expected.1).abs() < 1e-12);
            }
        }
        assert_eq!(counts.visits, [0.625, 0.625]);
    }

    #[test]
    fn counts_of_two_histories_add_up() {
        let first: &[&[u32]] = &[&[0, 1, 2], &[2, 1]];
        let second: &[&[u32]] = &[&[1, 3], &[0, 1, 0, 2]];
        let both = [first, second].concat();
        let mut sum = Covisits::count(4, &Sessions::of_views(first), &PARAMETERS);
        sum.add(&Covisits::count(
            4,
            &Sessions::of_views(second),
            &PARAMETERS,
        ));
        let rebuilt = Covisits::count(4, &Sessions::of_views(&both), &PARAMETERS);
        for (a, b) in sum
            .followers
            .iter()
            .flatten()
            .zip(rebuilt.followers.iter().flatten())
        {
            assert_eq!(a.0, b.0);
            assert!((a.1 - b.1).abs() < 1e-12);
        }
        assert_eq!(
            sum.followers.concat().len(),
            rebuilt.followers.concat().len()
        );
    }

    #[test]
    fn a_history_that_faded_counts_as_one_of_less_weight() {
        let first = Sessions::of_views(&[&[0, 1, 2], &[2, 1]]);
        let second = Sessions::of_views(&[&[1, 3], &[0, 1, 0, 2]]);
        let count =
            |of: &Sessions, weight: f64| Covisits::count_weighted(4, of, &[weight; 2], &PARAMETERS);
        let mut faded = count(&second, 0.25);
        faded.add_weighted(&count(&first, 1.0), 0.5);
        let mut rebuilt = count(&first, 0.5);
        rebuilt.add(&count(&second, 0.25));
        // Powers of two, so that nothing is rounded.
        assert_eq!(faded, rebuilt);
    }

    #[test]
    fn older_sessions_weigh_less() {
        let weights = age_weights(3, Some(1.0));
        assert_eq!(weights[2], 1.0);
        assert!((weights[0] - (-2.0_f64 / 3.0).exp()).abs() < 1e-12);
    }
}
