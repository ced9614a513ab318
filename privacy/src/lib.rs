//! The `private` level: what noise a released count gets, what that promises, and how it adds up.
//!
//! # The mechanism
//! One browser profile changes at most L cells of a window by one each. For each cell whose count
//! C is not zero, C̃ = C + N is published if C̃ ≥ τ, where N is drawn from the discrete Gaussian
//! N_ℤ(0, σ²). A cell that nobody reported gets no noise and is never published, so the release
//! costs by what was reported and not by the square of the catalogue.
//!
//! # What that promises
//! (ε, δ)-differential privacy per profile and window, for adding or removing all that one
//! profile reported. δ has two parts. A profile's cells that others reported too differ by the
//! noise alone ([`loss`]); a cell that this profile alone filled is either hidden by τ or gives
//! it away ([`threshold`]). Their sum bounds every mixture of the two.
//!
//! # Why it can be exact
//! The privacy loss of one cell at noise x is (1 − 2x) / (2σ²): it depends on x alone and is
//! linear, so the loss over L cells depends on the sum of their noises, an integer. The sum's
//! distribution is an L-fold convolution over integers, which is written out and added up. No
//! grid is laid over the losses and nothing is rounded but the floats themselves.
//!
//! # What was rejected
//! Rounding a continuous Gaussian: floating-point samplers leak through their low bits (Mironov
//! 2012), and its δ is only near the claimed one. `opendp`'s whole framework: it wants OpenSSL
//! and brings hundreds of operations for the one that is needed; the sampler here is `prio`'s,
//! which is adapted from it. Composing by rounded privacy-loss distributions: zero-concentrated
//! differential privacy ([`zcdp`]) costs a few percent of ε over a year and one line of algebra.
//!
//! - [`sigma`], [`gaussian`]: the noise and its exact distribution.
//! - [`analytic`], [`loss`], [`threshold`]: δ, in closed form and exact.
//! - [`zcdp`]: what windows add up to.
//! - [`calibrate`]: from a guarantee to the smallest (σ, τ).
//! - [`mechanism`], [`random`]: the draw itself.
//! - [`audit`]: attacks the mechanism and measures how far it gets.

pub mod analytic;
pub mod audit;
pub mod calibrate;
pub mod gaussian;
pub mod groups;
pub mod loss;
pub mod mechanism;
pub mod random;
pub mod sigma;
pub mod threshold;
pub mod zcdp;

pub use calibrate::{Parameters, calibrate};
pub use mechanism::Mechanism;
pub use random::OsRandom;
pub use sigma::Sigma;

/// Why noise cannot be calibrated or drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PrivacyError {
    /// A value is out of range.
    #[error("{field}: {reason}")]
    Field {
        /// What it is the value of.
        field: &'static str,
        /// What is wanted instead.
        reason: String,
    },
    /// The operating system gave no random numbers.
    #[error("the operating system gives no random numbers ({0}), so no noise can be drawn")]
    Random(String),
}
