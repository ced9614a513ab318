//! What is kept of feedback, and what may be done with it.
//!
//! The rest of the server speaks to [`Database`]: record a batch of reports, release a closed
//! window, read released tables. SQLite is the database today (`sqlite.rs`); a second one joins
//! by implementing the same operations over the same tables (`server/migrations/`).
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

mod groups;
mod ledger;
mod release;
mod sqlite;

pub use groups::{CellCounts, GROUPS};
pub use sqlite::Database;

use crate::ledger::{OverCeiling, Total};
use crate::promise::Promise;
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use vitrine_core::cell::{Cell, Report};
use vitrine_core::privacy::NoiseFacts;
use vitrine_privacy::PrivacyError;

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file.
    File(PathBuf),
}

impl std::str::FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"))
            .unwrap_or(text);
        // Only the scheme is repeated: the rest of a URL may hold a password.
        if let Some((scheme, _)) = path.split_once("://") {
            return Err(format!(
                "{scheme} is not a database that this build knows; give the path of a SQLite file"
            ));
        }
        if path.is_empty() {
            return Err("is empty; give the path of a SQLite file".into());
        }
        Ok(Self::File(path.into()))
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
        }
    }
}

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
    /// Reports that were counted and deleted.
    pub reports: u64,
    /// Cells that passed the rule.
    pub cells: u64,
    /// The noise, at the private level.
    pub noise: Option<NoiseFacts>,
    /// What the fullest year that holds the window has cost now.
    pub year: Total,
}

/// What a release would do. The counts are exact: they are for the operator, not to be published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Reports that would be counted and deleted.
    pub reports: u64,
    /// Cells that at least one report named.
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
    /// The tables cannot be brought up to date.
    #[error("cannot bring the tables of {location} up to date: {source}")]
    Migrate {
        /// Which database.
        location: Location,
        /// What went wrong.
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("the database {location} refused to {doing}: {source}{}", hint(source))]
    Query {
        /// Which database.
        location: Location,
        /// What was tried.
        doing: &'static str,
        /// What it answered.
        source: sqlx::Error,
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

/// The way out, for what an operator can mend.
fn hint(source: &sqlx::Error) -> &'static str {
    let code = source
        .as_database_error()
        .and_then(|e| e.code())
        .and_then(|code| code.parse::<u32>().ok())
        .unwrap_or(0);
    // The low byte of an extended result code is the primary one.
    match code & 0xff {
        13 | 10 => "; check that its disk has room and is sound; nothing acknowledged is lost",
        8 => "; give this user the right to write it",
        5 | 6 => "; another process holds it: try again when that is done",
        _ => "",
    }
}
