//! δ of the *continuous* Gaussian in closed form: where calibration starts, and what exact values
//! are held against.

/// The standard normal distribution function Φ.
pub fn phi(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The smallest δ at which adding N(0, σ²) to `cells` counts that differ by one each is
/// (ε, δ)-differentially private.
///
/// With Δ = √`cells`: Φ(Δ/2σ − εσ/Δ) − e^ε·Φ(−Δ/2σ − εσ/Δ) (Balle and Wang 2018, theorem 8).
/// `sigma` is in reports.
pub fn noise_delta(epsilon: f64, sigma: f64, cells: u32) -> f64 {
    let distance = f64::from(cells).sqrt() / sigma;
    let (half, shift) = (distance / 2.0, epsilon / distance);
    phi(half - shift) - epsilon.exp() * phi(-half - shift)
}

/// The smallest continuous σ at which [`noise_delta`] is at most `delta`.
pub fn smallest_sigma(epsilon: f64, delta: f64, cells: u32) -> f64 {
    let (mut low, mut high) = (1e-3, 1e6);
    // δ falls with σ. Sixty halvings of the ratio leave the float's own precision.
    for _ in 0..100 {
        let middle = f64::sqrt(low * high);
        if noise_delta(epsilon, middle, cells) > delta {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phi_is_the_normal_distribution_function() {
        assert_eq!(phi(0.0), 0.5);
        // Tables give Φ(1.96) = 0.9750021 and Φ(−5) = 2.866516e−7.
        assert!((phi(1.96) - 0.975_002_1).abs() < 1e-7);
        assert!((phi(-5.0) / 2.866_516e-7 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn at_epsilon_zero_it_is_the_total_variation_distance() {
        // 2Φ(Δ/2σ) − 1 with Δ = 2, σ = 1: 2·0.8413447 − 1.
        assert!((noise_delta(0.0, 1.0, 4) - 0.682_689_5).abs() < 1e-7);
    }

    #[test]
    fn the_design_tables_noise_figure() {
        // 3.9e−7 in the design, for ε = 4, σ = 3.5, L = 8.
        let delta = noise_delta(4.0, 3.5, 8);
        assert_eq!(format!("{delta:.1e}"), "3.9e-7");
        // Half of δ = 1e−6 is reached at σ = 3.4668, which the design's grid rounds up to 3.5.
        assert_eq!(format!("{:.4}", smallest_sigma(4.0, 5e-7, 8)), "3.4668");
    }
}
