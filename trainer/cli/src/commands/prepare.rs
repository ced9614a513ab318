//! `vitrine prepare`.

use crate::progress::Bars;
use std::path::PathBuf;
use vitrine_core::session::SessionGap;
use vitrine_prepare::options::{ColumnFlag, Options, TestPart};
use vitrine_prepare::prepare;
use vitrine_prepare::preset::Preset;

/// Clean, integrate and transform a shop's history into sessions to learn from.
///
/// Reads CSV, JSON Lines and Parquet, files or folders. Writes Parquet, a quality report
/// (report.html, report.json), and every rejected row with its reason (rejected.csv).
///
///   vitrine prepare --events shop/ --preset behaviour --out data
///   vitrine prepare --events log.csv --column item_id=sku --column timestamp=when --out data
///   vitrine prepare --events events/ --items items.csv --orders orders.csv --mapping shop.toml --out data
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
    #[arg(long)]
    out: PathBuf,
    /// File format: auto, behaviour, vitrine, retailrocket, diginetica, yoochoose, rees46, ga4,
    /// segment, snowplow or matomo.
    #[arg(long, default_value = "auto")]
    preset: Preset,
    /// TOML file that says which column is which.
    #[arg(long)]
    mapping: Option<PathBuf>,
    /// One column: name=source, items.name=source or orders.name=source. May be repeated.
    #[arg(long = "column", value_name = "NAME=SOURCE")]
    columns: Vec<ColumnFlag>,
    /// Name of the data set in reports; the source's name by default.
    #[arg(long)]
    name: Option<String>,
    /// Minutes without an event after which a new session begins, where the source has no sessions;
    /// devices follow it too [at most 1440, a day].
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1440))]
    session_gap_minutes: u32,
    /// Set aside the sessions of the last days for testing [default: the last tenth of the time].
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
    let mut options = Options::new(arguments.events, arguments.out);
    options.items = arguments.items;
    options.orders = arguments.orders;
    options.preset = arguments.preset;
    options.mapping = arguments.mapping;
    options.columns = arguments.columns;
    options.name = arguments.name;
    options.session_gap = SessionGap::of_seconds(arguments.session_gap_minutes * 60)?;
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
    options.rules.min_rating = arguments.min_rating;
    options.max_bad_rows = arguments.max_bad_rows;
    options.memory_mb = arguments.memory_mb;
    let summary = prepare(&options, &Bars::new())?;
    let facts = &summary.dataset.facts;
    println!(
        "{}: {} rows read, {} events of {} items kept{}",
        facts.name,
        summary.rows_read,
        summary.events,
        facts.items,
        if facts.synthetic { " (synthetic)" } else { "" }
    );
    for (split, counts) in &facts.splits {
        println!(
            "  {split:<6} {:>9} sessions {:>10} events",
            counts.sessions, counts.events
        );
    }
    for (rule, rows) in &summary.dropped {
        println!("  dropped {rows:>9} rows by {rule}");
    }
    if !summary.notices.is_empty() {
        println!("\nLook at this:");
    }
    for notice in &summary.notices {
        println!("  ! {}\n    {}", notice.finding, notice.advice);
    }
    println!("report: {}", summary.report.display());
    if !summary.dropped.is_empty() {
        println!("rejected rows: {}", summary.rejected.display());
    }
    Ok(())
}
