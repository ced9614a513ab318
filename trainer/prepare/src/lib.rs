//! From a shop's files to what the trainer reads: sessions, items and a report on their quality.
//!
//! ```text
//! events, items, orders (CSV, JSON Lines, Parquet; files or folders)
//!   └ collect     typed Parquet tables, each row tied to its file and line
//!       └ clean       what is unreadable, impossible, doubled
//!           └ integrate   behaviour with items and orders
//!               └ transform   sessions, bots, split, rare items, features
//!                   └ events.parquet, items.parquet, dataset.json, rejected.csv, report.json, report.html
//! ```
//!
//! Everything after the first step is SQL on DataFusion, one statement a file under `sql/`, bounded
//! in memory and spilling to disk. Every rule has a name, a threshold and a count, and every row
//! that a rule drops stands in `rejected.csv` with the reason: whoever knows the shop can tell
//! whether the rule was right.
//!
//! Nothing is guessed twice: where the source publishes a split, it is honoured, and the rules that
//! would change published figures are off unless they are asked for.
//!
//! # The prepared folder
//! `events.parquet`, sorted by session, then position:
//!
//! | column | type | meaning |
//! | --- | --- | --- |
//! | `session_id` | int64 | from 0 without gaps; train first, then valid and test, each in the order of time, or of the source where it has no times |
//! | `source_session` | string, nullable | the source's id |
//! | `user_id` | string, nullable | returning visitor |
//! | `position` | int32 | from 0 without gaps |
//! | `item_id` | string | |
//! | `ts` | timestamp ms UTC, nullable | |
//! | `action` | uint8 | code of [`vitrine_core::Action`] |
//! | `split` | string | `train`, `valid` or `test`, of the event |
//! | `price` | float32, nullable | of one piece; zero is read as unknown |
//! | `quantity` | int32, nullable | pieces |
//!
//! `items.parquet`, one row per item of the events or the items file: `item_id`, `title`,
//! `category`, `price` (that of the items file, else the median over the events), `image`,
//! `in_stock` (true where the items file has no column for it, null where it has one and the value is
//! missing or unknown, false for an item that the items file no longer has), `listed` (whether the
//! items file has it; true without one), `events`, `views`, `adds`, `buys`, `first_seen`,
//! `last_seen`, and the standardised features `price_z` (of the logarithm of the price, null
//! without a price) and `popularity_z` (of the logarithm of events + 1).
//!
//! `dataset.json` is [`DatasetFile`].

pub mod columns;
pub mod dataset;
pub mod mapping;
pub mod notice;
pub mod options;
pub mod preset;
pub mod preview;
pub mod progress;

mod alike;
mod catalogue;
mod checks;
mod choice;
mod collect;
mod engine;
mod error;
mod hint;
mod identity;
mod inputs;
mod join;
mod lines;
mod pipeline;
mod recognise;
mod rejected;
mod report;
mod rules;
mod run;
mod sink;
mod source;
mod split;
mod staging;
mod typed;
mod unread;
mod values;

pub use dataset::DatasetFile;
pub use error::PrepareError;
pub use notice::Notice;
pub use options::{ColumnFlag, Options, Rules, SessionIds, TestPart};
pub use preset::Preset;
pub use preview::{Preview, preview};
pub use progress::Progress;
pub use run::{Summary, prepare};
