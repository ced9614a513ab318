//! The closed-form ridge solution of SLIST: B = (X'WX + c·I)⁻¹ X'WY (Choi et al., WWW 2021,
//! arXiv 2103.16104), without a dense inverse.
//!
//! Row i of B is e_i'(G + cI)⁻¹ S. G couples an item only with those of its sessions, so the row
//! of the inverse is found by pushing residuals along G (Gauss-Southwell coordinate descent)
//! until none is large, and then multiplied into S. Memory is that of the counts; the work per
//! item does not grow with the catalogue.

use super::NeighbourLists;
use super::covisits::{Accumulator, CountParameters, Covisits, age_weights};
use super::first_order::{WeightParameters, demand_factor, strongest};
use super::prune::prune;
use crate::dataset::Sessions;
use crate::demand::Demand;
use crate::field::Field;
use rayon::prelude::*;
use std::collections::VecDeque;

/// A residual below this share of its diagonal is left.
const TOLERANCE: f64 = 1e-3;
/// Pushes after which an item's row is taken as it is.
const MAX_PUSHES: usize = 20_000;

/// The strongest neighbours of every row, from history and field together.
pub fn solve(
    items: usize,
    train: &Sessions,
    field: &Field,
    demand: &Demand,
    counting: &CountParameters,
    weighing: &WeightParameters,
) -> NeighbourLists {
    let mut sessions = train.clone();
    let mut weight = age_weights(train.len(), counting.age_decay);
    for (pair, pair_weight) in field.pairs.iter().zip(&field.weight) {
        sessions.push(pair.iter().copied());
        weight.push(*pair_weight);
    }
    let counts = Covisits::count_weighted(items, &sessions, &weight, counting);
    let gram = gram(items, &sessions, &weight, &counts, counting.cooccurrence);
    let factor = demand_factor(demand, weighing);
    let lists: NeighbourLists = (0..items)
        .into_par_iter()
        .map_init(
            || Row::new(items),
            |row, item| {
                let inverse = row.of_inverse(item, &gram, &counts.visits, weighing.shrinkage);
                let mut sum = Accumulator::new(0);
                std::mem::swap(&mut sum, &mut row.product);
                for (item, value) in inverse {
                    for &(to, count) in &counts.followers[item as usize] {
                        sum.add(to, value * count);
                    }
                }
                let weights = sum
                    .take_sorted()
                    .into_iter()
                    .map(|(to, value)| (to, (value * factor[to as usize]) as f32))
                    .collect();
                row.product = sum;
                strongest(weights, weighing.most_neighbours)
            },
        )
        .collect();
    prune(lists, &demand.count, weighing.neighbours * items)
}

/// Off-diagonal rows of X'WX.
fn gram(
    items: usize,
    sessions: &Sessions,
    weight: &[f64],
    counts: &Covisits,
    cooccurrence: f64,
) -> Vec<Vec<(u32, f64)>> {
    let mut rows: Vec<Vec<(u32, f64)>> = counts
        .followers
        .iter()
        .map(|followers| Vec::with_capacity(followers.len()))
        .collect();
    for (session, weight) in sessions.iter().zip(weight) {
        let mut distinct: Vec<u32> = session.iter().filter_map(|event| event.row).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let length = distinct.len() as f64;
        let value = cooccurrence * weight / (length * length);
        for &a in &distinct {
            let others = distinct.iter().filter(|&&b| b != a);
            rows[a as usize].extend(others.map(|&b| (b, value)));
        }
    }
    rows.into_par_iter()
        .map_init(
            || Accumulator::new(items),
            |sum, row| {
                row.iter().for_each(|&(to, value)| sum.add(to, value));
                sum.take_sorted()
            },
        )
        .collect()
}

/// Scratch space for one row of the inverse after another.
struct Row {
    solution: Vec<f64>,
    residual: Vec<f64>,
    seen: Vec<bool>,
    queued: Vec<bool>,
    touched: Vec<u32>,
    queue: VecDeque<u32>,
    product: Accumulator,
}

impl Row {
    fn new(items: usize) -> Self {
        Self {
            solution: vec![0.0; items],
            residual: vec![0.0; items],
            seen: vec![false; items],
            queued: vec![false; items],
            touched: Vec::new(),
            queue: VecDeque::new(),
            product: Accumulator::new(items),
        }
    }

    fn of_inverse(
        &mut self,
        item: usize,
        gram: &[Vec<(u32, f64)>],
        diagonal: &[f64],
        ridge: f64,
    ) -> Vec<(u32, f64)> {
        let full = |at: usize| diagonal[at] + ridge;
        let threshold = TOLERANCE / full(item);
        self.touch(item as u32);
        self.residual[item] = 1.0;
        self.enqueue(item as u32);
        let mut pushes = 0;
        while let Some(next) = self.queue.pop_front() {
            let at = next as usize;
            self.queued[at] = false;
            if pushes == MAX_PUSHES {
                continue;
            }
            pushes += 1;
            let step = self.residual[at] / full(at);
            self.solution[at] += step;
            self.residual[at] = 0.0;
            for &(to, value) in &gram[at] {
                self.touch(to);
                self.residual[to as usize] -= step * value;
                if self.residual[to as usize].abs() > threshold * full(to as usize) {
                    self.enqueue(to);
                }
            }
        }
        let mut row = Vec::new();
        for at in std::mem::take(&mut self.touched) {
            let value = std::mem::take(&mut self.solution[at as usize]);
            self.residual[at as usize] = 0.0;
            self.seen[at as usize] = false;
            if value != 0.0 {
                row.push((at, value));
            }
        }
        row
    }

    fn touch(&mut self, at: u32) {
        if !std::mem::replace(&mut self.seen[at as usize], true) {
            self.touched.push(at);
        }
    }

    fn enqueue(&mut self, at: u32) {
        if !std::mem::replace(&mut self.queued[at as usize], true) {
            self.queue.push_back(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitrine_core::Action;
    use vitrine_core::score::Event;

    #[test]
    fn two_items_solve_as_a_two_by_two_inverse() {
        // One session 0 1 with a = 1: G = 1/4 everywhere, S = 1/2 everywhere, c = 1/4.
        // (G + cI)⁻¹ = 1/(1/4 − 1/16) · [1/2, −1/4; −1/4, 1/2] = [8/3, −4/3; −4/3, 8/3], so
        // every entry of B is (8/3 − 4/3) · 1/2 = 2/3.
        let mut train = Sessions::new();
        train.push([0, 1].map(|row| Event {
            row: Some(row),
            action: Action::View,
        }));
        let counting = CountParameters {
            cooccurrence: 1.0,
            gap_decay: 1.0,
            age_decay: None,
        };
        let weighing = WeightParameters {
            shrinkage: 0.25,
            popularity_power: 0.0,
            trend_power: 0.0,
            weight_power: 1.0,
            neighbours: 2,
            most_neighbours: 2,
        };
        let field = Field {
            pairs: Sessions::new(),
            ..Field::default()
        };
        let demand = Demand::of(2, &train);
        let lists = solve(2, &train, &field, &demand, &counting, &weighing);
        for (_, weight) in lists.concat() {
            assert!((weight - 2.0 / 3.0).abs() < 2e-3, "{weight}");
        }
    }
}
