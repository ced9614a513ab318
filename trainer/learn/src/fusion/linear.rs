//! The terms' weights as linear models: logistic regression, a linear SVM, linear regression.
//!
//! Each is a convex function of five numbers and solved by Newton's method. Only the order counts
//! afterwards, so weights are given in units of the table's.

use super::candidates::Candidates;
use crate::dataset::Examples;
use crate::demand::Demand;
use crate::parameters::TableParameters;
use crate::search::Shape;
use rayon::prelude::*;
use vitrine_core::score::{Scorer, fuse};
use vitrine_core::tables::Tables;

/// Terms of the score and a constant: the encoder's inner product, ln(1 + t/φ) of the table,
/// ln(1 + events), trend, 1.
const TERMS: usize = 5;
/// Items that an example's label is compared with: those that now stand first.
const RIVALS: usize = 60;
/// Pull of the weights towards zero, in parts of the number of rows.
const RIDGE: f64 = 1e-6;
const ITERATIONS: usize = 50;
const HALVINGS: usize = 30;

type Terms = [f64; TERMS];

/// What is made small, over a row's margin m and its wanted value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// ln(1 + e^−m) of each item: label or not.
    Logistic,
    /// max(0, 1 − m)² of each pair of a label and another item.
    SquaredHinge,
    /// (m − 1)² and (m + 1)² of each item: label or not.
    Squared,
}

/// Weights in units of the table's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    encoder: f64,
    prior_popularity: f64,
    prior_trend: f64,
}

impl Weights {
    /// `parameters` with these weights.
    pub fn given_to(self, parameters: &TableParameters) -> TableParameters {
        TableParameters {
            encoder: self.encoder,
            prior_popularity: self.prior_popularity,
            prior_trend: self.prior_trend,
            ..*parameters
        }
    }
}

/// The terms of labels and of the items that stand first beside them.
pub struct TermsOfPairs {
    by_example: Vec<(Terms, Vec<Terms>)>,
}

impl TermsOfPairs {
    /// Terms by `tables`, which need no item vectors, for every example whose label is a candidate.
    pub fn new(
        tables: &Tables,
        demand: &Demand,
        examples: &Examples,
        candidates: &Candidates,
        shape: Shape,
    ) -> Self {
        let by_example = (0..examples.len())
            .into_par_iter()
            .map_init(
                || Scorer::new(tables.items()),
                |scorer, example| {
                    let (input, label) = examples.get(example);
                    let label = label?;
                    let from = input.len().saturating_sub(shape.max_session);
                    scorer.set(tables, &input[from..], None);
                    let mut scored: Vec<(f32, u32, Terms)> = candidates
                        .of_example(example)
                        .iter()
                        .map(|&(row, dot)| {
                            let known = scorer.score(tables, row);
                            let table = fuse(tables.fusion(), known, 0.0, 0);
                            let score = fuse(tables.fusion(), known, dot, tables.prior(row));
                            let at = row as usize;
                            let terms = [
                                f64::from(dot),
                                f64::from(table),
                                demand.count[at].ln_1p(),
                                demand.trend[at],
                                1.0,
                            ];
                            (score, row, terms)
                        })
                        .collect();
                    let own = scored.iter().position(|entry| entry.1 == label)?;
                    let (_, _, own) = scored.swap_remove(own);
                    scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                    scored.truncate(RIVALS);
                    Some((own, scored.into_iter().map(|entry| entry.2).collect()))
                },
            )
            .flatten()
            .collect();
        Self { by_example }
    }

    /// The weights that make a loss smallest; `None` where the table would count nothing or less.
    pub fn fit(&self, loss: Loss) -> Option<Weights> {
        let rows: Vec<(Terms, f64)> = self
            .by_example
            .iter()
            .flat_map(|(own, rivals)| {
                let own_row = (loss != Loss::SquaredHinge).then_some((*own, 1.0));
                let others = rivals.iter().map(move |rival| match loss {
                    Loss::SquaredHinge => (std::array::from_fn(|k| own[k] - rival[k]), 1.0),
                    Loss::Logistic | Loss::Squared => (*rival, -1.0),
                });
                own_row.into_iter().chain(others)
            })
            .collect();
        let [encoder, table, prior_popularity, prior_trend, _] = minimise(&rows, loss)?;
        (table > 0.0 && encoder > 0.0).then(|| Weights {
            encoder: encoder / table,
            prior_popularity: prior_popularity / table,
            prior_trend: prior_trend / table,
        })
    }
}

/// Value, slope and curvature of a loss at margin m = y·⟨w, x⟩.
fn at(loss: Loss, margin: f64) -> (f64, f64, f64) {
    match loss {
        Loss::Logistic => {
            let miss = 1.0 / (1.0 + margin.exp());
            let value = (-margin).max(0.0) + (-margin.abs()).exp().ln_1p();
            (value, -miss, miss * (1.0 - miss))
        }
        Loss::SquaredHinge if margin >= 1.0 => (0.0, 0.0, 0.0),
        Loss::SquaredHinge | Loss::Squared => {
            let short = 1.0 - margin;
            (short * short, -2.0 * short, 2.0)
        }
    }
}

/// Newton's method with halved steps; `None` where there is nothing to fit.
fn minimise(rows: &[(Terms, f64)], loss: Loss) -> Option<Terms> {
    if rows.is_empty() {
        return None;
    }
    let ridge = RIDGE * rows.len() as f64;
    let margin = |w: &Terms, (x, y): &(Terms, f64)| y * dot(w, x);
    let value = |w: &Terms| -> f64 {
        let sum: f64 = rows.iter().map(|row| at(loss, margin(w, row)).0).sum();
        sum + 0.5 * ridge * dot(w, w)
    };
    let mut weights = [0.0; TERMS];
    let mut now = value(&weights);
    for _ in 0..ITERATIONS {
        let mut gradient = weights.map(|w| ridge * w);
        let mut hessian = [[0.0; TERMS]; TERMS];
        for row in rows {
            let (_, slope, curvature) = at(loss, margin(&weights, row));
            for (k, line) in hessian.iter_mut().enumerate() {
                gradient[k] += slope * row.1 * row.0[k];
                for (sum, x) in line.iter_mut().zip(&row.0) {
                    *sum += curvature * row.0[k] * x;
                }
            }
        }
        for (k, line) in hessian.iter_mut().enumerate() {
            line[k] += ridge;
        }
        let step = solve(hessian, gradient)?;
        let mut length = 1.0;
        let moved = (0..HALVINGS).find_map(|_| {
            let next: Terms = std::array::from_fn(|k| weights[k] - length * step[k]);
            length *= 0.5;
            let found = value(&next);
            (found < now).then_some((next, found))
        });
        let Some((next, found)) = moved else { break };
        let settled = now - found <= 1e-10 * now.abs();
        (weights, now) = (next, found);
        if settled {
            break;
        }
    }
    Some(weights)
}

fn dot(a: &Terms, b: &Terms) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves a positive definite system by elimination; `None` where it is singular.
fn solve(mut matrix: [[f64; TERMS]; TERMS], mut right: Terms) -> Option<Terms> {
    for k in 0..TERMS {
        let pivot = matrix[k];
        if !(pivot[k] > 0.0 && pivot[k].is_finite()) {
            return None;
        }
        for l in k + 1..TERMS {
            let factor = matrix[l][k] / pivot[k];
            for (value, above) in matrix[l].iter_mut().zip(pivot) {
                *value -= factor * above;
            }
            right[l] -= factor * right[k];
        }
    }
    for k in (0..TERMS).rev() {
        let known: f64 = (k + 1..TERMS).map(|l| matrix[k][l] * right[l]).sum();
        right[k] = (right[k] - known) / matrix[k][k];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const TRUE: Terms = [0.5, 1.0, -0.25, 0.1, 0.0];

    /// Labels drawn by the softmax of known weights.
    fn drawn() -> TermsOfPairs {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let by_example = (0..4_000)
            .map(|_| {
                let mut items: Vec<Terms> = (0..12)
                    .map(|_| {
                        std::array::from_fn(|k| match k {
                            4 => 1.0,
                            _ => rng.random_range(-2.0..2.0),
                        })
                    })
                    .collect();
                let odds: Vec<f64> = items.iter().map(|x| dot(&TRUE, x).exp()).collect();
                let mut left = rng.random::<f64>() * odds.iter().sum::<f64>();
                let label = odds
                    .iter()
                    .position(|odds| {
                        left -= odds;
                        left < 0.0
                    })
                    .unwrap_or(0);
                (items.swap_remove(label), items)
            })
            .collect();
        TermsOfPairs { by_example }
    }

    #[test]
    fn every_kind_finds_the_weights_that_drew_the_labels() {
        let terms = drawn();
        for loss in [Loss::Logistic, Loss::SquaredHinge, Loss::Squared] {
            let found = terms.fit(loss).unwrap();
            assert!((found.encoder - 0.5).abs() < 0.06, "{loss:?} {found:?}");
            assert!(
                (found.prior_popularity + 0.25).abs() < 0.06,
                "{loss:?} {found:?}"
            );
            assert!((found.prior_trend - 0.1).abs() < 0.06, "{loss:?} {found:?}");
        }
    }

    #[test]
    fn at_the_least_the_gradient_is_zero() {
        let rows: Vec<(Terms, f64)> = drawn()
            .by_example
            .iter()
            .flat_map(|(own, rivals)| {
                let rivals = rivals.iter().map(|rival| (*rival, -1.0));
                rivals.chain([(*own, 1.0)]).collect::<Vec<_>>()
            })
            .collect();
        for loss in [Loss::Logistic, Loss::Squared] {
            let weights = minimise(&rows, loss).unwrap();
            for k in 0..TERMS {
                let slope: f64 = rows
                    .iter()
                    .map(|(x, y)| at(loss, y * dot(&weights, x)).1 * y * x[k])
                    .sum();
                assert!(
                    slope.abs() / (rows.len() as f64) < 1e-4,
                    "{loss:?} {k} {slope}"
                );
            }
        }
    }

    #[test]
    fn nothing_to_fit_gives_no_weights() {
        let terms = TermsOfPairs {
            by_example: Vec::new(),
        };
        assert_eq!(terms.fit(Loss::Logistic), None);
    }
}
