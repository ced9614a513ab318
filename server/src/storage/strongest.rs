//! The cells that a released file has room for.
//!
//! A window may hold more cells than training reads from one file, because whoever forges reports can
//! name any number of items. The raw rows are deleted by the release, so a file that nobody can read
//! would lose the window. So a release keeps the cells with the highest counts, as many as a file
//! takes, and says how many it left out. Of cells with the same count the shorter ones are kept:
//! somebody who forges to fill the file gains nothing by long names. That uses published counts and
//! lengths alone, so it costs no privacy.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use vitrine_core::released::cell_bytes;

/// Cells that were kept so far.
pub(super) struct Strongest {
    /// The weakest on top.
    kept: BinaryHeap<Reverse<Strength>>,
    bytes: usize,
    limit: usize,
    left_out: u64,
}

/// Count, length and text of a cell; the greater, the stronger.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Strength(u64, Reverse<usize>, Reverse<String>);

impl Strongest {
    /// As many cells as take so many bytes of a file.
    pub(super) fn within(limit: usize) -> Self {
        Self {
            kept: BinaryHeap::new(),
            bytes: 0,
            limit,
            left_out: 0,
        }
    }

    /// Adds a cell, as JSON.
    pub(super) fn add(&mut self, cell: String, count: u64) {
        self.bytes += cell_bytes(cell.len(), count);
        let length = Reverse(cell.len());
        self.kept
            .push(Reverse(Strength(count, length, Reverse(cell))));
        while self.bytes > self.limit {
            let Some(Reverse(Strength(count, Reverse(length), _))) = self.kept.pop() else {
                break;
            };
            self.bytes -= cell_bytes(length, count);
            self.left_out += 1;
        }
    }

    /// The cells that are kept, with their counts, and how many are left out.
    pub(super) fn finish(self) -> (Vec<(String, u64)>, u64) {
        let kept = self.kept.into_iter();
        let kept = kept.map(|Reverse(Strength(count, _, Reverse(cell)))| (cell, count));
        (kept.collect(), self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_counts_are_kept_and_of_equal_ones_the_shorter() {
        let cells = [("bb", 5), ("a", 9), ("long-name", 5), ("cc", 5), ("d", 2)];
        let kept = |limit| {
            let mut strongest = Strongest::within(limit);
            for (cell, count) in cells {
                strongest.add(cell.into(), count);
            }
            let (mut kept, left_out) = strongest.finish();
            kept.sort();
            let names: Vec<String> = kept.into_iter().map(|(cell, _)| cell).collect();
            (names.join(" "), left_out)
        };
        let all: usize = cells
            .iter()
            .map(|(cell, count)| cell_bytes(cell.len(), *count))
            .sum();
        assert_eq!(kept(all), ("a bb cc d long-name".into(), 0));
        assert_eq!(kept(all - 1), ("a bb cc long-name".into(), 1));
        assert_eq!(kept(3 * cell_bytes(2, 5)), ("a bb cc".into(), 2));
        assert_eq!(kept(0), (String::new(), 5));
    }
}
