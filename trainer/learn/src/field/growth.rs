//! How fast a count may grow from one window to the next.
//!
//! Whoever forges reports wants one item shown more. So neither a transition nor all transitions
//! into an item may grow, by one window, to more than [`GROWTH`] times their share of all that was
//! counted before: with b of B counted before, a window of T reports adds at most
//!
//! g · b · (B + T) / B − b, and always up to a floor.
//!
//! The floor lets in what is new, which has no share to grow from, and keeps small honest counts
//! whole.
//!
//! That alone does not bound what is shown: a list has 20 places, and where counts are small two
//! forged reports from each of many popular items take one of them on each. So an item's *reach* is
//! limited too, by the same factor: the share of all events that lie on items among whose 20
//! strongest transitions it is. A transition that would take it beyond stays below the strongest;
//! those from the least visited items are let in first, which is where honest news comes from and
//! not what a forger wants.
//!
//! Everything here happens to released counts: what a release promised and what the ledger
//! says of it do not change by it.

use crate::dataset::Sessions;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;
use vitrine_core::privacy::Privacy;

/// The most by which a share of all counts may be multiplied by one window, g.
pub const GROWTH: f64 = 1.5;
/// Reports that are always let in of one transition, and into one item, in a window.
pub const FLOOR: f64 = 20.0;
/// Reports that are always let into one item, in what an item gets on average in that window.
pub const ITEM_FLOOR: f64 = 2.0;

/// How many transitions of an item are shown: as many as it has neighbours in the table.
const STRONGEST: usize = 20;
/// Reach that an item always may have, in shares of all events.
pub const REACH_FLOOR: f64 = 0.002;

/// A count that a window reports: of the transition `from` → `to`, or of `to` alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Row of the earlier item, for a transition.
    pub from: Option<u32>,
    /// Row of the item.
    pub to: u32,
    /// How often.
    pub count: f64,
}

/// What was counted before a window.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    items: usize,
    pairs: Shares<(u32, u32)>,
    into: Shares<u32>,
    alone: Shares<u32>,
}

impl Baseline {
    /// What `items` rows had in the history, counted as a device reports: each session's
    /// transitions over the gaps that a manifest allows.
    pub fn of(items: usize, history: &Sessions) -> Self {
        let gap = Privacy::default().max_gap as usize;
        let mut baseline = Self {
            items,
            ..Self::default()
        };
        for session in history.iter() {
            for (at, event) in session.iter().enumerate() {
                let Some(to) = event.row else { continue };
                baseline.alone.add(to, 1.0);
                for from in &session[at.saturating_sub(gap)..at] {
                    if let Some(from) = from.row.filter(|&from| from != to) {
                        baseline.pairs.add((from, to), 1.0);
                        baseline.into.add(to, 1.0);
                    }
                }
            }
        }
        baseline
    }

    /// Cuts the counts of a window to what may grow, and counts what is left.
    pub fn admit(&mut self, reports: &mut [Report]) {
        let pair = |report: &Report| report.from.map(|from| (from, report.to));
        let into = |report: &Report| report.from.map(|_| report.to);
        let alone = |report: &Report| report.from.is_none().then_some(report.to);
        let average = self.items.max(1) as f64;
        let item_floor = |total: f64| (ITEM_FLOOR * total / average).max(FLOOR);
        let sum = |of: &dyn Fn(&Report) -> Option<u32>| {
            let counted = reports.iter().filter(|report| of(report).is_some());
            counted.map(|report| report.count).sum::<f64>()
        };
        let (transitions, events) = (sum(&into), sum(&alone));
        self.pairs.cut(reports, pair, transitions, FLOOR);
        self.into
            .cut(reports, into, transitions, item_floor(transitions));
        self.alone.cut(reports, alone, events, item_floor(events));
        self.limit_reach(reports);
        for report in reports {
            match report.from {
                Some(from) => {
                    self.pairs.add((from, report.to), report.count);
                    self.into.add(report.to, report.count);
                }
                None => self.alone.add(report.to, report.count),
            }
        }
    }
}

/// A transition that a window would make one of the strongest of the item that it starts from.
struct Rising {
    from: u32,
    to: u32,
    /// The most that it may count and not be.
    below: f64,
}

impl Baseline {
    /// Cuts transitions that would take an item's reach beyond its growth.
    fn limit_reach(&self, reports: &mut [Report]) {
        let mut after = self.pairs.counts.clone();
        for report in reports.iter() {
            if let Some(from) = report.from {
                *after.entry((from, report.to)).or_default() += report.count;
            }
        }
        let (before_least, after_least) = (least(&self.pairs.counts), least(&after));
        let visits = |from: u32| {
            let count = self.alone.counts.get(&from).copied().unwrap_or_default();
            count / self.alone.total.max(1.0)
        };
        let strong = |least: &HashMap<u32, f64>, from: u32, count: f64| {
            count > 0.0 && least.get(&from).is_none_or(|least| count >= *least)
        };
        let mut reach: HashMap<u32, f64> = HashMap::new();
        for (&(from, to), &count) in &self.pairs.counts {
            if strong(&before_least, from, count) {
                *reach.entry(to).or_default() += visits(from);
            }
        }
        let mut rising: Vec<Rising> = after
            .iter()
            .filter_map(|(&(from, to), &count)| {
                let before = self
                    .pairs
                    .counts
                    .get(&(from, to))
                    .copied()
                    .unwrap_or_default();
                let rises =
                    strong(&after_least, from, count) && !strong(&before_least, from, before);
                rises.then(|| Rising {
                    from,
                    to,
                    below: after_least
                        .get(&from)
                        .map_or(0.0, |least| (least - 1.0 - before).max(0.0)),
                })
            })
            .collect();
        let order = |a: &Rising| (visits(a.from), a.from, a.to);
        rising.sort_by(|a, b| order(a).partial_cmp(&order(b)).unwrap_or(Ordering::Equal));
        let floor = REACH_FLOOR.max(ITEM_FLOOR * STRONGEST as f64 / self.items.max(1) as f64);
        let mut left: HashMap<u32, f64> = HashMap::new();
        let mut held: HashMap<(u32, u32), f64> = HashMap::new();
        for pair in rising {
            let before = reach.get(&pair.to).copied().unwrap_or_default();
            let left = left
                .entry(pair.to)
                .or_insert_with(|| (GROWTH * before.max(floor) - before).max(0.0));
            let more = visits(pair.from);
            if more <= *left {
                *left -= more;
            } else {
                held.insert((pair.from, pair.to), pair.below);
            }
        }
        for report in reports {
            let pair = report.from.map(|from| (from, report.to));
            if let Some(below) = pair.and_then(|pair| held.get(&pair)) {
                report.count = report.count.min(*below);
            }
        }
    }
}

/// The count of the weakest of the strongest transitions of each item that has more than those.
fn least(pairs: &HashMap<(u32, u32), f64>) -> HashMap<u32, f64> {
    let mut by_item: HashMap<u32, Vec<f64>> = HashMap::new();
    for (&(from, _), &count) in pairs {
        by_item.entry(from).or_default().push(count);
    }
    by_item.retain(|_, counts| counts.len() > STRONGEST);
    let weakest = by_item.into_iter().map(|(from, mut counts)| {
        let (_, weakest, _) = counts.select_nth_unstable_by(STRONGEST - 1, |a, b| b.total_cmp(a));
        (from, *weakest)
    });
    weakest.collect()
}

/// Counts by key, and all together.
#[derive(Clone, Debug)]
struct Shares<K> {
    counts: HashMap<K, f64>,
    total: f64,
}

impl<K> Default for Shares<K> {
    fn default() -> Self {
        Self {
            counts: HashMap::new(),
            total: 0.0,
        }
    }
}

impl<K: Copy + Eq + Hash> Shares<K> {
    fn add(&mut self, key: K, count: f64) {
        *self.counts.entry(key).or_default() += count;
        self.total += count;
    }

    /// Scales the reports of each key down to what it may grow by, in a window of `total` reports;
    /// those without a key are left.
    fn cut(
        &self,
        reports: &mut [Report],
        key: impl Fn(&Report) -> Option<K>,
        total: f64,
        floor: f64,
    ) {
        let mut asked: HashMap<K, f64> = HashMap::new();
        for report in reports.iter() {
            if let Some(key) = key(report) {
                *asked.entry(key).or_default() += report.count;
            }
        }
        for report in reports {
            let Some(key) = key(report) else { continue };
            let asked = asked.get(&key).copied().unwrap_or_default();
            let before = self.counts.get(&key).copied().unwrap_or_default();
            let grown = GROWTH * before * (self.total + total) / self.total.max(1.0) - before;
            let most = grown.max(floor);
            if asked > most {
                report.count *= most / asked;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitrine_core::Action;
    use vitrine_core::score::Event;

    /// 1,000 sessions of 0 → 1 and as many of 2 → 3, in a shop of 1,000 items.
    fn history() -> Baseline {
        let mut sessions = Sessions::new();
        for _ in 0..1000 {
            for pair in [[0, 1], [2, 3]] {
                sessions.push(pair.map(|row| Event {
                    row: Some(row),
                    action: Action::View,
                }));
            }
        }
        Baseline::of(1000, &sessions)
    }

    /// The same, where most look at something else alone: no transition reaches far.
    fn quiet() -> Baseline {
        let mut baseline = history();
        baseline.alone.add(999, 1e6);
        baseline
    }

    fn admitted(baseline: &mut Baseline, reports: &[(Option<u32>, u32, f64)]) -> Vec<f64> {
        let mut reports: Vec<Report> = reports
            .iter()
            .map(|&(from, to, count)| Report { from, to, count })
            .collect();
        baseline.admit(&mut reports);
        reports.iter().map(|report| report.count).collect()
    }

    #[test]
    fn a_share_grows_by_half_at_most_in_one_window() {
        // B = 2000, T = 1000, b = 1000: 1.5 · 1000 · 3000 / 2000 − 1000 = 1250 may come. All of
        // the window's 1000 reports fit, and the share is then 2000 of 3000, a third more.
        assert_eq!(admitted(&mut history(), &[(Some(0), 1, 1000.0)]), [1000.0]);
        // T = 10,000: 1.5 · 1000 · 12,000 / 2000 − 1000 = 8000.
        let counts = admitted(&mut history(), &[(Some(0), 1, 10_000.0)]);
        assert_eq!(counts, [8000.0]);
        // Popularity by the same rule, with a baseline of its own: 1000 of 4000 events, so
        // 1.5 · 1000 · 12,000 / 4000 − 1000 = 3500.
        let counts = admitted(&mut history(), &[(None, 1, 8000.0)]);
        assert_eq!(counts, [3500.0]);
    }

    #[test]
    fn what_is_new_has_its_floor_by_transition_and_by_item() {
        // Row 4 has no history: 20 of one transition, and 20 over all of its transitions while
        // twice an item's average is less.
        assert_eq!(admitted(&mut quiet(), &[(Some(0), 4, 500.0)]), [20.0]);
        let spread = [(Some(0), 4, 20.0), (Some(2), 4, 20.0)];
        assert_eq!(admitted(&mut quiet(), &spread), [10.0, 10.0]);
        // In a window of 20,000 reports the floor of an item is 40.
        let more = [
            spread[0],
            spread[1],
            (Some(0), 1, 9980.0),
            (Some(2), 3, 9980.0),
        ];
        assert_eq!(admitted(&mut quiet(), &more)[..2], [20.0, 20.0]);
    }

    #[test]
    fn reach_grows_by_half_at_most_and_from_the_least_visited_first() {
        // 21 of 1,000 items follow item 0, which has 4 % of the events, and item 1, which has 1 %.
        // Reach may be 1.5 · max(2 · 20 / 1000, what it was) = 6 %.
        let mut baseline = Baseline {
            items: 1000,
            ..Baseline::default()
        };
        for to in 100..121 {
            baseline.pairs.add((0, to), 5.0);
            baseline.pairs.add((1, to), 5.0);
        }
        for (row, events) in [(0, 400.0), (1, 100.0), (2, 9500.0)] {
            baseline.alone.add(row, events);
        }
        // 6 reports are more than the 20th strongest has, and 4 % and 1 % are within 6 %.
        let both = [(Some(0), 500, 6.0), (Some(1), 500, 6.0)];
        assert_eq!(admitted(&mut baseline.clone(), &both), [6.0, 6.0]);
        // With 95 % more it is the most visited that stays below: nothing else follows item 2, so
        // there any transition would be of the strongest.
        let three = [both[0], both[1], (Some(2), 500, 6.0)];
        assert_eq!(admitted(&mut baseline.clone(), &three), [6.0, 6.0, 0.0]);
        // Item 0 now has 8.6 %: where the 20th strongest has 5, 4 are let in.
        baseline.alone.add(0, 500.0);
        assert_eq!(admitted(&mut baseline, &both), [4.0, 6.0]);
    }

    #[test]
    fn windows_build_on_each_other_and_small_counts_are_whole() {
        let mut baseline = quiet();
        assert_eq!(admitted(&mut baseline, &[(Some(0), 4, 500.0)]), [20.0]);
        // 20 of 2020 before: 1.5 · 20 · 2520 / 2020 − 20 = 17.4 is below the floor still.
        assert_eq!(admitted(&mut baseline, &[(Some(0), 4, 500.0)]), [20.0]);
        assert_eq!(admitted(&mut baseline, &[(Some(3), 0, 2.0)]), [2.0]);
    }
}
