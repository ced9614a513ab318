//! `vitrine train`.

use crate::output::{self, say};
use crate::progress::Bars;
use std::path::PathBuf;
use vitrine_learn::encoder::device::DeviceChoice;
use vitrine_learn::recipe::Recipe;
use vitrine_learn::run::{Finished, Options, train};

/// Learn a bundle from prepared data: RUN/bundle is ready to be evaluated and published.
///
/// An interrupted run goes on where it stopped when it is started again.
///
///   vitrine train --data data --out run
///   vitrine train --data data --recipe recipe.toml --out run --device cpu
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// Folder that `vitrine prepare` wrote.
    #[arg(long)]
    data: PathBuf,
    /// TOML file; the default recipe without one.
    #[arg(long)]
    recipe: Option<PathBuf>,
    /// Folder of the run.
    #[arg(long)]
    out: PathBuf,
    /// What trains the encoder: auto, cpu or cuda.
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// Seed; stands above the recipe's.
    #[arg(long)]
    seed: Option<u64>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut recipe = match &arguments.recipe {
        Some(path) => Recipe::read(path)?,
        None => Recipe::default(),
    };
    recipe.seed = arguments.seed.unwrap_or(recipe.seed);
    let options = Options {
        data: &arguments.data,
        out: &arguments.out,
        checkpoints: arguments.out.join("checkpoints"),
        device: arguments.device,
        now: super::now()?,
    };
    super::keep_apart(&arguments.data, &arguments.out)?;
    let finished = train(&options, &recipe, &Bars::new())?;
    print(&finished, &arguments.out);
    say!(
        "next: vitrine evaluate --bundle {0}/bundle --data {1} --baselines",
        arguments.out.display(),
        arguments.data.display()
    );
    output::notices(&finished.doubts);
    Ok(())
}

/// Tells what a run gave.
pub fn print(finished: &Finished, out: &std::path::Path) {
    let manifest = &finished.manifest;
    say!(
        "bundle version {}: {} items, {} bytes in {} files: {}",
        manifest.version,
        manifest.model.items,
        manifest.total_bytes(),
        manifest.whole_files().count(),
        out.join("bundle").display()
    );
    if let Some(validation) = &finished.record.validation {
        let line = |name: &str, figures: vitrine_learn::run::Figures| {
            say!(
                "  validation, {name:<22} P@20 {:6.2}  MRR@20 {:6.2}",
                figures.p20,
                figures.mrr20
            );
        };
        line("table", validation.table);
        if let Some(figures) = validation.encoder {
            line("encoder alone", figures);
        }
        if let (Some(table), Some(both)) = (validation.table_of_same, validation.both) {
            line("table, on a sample", table);
            line("both, on that sample", both);
        }
    }
    say!("report: {}", out.join("report.html").display());
}
