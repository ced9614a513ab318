//! What is kept of feedback, and what may be done with it.
//!
//! The rest of the server speaks to [`Database`]: record a batch of reports, release a closed
//! window, read released tables. It is a SQLite file or a PostgreSQL database; tables
//! (`server/migrations`) and statements are the same, and what the two say differently is a
//! [`dialect`] each.
//!
//! # What a row says
//! A report becomes window, day, table, cell and nonce, as the privacy document promises. Two
//! details go beyond it:
//!
//! - The nonce is stored hashed, and rows are clustered by that hash. A table in order of
//!   arrival would be a clock: neighbouring rows would likely be one visitor's.
//! - Beside it stands a *binding*, a hash of nonce and cell together. It outlives the raw row,
//!   for the window and the one after, so that a retry counts once and a nonce that comes back
//!   with another cell is seen. It does not tell the cell: the nonce has 128 random bits, is
//!   not kept, and without it no guess of the cell can be checked.
//!
//! # Which window
//! The window is read from the clock inside the transaction that stores the report, and a
//! release takes the same lock. So a report is either committed before its window's release,
//! and counted, or falls into the next window; none can slip into a window that is gone.

mod database;
mod dialect;
mod groups;
mod ledger;
mod location;
mod postgres;
mod record;
mod release;
mod sqlite;

pub use database::Database;
pub use groups::{CellCounts, GROUPS};
pub use location::{Location, PostgresUrl};

use crate::ledger::{OverCeiling, Total};
use crate::promise::Promise;
use sha2::{Digest as _, Sha256};
use vitrine_core::cell::{Cell, Report};
use vitrine_core::privacy::{Level, NoiseFacts};
use vitrine_privacy::PrivacyError;

/// A report, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// First 16 bytes of a hash of the nonce.
    pub nonce: Hash,
    /// First 16 bytes of a hash of the nonce and the cell.
    pub binding: Hash,
    /// Which table the cell belongs to.
    pub table: &'static str,
    /// The cell as JSON.
    pub cell: String,
}

/// The first half of a SHA-256: 128 bits, as many as the nonce has.
pub type Hash = [u8; 16];

impl Row {
    /// The row of a checked report.
    pub fn of(report: &Report) -> Result<Self, serde_json::Error> {
        let cell = serde_json::to_string(&report.cell)?;
        Ok(Self {
            nonce: hash("vitrine.nonce/1", &report.nonce, ""),
            binding: hash("vitrine.binding/1", &report.nonce, &cell),
            table: match report.cell {
                Cell::Transition { .. } => "transition",
                Cell::Item { .. } => "item",
                Cell::Impression { .. } => "impression",
                Cell::Metric { .. } => "metric",
            },
            cell,
        })
    }
}

/// The purpose comes first, so that one purpose's hash says nothing about another's.
fn hash(purpose: &str, nonce: &str, cell: &str) -> Hash {
    let mut sha = Sha256::new();
    for part in [purpose, nonce, cell] {
        sha.update(part);
        sha.update([0]);
    }
    let whole: [u8; 32] = sha.finalize().into();
    let mut half = Hash::default();
    half.copy_from_slice(&whole[..16]);
    half
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is on the disk now.
    Accepted,
    /// It was on the disk before: a retry.
    Duplicate,
    /// Its nonce was used for another cell; it is not stored.
    Conflict,
}

/// A window that received reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Its number.
    pub window: u64,
    /// Its length in seconds.
    pub window_seconds: u64,
    /// What is promised for it; once it is released, what was kept.
    pub promise: Promise,
    /// Whether it is released.
    pub released: bool,
}

impl Window {
    /// When the window ends, Unix time in seconds.
    pub fn end(&self) -> u64 {
        self.window
            .saturating_add(1)
            .saturating_mul(self.window_seconds)
    }
}

/// What a release did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Released {
    /// The level whose rule was applied.
    pub level: Level,
    /// Reports that were counted and deleted.
    pub reports: u64,
    /// Cells that passed the rule.
    pub cells: u64,
    /// Whether metrics were estimated.
    pub metrics: bool,
    /// The noise, where the private level was promised.
    pub noise: Option<NoiseFacts>,
    /// What the fullest year that holds the window has cost now.
    pub year: Total,
}

/// What a release would do. The counts are exact: they are for the operator, not to be published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// The level whose rule would be applied.
    pub level: Level,
    /// Reports that would be counted and deleted.
    pub reports: u64,
    /// Cells that at least one report named, metrics aside.
    pub cells: u64,
    /// Cells that would pass the rule; at the private level, on average over the noise.
    pub expected: f64,
    /// The noise, at the private level.
    pub noise: Option<NoiseFacts>,
    /// What the fullest year that holds the window would have cost then, or why the window would
    /// not be released.
    pub year: Result<Total, OverCeiling>,
}

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The file cannot be opened or created.
    #[error(
        "cannot open the database {location}: {reason}; the folder must exist and this user must \
         be allowed to write there (another file: --database)"
    )]
    Open {
        /// Where it was looked for.
        location: Location,
        /// What the system answered.
        reason: String,
    },
    /// The database does not let us in.
    #[error(
        "cannot connect to the database {location}: {reason}; check that it runs, that the \
         database exists, and user and password in the URL (VITRINE_SERVER_DATABASE)"
    )]
    Connect {
        /// Which database.
        location: Location,
        /// What it answered.
        reason: String,
    },
    /// The tables cannot be brought up to date.
    #[error("cannot bring the tables of {location} up to date: {source}")]
    Migrate {
        /// Which database.
        location: Location,
        /// What went wrong.
        source: sqlx::migrate::MigrateError,
    },
    /// It did not answer.
    #[error(
        "the database {location} did not store a batch within {seconds} seconds; check that it \
         and the way to it are sound"
    )]
    Slow {
        /// Which database.
        location: Location,
        /// How long was waited.
        seconds: u64,
    },
    /// A statement failed.
    #[error("the database {location} refused to {doing}: {source}{hint}")]
    Query {
        /// Which database.
        location: Location,
        /// What was tried.
        doing: &'static str,
        /// What it answered.
        source: sqlx::Error,
        /// The way out, where an operator can mend it.
        hint: &'static str,
    },
    /// The release would cost more than is allowed.
    #[error(transparent)]
    OverCeiling(#[from] OverCeiling),
    /// The noise cannot be calibrated or drawn.
    #[error(transparent)]
    Noise(#[from] PrivacyError),
    /// A stored value is not what this build writes.
    #[error("the database {location} holds a {what} that this build does not read: {reason}")]
    Foreign {
        /// Which database.
        location: Location,
        /// What kind of value.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}
