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
//! A report names its window and is stored in that one or refused ([`Refusal`]). This is decided
//! inside the transaction that stores it, and a release takes the same lock. So a report is either
//! committed before its window's release, and counted, or refused; none slips into a window that
//! is gone, or into another than the one in whose budget its device counted it. Windows that hold
//! reports share no moment, whatever their lengths.

mod clock;
mod database;
mod dialect;
mod groups;
mod ledger;
mod location;
mod postgres;
mod record;
mod release;
mod sqlite;
mod strongest;

pub use clock::ServerId;
pub use database::Database;
pub use groups::{CellCounts, GROUPS};
pub use location::{Location, PostgresUrl};

use crate::ledger::{OverCeiling, Total};
use crate::promise::Promise;
use sha2::{Digest as _, Sha256};
use vitrine_core::cell::{Cell, Report};
use vitrine_core::privacy::{Level, NoiseFacts};
use vitrine_core::window::WindowName;
use vitrine_privacy::PrivacyError;

/// A report, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// First 16 bytes of a hash of the nonce.
    pub nonce: Hash,
    /// First 16 bytes of a hash of the nonce, the window and the cell.
    pub binding: Hash,
    /// The window that the report names.
    pub window: WindowName,
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
        let window = serde_json::to_string(&report.window)?;
        Ok(Self {
            nonce: hash(&["vitrine.nonce/1", &report.nonce]),
            binding: hash(&["vitrine.binding/2", &report.nonce, &window, &cell]),
            window: report.window,
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
fn hash(parts: &[&str]) -> Hash {
    let mut sha = Sha256::new();
    for part in parts {
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
    /// Its nonce was used for another cell or window; it is not stored.
    Conflict,
    /// Its window does not take it; it is not stored.
    Refused(Refusal),
}

/// Why a window does not take a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The window begins in so many seconds.
    Early(u64),
    /// The window and its grace are over, or it is released.
    Closed,
    /// No manifest has windows of this length, or the window overlaps one that has reports.
    Foreign,
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
    /// True if it is released.
    pub released: bool,
    /// How many cells passed the rule and were not released, for want of room in a file.
    pub left_out: u64,
}

impl Window {
    /// Its public name.
    pub fn name(&self) -> WindowName {
        WindowName {
            number: self.window,
            seconds: self.window_seconds,
        }
    }

    /// When the window ends, Unix time in seconds.
    pub fn end(&self) -> u64 {
        self.name().end()
    }
}

/// What a release did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Released {
    /// The level whose rule was applied.
    pub level: Level,
    /// Reports that were counted and deleted.
    pub reports: u64,
    /// Cells that are released.
    pub cells: u64,
    /// Cells that passed the rule too, for which a file has no room.
    pub left_out: u64,
    /// True if metrics were estimated.
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
    /// The ceiling that holds for the window.
    pub epsilon_ceiling: Option<f64>,
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
