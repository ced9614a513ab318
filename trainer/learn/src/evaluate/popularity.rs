//! How popular an item is among those that a bundle can rank.

/// Train events by item, with what it takes to place an item among all.
pub struct Popularity {
    /// Train events of each row; `[N]`.
    events: Vec<f64>,
    /// The same from the least to the most; `[N]`.
    sorted: Vec<f64>,
    /// All events.
    total: f64,
}

impl Popularity {
    /// From the train events of each row, `[N]`.
    pub fn new(events: Vec<f64>) -> Self {
        let mut sorted = events.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        Self {
            total: events.iter().sum(),
            sorted,
            events,
        }
    }

    /// How many items there are, N.
    pub fn items(&self) -> usize {
        self.events.len()
    }

    /// Train events of a row.
    pub fn events(&self, row: u32) -> f64 {
        self.events[row as usize]
    }

    /// The share of items with fewer events, and half of those with as many, in `0.0..=1.0`.
    pub fn percentile(&self, events: f64) -> f64 {
        let below = self.sorted.partition_point(|&other| other < events);
        let up_to = self.sorted.partition_point(|&other| other <= events);
        (below + up_to) as f64 / (2 * self.sorted.len()).max(1) as f64
    }

    /// The tenth of the items, from 0 (the least popular) to 9, that an item with so many events
    /// belongs to.
    pub fn decile(&self, events: f64) -> usize {
        ((self.percentile(events) * 10.0) as usize).min(9)
    }

    /// −log₂ of the share of all events, in bits. An item without an event counts as if it had
    /// one: otherwise it would be infinitely novel.
    pub fn novelty(&self, events: f64) -> f64 {
        (self.total.max(1.0) / events.max(1.0)).log2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_worked_out_by_hand() {
        // Five items with 0, 1, 1, 2 and 4 events: 8 in all.
        let popularity = Popularity::new(vec![4.0, 1.0, 0.0, 2.0, 1.0]);
        // Below 1 is one item, and two are at 1: (1 + 2/2) / 5.
        assert!((popularity.percentile(1.0) - 0.4).abs() < 1e-12);
        assert!((popularity.percentile(4.0) - 0.9).abs() < 1e-12);
        assert!((popularity.percentile(0.0) - 0.1).abs() < 1e-12);
        assert_eq!(popularity.decile(0.0), 1);
        assert_eq!(popularity.decile(4.0), 9);
        assert_eq!(popularity.novelty(2.0), 2.0);
        assert_eq!(popularity.novelty(0.0), 3.0, "as with one event");
        assert_eq!(popularity.events(3), 2.0);
    }
}
