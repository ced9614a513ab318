//! `vitrine simulate`.

use crate::output::say;
use std::path::PathBuf;
use vitrine_simulate::{Options, simulate};

/// Draw a synthetic shop, for a first run: events, items with pictures, and orders.
///
///   vitrine simulate --out shop --items 1000 --shoppers 20000 --seed 1
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// Folder to write.
    #[arg(long)]
    out: PathBuf,
    /// Items that the shop sells.
    #[arg(long, default_value_t = 1000)]
    items: usize,
    /// People who visit it.
    #[arg(long, default_value_t = 20_000)]
    shoppers: usize,
    /// Days of history.
    #[arg(long, default_value_t = 60)]
    days: u32,
    /// First day, YYYY-MM-DD.
    #[arg(long, default_value = "2025-01-01")]
    start: String,
    /// Everything is drawn from it: the same seed gives the same files.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut options = Options::new(&arguments.out);
    options.items = arguments.items;
    options.shoppers = arguments.shoppers;
    options.days = arguments.days;
    options.start = arguments.start;
    options.seed = arguments.seed;
    let summary = simulate(&options)?;
    say!(
        "A synthetic shop in {}: {} items, {} visits, {} events, {} order lines, {} bots among the visitors.",
        arguments.out.display(),
        summary.items,
        summary.visits,
        summary.events,
        summary.order_lines,
        summary.bots
    );
    say!(
        "next: vitrine prepare --events {} --preset behaviour --out data",
        arguments.out.display()
    );
    Ok(())
}
