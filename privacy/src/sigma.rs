//! The noise's scale, on a grid of twentieths.
//!
//! The sampler computes in exact fractions, so σ must be one. A grid of 1/20 costs at most 1.5 %
//! of noise at the default level and keeps what is published short: 3.5, 6.5, 12.35.

use crate::PrivacyError;
use std::fmt;

/// Steps of the grid in one.
pub const STEPS: u32 = 20;
/// The smallest σ in steps, 1. Below it the discrete Gaussian is far from the continuous one, and
/// no calibration starts there.
const SMALLEST: u32 = STEPS;
/// The largest σ in steps, 2000.
const LARGEST: u32 = 2000 * STEPS;

/// The scale σ of N_ℤ(0, σ²), in reports: a multiple of 1/20 from 1 to 2000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sigma(u32);

impl Sigma {
    /// From a number of twentieths, 20 to 40,000.
    pub fn from_steps(steps: u32) -> Result<Self, PrivacyError> {
        if (SMALLEST..=LARGEST).contains(&steps) {
            return Ok(Self(steps));
        }
        Err(PrivacyError::Field {
            field: "sigma",
            reason: format!(
                "{} is not between 1 and 2000",
                f64::from(steps) / f64::from(STEPS)
            ),
        })
    }

    /// The smallest on the grid that is not below `value`.
    pub fn at_least(value: f64) -> Result<Self, PrivacyError> {
        let steps = (value * f64::from(STEPS)).ceil();
        if steps.is_nan() || steps > f64::from(LARGEST) {
            return Err(PrivacyError::Field {
                field: "sigma",
                reason: format!("{value} is not a number up to 2000"),
            });
        }
        let steps = steps.max(f64::from(SMALLEST));
        Self::from_steps(steps as u32)
    }

    /// In twentieths.
    pub fn steps(self) -> u32 {
        self.0
    }

    /// As a float; the nearest one to the fraction.
    pub fn value(self) -> f64 {
        f64::from(self.0) / f64::from(STEPS)
    }

    /// The next on the grid.
    pub fn next(self) -> Result<Self, PrivacyError> {
        Self::from_steps(self.0 + 1)
    }
}

impl fmt::Display for Sigma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_twentieths_from_one() {
        assert_eq!(Sigma::at_least(3.47).unwrap(), Sigma(70));
        assert_eq!(Sigma::at_least(3.5).unwrap().to_string(), "3.5");
        assert_eq!(Sigma::at_least(12.35).unwrap().to_string(), "12.35");
        assert_eq!(Sigma::at_least(0.2).unwrap().value(), 1.0);
        for wrong in [f64::NAN, f64::INFINITY, 2001.0] {
            let error = Sigma::at_least(wrong).unwrap_err().to_string();
            assert!(error.starts_with("sigma"), "{error}");
        }
        assert!(Sigma::from_steps(19).is_err());
    }
}
