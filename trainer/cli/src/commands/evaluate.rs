//! `vitrine evaluate`.

use crate::progress::Bars;
use std::path::PathBuf;
use vitrine_learn::evaluate::{Evaluation, evaluate};

/// Measure a bundle on the test split, through the code that the browser runs.
///
/// Every proper prefix of a test session is one example; all items are ranked; ties count
/// against the label, and so does a label that the model does not know.
///
///   vitrine evaluate --bundle run/bundle --data data --baselines
///   vitrine evaluate --bundle run/bundle --data data --json
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The bundle's folder.
    #[arg(long)]
    bundle: PathBuf,
    /// Folder that `vitrine prepare` wrote.
    #[arg(long)]
    data: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Also measure POP, S-POP, Markov, sequential rules and item-kNN.
    #[arg(long)]
    baselines: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let found = evaluate(
        &arguments.bundle,
        &arguments.data,
        arguments.baselines,
        &Bars::new(),
    )?;
    if arguments.json {
        println!("{}", serde_json::to_string(&found)?);
        return Ok(());
    }
    print(&found);
    Ok(())
}

fn print(found: &Evaluation) {
    println!(
        "{} examples; bundle of {} bytes ({} as brotli)",
        found.metrics.examples, found.bundle_bytes, found.bundle_bytes_brotli
    );
    println!(
        "{:<22} {:>7} {:>7} {:>7} {:>8}",
        "", "P@20", "MRR@20", "HR@10", "NDCG@10"
    );
    let line = |name: &str, metrics: &vitrine_learn::evaluate::metrics::Metrics| {
        println!(
            "{name:<22} {:7.2} {:7.2} {:7.2} {:8.2}",
            metrics.p20, metrics.mrr20, metrics.hr10, metrics.ndcg10
        );
    };
    line("bundle", &found.metrics);
    if let Some(tables) = &found.without_encoder {
        line("without its encoder", tables);
    }
    for (name, metrics) in &found.baselines {
        line(name, metrics);
    }
}
