//! The discrete Gaussian N_ℤ(0, σ²), and sums of it, written out integer by integer.
//!
//! Pr[N = x] = exp(−x²/2σ²) / Σ_y exp(−y²/2σ²) (Canonne, Kamath, Steinke 2020, definition 1).
//! All terms are positive, so a sum of n of them is right to about n·2⁻⁵³ of itself, far down
//! the tail as well as in the middle. What lies beyond the enumerated integers is bounded and
//! carried along as [`Distribution::beyond`], which every user counts against the promise.

use crate::Sigma;

/// One noise is enumerated to this many σ on either side; what lies beyond is below 10⁻³¹.
const REACH: f64 = 12.0;
/// Probabilities below this at the ends of a sum go to [`Distribution::beyond`].
const NEGLIGIBLE: f64 = 1e-25;

/// A distribution over a run of integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The integer that the first probability belongs to.
    pub first: i64,
    /// Probabilities of `first`, `first + 1`, and so on.
    pub mass: Vec<f64>,
    /// An upper bound on what is not enumerated.
    pub beyond: f64,
}

impl Distribution {
    /// One draw of N_ℤ(0, σ²).
    pub fn noise(sigma: Sigma) -> Self {
        let sigma = sigma.value();
        let reach = (REACH * sigma).ceil() as i64;
        let weight = |x: i64| (-(x as f64).powi(2) / (2.0 * sigma * sigma)).exp();
        let mut mass: Vec<f64> = (-reach..=reach).map(weight).collect();
        // From the ends inwards, small terms first.
        let half: f64 = (1..=reach).rev().map(weight).sum();
        let total = 1.0 + 2.0 * half;
        mass.iter_mut().for_each(|weight| *weight /= total);
        // Each weight beyond is below exp(−REACH²/2) times that of a geometric series of ratio
        // exp(−REACH/σ).
        let ratio = (-REACH / sigma).exp();
        let beyond = 2.0 * weight(reach) * ratio / (1.0 - ratio) / total;
        Self {
            first: -reach,
            mass,
            beyond,
        }
    }

    /// The sum of `count` independent draws; `count` is at least 1.
    pub fn sum_of(sigma: Sigma, count: u32) -> Self {
        let mut power = Self::noise(sigma);
        let mut sum: Option<Self> = None;
        let mut left = count.max(1);
        loop {
            if left & 1 == 1 {
                sum = Some(match sum {
                    Some(sum) => sum.plus(&power),
                    None => power.clone(),
                });
            }
            left >>= 1;
            match (left, sum) {
                (0, Some(sum)) => return sum,
                (_, so_far) => sum = so_far,
            }
            power = power.plus(&power);
        }
    }

    /// The sum with an independent other.
    fn plus(&self, other: &Self) -> Self {
        let mut mass = vec![0.0; self.mass.len() + other.mass.len() - 1];
        for (at, &p) in self.mass.iter().enumerate() {
            for (into, &q) in mass[at..].iter_mut().zip(&other.mass) {
                *into += p * q;
            }
        }
        let kept = |p: &f64| *p >= NEGLIGIBLE;
        let start = mass.iter().position(kept).unwrap_or(0);
        let end = mass.iter().rposition(kept).map_or(mass.len(), |at| at + 1);
        let cut: f64 = mass[..start].iter().chain(&mass[end..]).sum();
        Self {
            first: self.first + other.first + start as i64,
            mass: mass[start..end].to_vec(),
            beyond: self.beyond + other.beyond + cut,
        }
    }

    /// The integers with their probabilities.
    pub fn iter(&self) -> impl Iterator<Item = (i64, f64)> + '_ {
        (self.first..).zip(self.mass.iter().copied())
    }

    /// An upper bound on Pr[X ≥ x], what is not enumerated included.
    pub fn upper_tail(&self, x: i64) -> f64 {
        let from = usize::try_from(x.saturating_sub(self.first)).unwrap_or(0);
        let tail: f64 = self.mass.iter().skip(from).rev().sum();
        tail + self.beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sigma(value: f64) -> Sigma {
        Sigma::at_least(value).unwrap()
    }

    #[test]
    fn one_draw_at_sigma_one_by_hand() {
        // Σ_y e^(−y²/2) = 1 + 2·(0.6065307 + 0.1353353 + 0.0111090 + 0.0003355 + 0.0000037)
        //              = 2.5066283, so Pr[0] = 0.3989423 and Pr[1] = 0.2419707.
        let noise = Distribution::noise(sigma(1.0));
        let at = |x: i64| noise.mass[(x - noise.first) as usize];
        assert!((at(0) - 0.398_942_3).abs() < 1e-7);
        assert!((at(1) - 0.241_970_7).abs() < 1e-7);
        assert_eq!(at(2), at(-2));
        assert!(noise.beyond < 1e-30);
        assert!((noise.upper_tail(1) - (1.0 - 0.398_942_3) / 2.0).abs() < 1e-7);
    }

    #[test]
    fn a_sum_has_the_sum_of_the_variances() {
        for count in [1, 2, 3, 8, 9] {
            let sum = Distribution::sum_of(sigma(3.5), count);
            let total: f64 = sum.mass.iter().sum();
            assert!((total - 1.0).abs() < 1e-12, "{total}");
            let variance: f64 = sum.iter().map(|(x, p)| p * (x as f64).powi(2)).sum();
            // The discrete Gaussian's variance is σ² less than 10⁻⁵⁰ of it at σ = 3.5.
            let expected = f64::from(count) * 3.5 * 3.5;
            assert!((variance / expected - 1.0).abs() < 1e-12, "{variance}");
        }
    }
}
