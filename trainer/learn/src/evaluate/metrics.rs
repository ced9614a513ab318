//! Figures of a ranking, from the ranks of the labels.

use serde::Serialize;

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
    /// Examples.
    pub examples: usize,
}

impl Metrics {
    /// From ranks that count from 1, with 0 for a miss.
    pub fn of_ranks(ranks: &[u32]) -> Self {
        let mean = |gain: &dyn Fn(f64) -> f64, cutoff: u32| {
            let hits = ranks.iter().filter(|&&rank| (1..=cutoff).contains(&rank));
            let sum: f64 = hits.map(|&rank| gain(f64::from(rank))).sum();
            100.0 * sum / ranks.len().max(1) as f64
        };
        Self {
            p20: mean(&|_| 1.0, 20),
            mrr20: mean(&|rank| 1.0 / rank, 20),
            hr10: mean(&|_| 1.0, 10),
            ndcg10: mean(&|rank| 1.0 / (rank + 1.0).log2(), 10),
            examples: ranks.len(),
        }
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
        // P@20: ranks 1, 3, 11, 20 of six. MRR: (1 + 1/3 + 1/11 + 1/20) / 6.
        // HR@10: 2 of 6. NDCG@10: (1 + 1/log2 4) / 6 = 1.5 / 6.
        let metrics = Metrics::of_ranks(&[1, 3, 11, 20, 21, 0]);
        assert!((metrics.p20 - 400.0 / 6.0).abs() < 1e-9);
        assert!((metrics.mrr20 - 100.0 * (1.0 + 1.0 / 3.0 + 1.0 / 11.0 + 0.05) / 6.0).abs() < 1e-9);
        assert!((metrics.hr10 - 200.0 / 6.0).abs() < 1e-9);
        assert!((metrics.ndcg10 - 25.0).abs() < 1e-9);
        assert_eq!(Metrics::of_ranks(&[]).p20, 0.0);
    }
}
