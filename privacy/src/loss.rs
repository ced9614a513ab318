//! The exact δ of the discrete Gaussian over L cells that change by one each.
//!
//! Without the profile a cell's noisy count is c + N, with it c + 1 + N. Seen from the noise, P is
//! N_ℤ(0, σ²) and Q is N_ℤ(1, σ²) (or the mirror image, which has the same δ), and the privacy
//! loss at x is ln P(x)/Q(x) = ((x − 1)² − x²)/2σ² = (1 − 2x)/2σ². Over L cells losses add up to
//! (L − 2s)/2σ², where s is the sum of the L noises. Hence
//!
//! δ(ε) = Σ_s Pr[s] · max(0, 1 − e^(ε − (L − 2s)/2σ²)),
//!
//! a sum over integers: nothing is approximated. Fewer than L changed cells give a smaller δ, and
//! the threshold works on the noisy counts alone, so it cannot raise it.

use crate::Sigma;
use crate::gaussian::Distribution;

/// Privacy loss of one window: the sum of the noises of the cells that one profile changed.
#[derive(Clone, Debug)]
pub struct PrivacyLoss {
    sum: Distribution,
    sigma: f64,
    cells: u32,
}

impl PrivacyLoss {
    /// For noise of scale `sigma` on at most `cells` changed cells (L, at least 1).
    pub fn new(sigma: Sigma, cells: u32) -> Self {
        Self {
            sum: Distribution::sum_of(sigma, cells),
            sigma: sigma.value(),
            cells: cells.max(1),
        }
    }

    /// The exact δ at this ε, not counting cells that one profile alone filled.
    pub fn delta(&self, epsilon: f64) -> f64 {
        let cells = f64::from(self.cells);
        let variance = self.sigma * self.sigma;
        let terms = self.sum.iter().map(|(s, p)| {
            let loss = (cells - 2.0 * s as f64) / (2.0 * variance);
            if loss > epsilon {
                -p * (epsilon - loss).exp_m1()
            } else {
                0.0
            }
        });
        terms.sum::<f64>() + self.sum.beyond
    }

    /// The smallest ε, at least 0, whose δ is at most `delta`; `None` when none is.
    pub fn epsilon(&self, delta: f64) -> Option<f64> {
        if self.delta(0.0) <= delta {
            return Some(0.0);
        }
        let (mut low, mut high) = (0.0, 1.0);
        while self.delta(high) > delta {
            low = high;
            high *= 2.0;
            if high > 1e6 {
                return None;
            }
        }
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if self.delta(middle) > delta {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytic;

    fn loss(sigma: f64, cells: u32) -> PrivacyLoss {
        PrivacyLoss::new(Sigma::at_least(sigma).unwrap(), cells)
    }

    #[test]
    fn one_cell_at_epsilon_zero_by_hand() {
        // The loss is positive for x ≤ 0, and there P(x) − Q(x) telescopes: Q(x) = P(x − 1), so
        // δ(0) = Σ_{x ≤ 0} P(x) − P(x − 1) = P(0) = 0.3989423 at σ = 1.
        assert!((loss(1.0, 1).delta(0.0) - 0.398_942_3).abs() < 1e-7);
    }

    #[test]
    fn two_cells_the_long_way_round() {
        // Σ_{x, y} max(0, P(x)P(y) − e^ε Q(x)Q(y)), straight from the definition.
        let sigma = Sigma::at_least(1.5).unwrap();
        let epsilon = 1.2;
        let noise = Distribution::noise(sigma);
        let shifted = |x: i64| {
            let at = usize::try_from(x - 1 - noise.first).ok();
            at.and_then(|at| noise.mass.get(at)).copied().unwrap_or(0.0)
        };
        let mut direct = 0.0;
        for (x, p) in noise.iter() {
            for (y, q) in noise.iter() {
                direct += (p * q - f64::exp(epsilon) * shifted(x) * shifted(y)).max(0.0);
            }
        }
        let exact = PrivacyLoss::new(sigma, 2).delta(epsilon);
        assert!((exact / direct - 1.0).abs() < 1e-9, "{exact} {direct}");
    }

    #[test]
    fn it_is_close_to_the_continuous_one_and_not_the_same() {
        // At the default the discrete noise is a little better than the closed form says.
        let exact = loss(3.5, 8).delta(4.0);
        assert_eq!(format!("{exact:.2e}"), "3.78e-7");
        // At ε = 2 it is a little worse: enumeration, not the formula, has the last word.
        let exact = loss(6.5, 8).delta(2.0);
        assert_eq!(format!("{exact:.3e}"), "5.010e-7");
        assert!(exact > analytic::noise_delta(2.0, 6.5, 8));
    }

    #[test]
    fn epsilon_is_the_inverse_of_delta() {
        let loss = loss(3.5, 8);
        let epsilon = loss.epsilon(1e-6).unwrap();
        assert!(epsilon < 4.0);
        assert!((loss.delta(epsilon) / 1e-6 - 1.0).abs() < 1e-6);
        assert_eq!(loss.epsilon(0.9), Some(0.0));
        assert_eq!(loss.epsilon(0.0), None);
    }
}
