//! `vitrine retrain`.

use crate::progress::Bars;
use anyhow::Context;
use std::path::{Path, PathBuf};
use vitrine_core::released::ReleasedWindow;
use vitrine_learn::encoder::device::DeviceChoice;
use vitrine_learn::run::{Options, retrain};

/// Learn the next bundle from history and what was released from the field: version + 1.
///
///   vitrine-server release --out released
///   vitrine retrain --data data --run run --released released --out run2
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
    let finished = retrain(&options, &arguments.run, &released, &Bars::new())?;
    super::train::print(&finished, &arguments.out);
    Ok(())
}

/// All released windows of a folder, by window.
fn read_released(folder: &Path) -> anyhow::Result<Vec<ReleasedWindow>> {
    let entries = std::fs::read_dir(folder).with_context(|| {
        format!(
            "{}: run `vitrine-server release --out {0}` first",
            folder.display()
        )
    })?;
    let mut windows = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| folder.display().to_string())?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if !(name.starts_with("window-") && name.ends_with(".json")) {
            continue;
        }
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let window = ReleasedWindow::parse(&bytes).with_context(|| path.display().to_string())?;
        windows.push(window);
    }
    windows.sort_by_key(|window| window.window);
    anyhow::ensure!(
        !windows.is_empty(),
        "{}: holds no window-*.json: nothing has been released yet",
        folder.display()
    );
    Ok(windows)
}
