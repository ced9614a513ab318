//! What crosses crates: real trainer, real server, real browser.
//!
//! - [`command`] runs the built programs as a shell would, for the tests in `tests/`; [`shop`] draws
//!   and prepares a shop with them.
//! - `vitrine-golden` writes what the native ranker answers, for the browser to be compared with.
//! - `vitrine-field` draws a shop whose field differs from its history, and compares two bundles
//!   on visits that neither has seen.
//!
//! The tests in `browser/` drive a real Chromium against the built programs and the built npm
//! package: `make test`, or `node --test tests/browser/*.test.mjs` once all is built.

pub mod command;
pub mod shop;

/// The parameters of a recipe's `[table]` that would be searched for, fixed: training takes seconds.
pub const FIXED_TABLE: &str = "\
cooccurrence = 0.8
gap_decay = 2.0
age_decay = 1.0
shrinkage = 1.0
popularity_power = -0.1
trend_power = 0.0
weight_power = 1.0
distillation = 0.0
position_decay = 2.0
add_to_cart = 1.0
buy = 1.0
repeat_last = 0.2
repeat_session = 0.7
repeat_decay = 2.0
repeat_growth = 0.0
popularity = 0.001
";
