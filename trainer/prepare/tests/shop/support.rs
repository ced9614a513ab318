//! A folder with a shop's files in it, and a look into what was prepared.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use vitrine_prepare::{Options, PrepareError, Preset, Summary, TestPart, prepare};

/// 2024-06-01T00:00:00Z in seconds: when the tests' shops are open.
pub const DAY: i64 = 1_717_200_000;

/// A shop's files.
pub struct Shop {
    dir: TempDir,
}

impl Shop {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn with(name: &str, text: &str) -> Self {
        Self::new().and(name, text)
    }

    pub fn and(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        if let Some(folder) = self.path(name).parent() {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn out(&self) -> PathBuf {
        self.path("out")
    }

    /// Options that read `name` and leave every event in: no rare items, no short sessions.
    pub fn options(&self, name: &str) -> Options {
        let mut options = Options::new(self.path(name), self.out());
        options.rules.min_item_events = Some(1);
        options.rules.min_session_length = Some(1);
        options.now_ms = Some((DAY + 365 * 86_400) * 1000);
        options
    }

    pub fn prepare(&self, options: &Options) -> Result<(Summary, Prepared), PrepareError> {
        let summary = prepare(options, &())?;
        let prepared = Prepared::read(&options.out);
        Ok((summary, prepared))
    }

    /// Prepares `name` under a preset, leaving every event in.
    pub fn under(&self, preset: Preset, name: &str) -> (Summary, Prepared) {
        let mut options = self.options(name);
        options.preset = preset;
        self.prepare(&options).unwrap()
    }

    /// Prepares `name` with common column names, leaving every event in and none for testing.
    pub fn read(&self, name: &str) -> (Summary, Prepared) {
        let mut options = self.options(name);
        options.test = TestPart::None;
        self.prepare(&options).unwrap()
    }

    /// Prepares `name` with these columns named, leaving every event in.
    pub fn with_columns(
        &self,
        name: &str,
        columns: &[&str],
    ) -> Result<(Summary, Prepared), PrepareError> {
        let mut options = self.options(name);
        options.columns = columns
            .iter()
            .map(|column| column.parse().unwrap())
            .collect();
        self.prepare(&options)
    }

    /// The error of preparing `name` with common column names.
    pub fn error(&self, name: &str) -> String {
        let existed = self.out().exists();
        let error = self.prepare(&self.options(name)).err().expect("no error");
        assert_eq!(
            self.out().exists(),
            existed,
            "a failed run left an output folder"
        );
        error.to_string()
    }
}

/// The names of all notices.
pub fn names(summary: &Summary) -> Vec<&str> {
    summary.notices.iter().map(|notice| notice.name).collect()
}

/// The notice of this name; empty texts where there is none.
pub fn notice(summary: &Summary, name: &str) -> (String, String) {
    let mut notices = summary.notices.iter();
    let notice = notices.find(|notice| notice.name == name);
    notice.map_or_else(Default::default, |notice| {
        (notice.finding.clone(), notice.advice.clone())
    })
}

/// The notice of this name, which must be there once.
pub fn the_notice<'s>(summary: &'s Summary, name: &str) -> &'s str {
    let mut found = summary.notices.iter().filter(|notice| notice.name == name);
    let notice = found
        .next()
        .unwrap_or_else(|| panic!("no notice {name} in {:?}", summary.notices));
    assert!(found.next().is_none(), "two notices {name}");
    assert!(!notice.advice.is_empty());
    &notice.finding
}

/// A row of `events.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub session: i64,
    pub source_session: Option<String>,
    pub user: Option<String>,
    pub position: i64,
    pub item: String,
    pub ts: Option<i64>,
    pub action: i64,
    pub split: String,
    pub price: Option<f64>,
    pub quantity: Option<i64>,
}

/// A row of `items.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemRow {
    pub title: Option<String>,
    pub category: Option<String>,
    pub price: Option<f64>,
    pub image: Option<String>,
    pub in_stock: Option<bool>,
    pub listed: bool,
    pub counts: [i64; 4],
    pub price_z: Option<f64>,
    pub popularity_z: Option<f64>,
}

/// A row of `rejected.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    pub file: String,
    pub line: u64,
    pub rule: String,
    pub reason: String,
    pub fields: String,
}

/// What a run wrote.
pub struct Prepared {
    pub events: Vec<Event>,
    pub items: BTreeMap<String, ItemRow>,
    pub rejected: Vec<Rejected>,
    pub report: serde_json::Value,
    pub page: String,
}

impl Prepared {
    pub fn read(out: &Path) -> Self {
        let report = std::fs::read(out.join("report.json")).unwrap();
        Self {
            events: events(&out.join("events.parquet")),
            items: items(&out.join("items.parquet")),
            rejected: rejected(&out.join("rejected.csv")),
            report: serde_json::from_slice(&report).unwrap(),
            page: std::fs::read_to_string(out.join("report.html")).unwrap(),
        }
    }

    /// Sessions as lists of item ids, in order.
    pub fn sessions(&self) -> Vec<Vec<&str>> {
        let mut sessions: Vec<Vec<&str>> = Vec::new();
        for event in &self.events {
            if event.position == 0 {
                assert_eq!(
                    event.session,
                    sessions.len() as i64,
                    "sessions are numbered from 0"
                );
                sessions.push(Vec::new());
            }
            let session = sessions.last_mut().unwrap();
            assert_eq!(event.position, session.len() as i64, "positions run from 0");
            session.push(&event.item);
        }
        sessions
    }

    /// Rules and lines of the rejected rows.
    pub fn dropped(&self) -> Vec<(&str, u64)> {
        self.rejected
            .iter()
            .map(|row| (row.rule.as_str(), row.line))
            .collect()
    }
}

fn batches(path: &Path) -> Vec<RecordBatch> {
    let file = File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap();
    reader.map(Result::unwrap).collect()
}

fn text(batch: &RecordBatch, name: &str, row: usize) -> Option<String> {
    let column = batch.column_by_name(name).unwrap();
    assert_eq!(column.data_type(), &DataType::Utf8, "{name}");
    let column = column.as_string::<i32>();
    column.is_valid(row).then(|| column.value(row).to_string())
}

fn whole(batch: &RecordBatch, name: &str, row: usize) -> Option<i64> {
    let column = cast(batch.column_by_name(name).unwrap(), &DataType::Int64).unwrap();
    let column = column.as_primitive::<Int64Type>();
    column.is_valid(row).then(|| column.value(row))
}

fn truth(batch: &RecordBatch, name: &str, row: usize) -> Option<bool> {
    let column = batch.column_by_name(name).unwrap().as_boolean();
    column.is_valid(row).then(|| column.value(row))
}

fn number(batch: &RecordBatch, name: &str, row: usize) -> Option<f64> {
    let column = cast(batch.column_by_name(name).unwrap(), &DataType::Float64).unwrap();
    let column = column.as_primitive::<Float64Type>();
    column.is_valid(row).then(|| column.value(row))
}

pub fn events(path: &Path) -> Vec<Event> {
    let mut events = Vec::new();
    for batch in batches(path) {
        for row in 0..batch.num_rows() {
            events.push(Event {
                session: whole(&batch, "session_id", row).unwrap(),
                source_session: text(&batch, "source_session", row),
                user: text(&batch, "user_id", row),
                position: whole(&batch, "position", row).unwrap(),
                item: text(&batch, "item_id", row).unwrap(),
                ts: whole(&batch, "ts", row),
                action: whole(&batch, "action", row).unwrap(),
                split: text(&batch, "split", row).unwrap(),
                price: number(&batch, "price", row),
                quantity: whole(&batch, "quantity", row),
            });
        }
    }
    events
}

fn items(path: &Path) -> BTreeMap<String, ItemRow> {
    let mut items = BTreeMap::new();
    for batch in batches(path) {
        for row in 0..batch.num_rows() {
            let item = ItemRow {
                title: text(&batch, "title", row),
                category: text(&batch, "category", row),
                price: number(&batch, "price", row),
                image: text(&batch, "image", row),
                in_stock: truth(&batch, "in_stock", row),
                listed: truth(&batch, "listed", row).unwrap(),
                counts: ["events", "views", "adds", "buys"]
                    .map(|name| whole(&batch, name, row).unwrap()),
                price_z: number(&batch, "price_z", row),
                popularity_z: number(&batch, "popularity_z", row),
            };
            let id = text(&batch, "item_id", row).unwrap();
            assert!(items.insert(id, item).is_none(), "an item has two rows");
        }
    }
    items
}

/// Reads our own CSV: file, reason and fields are quoted.
fn rejected(path: &Path) -> Vec<Rejected> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut reader = csv_core::Reader::new();
    let (mut rest, mut rows) = (text.as_bytes(), Vec::new());
    loop {
        let (mut output, mut ends) = (vec![0; text.len() + 16], [0; 8]);
        let (result, read, _, fields) = reader.read_record(rest, &mut output, &mut ends);
        rest = &rest[read..];
        if matches!(
            result,
            csv_core::ReadRecordResult::End | csv_core::ReadRecordResult::InputEmpty
        ) {
            break;
        }
        let mut start = 0;
        let fields: Vec<String> = ends[..fields]
            .iter()
            .map(|&end| {
                let field = String::from_utf8(output[start..end].to_vec()).unwrap();
                start = end;
                field
            })
            .collect();
        assert_eq!(fields.len(), 5, "{fields:?}");
        rows.push(fields);
    }
    assert_eq!(rows[0], ["file", "line", "rule", "reason", "fields"]);
    rows.into_iter()
        .skip(1)
        .map(|row| Rejected {
            file: row[0].clone(),
            line: row[1].parse().unwrap(),
            rule: row[2].clone(),
            reason: row[3].clone(),
            fields: row[4].clone(),
        })
        .collect()
}
