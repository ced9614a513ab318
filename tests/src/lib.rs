//! What crosses crates: real trainer, real server, real browser.
//!
//! - [`command`] runs the built programs as a shell would, for the tests in `tests/`.
//! - `vitrine-golden` writes what the native ranker answers, for the browser to be compared with.
//! - `vitrine-field` draws a shop whose field differs from its history, and compares two bundles
//!   on visits that neither has seen.
//!
//! The tests in `browser/` drive a real Chromium against the built programs and the built npm
//! package: `make test`, or `node --test tests/browser/*.test.mjs` once all is built.

pub mod command;
