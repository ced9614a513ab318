//! `dataset.json`: the facts of a prepared history, written by `prepare` and read by `train`.

use crate::session::SessionGap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a prepared folder holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetFacts {
    /// Name of the data set, for people.
    pub name: String,
    /// The preset or mapping it was read with.
    pub source: String,
    /// True if the history was simulated; said wherever it is shown.
    pub synthetic: bool,
    /// Items in `items.parquet`.
    pub items: u64,
    /// Sessions and events by split (`train`, `valid`, `test`).
    pub splits: BTreeMap<String, SplitFacts>,
    /// First event, Unix time in seconds, when the history has times.
    pub from: Option<u64>,
    /// Last event, Unix time in seconds, when the history has times.
    pub to: Option<u64>,
    /// The fewest events before a label in an evaluation example.
    pub shortest_prefix: usize,
    /// The pause that cut visitors' events into sessions, where the source has no sessions of its
    /// own.
    #[serde(default, rename = "session_gap_seconds")]
    pub session_gap: SessionGap,
    /// How the splits came about, as a sentence.
    pub split_rule: String,
}

/// A finding about a history, or a model of it, that a person has to see before trusting it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// A name for scripts and tests, such as `no_times`.
    pub name: &'static str,
    /// One or two sentences with the figures, and an example from the source.
    pub finding: String,
    /// The flag to give, the column to name or the export to repeat.
    pub advice: String,
}

/// Sessions and events of one split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitFacts {
    /// Sessions with an event in the split.
    pub sessions: u64,
    /// Events in the split.
    pub events: u64,
}
