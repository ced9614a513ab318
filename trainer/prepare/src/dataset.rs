//! `dataset.json`: the facts that the trainer reads, and what a person may ask about them later.

use crate::identity::Said;
use crate::options::{Options, TestPart, Thresholds};
use crate::preset::Preset;
use serde::{Deserialize, Serialize};
use vitrine_core::dataset::DatasetFacts;

/// The file's name in a prepared folder.
pub const FILE_NAME: &str = "dataset.json";

/// Contents of `dataset.json`. [`DatasetFacts`] reads it too and passes over the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetFile {
    /// What the trainer needs.
    #[serde(flatten)]
    pub facts: DatasetFacts,
    /// How test examples are made from the `split` column.
    pub protocol: Protocol,
    /// Rows of `items.parquet`; more than `items` where the items file names some without events.
    pub catalogue: u64,
    /// Time of the earliest and the latest event, milliseconds of Unix time.
    pub span_ms: Option<(i64, i64)>,
    /// The first moment of the test part where it was cut by time, milliseconds of Unix time.
    pub test_from_ms: Option<i64>,
    /// The options and resolved thresholds of the run.
    pub options: serde_json::Value,
}

/// How test examples are made from the `split` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// A session lies in one part; every proper prefix of a test session is an example.
    Sessions,
    /// The parts lie within a sequence: its last event is `test`, the one before `valid`.
    LeaveOneOut,
}

/// The options as they stand in `dataset.json`.
pub(crate) fn options_value(
    options: &Options,
    preset: Preset,
    said: &Said,
    thresholds: &Thresholds,
) -> serde_json::Value {
    serde_json::json!({
        "events": options.events,
        "items": options.items,
        "orders": options.orders,
        "preset": preset.name(),
        "mapping": options.mapping,
        "columns": options.columns.iter().map(|column| {
            format!("{}.{}={}", column.input.name(), column.name, column.source)
        }).collect::<Vec<_>>(),
        "all_actions": options.all_actions.map(|action| action.name()),
        "timestamp_format": options.timestamp_format,
        "timezone": options.timezone.map(|zone| zone.to_string()),
        "decimal": options.decimal,
        "nobody": said.nobody,
        "somebody": said.somebody,
        "session_ids": said.session_ids.name(),
        "session_gap_minutes": options.session_gap.seconds() / 60,
        "test": match options.test {
            TestPart::Share(share) => serde_json::json!({"share": share}),
            TestPart::Days(days) => serde_json::json!({"days": days}),
            TestPart::None => serde_json::json!("none"),
        },
        "rules": thresholds,
    })
}
