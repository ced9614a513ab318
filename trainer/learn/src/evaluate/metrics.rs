//! Figures of a ranking, from the ranks of the labels.

use serde::Serialize;

/// How many measures there are.
pub const MEASURES: usize = 5;

/// One value for each measure; P@20 goes by the names of Recall@20 and HR@20 too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Measures<T> {
    /// Share of labels among the first 20.
    #[serde(rename = "p@20")]
    pub p20: T,
    /// Mean of 1/rank within the first 20.
    #[serde(rename = "mrr@20")]
    pub mrr20: T,
    /// Share of labels among the first 10.
    #[serde(rename = "hr@10")]
    pub hr10: T,
    /// Mean of 1/log₂(rank + 1) within the first 10.
    #[serde(rename = "ndcg@10")]
    pub ndcg10: T,
    /// Mean of 1/log₂(rank + 1) within the first 20.
    #[serde(rename = "ndcg@20")]
    pub ndcg20: T,
}

impl<T> Measures<T> {
    /// From values in the order of the fields.
    pub fn from_array([p20, mrr20, hr10, ndcg10, ndcg20]: [T; MEASURES]) -> Self {
        Self {
            p20,
            mrr20,
            hr10,
            ndcg10,
            ndcg20,
        }
    }

    /// The values in the order of the fields.
    pub fn into_array(self) -> [T; MEASURES] {
        [self.p20, self.mrr20, self.hr10, self.ndcg10, self.ndcg20]
    }
}

/// What one example adds to the sum of each measure, in the order of [`Measures`]; each in
/// `0.0..=1.0`. Ranks count from 1; 0 is a miss.
pub fn gains(rank: u32) -> [f64; MEASURES] {
    if !(1..=20).contains(&rank) {
        return [0.0; MEASURES];
    }
    let at = f64::from(rank);
    let discounted = 1.0 / (at + 1.0).log2();
    let (hit10, ndcg10) = if rank <= 10 {
        (1.0, discounted)
    } else {
        (0.0, 0.0)
    };
    [1.0, 1.0 / at, hit10, ndcg10, discounted]
}

/// Means over examples; a label below the cut-off, or unknown to the model, counts zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Share of labels among the first 20, in percent.
    #[serde(rename = "p@20")]
    pub p20: f64,
    /// Mean of 1/rank within the first 20, in percent.
    #[serde(rename = "mrr@20")]
    pub mrr20: f64,
    /// Share of labels among the first 10, in percent.
    #[serde(rename = "hr@10")]
    pub hr10: f64,
    /// Mean of 1/log₂(rank + 1) within the first 10, in percent.
    #[serde(rename = "ndcg@10")]
    pub ndcg10: f64,
    /// Mean of 1/log₂(rank + 1) within the first 20, in percent.
    #[serde(rename = "ndcg@20")]
    pub ndcg20: f64,
    /// Examples.
    pub examples: usize,
}

impl Metrics {
    /// From ranks that count from 1, with 0 for a miss.
    pub fn of_ranks(ranks: &[u32]) -> Self {
        let mut sums = [0.0; MEASURES];
        for &rank in ranks {
            for (sum, gain) in sums.iter_mut().zip(gains(rank)) {
                *sum += gain;
            }
        }
        let mean = sums.map(|sum| 100.0 * sum / ranks.len().max(1) as f64);
        let [p20, mrr20, hr10, ndcg10, ndcg20] = mean;
        Self {
            p20,
            mrr20,
            hr10,
            ndcg10,
            ndcg20,
            examples: ranks.len(),
        }
    }

    /// The measures without the number of examples, in percent.
    pub fn measures(&self) -> Measures<f64> {
        Measures::from_array([self.p20, self.mrr20, self.hr10, self.ndcg10, self.ndcg20])
    }

    /// What models are chosen by: hits and their order count alike.
    pub fn objective(&self) -> f64 {
        self.p20 + self.mrr20
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_give_the_figures_worked_out_by_hand() {
        // P@20: ranks 1, 3, 15, 20 of six. MRR: (1 + 1/3 + 1/15 + 1/20) / 6.
        // HR@10: 2 of 6. NDCG@10: (1 + 1/log2 4) / 6 = 1.5 / 6.
        // NDCG@20: rank 15 adds 1/log2 16 = 0.25, and rank 20 adds 1/log2 21.
        let metrics = Metrics::of_ranks(&[1, 3, 15, 20, 21, 0]);
        assert!((metrics.p20 - 400.0 / 6.0).abs() < 1e-9);
        let reciprocals = 1.0 + 1.0 / 3.0 + 1.0 / 15.0 + 0.05;
        assert!((metrics.mrr20 - 100.0 * reciprocals / 6.0).abs() < 1e-9);
        assert!((metrics.hr10 - 200.0 / 6.0).abs() < 1e-9);
        assert!((metrics.ndcg10 - 25.0).abs() < 1e-9);
        let ndcg20 = 100.0 * (1.75 + 1.0 / 21_f64.log2()) / 6.0;
        assert!((metrics.ndcg20 - ndcg20).abs() < 1e-9);
        assert_eq!(Metrics::of_ranks(&[]).p20, 0.0);
    }
}
