//! Bytes against quality: which compression a bundle can bear.
//!
//! Every point is a bundle as it would ship: neighbour entries pruned to a budget, weights of 8
//! or 4 bits, item vectors of fewer numbers or none. What ships without an encoder is taught by it
//! first. Each is judged on validation through `core`, with the encoder and the counts that saw
//! nothing of it, and weighed as it travels (brotli).

use crate::dataset::Dataset;
use crate::encoder::low_rank::narrowed;
use crate::evaluate::metrics::Metrics;
use crate::evaluate::queries::queries;
use crate::evaluate::ranks::label_ranks;
use crate::fusion::candidates::Candidates;
use crate::parameters::TableParameters;
use crate::progress::Progress;
use crate::recipe::TableForm;
use crate::run::{self, Figures, Options, RunError, RunRecord, TABLE_EXAMPLES};
use crate::search::{Search, Shape, TEACHING_ORDER, Vectors, assemble, compress};
use crate::table::History;
use crate::table::first_order::weigh;
use serde::Serialize;
use std::io::Write;
use vitrine_core::neighbours::WeightBits;

/// Neighbours per item that are tried.
const NEIGHBOURS: [usize; 11] = [6, 9, 11, 13, 16, 18, 20, 22, 25, 33, 45];
/// The neighbours and bits of a small bundle, by which it is chosen what an encoder teaches.
const TAUGHT: (usize, WeightBits) = (20, WeightBits::Four);
/// Widths of item vectors that are tried, beside the trained one and none.
const DIMS: [usize; 3] = [16, 24, 40];
/// Validation examples by which points are compared.
const EXAMPLES: usize = 12_000;
/// By how much of P@20 + MRR@20 (in percent points) a bundle with an encoder must be better than
/// one without, for the best within a budget to have one: a page fetches 700 kB more to run it, and
/// so much is the standard error of P@20 on that many examples.
const LEAST_OF_ENCODER: f64 = 0.5;

/// One way to compress.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Neighbours of an item on average.
    pub neighbours: usize,
    /// Bits of a neighbour's weight.
    pub weight_bits: WeightBits,
    /// Width of an item vector; 0 without an encoder.
    pub dim: usize,
    /// Bytes of tables and encoder, each file as brotli.
    pub bytes: u64,
    /// Figures on validation.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What to choose by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// The smallest within this share of the best MRR@20.
    Loss(f64),
    /// The best within this many bytes.
    Budget(u64),
}

/// What a sweep found.
pub struct Sweep {
    /// All points, by rising bytes.
    pub points: Vec<Point>,
    /// The parameters of those without an encoder: of a table that the encoder has taught.
    pub table_parameters: TableParameters,
}

/// Measures all points for a finished run.
///
/// # Errors
/// [`RunError`], also when the run has no validation to judge by.
pub fn sweep(
    options: &Options<'_>,
    record: &RunRecord,
    progress: &dyn Progress,
) -> Result<Sweep, RunError> {
    progress.start("reading the prepared data", None);
    let data = Dataset::open(options.data, &[])?;
    progress.finish();
    let (fit, valid) = data.validation();
    let sample = valid.thinned(EXAMPLES);
    let demand = data.demand(&fit);
    let trained = run::validated_encoder(options, &data, &fit, &valid, record, progress)?;

    let mut dims = vec![0];
    if let Some(encoder) = &trained {
        dims.extend(DIMS.iter().copied().filter(|&dim| dim < encoder.dim));
        dims.push(encoder.dim);
    }
    // All widths share one table, and what ships without an encoder has its own.
    let table = &record.recipe.table;
    let weights = [record.table_parameters, record.parameters].map(|p| p.distillation);
    let mut history = History::new(data.ids.len(), &fit, table, &weights, progress);
    let beside = trained.as_ref().map(|_| history.counts(&record.parameters));
    let mut table_parameters = record.table_parameters;
    if let (Some(encoder), TableForm::FirstOrder) = (&trained, table.form) {
        history = history.with_encoder(encoder, progress)?;
        let shape = shaped(record, TAUGHT.0, TAUGHT.1);
        let sample = valid.thinned(TABLE_EXAMPLES);
        let mut search = Search::new(&data, &history, &sample, shape);
        let open = table.open(&TEACHING_ORDER, &|_| true);
        let candidates: usize = open.iter().map(|key| key.grid().len()).sum();
        progress.start("table: taught by the encoder", Some(candidates as u64));
        (table_parameters, _) = search.climb(table_parameters, &open, |_| progress.advance(1))?;
        progress.finish();
    }
    let alone = history.counts(&table_parameters);
    let total = dims.len() * NEIGHBOURS.len() * 2;
    progress.start("measuring compressed bundles", Some(total as u64));
    let mut points = Vec::with_capacity(total);
    for &dim in &dims {
        let encoder = trained
            .as_ref()
            .filter(|_| dim > 0)
            .map(|encoder| narrowed(encoder, dim));
        let (parameters, counts) = match (&encoder, &beside) {
            (Some(_), Some(counts)) => (record.parameters, counts),
            _ => (table_parameters, &alone),
        };
        let vectors = encoder.as_ref().map(|encoder| Vectors {
            values: &encoder.vectors,
            dim: encoder.dim,
        });
        let tables = |shape: Shape| {
            let lists = weigh(counts, &demand, &parameters.weighing(shape));
            compress(
                &assemble(lists, &demand, &parameters, shape, vectors),
                shape,
            )
        };
        let candidates = match &encoder {
            Some(encoder) => {
                let shape = shaped(record, NEIGHBOURS[NEIGHBOURS.len() - 1], WeightBits::Eight);
                let (_, tables) = tables(shape)?;
                let answers = queries(&tables, &encoder.onnx, &sample, shape.max_session)?;
                Some(Candidates::new(&tables, &sample, &answers, shape))
            }
            None => None,
        };
        let network = encoder.as_ref().map_or(0, |encoder| packed(&encoder.onnx));
        for neighbours in NEIGHBOURS {
            for weight_bits in [WeightBits::Eight, WeightBits::Four] {
                let shape = shaped(record, neighbours, weight_bits);
                let (bytes, tables) = tables(shape)?;
                let ranks = match &candidates {
                    Some(candidates) => candidates.label_ranks(&tables, &sample, shape),
                    None => label_ranks(&tables, &sample, shape.max_session, &[]),
                };
                points.push(Point {
                    neighbours,
                    weight_bits,
                    dim,
                    bytes: packed(&bytes) + network,
                    figures: Metrics::of_ranks(&ranks).into(),
                });
                progress.advance(1);
            }
        }
    }
    progress.finish();
    points.sort_by_key(|point| point.bytes);
    Ok(Sweep {
        points,
        table_parameters,
    })
}

/// The shape of a bundle of a run, with these neighbours and bits.
fn shaped(record: &RunRecord, neighbours: usize, weight_bits: WeightBits) -> Shape {
    Shape {
        neighbours,
        most_neighbours: record.recipe.table.most_neighbours.max(neighbours),
        weight_bits,
        ..record.recipe.shape()
    }
}

/// The points that no smaller point equals or beats in MRR@20 and P@20 together, by rising bytes.
pub fn frontier(points: &[Point]) -> Vec<Point> {
    let mut best = f64::NEG_INFINITY;
    let mut kept = Vec::new();
    for point in points {
        let worth = point.figures.p20 + point.figures.mrr20;
        if worth > best {
            best = worth;
            kept.push(*point);
        }
    }
    kept
}

/// The point that an aim asks for; `None` when nothing is small enough.
pub fn choose(points: &[Point], aim: Aim) -> Option<Point> {
    let worth = |point: &Point| {
        let least = if point.dim > 0 { LEAST_OF_ENCODER } else { 0.0 };
        point.figures.p20 + point.figures.mrr20 - least
    };
    match aim {
        Aim::Budget(bytes) => points
            .iter()
            .filter(|point| point.bytes <= bytes)
            .max_by(|a, b| worth(a).total_cmp(&worth(b)))
            .copied(),
        Aim::Loss(share) => {
            let best = points
                .iter()
                .map(|point| point.figures.mrr20)
                .fold(0.0, f64::max);
            points
                .iter()
                .filter(|point| point.figures.mrr20 >= best * (1.0 - share))
                .min_by_key(|point| point.bytes)
                .copied()
        }
    }
}

/// Bytes as brotli. A quality below the server's, so a little more than what travels.
fn packed(bytes: &[u8]) -> u64 {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 7, 22);
    // Writing to a vector does not fail.
    match writer.write_all(bytes) {
        Ok(()) => writer.into_inner().len() as u64,
        Err(_) => bytes.len() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(bytes: u64, p20: f64, mrr20: f64) -> Point {
        Point {
            neighbours: 20,
            weight_bits: WeightBits::Eight,
            dim: 0,
            bytes,
            figures: Figures { p20, mrr20 },
        }
    }

    #[test]
    fn the_frontier_rises() {
        let points = [
            point(1, 40.0, 15.0),
            point(2, 39.0, 15.0),
            point(3, 50.0, 20.0),
        ];
        assert_eq!(frontier(&points), [points[0], points[2]]);
    }

    #[test]
    fn an_aim_chooses_by_loss_or_by_budget() {
        let points = [
            point(1, 40.0, 15.0),
            point(2, 50.0, 19.9),
            point(3, 51.0, 20.0),
        ];
        assert_eq!(choose(&points, Aim::Loss(0.01)), Some(points[1]));
        assert_eq!(choose(&points, Aim::Loss(0.0)), Some(points[2]));
        assert_eq!(choose(&points, Aim::Budget(1)), Some(points[0]));
        assert_eq!(choose(&points, Aim::Budget(0)), None);
    }

    #[test]
    fn a_budget_goes_to_an_encoder_only_where_it_is_worth_its_module() {
        let with_encoder = |p20| Point {
            dim: 16,
            ..point(2, p20, 20.0)
        };
        let alone = point(2, 50.0, 20.0);
        let choice = |other| choose(&[alone, other], Aim::Budget(2));
        assert_eq!(choice(with_encoder(50.4)), Some(alone));
        assert_eq!(choice(with_encoder(50.6)), Some(with_encoder(50.6)));
    }
}
