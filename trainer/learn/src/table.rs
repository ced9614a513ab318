//! The item-to-item table: who follows whom.
//!
//! [`covisits`] counts, [`first_order`] turns counts into weights, [`ridge`] solves the same
//! problem exactly, [`prune`] keeps what is worth its bytes. The counts are the state that is kept: they add, so that what comes back
//! from the field adds into them.

pub mod covisits;
pub mod first_order;
pub mod prune;
pub mod ridge;

/// Positive weights of each row's neighbours; `[N][..]`, strongest first.
pub type NeighbourLists = Vec<Vec<(u32, f32)>>;
