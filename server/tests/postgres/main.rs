//! The real binary over a real PostgreSQL: the tests of what it stores and releases, the same as
//! over SQLite, and those of what only PostgreSQL has.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../server/cluster.rs"]
mod cluster;
#[allow(dead_code, reason = "shared: the other crate of tests uses the rest")]
#[path = "../server/database.rs"]
mod database;
#[path = "../server/feedback.rs"]
mod feedback;
#[allow(dead_code, reason = "shared: the other crate of tests uses the rest")]
#[path = "../server/house.rs"]
mod house;
#[path = "../server/kill.rs"]
mod kill;
#[path = "../server/metric.rs"]
mod metric;
mod own;
#[path = "../server/private.rs"]
mod private;
#[path = "../server/release.rs"]
mod release;
#[path = "../server/stop.rs"]
mod stop;
#[path = "../server/windows.rs"]
mod windows;

const KIND: database::Kind = database::Kind::Postgres;
