//! How often each item is shown by one bundle and by another.

use crate::evaluate::breakdown::LIST;
use std::collections::BTreeMap;
use vitrine_core::bundle::Bundle;
use vitrine_core::provenance::{Exposure, MAX_MOVES, Move};

/// An item in a smaller share of the lists counts as if it were in this one, in percent; or in the
/// share that all items had if they were shown alike, where that is more.
const FLOOR: f64 = 0.5;

/// The floor for so many items, in percent.
pub fn floor(items: usize) -> f64 {
    FLOOR.max(100.0 * LIST as f64 / items.max(LIST) as f64)
}

/// Share of the lists that show each item, in percent.
pub type Shares = BTreeMap<String, f64>;

/// The shares of a bundle's lists.
pub fn shares(bundle: &Bundle, lists: &[Vec<(u32, f32)>]) -> Shares {
    let mut counts = vec![0_u32; bundle.items() as usize];
    for &(row, _) in lists.iter().flatten() {
        counts[row as usize] += 1;
    }
    let each = 100.0 / lists.len().max(1) as f64;
    let shown = (0..).zip(counts).filter(|(_, count)| *count > 0);
    shown
        .filter_map(|(row, count)| Some((bundle.id(row)?, f64::from(count) * each)))
        .collect()
}

/// The shares before and after of each item that either shows.
pub fn moves(before: &Shares, after: &Shares) -> Vec<Move> {
    let share = |of: &Shares, item: &str| of.get(item).copied().unwrap_or_default();
    let new = after.keys().filter(|item| !before.contains_key(*item));
    let all = before.keys().chain(new);
    all.map(|item| Move {
        item: item.clone(),
        before: share(before, item),
        after: share(after, item),
    })
    .collect()
}

/// What moved between the lists of two bundles, of which the later ranks `items`.
pub fn between(before: &Shares, after: &Shares, items: u32) -> Exposure {
    let floor = floor(items as usize);
    let mut moved = moves(before, after);
    let places: f64 = before.values().sum();
    let gained = moved.iter().map(|m| (m.after - m.before).max(0.0));
    let shift = 100.0 * gained.sum::<f64>() / places.max(f64::MIN_POSITIVE);
    // By ratio, up or down; then by what that means in lists.
    moved.sort_by(|a, b| {
        let far = |m: &Move| m.ratio(floor).ln().abs();
        let by_lists = (b.after - b.before)
            .abs()
            .total_cmp(&(a.after - a.before).abs());
        far(b).total_cmp(&far(a)).then(by_lists)
    });
    moved.truncate(MAX_MOVES);
    Exposure {
        floor,
        shift: shift.min(100.0),
        moved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_moves_are_those_worked_out_by_hand() {
        let shares = |of: &[(&str, f64)]| -> Shares {
            of.iter()
                .map(|&(id, share)| (id.to_owned(), share))
                .collect()
        };
        // 10,000 items: alike, each would be in 0.2 % of the lists; the floor is 0.5 %.
        let before = shares(&[("a", 10.0), ("b", 8.0), ("c", 2.0)]);
        let after = shares(&[("a", 10.0), ("b", 2.0), ("d", 8.0)]);
        let found = between(&before, &after, 10_000);
        assert_eq!(found.floor, 0.5);
        // 8 of 20 places went to d.
        assert!((found.shift - 40.0).abs() < 1e-9);
        // d: 8 / 0.5 = 16 times; b: a fourth; c: 0.5 / 2, a fourth too, of fewer lists.
        let order: Vec<&str> = found.moved.iter().map(|m| m.item.as_str()).collect();
        assert_eq!(order, ["d", "b", "c", "a"]);
        // 100 items: alike, each would be in a fifth of the lists.
        assert_eq!(between(&before, &after, 100).floor, 20.0);
    }
}
