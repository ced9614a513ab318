//! Bootstrap confidence intervals: how far a figure would move on other sessions of the same shop.
//!
//! Sessions are drawn, not examples: the examples of one session share a visitor and most of
//! their input, and intervals that took them as independent would be too narrow. A resample costs
//! one addition per session, because the examples of each session are summed once.

use super::metrics::{MEASURES, Measures, Metrics, gains};
use crate::dataset::Examples;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

/// How often the sessions are drawn again.
const RESAMPLES: usize = 1000;
/// Resamples beyond each end of a 95 % interval.
const BEYOND: usize = RESAMPLES / 40;
/// Seed of the draws; the same sessions are drawn for whatever is measured on them.
const SEED: u64 = 1;

/// The 95 % interval, lower end first, in percent (or percent points, of a difference).
pub type Interval = [f64; 2];

/// The figures of a ranker with their intervals.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    /// The figures.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Where they would lie, 95 times of 100, on other sessions of the same kind.
    pub intervals: Measures<Interval>,
}

impl Figures {
    /// From the rank of each example's label, from 1; 0 is a miss.
    pub fn of_ranks(examples: &Examples, ranks: &[u32]) -> Self {
        Self {
            metrics: Metrics::of_ranks(ranks),
            intervals: bootstrap(&per_session(examples, |example| gains(ranks[example]))),
        }
    }
}

/// What the examples of one session add to the figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SessionSum {
    /// Sum of each measure.
    pub gains: [f64; MEASURES],
    /// How many examples there are.
    pub examples: f64,
}

impl SessionSum {
    fn add(&mut self, gains: [f64; MEASURES], examples: f64) {
        for (sum, gain) in self.gains.iter_mut().zip(gains) {
            *sum += gain;
        }
        self.examples += examples;
    }
}

/// Sums what each example gains by session; a session without an example has no sum.
pub fn per_session(
    examples: &Examples,
    gain: impl Fn(usize) -> [f64; MEASURES],
) -> Vec<SessionSum> {
    let mut sums: Vec<SessionSum> = Vec::new();
    let mut last = None;
    for (example, &(session, _)) in examples.at.iter().enumerate() {
        if last != Some(session) {
            sums.push(SessionSum::default());
            last = Some(session);
        }
        if let Some(sum) = sums.last_mut() {
            sum.add(gain(example), 1.0);
        }
    }
    sums
}

/// The interval of each measure's mean over examples, in percent.
pub fn bootstrap(sessions: &[SessionSum]) -> Measures<Interval> {
    if sessions.is_empty() {
        return Measures::default();
    }
    let means: Vec<[f64; MEASURES]> = (0..RESAMPLES as u64)
        .into_par_iter()
        .map(|resample| {
            let mut rng = ChaCha8Rng::seed_from_u64(SEED);
            rng.set_stream(resample);
            let mut sum = SessionSum::default();
            for _ in 0..sessions.len() {
                let drawn = &sessions[rng.random_range(0..sessions.len())];
                sum.add(drawn.gains, drawn.examples);
            }
            sum.gains.map(|gain| 100.0 * gain / sum.examples)
        })
        .collect();
    Measures::from_array(std::array::from_fn(|measure| {
        let mut values: Vec<f64> = means.iter().map(|mean| mean[measure]).collect();
        values.sort_unstable_by(f64::total_cmp);
        [values[BEYOND - 1], values[RESAMPLES - BEYOND]]
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Sessions;

    fn examples(sessions: &[u32]) -> Examples {
        Examples {
            sessions: Sessions::new(),
            at: sessions.iter().map(|&session| (session, 1)).collect(),
        }
    }

    #[test]
    fn examples_are_summed_by_session() {
        // Session 0: ranks 1 and 2; session 3: a miss.
        let ranks = [1, 2, 0];
        let sums = per_session(&examples(&[0, 0, 3]), |example| gains(ranks[example]));
        assert_eq!(sums.len(), 2);
        assert_eq!(sums[0].examples, 2.0);
        assert_eq!(sums[0].gains[..2], [2.0, 1.5]);
        assert_eq!(sums[1].gains, [0.0; MEASURES]);
        assert_eq!(sums[1].examples, 1.0);
    }

    #[test]
    fn one_session_leaves_nothing_open_and_two_leave_everything() {
        let one = Figures::of_ranks(&examples(&[0, 0, 0, 0]), &[1, 0, 0, 0]);
        assert_eq!(one.intervals.p20, [25.0, 25.0]);
        // Both sessions, or one of them twice: 0, 50 and 100 % with chances 1/4, 1/2, 1/4.
        let two = Figures::of_ranks(&examples(&[0, 1]), &[1, 0]);
        assert_eq!(two.intervals.p20, [0.0, 100.0]);
    }

    #[test]
    fn the_interval_is_that_of_the_binomial_and_the_same_each_time() {
        // 400 sessions of one example, every other a hit: a standard error of
        // √(0.5 · 0.5 / 400) = 2.5 points, so 50 ± 1.96 · 2.5 = 50 ± 4.9.
        let sessions: Vec<u32> = (0..400).collect();
        let ranks: Vec<u32> = sessions.iter().map(|session| session % 2).collect();
        let figures = Figures::of_ranks(&examples(&sessions), &ranks);
        let [low, high] = figures.intervals.p20;
        assert!((low - 45.1).abs() < 1.0, "{low}");
        assert!((high - 54.9).abs() < 1.0, "{high}");
        let again = Figures::of_ranks(&examples(&sessions), &ranks);
        assert_eq!(figures.intervals, again.intervals);
    }

    #[test]
    fn sessions_and_not_examples_are_drawn() {
        // The same 400 examples in 40 sessions that hit or miss as a whole: √10 times as wide.
        let sessions: Vec<u32> = (0..400).map(|example| example / 10).collect();
        let ranks: Vec<u32> = sessions.iter().map(|session| session % 2).collect();
        let [low, high] = Figures::of_ranks(&examples(&sessions), &ranks)
            .intervals
            .p20;
        assert!((high - low - 31.0).abs() < 6.0, "{low} to {high}");
    }
}
