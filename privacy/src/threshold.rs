//! The part of δ that the threshold leaves: a cell that one profile alone filled is seen.
//!
//! Without the profile such a cell's count is zero and it is never published. With it the count
//! is 1, and the cell is published when 1 + N ≥ τ. Whoever sees it then knows, so the
//! probability counts in full: at most L·Pr[N ≥ τ − 1] over L cells.

use crate::Sigma;
use crate::gaussian::Distribution;

/// An upper bound on the probability that one of `cells` cells with a count of 1 is published at
/// `threshold` (τ, in reports).
pub fn threshold_delta(sigma: Sigma, threshold: u64, cells: u32) -> f64 {
    tail(&Distribution::noise(sigma), threshold, cells)
}

/// The smallest τ, at least 2, whose [`threshold_delta`] is at most `delta`; `None` when none is.
pub fn smallest_threshold(sigma: Sigma, cells: u32, delta: f64) -> Option<u64> {
    let noise = Distribution::noise(sigma);
    let last = noise.first.unsigned_abs() + 2;
    (2..=last).find(|&threshold| tail(&noise, threshold, cells) <= delta)
}

/// The probability that a cell with this many reports is published.
pub fn published(noise: &Distribution, count: u64, threshold: u64) -> f64 {
    if count == 0 {
        return 0.0;
    }
    let needed = i128::from(threshold) - i128::from(count);
    let needed = i64::try_from(needed).unwrap_or(if needed > 0 { i64::MAX } else { i64::MIN });
    if needed <= noise.first {
        return 1.0;
    }
    noise.upper_tail(needed).min(1.0)
}

fn tail(noise: &Distribution, threshold: u64, cells: u32) -> f64 {
    let needed = i64::try_from(threshold.saturating_sub(1)).unwrap_or(i64::MAX);
    f64::from(cells) * noise.upper_tail(needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_design_tables_threshold_figure() {
        let sigma = Sigma::at_least(3.5).unwrap();
        // 4.5e−7 in the design, for τ = 20, L = 8. Φ(−18.5/3.5)·8 = 5.0e−7 is near it.
        let delta = threshold_delta(sigma, 20, 8);
        assert_eq!(format!("{delta:.1e}"), "4.5e-7");
        assert!(threshold_delta(sigma, 19, 8) > 1e-6);
        assert_eq!(smallest_threshold(sigma, 8, 5e-7), Some(20));
        assert_eq!(smallest_threshold(sigma, 8, 0.0), None);
    }

    #[test]
    fn a_cell_is_published_as_often_as_its_noise_reaches() {
        // σ = 1: Pr[N ≥ 0] = (1 + Pr[0])/2 = 0.6994711, Pr[N ≥ 1] = 0.3005289.
        let noise = Distribution::noise(Sigma::at_least(1.0).unwrap());
        assert!((published(&noise, 5, 5) - 0.699_471_1).abs() < 1e-7);
        assert!((published(&noise, 4, 5) - 0.300_528_9).abs() < 1e-7);
        assert_eq!(published(&noise, 0, 1), 0.0);
        assert_eq!(published(&noise, 5000, 5), 1.0);
        assert!(published(&noise, 1, u64::MAX) < 1e-20);
    }
}
