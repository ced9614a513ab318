//! How deep the clicks of an experiment's arms are, without anybody knowing whose click was where.
//!
//! A metric has a small domain: two arms, five buckets of rank, ten cells. So it can have its noise
//! on the device, at every level: a profile reports one click of a window, and reports the true
//! cell with probability p and each of the nine others with probability q, where p/q = e^ε
//! (k-ary randomised response; Kairouz, Bonawitz and Ramage 2016). That is ε-differential privacy
//! of *which* cell it was against everybody, the server's operator included. That a profile
//! reported at all is not hidden by it.
//!
//! From counts R of n reports the truth is estimated without bias as ĉ = (R − n·q)/(p − q), with
//! variance (n·q(1 − q) + c·(p(1 − p) − q(1 − q)))/(p − q)². One forged report moves a cell by
//! 1/(p − q) = 2.6 at most.
//!
//! Not for items: over a catalogue of d items the deviation grows with √d, and one forged report
//! moves a count by 1 + (d − 1)/(e^ε − 1). Optimised unary encoding is better above d = 3e^ε + 2,
//! which is 24 here; below, this has less variance and a report looks like any other.
//!
//! ε is no setting. Noise of two strengths in one window could not be told apart afterwards.

use crate::cell::{Arm, Cell, PositionBucket};
use serde::{Deserialize, Serialize};

/// Cells of the domain.
pub const CELLS: usize = 10;
/// ε of one report. At 2 a cell's deviation over n reports is 0.61·√n.
pub const EPSILON: f64 = 2.0;

/// Of 2³² random numbers, those that tell the truth: the most at which p/q is at most e².
const TRUE_OF_2_32: u32 = 1_936_399_148;
/// Probability of the true cell.
const P: f64 = TRUE_OF_2_32 as f64 / 4_294_967_296.0;
/// Probability of each other one; as drawn, 10⁻⁹ of it away.
const Q: f64 = (1.0 - P) / (CELLS - 1) as f64;

/// What clicks are estimated to have been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// ε of each report, against everybody; always [`EPSILON`].
    pub epsilon: f64,
    /// Every cell of the domain once, in its order.
    pub clicks: Vec<Estimate>,
}

/// One cell of the domain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// Whose order was shown.
    pub arm: Arm,
    /// The rank of what was clicked.
    pub rank: PositionBucket,
    /// How many profiles clicked there, without bias; may be below zero.
    pub profiles: f64,
    /// Standard deviation of `profiles`.
    pub deviation: f64,
}

/// A cell's place in the domain; `None` for one of another table.
pub fn place(cell: &Cell) -> Option<usize> {
    let Cell::Metric { arm, rank } = cell else {
        return None;
    };
    let arm = Arm::ALL.iter().position(|one| one == arm)?;
    let rank = PositionBucket::ALL.iter().position(|one| one == rank)?;
    Some(arm * PositionBucket::ALL.len() + rank)
}

/// The cell at a place, which is below [`CELLS`].
pub fn cell(place: usize) -> Cell {
    let (arm, rank) = at(place);
    Cell::Metric { arm, rank }
}

fn at(place: usize) -> (Arm, PositionBucket) {
    let ranks = PositionBucket::ALL.len();
    (Arm::ALL[place / ranks], PositionBucket::ALL[place % ranks])
}

/// The cell that is reported of a click; `random` gives uniform 32-bit numbers, of which it takes
/// two.
pub fn noised(arm: Arm, rank: PositionBucket, random: &mut dyn FnMut() -> u32) -> Cell {
    let (tells, other) = (random(), random());
    let truth = Cell::Metric { arm, rank };
    let Some(place) = place(&truth).filter(|_| tells >= TRUE_OF_2_32) else {
        return truth;
    };
    let other = ((u64::from(other) * (CELLS as u64 - 1)) >> 32) as usize;
    cell(other + usize::from(other >= place))
}

impl Histogram {
    /// From how often each cell was reported, in the domain's order; `sigma` is the standard
    /// deviation of noise that the server added to each count, 0 for none.
    pub fn estimate(reported: &[i64; CELLS], sigma: f64) -> Self {
        let reports: i64 = reported.iter().sum();
        let n = reports as f64;
        let clicks = reported.iter().enumerate().map(|(place, &count)| {
            let profiles = (count as f64 - n * Q) / (P - Q);
            let true_ones = profiles.clamp(0.0, n.max(0.0));
            let device = n.max(0.0) * Q * (1.0 - Q) + true_ones * (P * (1.0 - P) - Q * (1.0 - Q));
            let others = (CELLS - 1) as f64;
            let server = sigma * sigma * ((1.0 - Q).powi(2) + others * Q * Q);
            let (arm, rank) = at(place);
            Estimate {
                arm,
                rank,
                profiles: hundredths(profiles),
                deviation: hundredths((device + server).sqrt() / (P - Q)),
            }
        });
        Self {
            epsilon: EPSILON,
            clicks: clicks.collect(),
        }
    }

    /// Whether it is one that [`Histogram::estimate`] can have made.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let in_order = |(place, one): (usize, &Estimate)| (one.arm, one.rank) == at(place);
        if self.clicks.len() != CELLS || !self.clicks.iter().enumerate().all(in_order) {
            return Err("does not hold every arm and rank once, in their order");
        }
        if self.epsilon != EPSILON {
            return Err("has another ε than this build's devices");
        }
        let sound = |one: &Estimate| one.profiles.is_finite() && one.deviation >= 0.0;
        if !self.clicks.iter().all(sound) {
            return Err("holds what is not a number, or a deviation below zero");
        }
        Ok(())
    }
}

/// Rounded: what is far below the deviation says nothing, and a short number is read as written.
fn hundredths(value: f64) -> f64 {
    (100.0 * value).round() / 100.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// SplitMix64 (Steele, Lea and Flood 2014), its upper half.
    fn generator(mut state: u64) -> impl FnMut() -> u32 {
        move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((mixed ^ (mixed >> 31)) >> 32) as u32
        }
    }

    /// How often each cell is reported, of clicks of which so many are truly in each.
    fn reported(truth: &[u32; CELLS], random: &mut impl FnMut() -> u32) -> [i64; CELLS] {
        let mut counts = [0; CELLS];
        for (place, &clicks) in truth.iter().enumerate() {
            let (arm, rank) = at(place);
            for _ in 0..clicks {
                counts[super::place(&noised(arm, rank, random)).unwrap()] += 1;
            }
        }
        counts
    }

    #[test]
    fn the_ratio_is_exact_in_the_numbers_that_are_drawn() {
        // An other cell is chosen by ⌊2³²/9⌋ = 477,218,588 of the second numbers at least.
        let all = 4_294_967_296.0_f64;
        let rarest = (all - f64::from(TRUE_OF_2_32)) / all * 477_218_588.0 / all;
        let ratio = |of: f64| (of / all / rarest).ln();
        assert!(ratio(f64::from(TRUE_OF_2_32)) <= EPSILON);
        assert!(ratio(f64::from(TRUE_OF_2_32) + 2.0) > EPSILON);
        assert!((P + 9.0 * Q - 1.0).abs() < 1e-15);
        // The ends of the range are others, each within the domain.
        let mut ends = [u32::MAX, u32::MAX, u32::MAX, 0].into_iter();
        let mut next = || ends.next().unwrap();
        let last = noised(Arm::Shop, PositionBucket::First, &mut next);
        assert_eq!(place(&last), Some(9));
        let first = noised(Arm::Shop, PositionBucket::First, &mut next);
        assert_eq!(place(&first), Some(1));
    }

    #[test]
    fn every_cell_has_one_place() {
        for place in 0..CELLS {
            assert_eq!(super::place(&cell(place)), Some(place));
        }
        let item = Cell::Item {
            item: "a".into(),
            action: crate::Action::View,
        };
        assert_eq!(super::place(&item), None);
    }

    /// 2,000 windows of 400 clicks: means within 4 standard errors of the truth, variances within
    /// 4 of theirs, which is 4·√(2/2000) = 12.7 % of the formula.
    #[test]
    fn estimates_are_unbiased_and_vary_as_the_formula_says() {
        let truth = [200, 60, 30, 10, 0, 0, 20, 40, 39, 1];
        let runs = 2000;
        let mut random = generator(7);
        let (mut sum, mut squares) = ([0.0; CELLS], [0.0; CELLS]);
        for _ in 0..runs {
            let found = Histogram::estimate(&reported(&truth, &mut random), 0.0);
            for place in 0..CELLS {
                sum[place] += found.clicks[place].profiles;
                let off = found.clicks[place].profiles - f64::from(truth[place]);
                squares[place] += off * off;
            }
        }
        for place in 0..CELLS {
            let c = f64::from(truth[place]);
            let variance =
                (400.0 * Q * (1.0 - Q) + c * (P * (1.0 - P) - Q * (1.0 - Q))) / (P - Q).powi(2);
            let bias = sum[place] / f64::from(runs) - c;
            let error = (variance / f64::from(runs)).sqrt();
            assert!(bias.abs() < 4.0 * error, "{place}: {bias} of {error}");
            let ratio = squares[place] / f64::from(runs) / variance;
            assert!((ratio - 1.0).abs() < 0.127, "{place}: {ratio}");
        }
    }

    #[test]
    fn a_deviation_is_the_formulas() {
        // n = 1000, all in the first cell as expected: R₀ = 1000·p. Then ĉ₀ = 1000 and
        // Var = 1000·p(1 − p)/(p − q)²; for the others Var = 1000·q(1 − q)/(p − q)².
        let mut counts = [61; CELLS];
        counts[0] = 451;
        let found = Histogram::estimate(&counts, 0.0);
        assert!((found.clicks[0].profiles - 1000.0).abs() < 1.0);
        assert!(
            (found.clicks[0].deviation - 40.36).abs() < 0.05,
            "{found:?}"
        );
        assert!(
            (found.clicks[1].deviation - 19.42).abs() < 0.05,
            "{found:?}"
        );
        // Noise of σ = 3.5 on each count of nothing: 3.5·√(0.8817 + 0.0335)/0.3898.
        let noise = Histogram::estimate(&[0; CELLS], 3.5);
        assert!((noise.clicks[4].deviation - 8.59).abs() < 0.01, "{noise:?}");
        found.check().unwrap();
    }

    /// A lower bound on ε, from a million reports of each of two clicks: over every cell that may
    /// be reported, how much likelier one click makes it than the other.
    fn attacked(mut two: impl FnMut() -> [u32; 2]) -> f64 {
        let runs = 1_000_000_u32;
        let mut frequencies = |rank: PositionBucket| {
            let mut counts = [0_u32; CELLS];
            for _ in 0..runs {
                let mut numbers = two().into_iter();
                let cell = noised(Arm::Shop, rank, &mut || numbers.next().unwrap());
                counts[place(&cell).unwrap()] += 1;
            }
            counts.map(|count| f64::from(count) / f64::from(runs))
        };
        let [first, tail] = [PositionBucket::First, PositionBucket::Tail].map(&mut frequencies);
        // Normal bounds of 99.999 % each, all forty together 99.9 %; what was never seen has a
        // probability below 12 in a million with more than that.
        let error = |share: f64| 4.27 * (share * (1.0 - share) / f64::from(runs)).sqrt();
        let at_least = |p: f64, q: f64| {
            let above = (q + error(q)).max(12.0 / f64::from(runs));
            ((p - error(p)).max(0.0) / above).ln()
        };
        let both = first.iter().zip(&tail);
        both.flat_map(|(&p, &q)| [at_least(p, q), at_least(q, p)])
            .fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn an_attack_finds_no_more_than_the_claim_and_catches_faults() {
        let mut random = generator(11);
        let shipped = attacked(|| [random(), random()]);
        assert!((1.95..=EPSILON).contains(&shipped), "{shipped}");
        // The truth is told in 50 % of the reports, not in 45.
        let eager = attacked(|| [random() / 10 * 9, random()]);
        assert!(eager > EPSILON, "{eager}");
        // One number is used for both choices, so half of the other cells are never reported.
        let reused = attacked(|| [random(); 2]);
        assert!(reused > 4.0, "{reused}");
    }
}
