//! Exact confidence bounds on a probability (Clopper and Pearson 1934): right for every number of
//! runs and every count, none included, where the normal approximation is not.

/// The lower bound on the probability of an event that happened in `hits` of `runs`: below it,
/// seeing as many has a chance of at most `alpha`.
pub fn lower(hits: u64, runs: u64, alpha: f64) -> f64 {
    if hits == 0 {
        return 0.0;
    }
    // Pr[X ≥ k | p] = I_p(k, n − k + 1), which rises with p.
    let (a, b) = (hits as f64, (runs - hits) as f64 + 1.0);
    quantile(a, b, alpha, false)
}

/// The upper bound: above it, seeing as few has a chance of at most `alpha`.
pub fn upper(hits: u64, runs: u64, alpha: f64) -> f64 {
    if hits >= runs {
        return 1.0;
    }
    // Pr[X ≤ k | p] = 1 − I_p(k + 1, n − k).
    let (a, b) = (hits as f64 + 1.0, (runs - hits) as f64);
    quantile(a, b, 1.0 - alpha, true)
}

/// Where I_x(a, b) reaches `level`; the end of the last interval that lies outwards.
fn quantile(a: f64, b: f64, level: f64, outwards_is_up: bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if incomplete_beta(a, b, middle) < level {
            low = middle;
        } else {
            high = middle;
        }
    }
    if outwards_is_up { high } else { low }
}

/// The regularised incomplete beta function I_x(a, b) by its continued fraction (Abramowitz and
/// Stegun 26.5.8), in Lentz's way.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges quickly on this side of the mean only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let log_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = (a * x.ln() + b * (-x).ln_1p() - log_beta).exp() / a;
    let tiny = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < tiny { tiny } else { value };
    let mut fraction = 1.0;
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    fraction *= d;
    for step in 1..100_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        fraction *= c * d;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let change = c * d;
        fraction *= change;
        if (change - 1.0).abs() < 1e-14 {
            break;
        }
    }
    front * fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_have_closed_forms() {
        // None of n: (1 − p)ⁿ = α, so p = 1 − α^(1/n).
        let upper = upper(0, 1000, 0.001);
        assert!((upper - (1.0 - 0.001_f64.powf(0.001))).abs() < 1e-12);
        // All of n: pⁿ = α.
        let lower = lower(1000, 1000, 0.001);
        assert!((lower - 0.001_f64.powf(0.001)).abs() < 1e-12);
        assert_eq!(super::lower(0, 10, 0.001), 0.0);
        assert_eq!(super::upper(10, 10, 0.001), 1.0);
    }

    #[test]
    fn five_of_ten_by_hand() {
        // Pr[X ≥ 5 | 10, p] = 0.05 at p = 0.2224411 (tables of the 90 % two-sided interval:
        // 0.2224 to 0.7776).
        assert!((lower(5, 10, 0.05) - 0.2224).abs() < 1e-4);
        assert!((upper(5, 10, 0.05) - 0.7776).abs() < 1e-4);
    }

    #[test]
    fn a_large_number_of_runs() {
        // Pr[X ≥ 100000 | 10⁶, p] = 0.0005 at p = 0.0990153653, the binomial's terms added up one
        // by one; the normal approximation, 0.1 − 3.29 · 0.0003, is near it.
        let bound = lower(100_000, 1_000_000, 0.0005);
        assert!((bound - 0.099_015_365_3).abs() < 1e-9, "{bound}");
    }
}
