//! The statements, in the order in which they run: clean, integrate, transform.

use crate::columns::Input;
use crate::dataset::Protocol;
use crate::engine::{Engine, statement};
use crate::error::PrepareError;
use crate::identity::Identity;
use crate::options::{DAY_MS, Options, Thresholds};
use crate::preset::Preset;
use crate::split::split;
use crate::staging::file;
use datafusion::arrow::array::{Array, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{
    DataType, Field, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An order line and a purchase in the behaviour that are a day apart or less are one purchase:
/// order systems stamp the payment or the invoice, not the click.
const ORDER_WINDOW_MS: i64 = DAY_MS;

/// How many statements write a table, without and with orders, for the progress bar.
const TABLES: (u64, u64) = (14, 17);

/// The files that an input was read from, by the number in `file`.
pub(crate) struct Sources<'a> {
    pub events: &'a [PathBuf],
    pub orders: bool,
    /// True if an items file lists the items on sale.
    pub items: bool,
    /// True if it has a column for their stock.
    pub stock: bool,
    pub identity: Identity<'a>,
}

/// What the statements found out.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub thresholds: Thresholds,
    pub protocol: Protocol,
    pub test_from_ms: Option<i64>,
    pub test_rule: String,
    pub orders_matched: u64,
    pub orders_added: u64,
}

/// Runs all statements. The collected tables stand in `work` as `events_collected.parquet` and so
/// on; `events.parquet` and `items.parquet` are written into `result`.
pub(crate) async fn run(
    engine: &mut Engine<'_>,
    options: &Options,
    preset: Preset,
    sources: &Sources<'_>,
    now_ms: i64,
    work: &Path,
    result: &Path,
) -> Result<Outcome, PrepareError> {
    let tables = if sources.orders { TABLES.1 } else { TABLES.0 };
    engine.begin("cleaning, integrating, cutting sessions", tables);
    for (table, input) in [
        ("events_read", Input::Events),
        ("orders_read", Input::Orders),
        ("items_read", Input::Items),
    ] {
        engine
            .register(
                table,
                &work.join(format!("{}_collected.parquet", input.name())),
            )
            .await?;
    }

    engine.set("session_gap", i64::from(options.session_gap.seconds()));
    sources.identity.identify(engine).await?;
    let profile = single(engine.rows(&statement!("clean/10_profile_events")).await?);
    let count = |name: &str| whole(&profile, name).unwrap_or(0);
    let has_times = count("with_time") > 0;
    let has_split = count("with_split") > 0;
    let mut thresholds = options.rules.resolve(preset, now_ms, has_split);
    if count("with_seconds") == 0 {
        thresholds.max_clicks_per_minute = None;
    }
    let unsigned = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
    engine.set("has_items", sources.items);
    engine.set("has_stock", sources.stock);
    engine.set("has_times", has_times);
    engine.set("has_split", has_split);
    engine.set("earliest", thresholds.earliest_ms);
    engine.set("latest", thresholds.latest_ms);
    engine.set("reject_free_purchases", thresholds.reject_free_purchases);
    engine.set("min_rating", thresholds.min_rating);
    engine.set(
        "max_clicks_per_minute",
        unsigned(thresholds.max_clicks_per_minute),
    );
    engine.set(
        "max_clicks_per_session",
        unsigned(thresholds.max_clicks_per_session),
    );
    engine.set(
        "max_clicks_per_day",
        unsigned(thresholds.max_clicks_per_day),
    );
    engine.set("min_item_events", unsigned(thresholds.min_item_events));
    engine.set(
        "min_session_length",
        unsigned(thresholds.min_session_length).unwrap_or(1),
    );
    engine.set("order_window", ORDER_WINDOW_MS);

    // Clean.
    engine
        .table("items_told", &statement!("integrate/10_items"))
        .await?;
    engine
        .view("not_products", &statement!("integrate/20_not_products"))
        .await?;
    engine
        .view("items_judged", &statement!("integrate/30_judge_items"))
        .await?;
    engine
        .view("events_checked", &statement!("clean/20_judge_events"))
        .await?;
    engine
        .table("events_judged", &statement!("clean/30_mark_duplicates"))
        .await?;
    engine
        .view("events_clean", &statement!("clean/40_keep_clean_events"))
        .await?;
    refuse_if_mostly_bad(engine, options, sources).await?;

    // Integrate.
    let (mut orders_matched, mut orders_added) = (0, 0);
    if sources.orders {
        engine
            .view("known_items", &statement!("integrate/40_known_items"))
            .await?;
        engine
            .table("orders_judged", &statement!("integrate/50_judge_orders"))
            .await?;
        orders_matched = engine
            .table("order_matches", &statement!("integrate/60_match_orders"))
            .await?;
        let placed = engine
            .table("orders_placed", &statement!("integrate/70_place_orders"))
            .await?;
        orders_added = if has_split { 0 } else { placed };
        engine
            .view(
                "orders_outside_split",
                &statement!("integrate/90_orders_outside_split"),
            )
            .await?;
        engine
            .view("history", &statement!("integrate/80_events_and_orders"))
            .await?;
    } else {
        engine
            .view("orders_judged", &statement!("integrate/45_no_orders"))
            .await?;
        engine
            .view(
                "orders_outside_split",
                &statement!("integrate/45_no_orders"),
            )
            .await?;
        engine
            .view("history", &statement!("clean/40_keep_clean_events"))
            .await?;
    }

    // Transform.
    engine
        .table("cut", &statement!("transform/10_cut_sessions"))
        .await?;
    engine
        .table("bots", &statement!("transform/20_find_bots"))
        .await?;
    engine
        .view("people", &statement!("transform/30_people"))
        .await?;
    engine
        .table("session_facts", &statement!("transform/40_session_facts"))
        .await?;
    let span = single(engine.rows(&statement!("transform/50_span")).await?);
    let split = split(engine, &span, options, has_split, sources.identity.notices).await?;
    engine.set("test_from", split.from_ms);
    engine.set("train_sessions", split.train_sessions);
    engine
        .table("session_parts", &statement!("transform/60_split_by_time"))
        .await?;
    let test_from = single(engine.rows(&statement!("transform/62_test_from")).await?);
    engine
        .table("rare_items", &statement!("transform/70_rare_items"))
        .await?;
    engine
        .view("placed", &statement!("transform/80_mark_rare_items"))
        .await?;
    engine
        .table("numbered", &statement!("transform/90_number_sessions"))
        .await?;
    let events = result.join(file::EVENTS);
    engine
        .write(
            &statement!("transform/95_events"),
            &events,
            Some(events_schema()),
        )
        .await?;
    engine.register("events", &events).await?;
    let items = result.join(file::ITEMS);
    engine
        .write(
            &statement!("transform/97_items"),
            &items,
            Some(items_schema()),
        )
        .await?;
    engine.register("items", &items).await?;
    engine.finish();

    Ok(Outcome {
        thresholds,
        protocol: if whole(&span, "mixed").unwrap_or(0) > 0 {
            Protocol::LeaveOneOut
        } else {
            Protocol::Sessions
        },
        test_from_ms: split.from_ms.or_else(|| whole(&test_from, "test_from")),
        test_rule: split.rule,
        orders_matched,
        orders_added,
    })
}

/// A wrongly mapped column shows as a flood of bad rows; nothing good comes of going on.
async fn refuse_if_mostly_bad(
    engine: &Engine<'_>,
    options: &Options,
    sources: &Sources<'_>,
) -> Result<(), PrepareError> {
    let counts = single(engine.rows(&statement!("clean/50_count_bad_rows")).await?);
    let rows = whole(&counts, "events").unwrap_or(0);
    let bad = whole(&counts, "bad").unwrap_or(0);
    if bad as f64 <= options.max_bad_rows * rows as f64 {
        return Ok(());
    }
    let mut examples = Vec::new();
    for batch in engine.rows(&statement!("clean/60_first_bad_rows")).await? {
        for row in 0..batch.num_rows() {
            let file = batch.column(0).as_primitive::<Int32Type>().value(row);
            let path = usize::try_from(file)
                .ok()
                .and_then(|file| sources.events.get(file));
            examples.push(format!(
                "  {}, line {}: {}",
                path.map_or_else(String::new, |path| path.display().to_string()),
                batch.column(1).as_primitive::<Int64Type>().value(row),
                text(&batch, "reason", row).unwrap_or_default(),
            ));
        }
    }
    Err(PrepareError::TooManyBadRows {
        path: options.events.clone(),
        bad: bad as u64,
        rows: rows as u64,
        percent: options.max_bad_rows * 100.0,
        examples,
    })
}

/// The only batch of a statement that yields one row.
pub(crate) fn single(batches: Vec<RecordBatch>) -> RecordBatch {
    batches
        .into_iter()
        .find(|batch| batch.num_rows() > 0)
        .unwrap_or_else(|| RecordBatch::new_empty(Arc::new(Schema::empty())))
}

/// A whole number of the first row, or `None` where it is null.
pub(crate) fn whole(batch: &RecordBatch, name: &str) -> Option<i64> {
    whole_at(batch, name, 0)
}

/// A whole number of a row, or `None` where it is null.
pub(crate) fn whole_at(batch: &RecordBatch, name: &str, row: usize) -> Option<i64> {
    let column = batch.column_by_name(name)?;
    let column = datafusion::arrow::compute::cast(column, &DataType::Int64).ok()?;
    let column = column.as_primitive::<Int64Type>();
    (row < column.len() && column.is_valid(row)).then(|| column.value(row))
}

/// A column as plain strings; empty where it is not there.
pub(crate) fn texts(batch: &RecordBatch, name: &str) -> StringArray {
    let cast = batch
        .column_by_name(name)
        .and_then(|column| datafusion::arrow::compute::cast(column, &DataType::Utf8).ok());
    cast.map_or_else(
        || StringArray::new_null(batch.num_rows()),
        |column| column.as_string::<i32>().clone(),
    )
}

/// A text of a row, or `None` where it is null.
pub(crate) fn text(batch: &RecordBatch, name: &str, row: usize) -> Option<String> {
    let column = texts(batch, name);
    (row < column.len() && column.is_valid(row)).then(|| column.value(row).to_string())
}

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

/// Schema of `events.parquet`.
pub(crate) fn events_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("session_id", DataType::Int64, false),
        Field::new("source_session", DataType::Utf8, true),
        Field::new("user_id", DataType::Utf8, true),
        Field::new("position", DataType::Int32, false),
        Field::new("item_id", DataType::Utf8, false),
        Field::new("ts", timestamp(), true),
        Field::new("action", DataType::UInt8, false),
        Field::new("split", DataType::Utf8, false),
        Field::new("price", DataType::Float32, true),
        Field::new("quantity", DataType::Int32, true),
    ]))
}

/// Schema of `items.parquet`.
pub(crate) fn items_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("item_id", DataType::Utf8, false),
        Field::new("title", DataType::Utf8, true),
        Field::new("category", DataType::Utf8, true),
        Field::new("price", DataType::Float64, true),
        Field::new("image", DataType::Utf8, true),
        Field::new("in_stock", DataType::Boolean, true),
        Field::new("listed", DataType::Boolean, false),
        Field::new("events", DataType::Int64, false),
        Field::new("views", DataType::Int64, false),
        Field::new("adds", DataType::Int64, false),
        Field::new("buys", DataType::Int64, false),
        Field::new("first_seen", timestamp(), true),
        Field::new("last_seen", timestamp(), true),
        Field::new("price_z", DataType::Float32, true),
        Field::new("popularity_z", DataType::Float32, false),
    ]))
}
