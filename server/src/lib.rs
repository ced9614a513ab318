//! The `vitrine-server` command as a library: serves bundles by content hash, takes feedback,
//! releases what passes the rule.
//!
//! Three promises shape it:
//!
//! - **An answer means the disk.** `POST /v1/feedback` answers 204 when the report's
//!   transaction is flushed. So that this is fast, one task ([`writer`]) commits all reports
//!   that wait in one transaction: the flush is shared, the latency is about one flush.
//! - **Nothing to leak.** A report is stored as window, day, table, cell and a hash of its
//!   nonce; the sender's address is looked at by the limits alone, which keep a keyed hash of its
//!   network for a day, in memory ([`network`], [`limit`]); no log line holds one, and a report has no
//!   line at all ([`observe`]).
//! - **Nobody is special.** Every visitor gets the same manifest and the same files; nothing is
//!   set, varied or tagged per visitor ([`bundles`]).
//!
//! The database is the only state. A second process over the same database (PostgreSQL)
//! needs nothing from the first: windows are numbered by the clock, nonces are unique by
//! the database's key, and a release is one transaction ([`storage`]).

pub mod admin;
pub mod audit;
pub mod bundles;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connections;
pub mod cors;
pub mod decode;
pub mod feedback;
pub mod health;
pub mod ledger;
pub mod limit;
pub mod live;
pub mod metrics;
pub mod negotiate;
pub mod network;
pub mod oblivious;
pub mod observe;
pub mod openapi;
pub mod problem;
pub mod promise;
pub mod release;
pub mod serve;
pub mod site;
pub mod statement;
pub mod storage;
pub mod totals;
pub mod writer;
