//! A synthetic shop, reproducible from its seed, for first runs and closed-loop tests.
//!
//! It is not a model of shopping; it is a world in which the parts of Vitrine have something to
//! find, and in which the truth is known. Visitors have hidden tastes (a vector of style, a liking
//! for some categories, a price level), items have substitutes and complements, popularity follows
//! trends, new items appear, and a few bots run through the shelves. A model of item pairs can
//! learn the substitutes and complements, a model of sessions the tastes, and a model that learns
//! from the field what has changed since ([`Field`]).
//!
//! ```text
//! Options ─ World::new ─┬─ simulate     history as files that `prepare --preset behaviour` reads
//!                       ├─ World::visit     one visit by itself
//!                       ├─ World::visitor   a visitor who reacts to the shelf that is shown
//!                       └─ World::held_out  visits that no history holds
//! ```
//!
//! Whatever shows these data must say that they are synthetic; `synthetic.json` beside them does.
//!
//! Same seed, same options: same bytes. Each visit draws from its own random stream, keyed by
//! seed, shopper and day, so that a change in one visit moves no other.

mod catalogue;
mod error;
mod files;
mod picture;
mod shopper;
mod stream;
mod words;
mod world;

pub use catalogue::Item;
pub use error::SimulateError;
pub use files::{Summary, simulate};
pub use picture::picture;
pub use shopper::{Step, Visitor};
pub use world::{Event, World};

use serde::Serialize;
use std::path::PathBuf;

/// The shop to draw.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Options {
    /// Folder to write; missing or empty, or an earlier result of `simulate`.
    #[serde(skip)]
    pub out: PathBuf,
    /// Items that the shop sells during the history, 24 or more.
    pub items: usize,
    /// People who visit it.
    pub shoppers: usize,
    /// Days of history, 1 or more.
    pub days: u32,
    /// Everything is drawn from it.
    pub seed: u64,
    /// First day, `YYYY-MM-DD`.
    pub start: String,
    /// Visits of a shopper over 30 days, on average; a few come often, most seldom.
    pub visits_per_month: f64,
    /// Share of all visitors who are bots, 0 to 1.
    pub bots: f64,
    /// How the time after the history differs from it.
    pub field: Field,
}

impl Options {
    /// A shop of 1,000 items, 20,000 shoppers and 60 days.
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self {
            out: out.into(),
            items: 1000,
            shoppers: 20_000,
            days: 60,
            seed: 1,
            start: "2025-01-01".into(),
            visits_per_month: 1.5,
            bots: 0.002,
            field: Field::default(),
        }
    }
}

/// How the time after the history differs from it, so that feedback has something to teach.
/// By default nothing differs but what trends bring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Field {
    /// Items that are listed from the start but sold only after the history's last day.
    pub new_items: usize,
    /// Share of the items (0 to 1) whose substitutes and complements change after the last day.
    pub drift: f64,
}
