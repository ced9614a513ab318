//! What crosses crates: real trainer, real server, real browser.
