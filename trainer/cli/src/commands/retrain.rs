//! `vitrine retrain`.

use crate::output::{self, say};
use crate::progress::Bars;
use crate::quarantine::{Quarantine, list};
use anyhow::Context;
use std::path::{Path, PathBuf};
use vitrine_core::manifest::MAX_VERSION;
use vitrine_core::released::ReleasedWindow;
use vitrine_learn::encoder::device::DeviceChoice;
use vitrine_learn::retrain::{Changes, PAGE, Released, Retrained, retrain};
use vitrine_learn::run::Options;

/// Learn the next bundle from history and what was released from the field: version + 1.
///
/// The bundle is measured beside the one before, on the same held-out sessions: what changed is
/// told here, on OUT/changes.html, and in the bundle's provenance.json, by which `vitrine promote`
/// judges it. Windows that are quarantined are left out.
///
///   vitrine-server release --out released
///   vitrine retrain --data data --run run --released released --out run2
///   vitrine publish run2/bundle --to store --key shop.pem --candidate
///   vitrine promote --to store
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// Folder that `vitrine prepare` wrote.
    #[arg(long)]
    data: PathBuf,
    /// The run whose choices are kept and whose bundle is the parent.
    #[arg(long)]
    run: PathBuf,
    /// Folder of window-*.json files that `vitrine-server release` wrote.
    #[arg(long)]
    released: PathBuf,
    /// Folder of the new run.
    #[arg(long)]
    out: PathBuf,
    /// Version of the new bundle [default: the one after that of the run's bundle]; after a
    /// rollback it has to be above the version that is live.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=MAX_VERSION))]
    version: Option<u64>,
    /// What trains the encoder: auto, cpu or cuda.
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let released = read_released(&arguments.released)?;
    let options = Options {
        data: &arguments.data,
        out: &arguments.out,
        checkpoints: arguments.out.join("checkpoints"),
        device: arguments.device,
        now: super::now()?,
    };
    super::keep_apart(&arguments.data, &arguments.out)?;
    let Retrained { finished, changes } = retrain(
        &options,
        &arguments.run,
        &released,
        arguments.version,
        &Bars::new(),
    )?;
    print(&changes);
    super::train::print(&finished, &arguments.out);
    say!("what changed: {}", arguments.out.join(PAGE).display());
    output::notices(&finished.doubts);
    Ok(())
}

fn print(changes: &Changes) {
    let provenance = &changes.provenance;
    say!(
        "learned from windows {}: {} released cells ({} name items outside the catalogue and are \
         left out)",
        list(&changes.windows),
        changes.cells,
        changes.unknown
    );
    if !changes.quarantined.is_empty() {
        say!(
            "left out, quarantined: windows {} (`vitrine quarantine lift` takes one back)",
            list(&changes.quarantined)
        );
    }
    if !changes.cut.is_empty() {
        let cut: f64 = changes.cut.iter().map(|(_, cut)| cut).sum();
        say!(
            "grown too fast for one window and cut: {cut:.0} reports of {} items, most of {}",
            changes.cut.len(),
            changes.cut[0].0
        );
    }
    let held_out = provenance.held_out;
    say!(
        "against version {} on {} {} next items:",
        provenance.version,
        held_out.examples,
        match held_out.unseen {
            true => "held-out",
            false => "of the latest (both learned from them)",
        }
    );
    let difference = &changes.comparison.difference;
    for (name, before, after, difference) in [
        (
            "P@20",
            provenance.before.p20,
            provenance.after.p20,
            difference.p20,
        ),
        (
            "MRR@20",
            provenance.before.mrr20,
            provenance.after.mrr20,
            difference.mrr20,
        ),
    ] {
        let [low, high] = difference.interval;
        say!("  {name:<7} {before:6.2} → {after:6.2}  ({low:+.2} to {high:+.2})");
    }
    say!(
        "{} new items, {} gone; {:.1} % of all places go to other items",
        changes.new_items.len(),
        changes.dropped,
        provenance.exposure.shift
    );
    for (word, moves) in [("up", &changes.up), ("down", &changes.down)] {
        for moved in moves.iter().take(3) {
            say!(
                "  {word:<4} {}: in {:.2} % of the lists, was {:.2} %",
                moved.item,
                moved.after,
                moved.before
            );
        }
    }
    if let Err(refusal) = changes.verdict() {
        say!("beyond the recipe's bounds, so `vitrine promote` will hold it: {refusal}");
    }
}

/// All released windows of a folder, by window, without those that are quarantined.
fn read_released(folder: &Path) -> anyhow::Result<Released> {
    let quarantine = Quarantine::read(folder)?;
    let entries = std::fs::read_dir(folder).with_context(|| {
        format!(
            "{}: run `vitrine-server release --out {0}` first",
            folder.display()
        )
    })?;
    let mut windows = Vec::new();
    let mut quarantined = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| folder.display().to_string())?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let number = name
            .strip_prefix("window-")
            .and_then(|name| name.strip_suffix(".json"));
        let Some(number) = number else {
            continue;
        };
        let number: u64 = number.parse().with_context(|| {
            format!(
                "{}: is named for no window; the release writes {}",
                path.display(),
                ReleasedWindow::file_name(2800)
            )
        })?;
        // A window is quarantined because somebody forged reports in it: nothing of it is read.
        if quarantine.holds(number) {
            quarantined.push(number);
            continue;
        }
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let window = ReleasedWindow::parse(&bytes).with_context(|| path.display().to_string())?;
        anyhow::ensure!(
            window.window == number,
            "{}: holds window {}; rename it to {}",
            path.display(),
            window.window,
            ReleasedWindow::file_name(window.window)
        );
        if window.left_out > 0 {
            say!(
                "window {number}: {} cells passed the rule and had no room in the file; if that is \
                 more than the shop reports, they were forged: `vitrine quarantine add` leaves the \
                 window out",
                window.left_out
            );
        }
        windows.push(window);
    }
    anyhow::ensure!(
        !(windows.is_empty() && quarantined.is_empty()),
        "{}: holds no window-*.json: nothing has been released yet",
        folder.display()
    );
    windows.sort_by_key(|window| window.window);
    quarantined.sort_unstable();
    Ok(Released {
        windows,
        quarantined,
    })
}
