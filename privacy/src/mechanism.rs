//! The draw: one count in, one noisy count or nothing out.
//!
//! The sampler is `prio`'s, after algorithms 1 to 3 of Canonne, Kamath and Steinke 2020: uniform
//! integers and exact fractions of arbitrary size, no float. It takes a few microseconds a cell.

use crate::{PrivacyError, Sigma};
use prio::dp::Rational;
use prio::dp::distributions::DiscreteGaussian;
use rand::Rng;
use rand::distr::Distribution;

/// Adds noise and applies the threshold.
///
/// ```
/// use vitrine_privacy::{Mechanism, OsRandom, Sigma};
///
/// let mechanism = Mechanism::new(Sigma::at_least(3.5)?, 20)?;
/// let mut random = OsRandom::new()?;
/// assert_eq!(mechanism.release(0, &mut random), None);
/// assert!(mechanism.release(1_000, &mut random).is_some());
/// # Ok::<(), vitrine_privacy::PrivacyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mechanism {
    noise: DiscreteGaussian,
    threshold: u64,
}

impl Mechanism {
    /// With noise of scale `sigma` and threshold τ, in reports.
    pub fn new(sigma: Sigma, threshold: u64) -> Result<Self, PrivacyError> {
        let fraction = |e: prio::dp::DpError| PrivacyError::Field {
            field: "sigma",
            reason: e.to_string(),
        };
        let sigma =
            Rational::from_unsigned(sigma.steps(), crate::sigma::STEPS).map_err(fraction)?;
        Ok(Self {
            noise: DiscreteGaussian::new(sigma).map_err(fraction)?,
            threshold,
        })
    }

    /// What is published of a cell that `count` reports named: C + N if that is at least τ. A
    /// count of zero draws nothing and is never published.
    pub fn release(&self, count: u64, random: &mut impl Rng) -> Option<u64> {
        if count == 0 {
            return None;
        }
        let noisy = i128::from(count) + i128::from(self.noise(random));
        u64::try_from(noisy)
            .ok()
            .filter(|&noisy| noisy >= self.threshold)
    }

    /// One draw of N_ℤ(0, σ²). Beyond 64 bits it is cut off, which at σ ≤ 2000 is 10¹⁵ σ away.
    pub fn noise(&self, random: &mut impl Rng) -> i64 {
        i64::try_from(self.noise.sample(random)).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gaussian::Distribution as Exact;
    use rand::SeedableRng;
    use rand_pcg::Pcg64;

    /// Pearson's χ² of seeded draws against the enumerated probabilities.
    #[test]
    fn the_sampler_draws_what_is_enumerated() {
        let draws = 200_000;
        for value in [3.5, 12.35] {
            let sigma = Sigma::at_least(value).unwrap();
            let mechanism = Mechanism::new(sigma, 1).unwrap();
            let mut random = Pcg64::seed_from_u64(7);
            let exact = Exact::noise(sigma);
            let mut seen = vec![0_u64; exact.mass.len()];
            for _ in 0..draws {
                seen[(mechanism.noise(&mut random) - exact.first) as usize] += 1;
            }
            let mut square = 0.0;
            let mut cells = 0.0;
            for (&seen, &p) in seen.iter().zip(&exact.mass) {
                let expected = p * draws as f64;
                if expected >= 10.0 {
                    square += (seen as f64 - expected).powi(2) / expected;
                    cells += 1.0;
                }
            }
            // χ² has mean n and variance 2n; five standard deviations.
            let limit = cells + 5.0 * f64::sqrt(2.0 * cells);
            assert!(square < limit, "σ {value}: χ² {square} over {cells} cells");
        }
    }

    #[test]
    fn nothing_below_the_threshold_and_nothing_from_nothing() {
        let mechanism = Mechanism::new(Sigma::at_least(3.5).unwrap(), 20).unwrap();
        let mut random = Pcg64::seed_from_u64(1);
        for _ in 0..20_000 {
            assert_eq!(mechanism.release(0, &mut random), None);
            let published = mechanism.release(18, &mut random);
            assert!(published.is_none_or(|count| count >= 20));
        }
        // At C = τ about half pass: Pr[N ≥ 0] = 0.557 at σ = 3.5.
        let passed = (0..20_000)
            .filter(|_| mechanism.release(20, &mut random).is_some())
            .count();
        assert!((10_900..11_400).contains(&passed), "{passed}");
        assert!(
            mechanism
                .release(u64::MAX, &mut random)
                .is_none_or(|count| count > u64::MAX - 100)
        );
    }
}
