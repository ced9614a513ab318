//! Chooses the table's parameters on validation: coordinate descent over their grids.
//!
//! Every candidate is judged as it would be shipped: pruned, compressed to integers, read back
//! by `core`, and ranked by `core`.

use crate::dataset::{Dataset, Examples};
use crate::demand::Demand;
use crate::evaluate::metrics::Metrics;
use crate::evaluate::ranks::label_ranks;
use crate::fusion::candidates::Candidates;
use crate::parameters::{Key, TableParameters};
use crate::table::covisits::Covisits;
use crate::table::first_order::weigh;
use crate::table::{History, NeighbourLists};
use vitrine_core::bundle::BundleError;
use vitrine_core::manifest::ModelFacts;
use vitrine_core::neighbours::WeightBits;
use vitrine_core::tables::Tables;
use vitrine_core::writer::{NewTables, WriteError};

/// A change must gain this much of P@20 + MRR@20 (in percent points) to be taken.
pub const LEAST_GAIN: f64 = 0.01;

/// Why a candidate could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum CompressError {
    /// The tables can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The written tables can't be read back.
    #[error(transparent)]
    Read(#[from] BundleError),
}

/// Shape of the tables that are shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Neighbours of a row, on average.
    pub neighbours: usize,
    /// The most neighbours of a row.
    pub most_neighbours: usize,
    /// How many of the session's latest events are looked at.
    pub max_session: usize,
    /// Bits of a neighbour's weight.
    pub weight_bits: WeightBits,
}

/// Item vectors `[N × D]`.
#[derive(Clone, Copy, Debug)]
pub struct Vectors<'a> {
    /// Row by row.
    pub values: &'a [f32],
    /// D.
    pub dim: usize,
}

/// Tables for `parameters`.
pub fn assemble(
    neighbours: NeighbourLists,
    demand: &Demand,
    parameters: &TableParameters,
    shape: Shape,
    vectors: Option<Vectors<'_>>,
) -> NewTables {
    NewTables {
        neighbours,
        weight_bits: shape.weight_bits,
        popularity: demand.count.clone(),
        position_decay: parameters.position_table(shape.max_session),
        action_weight: parameters.action_weight(),
        repeat: parameters.repeat_table(shape.max_session),
        prior: parameters.prior(demand),
        fusion: parameters.fusion(),
        vectors: vectors.map_or_else(Vec::new, |v| v.values.to_vec()),
        dim: vectors.map_or(0, |v| v.dim),
    }
}

/// Writes the tables and reads them back as the browser does.
pub fn compress(tables: &NewTables, shape: Shape) -> Result<(Vec<u8>, Tables), CompressError> {
    let bytes = tables.to_bytes()?;
    let facts = ModelFacts {
        items: tables.popularity.len() as u32,
        dim: tables.dim as u32,
        neighbours: shape.most_neighbours as u32,
        max_session: shape.max_session as u32,
    };
    let tables = Tables::parse(&facts, &bytes)?;
    Ok((bytes, tables))
}

/// The search over one validation split.
pub struct Search<'a> {
    history: &'a History<'a>,
    valid: &'a Examples,
    demand: Demand,
    shape: Shape,
    candidates: Option<&'a Candidates>,
    built: Option<(TableParameters, Covisits, NeighbourLists)>,
}

impl<'a> Search<'a> {
    /// Judges on `valid` what is counted from `history`.
    pub fn new(
        data: &Dataset,
        history: &'a History<'a>,
        valid: &'a Examples,
        shape: Shape,
    ) -> Self {
        Self {
            history,
            valid,
            demand: data.demand(history.sessions),
            shape,
            candidates: None,
            built: None,
        }
    }

    /// Judges with an encoder's inner products for the validation examples.
    pub fn with_encoder(mut self, candidates: &'a Candidates) -> Self {
        self.candidates = Some(candidates);
        self
    }

    /// Figures of one candidate on validation.
    pub fn judge(&mut self, parameters: &TableParameters) -> Result<Metrics, CompressError> {
        let lists = self.lists(parameters).clone();
        let tables = assemble(lists, &self.demand, parameters, self.shape, None);
        let (_, tables) = compress(&tables, self.shape)?;
        let ranks = match self.candidates {
            Some(candidates) if parameters.encoder != 0.0 => {
                candidates.label_ranks(&tables, self.valid, self.shape)
            }
            _ => label_ranks(&tables, self.valid, self.shape.max_session, &[]),
        };
        Ok(Metrics::of_ranks(&ranks))
    }

    fn lists(&mut self, parameters: &TableParameters) -> &NeighbourLists {
        let counting = parameters.counting();
        let weighing = parameters.weighing(self.shape);
        let built = self.built.take();
        let entry = match built {
            Some((old, counts, lists))
                if old.counting() == counting && old.teaching() == parameters.teaching() =>
            {
                let lists = if old.weighing(self.shape) == weighing {
                    lists
                } else {
                    weigh(&counts, &self.demand, &weighing)
                };
                (*parameters, counts, lists)
            }
            old => {
                // Of a long history there is no room for two.
                drop(old);
                let counts = self.history.counts(parameters);
                let lists = weigh(&counts, &self.demand, &weighing);
                (*parameters, counts, lists)
            }
        };
        &self.built.insert(entry).2
    }

    /// The best of all pairs of values of two keys, the others as in `start`: neither may be good
    /// for anything without the other.
    pub fn best_pair(
        &mut self,
        start: TableParameters,
        keys: [Key; 2],
        mut tried: impl FnMut(&Metrics),
    ) -> Result<TableParameters, CompressError> {
        let mut best = start;
        let mut figures = self.judge(&best)?;
        for &first in keys[0].grid() {
            for &second in keys[1].grid() {
                let mut candidate = start;
                *keys[0].of(&mut candidate) = first;
                *keys[1].of(&mut candidate) = second;
                let found = self.judge(&candidate)?;
                if found.objective() > figures.objective() + LEAST_GAIN {
                    best = candidate;
                    figures = found;
                }
                tried(&figures);
            }
        }
        Ok(best)
    }

    /// Climbs from `start` over `keys` in turn; `tried` is called after each candidate with the
    /// best figures so far.
    pub fn climb(
        &mut self,
        start: TableParameters,
        keys: &[Key],
        mut tried: impl FnMut(&Metrics),
    ) -> Result<(TableParameters, Metrics), CompressError> {
        let mut best = start;
        let mut figures = self.judge(&best)?;
        for key in keys {
            for &value in key.grid() {
                let mut candidate = best;
                *key.of(&mut candidate) = value;
                if candidate == best {
                    continue;
                }
                let found = self.judge(&candidate)?;
                if found.objective() > figures.objective() + LEAST_GAIN {
                    best = candidate;
                    figures = found;
                }
                tried(&figures);
            }
        }
        Ok((best, figures))
    }
}

/// The order in which the table's parameters are searched.
pub const TABLE_ORDER: [Key; 28] = [
    Key::PositionDecay,
    Key::AgeDecay,
    Key::Cooccurrence,
    Key::GapDecay,
    Key::Shrinkage,
    Key::RepeatLast,
    Key::RepeatSession,
    Key::RepeatDecay,
    Key::RepeatGrowth,
    Key::PopularityPower,
    Key::TrendPower,
    Key::WeightPower,
    Key::Distillation,
    Key::Popularity,
    Key::AddToCart,
    Key::Buy,
    Key::PositionDecay,
    Key::Cooccurrence,
    Key::Shrinkage,
    Key::GapDecay,
    Key::RepeatLast,
    Key::RepeatSession,
    Key::RepeatDecay,
    Key::RepeatGrowth,
    Key::PopularityPower,
    Key::WeightPower,
    Key::Distillation,
    Key::PositionDecay,
];

/// The order in which it is searched what an encoder teaches a table that ships without it, and what
/// that changes.
pub const TEACHING_ORDER: [Key; 8] = [
    Key::EncoderDistillation,
    Key::Distillation,
    Key::WeightPower,
    Key::Shrinkage,
    Key::PopularityPower,
    Key::EncoderDistillation,
    Key::Distillation,
    Key::WeightPower,
];

/// The encoder's weight, and what the table is worth beside it: searched together first.
pub const FUSION_START: [Key; 2] = [Key::Floor, Key::Encoder];

/// The order in which the encoder's weight and what it competes with are searched then.
pub const FUSION_ORDER: [Key; 16] = [
    Key::PriorPopularity,
    Key::PriorTrend,
    Key::Encoder,
    Key::Popularity,
    Key::RepeatLast,
    Key::RepeatSession,
    Key::RepeatDecay,
    Key::RepeatGrowth,
    Key::PositionDecay,
    Key::TrendPower,
    Key::WeightPower,
    Key::Floor,
    Key::PriorPopularity,
    Key::PriorTrend,
    Key::Encoder,
    Key::RepeatSession,
];
