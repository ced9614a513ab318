//! The k best rows, exactly, with ties broken by row.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A scored row. Greater is worse, so that a max-heap keeps the worst of the best on top.
#[derive(Clone, Copy, PartialEq)]
struct Entry {
    score: f32,
    row: u32,
}

impl Eq for Entry {}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .score
            .total_cmp(&self.score)
            .then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Collects the k rows of the highest scores; among equal scores, the lowest rows.
pub struct TopK {
    k: usize,
    heap: BinaryHeap<Entry>,
}

impl TopK {
    /// An empty collection of at most `k` rows.
    pub fn new(k: usize) -> Self {
        Self {
            k,
            heap: BinaryHeap::with_capacity(k.min(4096)),
        }
    }

    /// Offers a row. The same row must not be offered twice.
    #[inline]
    pub fn offer(&mut self, row: u32, score: f32) {
        let entry = Entry { score, row };
        if self.heap.len() < self.k {
            self.heap.push(entry);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && entry < *worst
        {
            *worst = entry;
        }
    }

    /// Whether `k` rows are held and the worst of them beats `score`.
    pub fn is_closed_to(&self, score: f32) -> bool {
        self.heap.len() >= self.k && self.heap.peek().is_none_or(|worst| worst.score > score)
    }

    /// The score that a row must reach to be held; below every number while there is room.
    pub fn threshold(&self) -> f32 {
        match self.heap.peek() {
            Some(worst) if self.heap.len() >= self.k => worst.score,
            None if self.k == 0 => f32::INFINITY,
            _ => f32::NEG_INFINITY,
        }
    }

    /// Rows and scores, best first.
    pub fn into_sorted(self) -> Vec<(u32, f32)> {
        let sorted = self.heap.into_sorted_vec();
        sorted.into_iter().map(|e| (e.row, e.score)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_ties_go_to_the_lower_row() {
        let mut top = TopK::new(3);
        for (row, score) in [(4, 1.0), (9, 2.0), (2, 1.0), (7, -1.0), (1, 1.0)] {
            top.offer(row, score);
        }
        assert!(top.is_closed_to(0.5) && !top.is_closed_to(1.0));
        assert_eq!(top.into_sorted(), [(9, 2.0), (1, 1.0), (2, 1.0)]);
        let mut none = TopK::new(0);
        none.offer(1, 1.0);
        assert!(none.into_sorted().is_empty());
    }
}
