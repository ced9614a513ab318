//! How much each term of the score counts: the encoder, the table, and an item's prior.
//!
//! The weights are searched for on validation, and fitted there as linear models of three kinds;
//! what ranks best is taken.

pub mod candidates;
pub mod linear;

use crate::dataset::{Dataset, Examples};
use crate::demand::Demand;
use crate::encoder::train::TrainedEncoder;
use crate::evaluate::metrics::Metrics;
use crate::evaluate::queries::queries;
use crate::evaluate::ranks::label_ranks;
use crate::parameters::TableParameters;
use crate::progress::Progress;
use crate::run::{Figures, RunError};
use crate::search::{
    CompressError, FUSION_ORDER, FUSION_START, LEAST_GAIN, Search, Shape, Vectors, assemble,
    compress,
};
use crate::table::History;
use crate::table::first_order::weigh;
use candidates::Candidates;
use linear::{Loss, TermsOfPairs};
use serde::{Deserialize, Serialize};
use vitrine_core::tables::Tables;

/// How weights of the terms are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Coordinate descent over grids, by the measure itself.
    Search,
    /// Logistic regression.
    Logistic,
    /// A linear support vector machine that orders pairs (RankSVM: Joachims, 2002).
    Svm,
    /// Linear regression by least squares.
    Linear,
}

impl Method {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Logistic => "logistic regression",
            Self::Svm => "linear SVM",
            Self::Linear => "linear regression",
        }
    }
}

/// A split to choose weights by.
pub struct Validated<'a> {
    /// The data.
    pub data: &'a Dataset,
    /// What table and encoder were learned from.
    pub history: &'a History<'a>,
    /// Examples that they have not seen.
    pub sample: &'a Examples,
    /// Shape of the tables that ship.
    pub shape: Shape,
}

/// The chosen weights.
pub struct Fused {
    /// With the table's parameters that go with them.
    pub parameters: TableParameters,
    /// The table alone.
    pub table: Metrics,
    /// Table and encoder with the chosen weights, every row of the catalogue scored.
    pub both: Metrics,
    /// What each method gave among the candidates, the chosen one first.
    pub methods: Vec<(Method, Figures)>,
}

/// Chooses weights for `encoder` beside a table of `parameters`.
///
/// # Errors
/// When the encoder does not run or tables can't be made.
pub fn choose(
    split: &Validated<'_>,
    encoder: &TrainedEncoder,
    parameters: TableParameters,
    progress: &dyn Progress,
) -> Result<Fused, RunError> {
    let (data, sample, shape) = (split.data, split.sample, split.shape);
    let vectors = Vectors {
        values: &encoder.vectors,
        dim: encoder.dim,
    };
    progress.start("fusion: asking the encoder", None);
    let demand = data.demand(split.history.sessions);
    // Lists of the chosen parameters, so that what a session reaches is known.
    let tables = split.tables(&parameters, &demand, Some(vectors))?;
    let answers = queries(&tables, &encoder.onnx, sample, shape.max_session)?;
    let candidates = Candidates::new(&tables, sample, &answers, shape);
    progress.finish();

    let table = Search::new(data, split.history, sample, shape).judge(&parameters)?;
    let mut search = Search::new(data, split.history, sample, shape).with_encoder(&candidates);
    let pairs: usize = FUSION_START.iter().map(|key| key.grid().len()).product();
    let tries: usize = FUSION_ORDER.iter().map(|key| key.grid().len()).sum();
    progress.start(
        "fusion: choosing weights on validation",
        Some((pairs + tries) as u64),
    );
    let tried = |_: &Metrics| progress.advance(1);
    let start = search.best_pair(parameters, FUSION_START, tried)?;
    let (mut chosen, figures) = search.climb(start, &FUSION_ORDER, tried)?;
    progress.finish();
    if chosen.encoder == 0.0 {
        return Ok(Fused {
            parameters: chosen,
            table,
            both: table,
            methods: vec![(Method::Search, table.into())],
        });
    }

    progress.start("fusion: fitting linear models", None);
    let terms = TermsOfPairs::new(
        &split.tables(&chosen, &demand, None)?,
        &demand,
        sample,
        &candidates,
        shape,
    );
    let mut found = vec![(Method::Search, figures)];
    for (method, loss) in [
        (Method::Logistic, Loss::Logistic),
        (Method::Svm, Loss::SquaredHinge),
        (Method::Linear, Loss::Squared),
    ] {
        let Some(weights) = terms.fit(loss) else {
            continue;
        };
        let fitted = weights.given_to(&chosen);
        let figures = search.judge(&fitted)?;
        let best = found[0].1;
        if figures.objective() > best.objective() + LEAST_GAIN {
            chosen = fitted;
            found.insert(0, (method, figures));
        } else {
            found.push((method, figures));
        }
    }
    progress.finish();

    progress.start("fusion: judging the choice", None);
    let tables = split.tables(&chosen, &demand, Some(vectors))?;
    let ranks = label_ranks(&tables, sample, shape.max_session, &answers);
    progress.finish();
    Ok(Fused {
        parameters: chosen,
        table,
        both: Metrics::of_ranks(&ranks),
        methods: found
            .into_iter()
            .map(|(method, figures)| (method, figures.into()))
            .collect(),
    })
}

impl Validated<'_> {
    /// The tables of `parameters` as they would ship.
    fn tables(
        &self,
        parameters: &TableParameters,
        demand: &Demand,
        vectors: Option<Vectors<'_>>,
    ) -> Result<Tables, CompressError> {
        let counts = self.history.counts(parameters);
        let lists = weigh(&counts, demand, &parameters.weighing(self.shape));
        let new = assemble(lists, demand, parameters, self.shape, vectors);
        compress(&new, self.shape).map(|(_, tables)| tables)
    }
}
