//! The data-quality report: `report.json` for programs, `report.html` for people.

mod chart;
mod page;

pub(crate) use chart::thousands;

use crate::dataset::DatasetFile;
use crate::engine::{Engine, statement};
use crate::error::PrepareError;
use crate::notice::Notice;
use crate::options::DAY_MS;
use crate::pipeline::{Outcome, single, text, whole, whole_at};
use crate::rejected::{Example, Rejected};
use crate::rules::rules;
use crate::unread::Unread;
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::Float64Type;
use serde::Serialize;
use std::path::Path;

/// Rows of one input.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct InputFacts {
    pub input: &'static str,
    pub files: Vec<String>,
    pub rows: u64,
    /// The columns that were found, by Vitrine's names.
    pub columns: Vec<&'static str>,
    /// Values that could not be used, by column.
    pub unread: Vec<Unread>,
}

/// Contents of `report.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub dataset: DatasetFile,
    pub notices: Vec<Notice>,
    pub inputs: Vec<InputFacts>,
    /// Rows of events and orders that are in the result, rows merged into them, rows dropped; the
    /// three add up to the rows read.
    pub kept: u64,
    pub orders_matched: u64,
    pub orders_added: u64,
    pub dropped: u64,
    pub rules: Vec<RuleCount>,
    pub sessions: Lengths,
    pub users: u64,
    pub parts: Vec<PartFacts>,
    /// Test events whose item never occurs in training.
    pub new_in_test: u64,
    pub catalogue: Completeness,
    /// Pairs of number of events and number of items that have as many, falling.
    pub popularity: Vec<(u64, u64)>,
    pub top_items: Vec<TopItem>,
    pub coverage: Option<Coverage>,
    pub examples: Vec<Example>,
}

#[derive(Debug, Serialize)]
pub(crate) struct RuleCount {
    pub rule: &'static str,
    pub drops: String,
    pub on: bool,
    pub rows: u64,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Lengths {
    pub sessions: u64,
    pub mean: f64,
    pub median: u64,
    pub shortest: u64,
    pub longest: u64,
    /// Pairs of length and number of sessions, rising.
    pub histogram: Vec<(u64, u64)>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PartFacts {
    pub part: String,
    pub sessions: u64,
    pub events: u64,
    pub items: u64,
    pub views: u64,
    pub adds: u64,
    pub buys: u64,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Completeness {
    pub items: u64,
    pub without_events: u64,
    pub with_title: u64,
    pub with_category: u64,
    pub with_price: u64,
    pub with_image: u64,
    pub in_stock: u64,
    pub of_unknown_stock: u64,
    /// Items with events that the items file does not have.
    pub unlisted: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct TopItem {
    pub item_id: String,
    pub title: Option<String>,
    pub category: Option<String>,
    pub price: Option<f64>,
    pub events: u64,
    pub views: u64,
    pub adds: u64,
    pub buys: u64,
}

/// Events over time.
#[derive(Debug, Serialize)]
pub(crate) struct Coverage {
    pub bucket_ms: i64,
    /// Start of the bucket, events of train, valid and test.
    pub buckets: Vec<(i64, [u64; 3])>,
}

/// Facts of the run that the statements did not find out.
pub(crate) struct Facts {
    pub dataset: DatasetFile,
    pub inputs: Vec<InputFacts>,
    pub notices: Vec<Notice>,
}

/// Figures of the result that `dataset.json` needs too.
pub(crate) struct Figures {
    pub parts: Vec<PartFacts>,
    pub sessions: Lengths,
    pub items: u64,
    pub users: u64,
    pub span_ms: Option<(i64, i64)>,
    pub catalogue: Completeness,
}

fn count(batch: &RecordBatch, name: &str, row: usize) -> u64 {
    whole_at(batch, name, row)
        .and_then(|n| u64::try_from(n).ok())
        .unwrap_or(0)
}

fn pairs(batches: &[RecordBatch], first: &str, second: &str) -> Vec<(u64, u64)> {
    batches
        .iter()
        .flat_map(|batch| {
            (0..batch.num_rows())
                .map(move |row| (count(batch, first, row), count(batch, second, row)))
        })
        .collect()
}

/// Reads the figures off the result.
pub(crate) async fn figures(engine: &Engine<'_>) -> Result<Figures, PrepareError> {
    let mut parts = Vec::new();
    for batch in engine.rows(&statement!("report/50_parts")).await? {
        for row in 0..batch.num_rows() {
            parts.push(PartFacts {
                part: text(&batch, "split", row).unwrap_or_default(),
                sessions: count(&batch, "sessions", row),
                events: count(&batch, "events", row),
                items: count(&batch, "items", row),
                views: count(&batch, "views", row),
                adds: count(&batch, "adds", row),
                buys: count(&batch, "buys", row),
            });
        }
    }
    parts.sort_by_key(|part| {
        ["train", "valid", "test"]
            .iter()
            .position(|p| *p == part.part)
    });
    let histogram = pairs(
        &engine
            .rows(&statement!("report/10_session_lengths"))
            .await?,
        "length",
        "sessions",
    );
    let whole_set = single(engine.rows(&statement!("report/60_whole")).await?);
    let told = single(engine.rows(&statement!("report/70_completeness")).await?);
    Ok(Figures {
        parts,
        sessions: lengths(histogram),
        items: count(&whole_set, "items", 0),
        users: count(&whole_set, "users", 0),
        span_ms: whole(&whole_set, "first_ms").zip(whole(&whole_set, "last_ms")),
        catalogue: Completeness {
            items: count(&told, "items", 0),
            without_events: count(&told, "without_events", 0),
            with_title: count(&told, "with_title", 0),
            with_category: count(&told, "with_category", 0),
            with_price: count(&told, "with_price", 0),
            with_image: count(&told, "with_image", 0),
            in_stock: count(&told, "in_stock", 0),
            of_unknown_stock: count(&told, "of_unknown_stock", 0),
            unlisted: count(&told, "unlisted", 0),
        },
    })
}

fn lengths(histogram: Vec<(u64, u64)>) -> Lengths {
    let sessions: u64 = histogram.iter().map(|(_, n)| n).sum();
    let events: u64 = histogram.iter().map(|(length, n)| length * n).sum();
    let mut seen = 0;
    let median = histogram.iter().find(|(_, n)| {
        seen += n;
        seen * 2 >= sessions
    });
    Lengths {
        sessions,
        mean: events as f64 / sessions.max(1) as f64,
        median: median.map_or(0, |(length, _)| *length),
        shortest: histogram.first().map_or(0, |(length, _)| *length),
        longest: histogram.last().map_or(0, |(length, _)| *length),
        histogram,
    }
}

/// Makes both files in `result`.
pub(crate) async fn write(
    engine: &mut Engine<'_>,
    facts: Facts,
    outcome: &Outcome,
    rejected: Rejected,
    figures: Figures,
    result: &Path,
) -> Result<(), PrepareError> {
    let new_in_test = single(engine.rows(&statement!("report/80_new_in_test")).await?);
    let popularity = pairs(
        &engine
            .rows(&statement!("report/20_item_popularity"))
            .await?,
        "events",
        "items",
    );
    let mut top_items = Vec::new();
    for batch in engine.rows(&statement!("report/30_top_items")).await? {
        let prices = batch
            .column_by_name("price")
            .map(|p| p.as_primitive::<Float64Type>());
        for row in 0..batch.num_rows() {
            top_items.push(TopItem {
                item_id: text(&batch, "item_id", row).unwrap_or_default(),
                title: text(&batch, "title", row),
                category: text(&batch, "category", row),
                price: prices.filter(|p| p.is_valid(row)).map(|p| p.value(row)),
                events: count(&batch, "events", row),
                views: count(&batch, "views", row),
                adds: count(&batch, "adds", row),
                buys: count(&batch, "buys", row),
            });
        }
    }
    let coverage = match figures.span_ms {
        None => None,
        Some(span) => Some(coverage(engine, span).await?),
    };
    let rules = rules(&outcome.thresholds)
        .into_iter()
        .map(|rule| RuleCount {
            rule: rule.name,
            rows: rejected.by_rule.get(rule.name).copied().unwrap_or(0),
            drops: rule.drops,
            on: rule.on,
        })
        .collect();
    let report = Report {
        dataset: facts.dataset,
        notices: facts.notices,
        inputs: facts.inputs,
        kept: figures.parts.iter().map(|part| part.events).sum(),
        orders_matched: outcome.orders_matched,
        orders_added: outcome.orders_added,
        dropped: rejected.by_rule.values().sum(),
        rules,
        sessions: figures.sessions,
        users: figures.users,
        parts: figures.parts,
        new_in_test: count(&new_in_test, "events", 0),
        catalogue: figures.catalogue,
        popularity,
        top_items,
        coverage,
        examples: rejected.examples,
    };
    let json = result.join(crate::staging::file::REPORT_JSON);
    let text = serde_json::to_vec_pretty(&report).map_err(|e| PrepareError::io(&json)(e.into()))?;
    std::fs::write(&json, text).map_err(PrepareError::io(&json))?;
    let html = result.join(crate::staging::file::REPORT_HTML);
    std::fs::write(&html, page::page(&report)).map_err(PrepareError::io(&html))
}

/// Events per hour, day or week, so that a plot has a few hundred points at most.
async fn coverage(
    engine: &mut Engine<'_>,
    (first, last): (i64, i64),
) -> Result<Coverage, PrepareError> {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    let steps = [
        60_000,
        10 * 60_000,
        HOUR_MS,
        DAY_MS,
        7 * DAY_MS,
        28 * DAY_MS,
    ];
    let bucket_ms = steps
        .into_iter()
        .find(|step| (last - first) / step <= 400)
        .unwrap_or(365 * DAY_MS);
    engine.set("bucket", bucket_ms);
    let mut buckets = Vec::new();
    for batch in engine.rows(&statement!("report/40_coverage")).await? {
        for row in 0..batch.num_rows() {
            buckets.push((
                whole_at(&batch, "bucket", row).unwrap_or(0) * bucket_ms,
                ["train", "valid", "test"].map(|part| count(&batch, part, row)),
            ));
        }
    }
    Ok(Coverage { bucket_ms, buckets })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_summed_up_from_their_histogram() {
        // 2 2 2 3 7: mean 16 / 5, median 2.
        let lengths = lengths(vec![(2, 3), (3, 1), (7, 1)]);
        assert_eq!((lengths.sessions, lengths.median), (5, 2));
        assert_eq!((lengths.shortest, lengths.longest), (2, 7));
        assert!((lengths.mean - 3.2).abs() < 1e-12);
    }
}
