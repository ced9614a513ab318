//! `vitrine export`.

use crate::output::say;
use anyhow::Context;
use std::path::{Path, PathBuf};
use vitrine_core::manifest::MANIFEST_FILE;
use vitrine_learn::{bundle, catalogue};

/// Copy a run's bundle, verified, and what a storefront shows of the items.
///
///   vitrine export --run run --out bundle
///   vitrine export --run run --out bundle --data data --catalogue site/catalogue.json
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The run.
    #[arg(long)]
    run: PathBuf,
    /// Folder to write the bundle to.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Folder that `vitrine prepare` wrote; needed for the catalogue.
    #[arg(long, requires = "catalogue")]
    data: Option<PathBuf>,
    /// JSON file to write the storefront's catalogue to.
    #[arg(long, requires = "data")]
    catalogue: Option<PathBuf>,
    /// Currency that the catalogue names, as ISO 4217.
    #[arg(long, default_value = "EUR")]
    currency: String,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    anyhow::ensure!(
        arguments.out.is_some() || arguments.catalogue.is_some(),
        "nothing to export: name --out, or --data and --catalogue"
    );
    let from = arguments.run.join("bundle");
    let opened = bundle::open(&from)?;
    if let Some(out) = &arguments.out {
        vitrine_durable::create_folder(out).with_context(|| out.display().to_string())?;
        // The manifest last: a folder with a manifest is whole.
        let names = opened.manifest.files.keys().map(String::as_str);
        for name in names.chain([MANIFEST_FILE]) {
            copy(&from.join(name), &out.join(name))?;
        }
        say!(
            "bundle version {}: {}",
            opened.manifest.version,
            out.display()
        );
    }
    if let (Some(data), Some(path)) = (&arguments.data, &arguments.catalogue) {
        let items = catalogue::write(data, &arguments.currency, path)?;
        say!("catalogue of {items} items: {}", path.display());
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(from).with_context(|| from.display().to_string())?;
    vitrine_learn::files::write_atomically(to, &bytes).with_context(|| to.display().to_string())
}
