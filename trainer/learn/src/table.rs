//! The item-to-item table: who follows whom.
//!
//! [`covisits`] counts, [`distil`] counts what teachers say, [`first_order`] turns counts into
//! weights, [`ridge`] solves the same problem exactly, [`prune`] keeps what is worth its bytes. The
//! counts are the state that is kept: they add, so that what comes back from the field adds into
//! them.

pub mod covisits;
pub mod distil;
pub mod first_order;
pub mod prune;
pub mod ridge;

use crate::dataset::Sessions;
use crate::demand::Demand;
use crate::encoder::train::TrainedEncoder;
use crate::field::Field;
use crate::parameters::TableParameters;
use crate::progress::Progress;
use crate::recipe::{TableForm, TableRecipe};
use crate::run::RunError;
use crate::search::Shape;
use covisits::Covisits;
use distil::{taught, taught_by_encoder};
use first_order::weigh;

/// Positive weights of each row's neighbours; `[N][..]`, strongest first.
pub type NeighbourLists = Vec<Vec<(u32, f32)>>;

/// Sessions to count, and what teachers say of them.
pub struct History<'a> {
    items: usize,
    /// The sessions.
    pub sessions: &'a Sessions,
    taught: Option<Covisits>,
    taught_by_encoder: Option<Covisits>,
}

impl<'a> History<'a> {
    /// Of `items` rows, without a teacher.
    pub fn untaught(items: usize, sessions: &'a Sessions) -> Self {
        Self {
            items,
            sessions,
            taught: None,
            taught_by_encoder: None,
        }
    }

    /// Of `items` rows; the recipe's teacher is asked now, unless each of `weights`, which the
    /// teacher may have, is 0.
    pub fn new(
        items: usize,
        sessions: &'a Sessions,
        recipe: &TableRecipe,
        weights: &[f64],
        progress: &dyn Progress,
    ) -> Self {
        let heard = recipe.taught() && weights.iter().any(|&weight| weight != 0.0);
        let teacher = recipe.teacher.method().filter(|_| heard);
        let taught = teacher.map(|teacher| {
            progress.start("table: asking the teacher", Some(items as u64));
            let taught = taught(items, sessions, teacher, progress);
            progress.finish();
            taught
        });
        Self {
            taught,
            ..Self::untaught(items, sessions)
        }
    }

    /// The same, taught by an encoder too.
    ///
    /// # Errors
    /// [`RunError`] when its vectors can't be written or it does not run.
    pub fn with_encoder(
        mut self,
        encoder: &TrainedEncoder,
        progress: &dyn Progress,
    ) -> Result<Self, RunError> {
        progress.start("table: asking the encoder", Some(self.items as u64));
        self.taught_by_encoder = Some(taught_by_encoder(self.sessions, encoder, progress)?);
        progress.finish();
        Ok(self)
    }

    /// The counts of sessions and teachers.
    pub fn counts(&self, parameters: &TableParameters) -> Covisits {
        let mut counts = Covisits::count(self.items, self.sessions, &parameters.counting());
        if let Some(taught) = &self.taught {
            counts.add_weighted(taught, parameters.distillation);
        }
        if let Some(taught) = &self.taught_by_encoder {
            counts.add_weighted(taught, parameters.encoder_distillation);
        }
        counts
    }
}

/// The neighbours that a history and what came back from the field give to each row.
pub fn neighbours(
    form: TableForm,
    history: &History<'_>,
    field: &Field,
    demand: &Demand,
    parameters: &TableParameters,
    shape: Shape,
) -> NeighbourLists {
    let items = demand.count.len();
    let (counting, weighing) = (&parameters.counting(), &parameters.weighing(shape));
    match form {
        TableForm::FirstOrder => {
            let mut counts = history.counts(parameters);
            let reported = Covisits::count_weighted(items, &field.pairs, &field.weight, counting);
            counts.add(&reported);
            weigh(&counts, demand, weighing)
        }
        TableForm::Ridge => {
            ridge::solve(items, history.sessions, field, demand, counting, weighing)
        }
    }
}
