//! The real binary, over a real SQLite file, spoken to by real HTTP.

#![allow(clippy::unwrap_used, missing_docs)]

mod admin;
mod attacks;
mod bad_input;
mod bundles;
#[allow(dead_code, reason = "shared: the other crate of tests uses the rest")]
mod cluster;
mod database;
mod disk;
mod feedback;
mod flood;
mod house;
mod kill;
mod metric;
mod network;
mod oblivious;
mod power_loss;
mod private;
mod release;
mod site;
mod slow;
mod start;
mod stop;
mod windows;

const KIND: database::Kind = database::Kind::Sqlite;
