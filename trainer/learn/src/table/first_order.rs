//! Weights by counting: B_ij = S_ij / (G_ii + c).
//!
//! The first Jacobi step of SLIST's ridge solution: decayed co-visit counts over a count plus a
//! constant. It needs no inverse, it is as good at the published parameters and better at weak
//! regularisation, and it is additive.

use super::NeighbourLists;
use super::covisits::Covisits;
use super::prune::prune;
use crate::demand::Demand;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How counts become weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightParameters {
    /// The constant c that is added to a row's count, above 0: rows seen seldom weigh less.
    pub shrinkage: f64,
    /// Power of a follower's popularity, relative to the median item, by which its weight is
    /// multiplied; negative values favour the rare.
    pub popularity_power: f64,
    /// Power of the recent rate of a follower's demand over its rate by which its weight is
    /// multiplied.
    pub trend_power: f64,
    /// Power of the weight itself: below 1, weak neighbours count more beside strong ones.
    pub weight_power: f64,
    /// Neighbours of a row, on average: the table keeps this many entries times its rows.
    pub neighbours: usize,
    /// The most neighbours that a row keeps, up to 255.
    pub most_neighbours: usize,
}

/// The strongest neighbours of every row.
pub fn weigh(counts: &Covisits, demand: &Demand, parameters: &WeightParameters) -> NeighbourLists {
    let factor = demand_factor(demand, parameters);
    let lists: NeighbourLists = counts
        .followers
        .par_iter()
        .zip(&counts.visits)
        .map(|(followers, visits)| {
            let unit = 1.0 / (visits + parameters.shrinkage);
            let weights = followers
                .iter()
                .map(|&(row, count)| {
                    let weight = count * unit * factor[row as usize];
                    (row, weight.powf(parameters.weight_power) as f32)
                })
                .collect();
            strongest(weights, parameters.most_neighbours)
        })
        .collect();
    let budget = parameters.neighbours * lists.len();
    prune(lists, &demand.count, budget)
}

/// `((count + 1) / median of the same) ^ popularity_power · e ^ (trend_power · trend)` by row.
pub(crate) fn demand_factor(demand: &Demand, parameters: &WeightParameters) -> Vec<f64> {
    let mut sorted: Vec<f64> = demand.count.iter().map(|count| count + 1.0).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(1.0);
    demand
        .count
        .iter()
        .zip(&demand.trend)
        .map(|(count, trend)| {
            ((count + 1.0) / median).powf(parameters.popularity_power)
                * (parameters.trend_power * trend).exp()
        })
        .collect()
}

/// The `keep` greatest positive weights, strongest first; ties go to the lower row.
pub(crate) fn strongest(mut weights: Vec<(u32, f32)>, keep: usize) -> Vec<(u32, f32)> {
    weights.retain(|entry| entry.1 > 0.0);
    let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if weights.len() > keep {
        weights.select_nth_unstable_by(keep, order);
        weights.truncate(keep);
    }
    weights.sort_unstable_by(order);
    weights
}
