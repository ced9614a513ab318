//! What trainer, server and browser must agree on.
//!
//! A score that is computed twice in two languages will differ once. So the session, the score,
//! the bundle's bytes and the feedback cell are written here, once, and built both natively and
//! for `wasm32`. This crate does no I/O, starts no thread, reads no clock and draws no random
//! number: bytes, times and seeds are passed in.
//!
//! - [`manifest`], [`signature`], [`digest`], [`incoming`], [`delta`], [`opening`], [`bundle`] and [`blocks`]: what is published, and how it is checked before it is parsed.
//! - [`tables`], [`session`], [`query`], [`score`], [`rank`] and [`diversity`]: what this visitor looked at, and what follows from it.
//! - [`cell`], [`window`], [`metric`] and [`budget`]: what may leave the device, into which window, how much of it, and with what noise.
//! - [`released`]: what a server gives back to training once a window is closed.
//! - [`provenance`]: how a retrained bundle differs from the one before, for whoever promotes it.

pub mod action;
pub mod best;
pub mod blocks;
pub mod budget;
pub mod bundle;
pub mod cell;
pub mod checkpoint;
pub mod dataset;
pub mod delta;
pub mod digest;
pub mod diversity;
pub mod facets;
mod ids;
pub mod incoming;
pub mod manifest;
pub mod metric;
pub mod neighbours;
pub mod opening;
mod order;
pub mod privacy;
pub mod provenance;
pub mod query;
pub mod rank;
pub mod released;
mod scan;
pub mod score;
pub mod session;
pub mod signature;
pub mod tables;
pub mod topk;
pub mod window;
pub mod writer;

pub use action::Action;
pub use digest::Digest;
