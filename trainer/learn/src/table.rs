//! The item-to-item table: who follows whom.
//!
//! [`covisits`] counts, [`first_order`] turns counts into weights, [`ridge`] solves the same
//! problem exactly, [`prune`] keeps what is worth its bytes. The counts are the state that is
//! kept: they add, so that what comes back from the field adds into them.

pub mod covisits;
pub mod first_order;
pub mod prune;
pub mod ridge;

use crate::dataset::Sessions;
use crate::demand::Demand;
use crate::field::Field;
use crate::recipe::TableForm;
use covisits::{CountParameters, Covisits};
use first_order::{WeightParameters, weigh};

/// Positive weights of each row's neighbours; `[N][..]`, strongest first.
pub type NeighbourLists = Vec<Vec<(u32, f32)>>;

/// The neighbours that sessions and what came back from the field give to each row.
pub fn neighbours(
    form: TableForm,
    sessions: &Sessions,
    field: &Field,
    demand: &Demand,
    counting: &CountParameters,
    weighing: &WeightParameters,
) -> NeighbourLists {
    let items = demand.count.len();
    match form {
        TableForm::FirstOrder => {
            let mut counts = Covisits::count(items, sessions, counting);
            let reported = Covisits::count_weighted(items, &field.pairs, &field.weight, counting);
            counts.add(&reported);
            weigh(&counts, demand, weighing)
        }
        TableForm::Ridge => ridge::solve(items, sessions, field, demand, counting, weighing),
    }
}
