//! The real binary, over a real SQLite file, spoken to by real HTTP.

#![allow(clippy::unwrap_used, missing_docs)]

mod admin;
mod bad_input;
mod bundles;
mod disk;
mod feedback;
mod house;
mod private;
mod release;
mod site;
mod start;
mod stop;
