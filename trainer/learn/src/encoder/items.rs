//! The table of item vectors, and its optimiser.

use rand::Rng;

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// `[N, D]` item vectors with Adam's moments (Kingma & Ba, 2015), updated only in the rows that
/// a step touches.
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
    /// N rows drawn uniformly within `bound`.
    pub fn init(items: usize, dim: usize, bound: f32, rng: &mut impl Rng) -> Self {
        let count = items * dim;
        Self {
            dim,
            values: (0..count)
                .map(|_| rng.random_range(-bound..bound))
                .collect(),
            first: vec![0.0; count],
            second: vec![0.0; count],
            steps: 0,
        }
    }

    /// The vectors of `rows`, `[rows, D]`.
    pub fn gather(&self, rows: &[u32]) -> Vec<f32> {
        let mut gathered = Vec::with_capacity(rows.len() * self.dim);
        for &row in rows {
            let from = row as usize * self.dim;
            gathered.extend_from_slice(&self.values[from..from + self.dim]);
        }
        gathered
    }

    /// All vectors at unit length, `[N × D]`.
    pub fn unit(&self) -> Vec<f32> {
        let mut unit = self.values.clone();
        for row in unit.chunks_exact_mut(self.dim) {
            let length = row.iter().map(|v| v * v).sum::<f32>().sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|v| *v /= length);
            }
        }
        unit
    }

    /// One step of Adam on distinct `rows` with their gradients `[rows, D]`, and a pull of
    /// `weight_decay` towards zero.
    pub fn update(&mut self, rows: &[u32], gradient: &[f32], rate: f32, weight_decay: f32) {
        self.steps += 1;
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let step_size = rate * (1.0 - BETA_2.powi(steps)).sqrt() / (1.0 - BETA_1.powi(steps));
        let keep = 1.0 - rate * weight_decay;
        for (&row, gradient) in rows.iter().zip(gradient.chunks_exact(self.dim)) {
            let from = row as usize * self.dim;
            let range = from..from + self.dim;
            let moments = self.first[range.clone()]
                .iter_mut()
                .zip(&mut self.second[range.clone()]);
            for ((value, (first, second)), g) in
                self.values[range].iter_mut().zip(moments).zip(gradient)
            {
                *first = BETA_1 * *first + (1.0 - BETA_1) * g;
                *second = BETA_2 * *second + (1.0 - BETA_2) * g * g;
                *value = *value * keep - step_size * *first / (second.sqrt() + EPSILON);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_step_moves_by_the_rate_against_the_sign() {
        // Adam's first step is rate · g / (|g| + ε'), whatever the size of g.
        let mut items = ItemVectors {
            dim: 2,
            values: vec![0.0; 6],
            first: vec![0.0; 6],
            second: vec![0.0; 6],
            steps: 0,
        };
        items.update(&[2], &[5.0, -0.01], 0.1, 0.0);
        assert_eq!(items.values[..4], [0.0; 4]);
        assert!((items.values[4] + 0.1).abs() < 1e-4);
        assert!((items.values[5] - 0.1).abs() < 1e-4);
    }
}
