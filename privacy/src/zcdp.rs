//! What windows add up to: zero-concentrated differential privacy.
//!
//! N_ℤ(0, σ²) on L counts that change by one each is ρ-zCDP with ρ = L/2σ² (Canonne, Kamath,
//! Steinke 2020, theorem 4), and ρ adds over windows, also when they depend on one another's
//! outcome (Bun, Steinke 2016). The δ of cells that one profile alone filled is not in ρ: it adds
//! by itself, window by window.

use crate::Sigma;

/// ρ of one window: L/2σ².
pub fn rho(sigma: Sigma, cells: u32) -> f64 {
    f64::from(cells) / (2.0 * sigma.value() * sigma.value())
}

/// The ε that ρ gives at `delta` (0 < δ < 1): the minimum over α > 1 of
/// ρα + ln(1/(αδ))/(α − 1) + ln(1 − 1/α) (Canonne, Kamath, Steinke 2020, proposition 12).
///
/// At least 0; 0 when ρ is.
pub fn epsilon(rho: f64, delta: f64) -> f64 {
    if rho <= 0.0 {
        return 0.0;
    }
    // Over t = ln(α − 1) the value has one valley; a third is cut off it at a time.
    let at = |t: f64| {
        let alpha = 1.0 + t.exp();
        rho * alpha - (alpha * delta).ln() / (alpha - 1.0) + (-1.0 / alpha).ln_1p()
    };
    let (mut low, mut high) = (-15.0, 25.0);
    for _ in 0..200 {
        let third = (high - low) / 3.0;
        if at(low + third) < at(high - third) {
            high -= third;
        } else {
            low += third;
        }
    }
    at((low + high) / 2.0).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_alpha_is_an_upper_bound_and_the_minimum_is_below() {
        // ρ = 0.5, δ = 1e−6, α = 6 by hand: 3 + ln(1/(6e−6))/5 + ln(5/6)
        //   = 3 + 12.023751/5 − 0.182322 = 5.222428.
        let by_hand = 5.222_428;
        let minimum = epsilon(0.5, 1e-6);
        assert!(minimum <= by_hand && minimum > by_hand - 0.2, "{minimum}");
        assert_eq!(epsilon(0.0, 1e-6), 0.0);
        assert!(epsilon(1e-12, 1e-6) < 1e-3);
    }

    #[test]
    fn rho_of_the_default() {
        // 8/(2·12.25) = 0.326531.
        let rho = rho(Sigma::at_least(3.5).unwrap(), 8);
        assert!((rho - 0.326_531).abs() < 1e-6);
    }
}
