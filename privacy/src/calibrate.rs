//! From a guarantee (ε, δ) and L to the noise: the smallest (σ, τ) on a stated grid.
//!
//! The rule, so that anybody can repeat it:
//!
//! 1. Half of δ is for the noise: σ is the smallest multiple of 1/20 at which the continuous
//!    Gaussian's δ at this ε ([`analytic::noise_delta`]) is at most δ/2.
//! 2. The other half is for cells that one profile alone filled: τ is the smallest whole number at
//!    which [`threshold_delta`] is at most δ/2.
//! 3. Then both are enumerated exactly. Should their sum be above δ, σ moves up one step and τ is
//!    chosen again.
//!
//! Halves, because the last two or three reports of τ cost the same whatever the split: giving
//! the noise nine tenths of δ would lower σ by 3 % and raise τ by one.

use crate::loss::PrivacyLoss;
use crate::threshold::{smallest_threshold, threshold_delta};
use crate::{PrivacyError, Sigma, analytic, zcdp};
use vitrine_core::privacy::{Guarantee, MAX_WORST_CASE, NoiseFacts};

/// The noise of one window, and the exact price of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    /// What is promised per profile and window.
    pub guarantee: Guarantee,
    /// The noise's scale σ.
    pub sigma: Sigma,
    /// τ: a noisy count below it is not published.
    pub threshold: u64,
    /// L: the most cells that one profile changes in a window.
    pub cells: u32,
    /// The exact δ of the noise at the promised ε.
    pub noise_delta: f64,
    /// The exact bound on the probability that a cell which one profile alone filled is seen.
    pub threshold_delta: f64,
}

impl Parameters {
    /// What the window costs the accountant, ρ = L/2σ².
    pub fn rho(&self) -> f64 {
        zcdp::rho(self.sigma, self.cells)
    }

    /// The exact δ, both parts.
    pub fn delta(&self) -> f64 {
        self.noise_delta + self.threshold_delta
    }

    /// The same noise with a threshold of at least `threshold`: never worse.
    pub fn with_threshold_at_least(self, threshold: u64) -> Self {
        if threshold <= self.threshold {
            return self;
        }
        Self {
            threshold,
            threshold_delta: threshold_delta(self.sigma, threshold, self.cells),
            ..self
        }
    }

    /// As published beside the counts.
    pub fn facts(&self) -> NoiseFacts {
        NoiseFacts {
            epsilon: self.guarantee.epsilon,
            delta: self.guarantee.delta,
            sigma: self.sigma.value(),
            threshold: self.threshold,
            cells: self.cells,
            rho: self.rho(),
        }
    }
}

/// The smallest noise that keeps `guarantee` when one profile changes at most `cells` cells.
pub fn calibrate(guarantee: Guarantee, cells: u32) -> Result<Parameters, PrivacyError> {
    guarantee.check().map_err(|error| PrivacyError::Field {
        field: error.field,
        reason: error.reason.into(),
    })?;
    if cells == 0 || cells > MAX_WORST_CASE {
        return Err(PrivacyError::Field {
            field: "cells",
            reason: format!("{cells} is not between 1 and {MAX_WORST_CASE}"),
        });
    }
    let Guarantee { epsilon, delta } = guarantee;
    let half = delta / 2.0;
    let mut sigma = Sigma::at_least(analytic::smallest_sigma(epsilon, half, cells))?;
    loop {
        let noise_delta = PrivacyLoss::new(sigma, cells).delta(epsilon);
        if let Some(threshold) = smallest_threshold(sigma, cells, half) {
            let found = Parameters {
                guarantee,
                sigma,
                threshold,
                cells,
                noise_delta,
                threshold_delta: threshold_delta(sigma, threshold, cells),
            };
            if found.delta() <= delta {
                return Ok(found);
            }
        }
        sigma = sigma.next()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(epsilon: f64, delta: f64, cells: u32) -> Parameters {
        calibrate(Guarantee { epsilon, delta }, cells).unwrap()
    }

    #[test]
    fn neither_is_larger_than_it_must_be() {
        for epsilon in [4.0, 2.0, 1.0] {
            let found = parameters(epsilon, 1e-6, 8);
            let below = Sigma::from_steps(found.sigma.steps() - 1).unwrap();
            assert!(analytic::noise_delta(epsilon, below.value(), 8) > 5e-7);
            assert!(threshold_delta(found.sigma, found.threshold - 1, 8) > 5e-7);
        }
    }

    #[test]
    fn more_cells_or_a_smaller_epsilon_cost_more_noise() {
        let base = parameters(4.0, 1e-6, 8);
        for more in [
            parameters(4.0, 1e-6, 9),
            parameters(3.5, 1e-6, 8),
            parameters(4.0, 1e-8, 8),
        ] {
            assert!(more.sigma >= base.sigma && more.threshold >= base.threshold);
            assert!(more.delta() <= more.guarantee.delta);
        }
    }

    #[test]
    fn the_ends_of_the_range_work() {
        let widest = parameters(0.25, 1e-9, MAX_WORST_CASE);
        assert!(widest.delta() <= 1e-9, "{widest:?}");
        let narrowest = parameters(10.0, 1e-6, 1);
        assert_eq!(narrowest.sigma.value(), 1.0);
        assert!(narrowest.delta() <= 1e-6, "{narrowest:?}");
    }

    #[test]
    fn a_larger_threshold_is_never_worse() {
        let base = parameters(4.0, 1e-6, 8);
        assert_eq!(base.with_threshold_at_least(3), base);
        let higher = base.with_threshold_at_least(30);
        assert_eq!(higher.threshold, 30);
        assert!(higher.delta() < base.delta());
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        let refused = |epsilon, delta, cells| {
            calibrate(Guarantee { epsilon, delta }, cells)
                .unwrap_err()
                .to_string()
        };
        assert!(refused(0.0, 1e-6, 8).starts_with("epsilon"));
        assert!(refused(f64::NAN, 1e-6, 8).starts_with("epsilon"));
        assert!(refused(4.0, 0.0, 8).starts_with("delta"));
        assert!(refused(4.0, 0.1, 8).starts_with("delta"));
        assert!(refused(4.0, 1e-6, 0).starts_with("cells"));
        assert!(refused(4.0, 1e-6, MAX_WORST_CASE + 1).starts_with("cells"));
    }
}
