//! The closed loop's simulated half: a shop whose field differs from its history, and the measure
//! of what the field taught.
//!
//! `draw` writes the history as files for `vitrine prepare`, and beside it visits of the weeks
//! after it, and visits of the week after those, which nothing learns from. Browsers replay the
//! former; `walk` does so without one, for as many visits as the private level needs. `compare`
//! ranks every prefix of the latter with two bundles, each in its own rows: an item that only the
//! second bundle knows is a miss for the first and not for both.

mod compare;
mod draw;
mod walk;

use anyhow::Context;
use clap::{Parser, Subcommand};
use std::path::Path;

/// Draws a shop whose field differs from its history, and compares bundles on it.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write OUT/shop (the history), OUT/visits.json (the field) and OUT/held-out.json.
    Draw(draw::Draw),
    /// Send what the devices of some visits would report to a running server.
    Walk(walk::Walk),
    /// Measure two bundles on held-out visits, as one JSON object.
    Compare(compare::Compare),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Draw(draw) => draw.run(),
        Command::Walk(walk) => walk.run(),
        Command::Compare(compare) => compare.run(),
    }
}

/// An event as `draw` writes it.
#[derive(serde::Deserialize)]
struct Visited {
    item: String,
    action: vitrine_core::Action,
}

/// Reads visits that `draw` wrote.
fn read_visits(path: &Path) -> anyhow::Result<Vec<Vec<Visited>>> {
    let name = path.display().to_string();
    let json = std::fs::read(path).with_context(|| name.clone())?;
    serde_json::from_slice(&json).context(name)
}
