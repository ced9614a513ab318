//! How fast a count may grow from one window to the next.
//!
//! Whoever forges reports wants one item shown more. So neither a transition nor all transitions
//! into an item may grow, by one window, to more than [`GROWTH`] times of what was counted before:
//! a window adds at most (g − 1) · b to a count b, and always up to a floor. The total of all counts
//! only grows, so no share grows by more than g either.
//!
//! The floor lets in what is new, which has no count to grow from, and keeps small honest counts
//! whole.
//!
//! The limit on a count looks at that count and at the history, never at the rest of the window.
//! Limits by share of the window's total were tried first: reports of other cells raise the total,
//! so a forger bought a higher limit with decoys. A window that reports more than half as much as
//! was counted in all before is cut evenly, and enters over the windows that follow.
//!
//! That alone does not bound what is shown: a list has 20 places, and where counts are small two
//! forged reports from each of many popular items take one of them on each. So an item's *reach* is
//! limited too, by the same factor: the share of all events that lie on items among whose 20
//! strongest transitions it is. A transition that would take it beyond stays below the strongest;
//! those from the least visited items are let in first, which is where honest news comes from and
//! not what a forger wants. Decoys do not move this limit either:
//!
//! - A transition counts as one of the strongest when it reaches the 20th of those that were so
//!   before. Other newcomers of the same item do not raise that bar.
//! - What a new place costs is the share of events of the item that it starts from, in the history
//!   or now, whichever is larger; what the places before are worth is the smaller of the two. Both
//!   are shares of the history's total: shares of the total of now would fall as somebody forges
//!   popularity elsewhere. Honest traffic of many windows therefore makes places dearer, until the
//!   history is prepared anew.
//!
//! Everything here happens to released counts: what a release promised and what the ledger
//! says of it do not change by it.

use crate::dataset::Sessions;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;
use vitrine_core::privacy::Privacy;

/// The most by which a count may be multiplied by one window, g.
pub const GROWTH: f64 = 1.5;
/// Reports that are always let in of one transition, and into one item, in a window.
pub const FLOOR: f64 = 20.0;

/// How many transitions of an item are shown: as many as it has neighbours in the table.
const STRONGEST: usize = 20;
/// Reach that an item always may have, in shares of all events.
pub const REACH_FLOOR: f64 = 0.002;
/// Reach that an item always may have, in what an item has on average.
const REACH_OF_AVERAGE: f64 = 2.0;

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
    pairs: Counts<(u32, u32)>,
    into: Counts<u32>,
    alone: Counts<u32>,
    /// Events by item in the history, before any window.
    visits: Counts<u32>,
    /// Reports that are always let into an item: of transitions, and of the item alone.
    floors: Floors,
}

/// What an average item of the history may grow by, or [`FLOOR`] where that is more.
#[derive(Clone, Copy, Debug)]
struct Floors {
    into: f64,
    alone: f64,
}

impl Default for Floors {
    fn default() -> Self {
        Self {
            into: FLOOR,
            alone: FLOOR,
        }
    }
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
        baseline.visits = baseline.alone.clone();
        let floor = |counts: &Counts<u32>| {
            let average = counts.total / items.max(1) as f64;
            (average * (GROWTH - 1.0)).max(FLOOR)
        };
        baseline.floors = Floors {
            into: floor(&baseline.into),
            alone: floor(&baseline.alone),
        };
        baseline
    }

    /// Cuts the counts of a window to what may grow, and counts what is left.
    pub fn admit(&mut self, reports: &mut [Report]) {
        let pair = |report: &Report| report.from.map(|from| (from, report.to));
        let into = |report: &Report| report.from.map(|_| report.to);
        let alone = |report: &Report| report.from.is_none().then_some(report.to);
        self.pairs.cut(reports, pair, FLOOR);
        self.into.cut(reports, into, self.floors.into);
        self.alone.cut(reports, alone, self.floors.alone);
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
        let mut after = self.pairs.by_key.clone();
        for report in reports.iter() {
            if let Some(from) = report.from {
                *after.entry((from, report.to)).or_default() += report.count;
            }
        }
        let weakest = weakest_of_strongest(&self.pairs.by_key);
        let was_strong = |from: u32, count: f64| {
            count > 0.0 && weakest.get(&from).is_none_or(|weakest| count >= *weakest)
        };
        let total = self.visits.total.max(1.0);
        let shares = |from: u32| (self.visits.of(from) / total, self.alone.of(from) / total);
        let worth = |from: u32| {
            let (history, now) = shares(from);
            history.min(now)
        };
        let cost = |from: u32| {
            let (history, now) = shares(from);
            history.max(now)
        };
        // Reach by the smaller and by the larger share.
        let mut reach: HashMap<u32, (f64, f64)> = HashMap::new();
        let mut incumbents: HashMap<(u32, u32), f64> = HashMap::new();
        for (&(from, to), &count) in &self.pairs.by_key {
            if was_strong(from, count) {
                let (low, high) = reach.entry(to).or_default();
                *low += worth(from);
                *high += cost(from);
                incumbents.insert((from, to), after[&(from, to)]);
            }
        }
        let bar = weakest_of_strongest(&incumbents);
        let newcomers = after
            .iter()
            .filter(|(pair, _)| !incumbents.contains_key(*pair));
        let mut rising: Vec<Rising> = newcomers
            .filter_map(|(&(from, to), &count)| {
                let bar = bar.get(&from);
                let rises = count > 0.0 && bar.is_none_or(|bar| count >= *bar);
                rises.then(|| Rising {
                    from,
                    to,
                    below: bar.map_or(0.0, |bar| (bar - 1.0 - self.pairs.of((from, to))).max(0.0)),
                })
            })
            .collect();
        let order = |a: &Rising| (cost(a.from), a.from, a.to);
        rising.sort_by(|a, b| order(a).partial_cmp(&order(b)).unwrap_or(Ordering::Equal));
        let average = STRONGEST as f64 / self.items.max(1) as f64;
        let floor = REACH_FLOOR.max(REACH_OF_AVERAGE * average);
        let mut left: HashMap<u32, f64> = HashMap::new();
        // Several actions of one transition share its limit, so a factor is kept, not a count.
        let mut held: HashMap<(u32, u32), f64> = HashMap::new();
        for pair in rising {
            let (low, high) = reach.get(&pair.to).copied().unwrap_or_default();
            let left = left
                .entry(pair.to)
                .or_insert_with(|| ((GROWTH - 1.0) * low).max(GROWTH * floor - high));
            let more = cost(pair.from);
            if more <= *left {
                *left -= more;
            } else {
                let key = (pair.from, pair.to);
                let asked = after[&key] - self.pairs.of(key);
                held.insert(key, (pair.below / asked).min(1.0));
            }
        }
        for report in reports {
            let pair = report.from.map(|from| (from, report.to));
            if let Some(kept) = pair.and_then(|pair| held.get(&pair)) {
                report.count *= kept;
            }
        }
    }
}

/// The count of the weakest of the strongest transitions of each item that has that many.
fn weakest_of_strongest(pairs: &HashMap<(u32, u32), f64>) -> HashMap<u32, f64> {
    let mut by_item: HashMap<u32, Vec<f64>> = HashMap::new();
    for (&(from, _), &count) in pairs {
        by_item.entry(from).or_default().push(count);
    }
    by_item.retain(|_, counts| counts.len() >= STRONGEST);
    let weakest = by_item.into_iter().map(|(from, mut counts)| {
        let (_, weakest, _) = counts.select_nth_unstable_by(STRONGEST - 1, |a, b| b.total_cmp(a));
        (from, *weakest)
    });
    weakest.collect()
}

/// Counts by key, and all together.
#[derive(Clone, Debug)]
struct Counts<K> {
    by_key: HashMap<K, f64>,
    total: f64,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self {
            by_key: HashMap::new(),
            total: 0.0,
        }
    }
}

impl<K: Copy + Eq + Hash> Counts<K> {
    fn add(&mut self, key: K, count: f64) {
        *self.by_key.entry(key).or_default() += count;
        self.total += count;
    }

    fn of(&self, key: K) -> f64 {
        self.by_key.get(&key).copied().unwrap_or_default()
    }

    /// Scales the reports of each key down to what it may grow by; those without a key are left.
    fn cut(&self, reports: &mut [Report], key: impl Fn(&Report) -> Option<K>, floor: f64) {
        let mut asked: HashMap<K, f64> = HashMap::new();
        for report in reports.iter() {
            if let Some(key) = key(report) {
                *asked.entry(key).or_default() += report.count;
            }
        }
        for report in reports {
            let Some(key) = key(report) else { continue };
            let asked = asked.get(&key).copied().unwrap_or_default();
            let most = ((GROWTH - 1.0) * self.of(key)).max(floor);
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
        looked_at(&mut baseline, 999, 1e6);
        baseline
    }

    /// Events of the history that are no transition.
    fn looked_at(baseline: &mut Baseline, row: u32, events: f64) {
        baseline.alone.add(row, events);
        baseline.visits.add(row, events);
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
    fn a_count_grows_by_half_at_most_in_one_window() {
        // Of 1000 counted before, half may come, whatever is asked for.
        assert_eq!(admitted(&mut history(), &[(Some(0), 1, 400.0)]), [400.0]);
        assert_eq!(admitted(&mut history(), &[(Some(0), 1, 1000.0)]), [500.0]);
        assert_eq!(admitted(&mut history(), &[(Some(0), 1, 1e6)]), [500.0]);
        // Popularity by the same rule, with counts of its own.
        assert_eq!(admitted(&mut history(), &[(None, 1, 8000.0)]), [500.0]);
    }

    #[test]
    fn the_new_has_its_floor_by_transition_and_by_item() {
        // Row 4 has no history: 20 of one transition, and 20 over all of its transitions.
        assert_eq!(admitted(&mut quiet(), &[(Some(0), 4, 500.0)]), [20.0]);
        let spread = [(Some(0), 4, 20.0), (Some(2), 4, 20.0)];
        assert_eq!(admitted(&mut quiet(), &spread), [10.0, 10.0]);
        // Where an average item has 100 transitions, half of that is let into a new one.
        let mut busy = quiet();
        busy.floors.into = 50.0;
        assert_eq!(admitted(&mut busy, &spread), [20.0, 20.0]);
        // 2000 transitions and 4000 events over 10 items: 200 and 400 on average.
        let mut sessions = Sessions::new();
        for _ in 0..1000 {
            for pair in [[0, 1], [2, 3]] {
                sessions.push(pair.map(|row| Event {
                    row: Some(row),
                    action: Action::View,
                }));
            }
        }
        let floors = Baseline::of(10, &sessions).floors;
        assert_eq!((floors.into, floors.alone), (100.0, 200.0));
    }

    /// A kind of decoys: `total` reports that name no cell of the target.
    type Decoys = fn(total: f64) -> Vec<(Option<u32>, u32, f64)>;

    /// Every way of spending decoys that the limits could look at.
    const DECOYS: [(&str, Decoys); 6] = [
        ("one other transition", |n| vec![(Some(2), 3, n)]),
        ("all transitions of the history", |n| {
            vec![(Some(0), 1, n / 2.0), (Some(2), 3, n / 2.0)]
        }),
        ("new transitions between many items", |n| {
            let pairs = (10..900).flat_map(|from| [(from, from + 1), (from, from + 2)]);
            pairs
                .map(|(from, to)| (Some(from), to, n / 1780.0))
                .collect()
        }),
        ("other transitions of the same item", |n| {
            (10..200).map(|to| (Some(0), to, n / 190.0)).collect()
        }),
        ("popularity of one other item", |n| vec![(None, 999, n)]),
        ("popularity of all items but the visited ones", |n| {
            (10..900).map(|row| (None, row, n / 890.0)).collect()
        }),
    ];

    #[test]
    fn decoys_raise_nothing_for_a_target_however_many_they_are() {
        // A known transition, a new one, one from the most visited item, and popularity, known and
        // new: each asks for more than it may have.
        let targets = [
            (Some(0), 1, 5e3),
            (Some(0), 5, 5e3),
            (Some(999), 5, 5e3),
            (None, 1, 5e3),
            (None, 5, 5e3),
        ];
        for start in [history, quiet] {
            for target in targets {
                let alone = windows(start(), target, &[]);
                for (kind, decoys) in DECOYS {
                    for total in [1.0, 1e2, 1e3, 1e4, 1e5, 1e6, 1e9] {
                        let beside = windows(start(), target, &decoys(total));
                        for (window, (beside, alone)) in beside.iter().zip(&alone).enumerate() {
                            assert!(
                                *beside <= alone + 1e-9,
                                "{target:?}: {alone} alone, {beside} beside {total} decoys \
                                 ({kind}) in window {window}"
                            );
                        }
                    }
                }
            }
        }
    }

    /// Counts of the target that are let in over three windows, each with the same decoys.
    fn windows(
        mut baseline: Baseline,
        target: (Option<u32>, u32, f64),
        decoys: &[(Option<u32>, u32, f64)],
    ) -> [f64; 3] {
        let reports: Vec<_> = std::iter::once(target)
            .chain(decoys.iter().copied())
            .collect();
        [0; 3].map(|_| admitted(&mut baseline, &reports)[0])
    }

    #[test]
    fn honest_growth_comes_through() {
        // A quarter of the history in each window, and one transition that doubles its share:
        // everything is let in.
        let mut baseline = history();
        for _ in 0..4 {
            let reports = [(Some(0), 1, 500.0), (Some(2), 3, 250.0)];
            assert_eq!(admitted(&mut baseline, &reports), [500.0, 250.0]);
        }
        // A new item asks for 400 a window and has them in the seventh.
        let mut baseline = quiet();
        let let_in: Vec<f64> = (0..10)
            .map(|_| admitted(&mut baseline, &[(Some(0), 4, 400.0)])[0])
            .collect();
        assert_eq!(&let_in[..3], [20.0, 20.0, 20.0]);
        assert!(let_in[9] > 300.0, "{let_in:?}");
    }

    /// 21 of 1,000 items follow item 0, which has 4 % of the events, and item 1, which has 1 %.
    /// Reach may be 1.5 · max(2 · 20 / 1000, what it was) = 6 %.
    fn crowded() -> Baseline {
        let mut baseline = Baseline {
            items: 1000,
            ..Baseline::default()
        };
        for to in 100..121 {
            baseline.pairs.add((0, to), 5.0);
            baseline.pairs.add((1, to), 5.0);
        }
        for (row, events) in [(0, 400.0), (1, 100.0), (2, 9500.0)] {
            looked_at(&mut baseline, row, events);
        }
        baseline
    }

    #[test]
    fn reach_grows_by_half_at_most_and_from_the_least_visited_first() {
        // 6 reports are more than the 20th strongest has, and 4 % and 1 % are within 6 %.
        let both = [(Some(0), 500, 6.0), (Some(1), 500, 6.0)];
        assert_eq!(admitted(&mut crowded(), &both), [6.0, 6.0]);
        // With 95 % more it is the most visited that stays below: nothing else follows item 2, so
        // there any transition would be of the strongest.
        let three = [both[0], both[1], (Some(2), 500, 6.0)];
        assert_eq!(admitted(&mut crowded(), &three), [6.0, 6.0, 0.0]);
        // Item 0 now has 8.6 %: where the 20th strongest has 5, 4 are let in.
        let mut baseline = crowded();
        looked_at(&mut baseline, 0, 500.0);
        assert_eq!(admitted(&mut baseline, &both), [4.0, 6.0]);
    }

    #[test]
    fn decoys_do_not_carry_a_transition_into_the_strongest() {
        let mut baseline = crowded();
        looked_at(&mut baseline, 0, 500.0);
        // 25 other newcomers of item 0, one report above the target: the bar stays where it was.
        let mut reports = vec![(Some(0), 500, 6.0)];
        reports.extend((600..625).map(|to| (Some(0), to, 7.0)));
        let counts = admitted(&mut baseline.clone(), &reports);
        assert!(counts.iter().all(|count| *count == 4.0), "{counts:?}");
        // One report of each action: together they stay below the bar too.
        let actions = [(Some(0), 500, 3.0), (Some(0), 500, 3.0)];
        assert_eq!(admitted(&mut baseline.clone(), &actions), [2.0, 2.0]);
        // Forged popularity of other items, a window ahead, does not make item 0 cheap.
        let elsewhere: Vec<_> = (3..900).map(|row| (None, row, 20.0)).collect();
        admitted(&mut baseline, &elsewhere);
        assert_eq!(admitted(&mut baseline, &[(Some(0), 500, 6.0)]), [4.0]);
    }

    #[test]
    fn windows_build_on_each_other_and_small_counts_are_whole() {
        let mut baseline = quiet();
        assert_eq!(admitted(&mut baseline, &[(Some(0), 4, 500.0)]), [20.0]);
        // Half of the 20 from before is below the floor still.
        assert_eq!(admitted(&mut baseline, &[(Some(0), 4, 500.0)]), [20.0]);
        assert_eq!(admitted(&mut baseline, &[(Some(3), 0, 2.0)]), [2.0]);
    }

    /// The count that is let in of a transition that is held below the strongest of item 0, a
    /// window after `per_cell` reports on the popularity of each of 897 other items.
    fn after_popularity(mut baseline: Baseline, per_cell: f64) -> f64 {
        let elsewhere: Vec<_> = (3..900).map(|row| (None, row, per_cell)).collect();
        admitted(&mut baseline, &elsewhere);
        admitted(&mut baseline, &[(Some(0), 500, 18.0)])[0]
    }

    #[test]
    fn popularity_elsewhere_does_not_belittle_the_reach_that_an_item_has() {
        // Item 500 has 3 % from item 1; 4.5 % more from item 0 are beyond 6 %.
        let mut baseline = crowded();
        baseline.alone = Counts::default();
        baseline.visits = Counts::default();
        baseline.pairs.add((1, 500), 6.0);
        for (row, events) in [(0, 450.0), (1, 300.0), (2, 9250.0)] {
            looked_at(&mut baseline, row, events);
        }
        for per_cell in [0.0, 1.0, 5.0, 10.0, 20.0] {
            let count = after_popularity(baseline.clone(), per_cell);
            assert_eq!(count, 4.0, "{per_cell} decoys on each of 897 items");
        }
    }

    #[test]
    fn popularity_elsewhere_makes_an_item_without_history_no_cheaper() {
        // Item 0 came after the history and has 9 % of its events now.
        let mut baseline = crowded();
        baseline.alone = Counts::default();
        baseline.visits = Counts::default();
        looked_at(&mut baseline, 2, 10_000.0);
        baseline.alone.add(0, 900.0);
        for per_cell in [0.0, 1.0, 5.0, 10.0, 20.0] {
            let count = after_popularity(baseline.clone(), per_cell);
            assert_eq!(count, 4.0, "{per_cell} decoys on each of 897 items");
        }
    }
}
