//! `vitrine evaluate`.

use crate::output::{self, say};
use crate::progress::Bars;
use std::path::{Path, PathBuf};
use vitrine_learn::evaluate::breakdown::Breakdown;
use vitrine_learn::evaluate::comparison::Comparison;
use vitrine_learn::evaluate::intervals::{Figures, Interval};
use vitrine_learn::evaluate::protocol::{Protocol, ProtocolChoice};
use vitrine_learn::evaluate::{Evaluation, Options, evaluate};

/// Measure a bundle on the test split, through the code that the browser runs.
///
/// Every proper prefix of a test session is one example; all items are ranked; ties count
/// against the label, and so does a label that the model does not know. Where the data leave the
/// last event of each user out, that event is the one label, and what the user has is not ranked
/// (--protocol). Figures are percent, with the 95 % interval of a bootstrap over test sessions.
///
///   vitrine evaluate --bundle run/bundle --data data --baselines
///   vitrine evaluate --bundle run2/bundle --against run/bundle --data data
///   vitrine evaluate --bundle run/bundle --data data --report quality.html
///   vitrine evaluate --bundle run/bundle --data data --json
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The bundle's folder.
    #[arg(long)]
    bundle: PathBuf,
    /// The folder of another bundle to compare with, on the same examples; a label that only one
    /// of them knows is a miss for the other.
    #[arg(long)]
    against: Option<PathBuf>,
    /// Folder that `vitrine prepare` wrote.
    #[arg(long)]
    data: PathBuf,
    /// What an example is: next-item, leave-one-out, or auto, which is leave-one-out where every
    /// test session begins with train events and has one test event.
    #[arg(long, default_value = "auto")]
    protocol: ProtocolChoice,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Also measure POP, S-POP, Markov, sequential rules and item-kNN.
    #[arg(long)]
    baselines: bool,
    /// Also tell how much of the catalogue is shown and how popular it is, and the figures by
    /// session length and by label.
    #[arg(long)]
    breakdown: bool,
    /// Write a page for people to FILE, with the baselines, the breakdown and some test sessions.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let options = Options {
        bundle: &arguments.bundle,
        against: arguments.against.as_deref(),
        data: &arguments.data,
        protocol: arguments.protocol,
        baselines: arguments.baselines,
        breakdown: arguments.breakdown,
        report: arguments.report.as_deref(),
    };
    let found = evaluate(&options, &Bars::new())?;
    if arguments.json {
        say!("{}", serde_json::to_string(&found)?);
        return Ok(());
    }
    print(&found, arguments.report.as_deref());
    Ok(())
}

fn print(found: &Evaluation, report: Option<&Path>) {
    say!(
        "{} {} examples of {} sessions; bundle of {} bytes ({} as brotli)",
        found.figures.metrics.examples,
        found.protocol,
        found.sessions,
        found.bundle_bytes,
        found.bundle_bytes_brotli
    );
    say!(
        "the bundle knows {:.1} % of the test labels",
        found.labels_known
    );
    let protocol = found.protocol;
    let names = protocol.shown(found.figures.intervals);
    row("", &names.map(|(name, _)| name.to_string()));
    line(protocol, "bundle", &found.figures);
    if let Some(tables) = &found.without_encoder {
        line(protocol, "without its encoder", tables);
    }
    for (name, figures) in &found.baselines {
        line(protocol, name, figures);
    }
    if let Some(against) = &found.against {
        print_difference(protocol, against);
    }
    if let Some(breakdown) = &found.breakdown {
        print_breakdown(breakdown);
    }
    if let Some(path) = report {
        say!("report: {}", path.display());
    }
    output::notices(&found.doubts);
}

fn print_breakdown(breakdown: &Breakdown) {
    let (percentile, novelty) = (breakdown.popularity_percentile, breakdown.novelty);
    say!(
        "catalogue coverage@20 {:.1} %, Gini of exposure@20 {:.3}",
        breakdown.coverage20,
        breakdown.gini20
    );
    say!(
        "popularity percentile: {:.1} recommended, {:.1} opened next",
        percentile.recommended,
        percentile.labels
    );
    say!(
        "novelty: {:.2} bits recommended, {:.2} opened next",
        novelty.recommended,
        novelty.labels
    );
    for (title, groups) in [
        ("events before the label", &breakdown.by_length),
        (
            "popularity tenth of the label",
            &breakdown.by_label_popularity,
        ),
        ("label in train", &breakdown.by_label_known),
    ] {
        say!(
            "{title:<30} {:>8} {:>8} {:>9}",
            "P@20",
            "MRR@20",
            "examples"
        );
        for group in groups.iter().filter(|group| group.examples > 0) {
            say!(
                "  {:<28} {:>8.2} {:>8.2} {:>9}",
                group.group,
                group.p20,
                group.mrr20,
                group.examples
            );
        }
    }
}

fn print_difference(protocol: Protocol, against: &Comparison) {
    line(protocol, "the other bundle", &against.figures);
    let cells = protocol.shown(against.difference).map(|(_, difference)| {
        let [low, high] = difference.interval;
        format!("{:+.2} [{low:+.2}, {high:+.2}]", difference.value)
    });
    row("difference", &cells);
    say!(
        "by example: {} wins, {} ties, {} losses against version {}",
        against.wins,
        against.ties,
        against.losses,
        against.version
    );
}

fn line(protocol: Protocol, name: &str, figures: &Figures) {
    let values = protocol.shown(figures.metrics.measures());
    let intervals = protocol.shown(figures.intervals);
    let cells: Vec<String> = values
        .into_iter()
        .zip(intervals)
        .map(|((_, value), (_, interval))| cell(value, interval))
        .collect();
    row(name, &cells);
}

fn cell(value: f64, [low, high]: Interval) -> String {
    format!("{value:.2} [{low:.2}, {high:.2}]")
}

fn row(name: &str, cells: &[String]) {
    let cells: String = cells.iter().map(|cell| format!(" {cell:<21}")).collect();
    say!("{name:<20}{cells}");
}
