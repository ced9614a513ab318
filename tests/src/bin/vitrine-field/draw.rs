//! `vitrine-field draw`.

use anyhow::Context;
use clap::Args;
use std::path::PathBuf;
use vitrine_simulate::{Field, Options, World, simulate};

#[derive(Args)]
pub struct Draw {
    /// Folder to write.
    #[arg(long)]
    out: PathBuf,
    /// Items that the history sells.
    #[arg(long, default_value_t = 200)]
    items: usize,
    /// Items that are sold only after it.
    #[arg(long, default_value_t = 60)]
    new_items: usize,
    /// Share of the items whose substitutes and complements change after it.
    #[arg(long, default_value_t = 0.5)]
    drift: f64,
    /// People who visit the shop.
    #[arg(long, default_value_t = 1500)]
    shoppers: usize,
    /// Days of history.
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// Everything is drawn from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Visits of the field.
    #[arg(long, default_value_t = 40)]
    visits: usize,
    /// Visits that are held out.
    #[arg(long, default_value_t = 1000)]
    held_out: usize,
}

/// Days after the history on which the field's visits begin: its new items come in the month
/// after the history.
const FIELD_BEGINS: i64 = 21;
/// The field's visits fall into one week.
const FIELD_DAYS: i64 = 7;
/// Streams of the field's visits and of those held out.
const FIELD_STREAM: u64 = 1;
const HELD_OUT_STREAM: u64 = 2;

impl Draw {
    pub fn run(&self) -> anyhow::Result<()> {
        let mut options = Options::new(self.out.join("shop"));
        options.items = self.items;
        options.shoppers = self.shoppers;
        options.days = self.days;
        options.seed = self.seed;
        options.field = Field {
            new_items: self.new_items,
            drift: self.drift,
        };
        simulate(&options)?;
        let world = World::new(&options)?;
        let begins = i64::from(self.days) + FIELD_BEGINS;
        let mut visits = Vec::with_capacity(self.visits);
        for day in 0..FIELD_DAYS {
            let until = self.visits * (day as usize + 1) / FIELD_DAYS as usize;
            let stream = FIELD_STREAM + 10 * (1 + day as u64);
            visits.extend(world.held_out(until - visits.len(), stream, begins + day));
        }
        let held_out = world.held_out(self.held_out, HELD_OUT_STREAM, begins + FIELD_DAYS);
        for (name, visits) in [("visits.json", &visits), ("held-out.json", &held_out)] {
            let path = self.out.join(name);
            let json = serde_json::to_vec(visits)?;
            std::fs::write(&path, json).with_context(|| path.display().to_string())?;
        }
        println!("{} visits, {} held out", visits.len(), held_out.len());
        Ok(())
    }
}
