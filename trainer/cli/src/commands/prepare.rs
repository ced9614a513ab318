//! `vitrine prepare`.

use crate::output::{self, say};
use crate::progress::Bars;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use vitrine_core::Action;
use vitrine_core::session::SessionGap;
use vitrine_prepare::options::{ColumnFlag, Day, Decimal, Options, SessionIds, TestPart, Zone};
use vitrine_prepare::preset::Preset;
use vitrine_prepare::preview::{InputPreview, Preview};
use vitrine_prepare::{PrepareError, Summary, prepare, preview};

/// Clean, integrate and transform a shop's history into sessions to learn from.
///
/// Reads CSV, JSON Lines and Parquet, files or folders. Writes Parquet, a quality report
/// (report.html, report.json), and every rejected row with its reason (rejected.csv). What has to
/// be looked at before the result is trusted ends the output.
///
///   vitrine prepare --events shop/ --dry-run
///   vitrine prepare --events shop/ --preset behaviour --out data
///   vitrine prepare --events log.csv --column item_id=sku --column timestamp=when --out data
///   vitrine prepare --events events/ --items items.csv --orders orders.csv --mapping shop.toml --out data
///   vitrine prepare --events shop/ --nobody GUEST --strict --accept untitled_items --out data
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// Behaviour: a file, a folder of files, or - for the standard input.
    #[arg(long)]
    events: PathBuf,
    /// Items: a file, or a folder of files.
    #[arg(long)]
    items: Option<PathBuf>,
    /// Orders: a file, or a folder of files.
    #[arg(long)]
    orders: Option<PathBuf>,
    /// Folder to write.
    #[arg(long, required_unless_present = "dry_run")]
    out: Option<PathBuf>,
    /// Tell which files are read, which column is which and how the first rows are read; write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Where there is something to look at, fail and leave the folder as it was.
    #[arg(long)]
    strict: bool,
    /// Name of a notice that --strict lets pass. May be repeated.
    #[arg(long, value_name = "NOTICE")]
    accept: Vec<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// File format: auto, behaviour, vitrine, retailrocket, diginetica, yoochoose, rees46,
    /// shopify-orders, woocommerce-orders, merchant-feed, movielens, recbole, ga4, segment, snowplow
    /// or matomo.
    #[arg(long, default_value = "auto")]
    preset: Preset,
    /// TOML file that says which column is which.
    #[arg(long)]
    mapping: Option<PathBuf>,
    /// One column: name=source, items.name=source or orders.name=source; timestamp=date+time joins
    /// two. May be repeated.
    #[arg(long = "column", value_name = "NAME=SOURCE")]
    columns: Vec<ColumnFlag>,
    /// The action of every event: view, add_to_cart or buy. For a shop that has orders only:
    /// --events orders.csv --all-actions buy.
    #[arg(long, value_name = "ACTION")]
    all_actions: Option<Action>,
    /// How times are written: a pattern such as %d.%m.%Y, or seconds, milliseconds, microseconds,
    /// nanoseconds, days, excel, day-first or month-first [default: recognised].
    #[arg(long, value_name = "FORMAT")]
    timestamp_format: Option<String>,
    /// Zone of times that tell none, e.g. Europe/Berlin [default: UTC].
    #[arg(long, value_name = "ZONE")]
    timezone: Option<Zone>,
    /// Decimal mark of prices and quantities, '.' or ',' [default: by the column's values].
    #[arg(long, value_name = "MARK")]
    decimal: Option<Decimal>,
    /// Prices above this are read as unknown [default: 1000000].
    #[arg(long, value_name = "PRICE")]
    max_price: Option<f64>,
    /// Name of the data set in reports; the source's name by default.
    #[arg(long)]
    name: Option<String>,
    /// Minutes without an event after which a new session begins, where the source has no sessions;
    /// devices follow it too [at most 1440, a day].
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1440))]
    session_gap_minutes: u32,
    /// A user that stands for nobody, such as a guest, beside the placeholders that are known (0, guest,
    /// (not set), …). May be repeated.
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    nobody: Vec<String>,
    /// A user that is a person although the id looks like a placeholder. May be repeated.
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    somebody: Vec<String>,
    /// Session ids are unique over the shop (unique), or counted by each user (per-user)
    /// [default: the data tell].
    #[arg(long, value_name = "HOW")]
    session_ids: Option<SessionIds>,
    /// Set aside the sessions of the last days for testing [default: the last tenth of the sessions].
    #[arg(long, value_name = "DAYS", conflicts_with = "no_test")]
    test_days: Option<u32>,
    /// Set nothing aside: learn from everything.
    #[arg(long)]
    no_test: bool,
    /// Fewest events before a label in an evaluation example [default: the shortest session less one].
    #[arg(long)]
    shortest_prefix: Option<u32>,
    /// Fewest events of an item [default: 2; 5 for research presets; off where splits are published].
    #[arg(long)]
    min_item_events: Option<u64>,
    /// Fewest events of a session [default: 2; off where splits are published].
    #[arg(long)]
    min_session_length: Option<u64>,
    /// More clicks than this in one minute mark a bot [default: 60; off where splits are published].
    #[arg(long)]
    max_clicks_per_minute: Option<u64>,
    /// More clicks than this in one session mark a bot [default: 500; off where splits are published].
    #[arg(long)]
    max_clicks_per_session: Option<u64>,
    /// More clicks than this on one day mark a bot [default: 2000; off where splits are published].
    #[arg(long)]
    max_clicks_per_day: Option<u64>,
    /// Events before this day (UTC) are dropped [default: 1995-01-01].
    #[arg(long, value_name = "YYYY-MM-DD")]
    earliest: Option<Day>,
    /// Events after this day (UTC) are dropped [default: tomorrow].
    #[arg(long, value_name = "YYYY-MM-DD")]
    latest: Option<Day>,
    /// Events with a lower rating are dropped.
    #[arg(long)]
    min_rating: Option<f64>,
    /// Share of unusable rows that is tolerated.
    #[arg(long, default_value_t = 0.5)]
    max_bad_rows: f64,
    /// Memory in MiB that statements may take before they spill to disk.
    #[arg(long, default_value_t = 2048)]
    memory_mb: usize,
}

pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut options = Options::new(arguments.events, arguments.out.unwrap_or_default());
    options.items = arguments.items;
    options.orders = arguments.orders;
    options.preset = arguments.preset;
    options.mapping = arguments.mapping;
    options.columns = arguments.columns;
    options.all_actions = arguments.all_actions;
    options.timestamp_format = arguments.timestamp_format;
    options.timezone = arguments.timezone;
    options.decimal = arguments.decimal;
    options.rules.max_price = arguments.max_price;
    options.name = arguments.name;
    options.session_gap = SessionGap::of_seconds(arguments.session_gap_minutes * 60)?;
    options.nobody = arguments.nobody;
    options.somebody = arguments.somebody;
    options.session_ids = arguments.session_ids;
    options.strict = arguments.strict;
    options.accept = arguments.accept;
    options.test = match (arguments.no_test, arguments.test_days) {
        (true, _) => TestPart::None,
        (false, Some(days)) => TestPart::Days(days),
        (false, None) => TestPart::default(),
    };
    options.shortest_prefix = arguments.shortest_prefix;
    options.rules.min_item_events = arguments.min_item_events;
    options.rules.min_session_length = arguments.min_session_length;
    options.rules.max_clicks_per_minute = arguments.max_clicks_per_minute;
    options.rules.max_clicks_per_session = arguments.max_clicks_per_session;
    options.rules.max_clicks_per_day = arguments.max_clicks_per_day;
    options.rules.earliest_ms = arguments.earliest.map(Day::first_ms);
    options.rules.latest_ms = arguments.latest.map(Day::last_ms);
    options.rules.min_rating = arguments.min_rating;
    options.max_bad_rows = arguments.max_bad_rows;
    options.memory_mb = arguments.memory_mb;
    if arguments.dry_run {
        let preview = preview(&options)?;
        if arguments.json {
            say!("{}", serde_json::to_string(&preview)?);
        } else {
            print_preview(&preview);
        }
        return Ok(());
    }
    let summary = match prepare(&options, &Bars::new()) {
        Ok(summary) => summary,
        Err(error) => {
            if let PrepareError::Strict { notices, .. } = &error {
                if arguments.json {
                    say!("{}", json!({ "published": false, "notices": notices }));
                } else {
                    output::notices(notices);
                }
            }
            return Err(error.into());
        }
    };
    if arguments.json {
        say!("{}", as_json(&summary));
    } else {
        print(&summary);
    }
    Ok(())
}

fn as_json(summary: &Summary) -> serde_json::Value {
    let dropped = summary.dropped.iter().cloned();
    json!({
        "published": true,
        "out": summary.out,
        "report": summary.report,
        "rejected": summary.rejected,
        "rows_read": summary.rows_read,
        "events": summary.events,
        "orders_matched": summary.orders_matched,
        "orders_added": summary.orders_added,
        "dropped": dropped.collect::<BTreeMap<_, _>>(),
        "dataset": summary.dataset,
        "notices": summary.notices,
    })
}

fn print(summary: &Summary) {
    let facts = &summary.dataset.facts;
    say!(
        "{}: {} rows read, {} events of {} items kept{}",
        facts.name,
        summary.rows_read,
        summary.events,
        facts.items,
        if facts.synthetic { " (synthetic)" } else { "" }
    );
    for (split, counts) in &facts.splits {
        say!(
            "  {split:<6} {:>9} sessions {:>10} events",
            counts.sessions,
            counts.events
        );
    }
    for (rule, rows) in &summary.dropped {
        say!("  dropped {rows:>9} rows by {rule}");
    }
    say!("report: {}", summary.report.display());
    if !summary.dropped.is_empty() {
        say!("rejected rows: {}", summary.rejected.display());
    }
    output::notices(&summary.notices);
}

fn print_preview(preview: &Preview) {
    for input in &preview.inputs {
        print_input(input);
    }
    say!("nothing was written");
    output::notices(&preview.notices);
}

fn print_input(input: &InputPreview) {
    say!("{}", input.input);
    for file in &input.files {
        say!("  {}", file.display());
    }
    for column in &input.columns {
        say!(
            "    {:<12} ← {:<28} {}",
            column.name,
            column.from.join(", "),
            column.how.name()
        );
    }
    for unused in &input.unused {
        match &unused.sample {
            Some(sample) => say!("    not read       {} ({sample})", unused.column),
            None => say!("    not read       {}", unused.column),
        }
    }
    for row in &input.rows {
        let values = input.columns.iter().filter_map(|column| {
            let name = column.name;
            Some(match row.values.get(name)? {
                serde_json::Value::String(text) => format!("{name}={text}"),
                other => format!("{name}={other}"),
            })
        });
        let values: Vec<_> = values.collect();
        say!("    line {}: {}", row.line, values.join("  "));
        if let Some(reason) = &row.reason {
            say!("      can't be used: {reason}");
        }
    }
}
