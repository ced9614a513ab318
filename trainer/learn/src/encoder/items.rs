//! The table of item vectors, and its optimiser.

use super::features::Features;
use rand::Rng;

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;
/// What an item's own part is drawn from, in parts of what a feature's vector is drawn from: where
/// little is known of an item, its features are to be heard above the noise that it began with.
const OWN_PART: f32 = 0.1;

/// `[N, D]` vectors of items' own and, below them, `[F, D]` of their features, with Adam's moments
/// (Kingma & Ba, 2015), updated only in the rows that a step touches.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemVectors {
    /// D.
    pub dim: usize,
    /// The vectors, row by row.
    pub values: Vec<f32>,
    /// First moments.
    pub first: Vec<f32>,
    /// Second moments.
    pub second: Vec<f32>,
    /// Steps so far.
    pub steps: u32,
}

impl ItemVectors {
    /// Vectors drawn uniformly within `bound`. Items of no `popularity` that have features begin,
    /// and without events stay, at what these say; those without are told apart by chance, so that
    /// a session that comes back to one finds it.
    pub fn init(
        popularity: &[f64],
        features: &Features,
        dim: usize,
        bound: f32,
        rng: &mut impl Rng,
    ) -> Self {
        let count = (popularity.len() + features.count()) * dim;
        let mut values: Vec<f32> = (0..count)
            .map(|_| rng.random_range(-bound..bound))
            .collect();
        for (row, (&popularity, own)) in popularity.iter().zip(values.chunks_mut(dim)).enumerate() {
            let part = match (features.of_item(row as u32).is_empty(), popularity > 0.0) {
                (true, _) => 1.0,
                (false, true) => OWN_PART,
                (false, false) => 0.0,
            };
            own.iter_mut().for_each(|v| *v *= part);
        }
        Self {
            dim,
            values,
            first: vec![0.0; count],
            second: vec![0.0; count],
            steps: 0,
        }
    }

    /// The vectors of `rows` with their features' part, `[rows, D]`.
    pub fn gather(&self, rows: &[u32], features: &Features) -> Vec<f32> {
        let mut gathered = Vec::with_capacity(rows.len() * self.dim);
        for &row in rows {
            let from = gathered.len();
            gathered.extend_from_slice(&self.values[self.range(row as usize)]);
            let of = features.of_item(row);
            let share = 1.0 / of.len() as f32;
            for &feature in of {
                let values = &self.values[self.range(features.items() + feature as usize)];
                for (sum, value) in gathered[from..].iter_mut().zip(values) {
                    *sum += share * value;
                }
            }
        }
        gathered
    }

    /// All items' vectors at unit length, `[N × D]`.
    pub fn unit(&self, features: &Features) -> Vec<f32> {
        let rows: Vec<u32> = (0..features.items() as u32).collect();
        let mut unit = self.gather(&rows, features);
        for row in unit.chunks_exact_mut(self.dim) {
            let length = row.iter().map(|v| v * v).sum::<f32>().sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|v| *v /= length);
            }
        }
        unit
    }

    /// One step of Adam on distinct `rows`, and on what features they have, with the gradients of
    /// their vectors `[rows, D]`, and a pull of `weight_decay` towards zero.
    pub fn update(
        &mut self,
        rows: &[u32],
        features: &Features,
        gradient: &[f32],
        rate: f32,
        weight_decay: f32,
    ) {
        self.steps += 1;
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let step = Step {
            size: rate * (1.0 - BETA_2.powi(steps)).sqrt() / (1.0 - BETA_1.powi(steps)),
            keep: 1.0 - rate * weight_decay,
        };
        let dim = self.dim;
        // Only of the features that these rows have: there may be many more.
        let mut place = vec![None; features.count()];
        let mut touched = Vec::new();
        let mut of_touched: Vec<f32> = Vec::new();
        for (&row, gradient) in rows.iter().zip(gradient.chunks_exact(dim)) {
            self.move_row(row as usize, gradient, step);
            let of = features.of_item(row);
            let share = 1.0 / of.len() as f32;
            for &feature in of {
                let from = *place[feature as usize].get_or_insert_with(|| {
                    touched.push(feature as usize);
                    of_touched.resize(touched.len() * dim, 0.0);
                    of_touched.len() - dim
                });
                for (sum, g) in of_touched[from..from + dim].iter_mut().zip(gradient) {
                    *sum += share * g;
                }
            }
        }
        for (feature, gradient) in touched.into_iter().zip(of_touched.chunks_exact(dim)) {
            self.move_row(features.items() + feature, gradient, step);
        }
    }

    fn move_row(&mut self, row: usize, gradient: &[f32], step: Step) {
        let range = self.range(row);
        let moments = self.first[range.clone()]
            .iter_mut()
            .zip(&mut self.second[range.clone()]);
        for ((value, (first, second)), g) in
            self.values[range].iter_mut().zip(moments).zip(gradient)
        {
            *first = BETA_1 * *first + (1.0 - BETA_1) * g;
            *second = BETA_2 * *second + (1.0 - BETA_2) * g * g;
            *value = *value * step.keep - step.size * *first / (second.sqrt() + EPSILON);
        }
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        row * self.dim..(row + 1) * self.dim
    }
}

/// How far a step goes.
#[derive(Clone, Copy)]
struct Step {
    size: f32,
    keep: f32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ItemFacts;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn zeros(rows: usize) -> ItemVectors {
        ItemVectors {
            dim: 2,
            values: vec![0.0; rows * 2],
            first: vec![0.0; rows * 2],
            second: vec![0.0; rows * 2],
            steps: 0,
        }
    }

    fn of_one_category(items: usize) -> Features {
        let item = ItemFacts {
            category: Some("mugs".into()),
            ..ItemFacts::default()
        };
        Features::of(&vec![item; items])
    }

    #[test]
    fn a_first_step_moves_by_the_rate_against_the_sign() {
        // Adam's first step is rate · g / (|g| + ε'), whatever the size of g.
        let mut items = zeros(3);
        items.update(&[2], &Features::none(3), &[5.0, -0.01], 0.1, 0.0);
        assert_eq!(items.values[..4], [0.0; 4]);
        assert!((items.values[4] + 0.1).abs() < 1e-4);
        assert!((items.values[5] - 0.1).abs() < 1e-4);
    }

    #[test]
    fn what_an_item_teaches_its_category_moves_the_others_of_it() {
        let features = of_one_category(4);
        let mut items = zeros(5);
        items.update(&[2], &features, &[5.0, -0.01], 0.1, 0.0);
        let moved = items.gather(&[0, 2], &features);
        assert!((moved[0] + 0.1).abs() < 1e-4, "its category's step");
        assert!((moved[2] + 0.2).abs() < 1e-4, "its own and its category's");
    }

    #[test]
    fn an_item_without_events_is_what_its_features_say() {
        let features = of_one_category(4);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let items = ItemVectors::init(&[3.0, 0.0, 0.0, 1.0], &features, 2, 0.1, &mut rng);
        let category = &items.values[8..10];
        assert_eq!(items.gather(&[1], &features), category);
        assert_ne!(items.gather(&[0], &features), category);
        let unit = items.unit(&features);
        assert_eq!(unit[2..4], unit[4..6]);
    }
    #[test]
    fn items_of_which_nothing_is_known_are_told_apart() {
        // With nothing for them, a session could not come back to one.
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let features = Features::none(2);
        let unit = ItemVectors::init(&[0.0, 0.0], &features, 8, 0.1, &mut rng).unit(&features);
        let cosine: f32 = unit[..8].iter().zip(&unit[8..]).map(|(a, b)| a * b).sum();
        let length: f32 = unit[..8].iter().map(|v| v * v).sum();
        assert!(
            (length - 1.0).abs() < 1e-5 && cosine < 0.9,
            "{length} {cosine}"
        );
    }
}
