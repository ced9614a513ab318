//! `vitrine compress`.

use crate::output::say;
use crate::progress::Bars;
use anyhow::Context;
use std::path::PathBuf;
use vitrine_learn::encoder::device::DeviceChoice;
use vitrine_learn::frontier::{Aim, Point, Sweep, choose, frontier, sweep};
use vitrine_learn::run::{Options, compress_again, read_record};

/// Compress a finished run further: bytes against quality, measured on validation.
///
/// Tries fewer neighbours, 4-bit weights, and narrower item vectors or none; every try is judged
/// as it would ship. A table that ships without the encoder is taught what that says after each
/// item. Without an aim, the smallest bundle is chosen that loses at most 1 % of
/// MRR@20. Nothing is trained again, where the run's checkpoints are still there.
///
///   vitrine compress --run run --data data --out small
///   vitrine compress --run run --data data --out small --budget 1MB
///   vitrine compress --run run --data data --frontier frontier.html
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// Folder of a finished run.
    #[arg(long)]
    run: PathBuf,
    /// The data that the run was trained on.
    #[arg(long)]
    data: PathBuf,
    /// Folder of the compressed run; its bundle is OUT/bundle.
    #[arg(long, required_unless_present = "frontier")]
    out: Option<PathBuf>,
    /// Write all points and the frontier as a page with a plot.
    #[arg(long)]
    frontier: Option<PathBuf>,
    /// The most bytes of tables and encoder as they travel, such as 900kB or 1.5MB: the best
    /// bundle within them is chosen, with an encoder only where that is worth its module.
    #[arg(long, value_parser = bytes, conflicts_with = "loss")]
    budget: Option<u64>,
    /// The most of MRR@20 that may be lost, in percent.
    #[arg(long, default_value_t = 1.0)]
    loss: f64,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let out = arguments.out.as_ref().unwrap_or(&arguments.run);
    super::keep_apart(&arguments.data, out)?;
    let options = Options {
        data: &arguments.data,
        out,
        checkpoints: arguments.run.join("checkpoints"),
        device: DeviceChoice::Auto,
        now: super::now()?,
    };
    let mut record = read_record(&arguments.run.join("run.json"))?;
    let bars = Bars::new();
    let Sweep {
        points,
        table_parameters,
    } = sweep(&options, &record, &bars)?;
    let best = frontier(&points);
    print(&best);
    let aim = match arguments.budget {
        Some(bytes) => Aim::Budget(bytes),
        None => Aim::Loss(arguments.loss / 100.0),
    };
    let chosen = choose(&points, aim).with_context(|| {
        let least = points.first().map_or(0, |point| point.bytes);
        format!("--budget: the smallest bundle that was tried has {least} bytes")
    })?;
    if let Some(path) = &arguments.frontier {
        vitrine_learn::report::frontier::write(path, &points, &best, &chosen)
            .with_context(|| path.display().to_string())?;
        say!("frontier: {}", path.display());
    }
    say!(
        "chosen: {} neighbours, {} bits, vectors of {}",
        chosen.neighbours,
        u8::from(chosen.weight_bits),
        chosen.dim
    );
    if arguments.out.is_some() {
        let table = &mut record.recipe.table;
        table.neighbours = chosen.neighbours;
        table.most_neighbours = table.most_neighbours.max(chosen.neighbours);
        table.weight_bits = chosen.weight_bits;
        record.recipe.bundle.dim = Some(chosen.dim);
        if let Some(validation) = &mut record.validation {
            validation.compressed(chosen.figures, chosen.dim > 0);
        }
        if chosen.dim == 0 {
            record.table_parameters = table_parameters;
        }
        let finished = compress_again(&options, record, &bars)?;
        super::train::print(&finished, out);
    }
    Ok(())
}

fn print(points: &[Point]) {
    say!(
        "{:>10} {:>10} {:>5} {:>8} {:>7} {:>7}",
        "bytes",
        "neighbours",
        "bits",
        "vectors",
        "P@20",
        "MRR@20"
    );
    for point in points {
        say!(
            "{:>10} {:>10} {:>5} {:>8} {:7.2} {:7.2}",
            point.bytes,
            point.neighbours,
            u8::from(point.weight_bits),
            point.dim,
            point.figures.p20,
            point.figures.mrr20
        );
    }
}

/// `1.5MB`, `900kB` or a plain number of bytes.
fn bytes(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let (number, unit) = match lower.strip_suffix('b').unwrap_or(&lower) {
        rest if rest.ends_with('m') => (&rest[..rest.len() - 1], 1e6),
        rest if rest.ends_with('k') => (&rest[..rest.len() - 1], 1e3),
        rest => (rest, 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok((value * unit) as u64),
        _ => Err("use a size such as 900kB or 1.5MB".into()),
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_read() {
        assert_eq!(bytes("1.5MB").unwrap(), 1_500_000);
        assert_eq!(bytes("900 kB").unwrap(), 900_000);
        assert_eq!(bytes("17").unwrap(), 17);
        assert!(bytes("-1MB").is_err() && bytes("much").is_err());
    }
}
