//! The device's feedback budget: at most L distinct cells in a window, counted here and nowhere
//! else.
//!
//! A budget belongs to a window by its public name, number and length, and a report carries that
//! name. So a budget and a server's window are the same span whatever the clocks say: a clock that
//! jumps finds the budget of each window as it was left. Three rules keep the total at L where
//! manifests change while a window is open:
//!
//! - All tables together spend at most the smallest L that a manifest allowed in the window.
//! - A window begins no budget where it shares a moment with another window's.
//! - Cells are spent only under a manifest that was fetched in the very window, because a server
//!   answers for the manifests that were live in it and not for every older one.
//!
//! The budget is kept in the browser's own storage. Clearing that storage makes a new unit of
//! protection, which the documentation says.

use crate::cell::{Arm, Cell, PositionBucket};
use crate::manifest::Privacy;
use crate::privacy::MAX_CELLS;
use crate::session::Session;
use crate::window::WindowName;
use crate::{Action, Digest, metric};

/// Windows whose budgets are kept. A clock that is right meets one or two at a time; the others
/// are for clocks that jump.
const MAX_WINDOWS: usize = 32;

/// The cells that one browser profile has reported, by window.
///
/// It is stored as text ([`Budget::to_text`]) and not as JSON: a reader of JSON for it would add two
/// kilobytes to the module that a page waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// A window that ends at or before this moment, Unix time in seconds, has no budget left: it
    /// was forgotten, or could not be read.
    closed_until: u64,
    windows: Vec<Spending>,
}

/// One window's part of the budget.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spending {
    window: WindowName,
    /// The smallest L of the manifests under which cells were spent in the window.
    limit: u32,
    spent: Spent,
    /// First eight bytes of the SHA-256 of each reported cell, so that nothing stored names an
    /// item.
    reported: Vec<u64>,
}

/// When a cell is to be spent; Unix times in seconds by the device's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The present.
    pub now: u64,
    /// When the latest request for the manifest began that was answered.
    pub validated: u64,
}

/// Cells spent by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Transition cells.
    pub transitions: u32,
    /// Item cells.
    pub items: u32,
    /// Impression cells.
    pub impressions: u32,
    /// Metric cells.
    pub metrics: u32,
}

impl Spent {
    /// Transitions, items, impressions and metrics.
    pub fn by_table(&self) -> [u32; 4] {
        [self.transitions, self.items, self.impressions, self.metrics]
    }

    fn total(&self) -> u32 {
        self.by_table().into_iter().fold(0, u32::saturating_add)
    }
}

impl Budget {
    /// The budget of a profile whose record cannot be read: as it may have spent all of the window
    /// that holds `now`, it has nothing left there. Later windows begin as usual.
    pub fn exhausted(privacy: &Privacy, now: u64) -> Self {
        Self {
            closed_until: privacy.window_at(now).end(),
            windows: Vec::new(),
        }
    }

    /// The budget as it is stored: decimal numbers with a blank between two. The first is the
    /// moment until which windows are closed. Each window follows with its number, length and L,
    /// the cells spent on transitions, items, impressions and metrics, and the hash of each cell.
    pub fn to_text(&self) -> String {
        let mut text = self.closed_until.to_string();
        let mut push = |number: u64| {
            text.push(' ');
            text.push_str(&number.to_string());
        };
        for Spending {
            window,
            limit,
            spent,
            reported,
        } in &self.windows
        {
            push(window.number);
            push(window.seconds);
            for count in [*limit].into_iter().chain(spent.by_table()) {
                push(count.into());
            }
            reported.iter().copied().for_each(&mut push);
        }
        text
    }

    /// Reads what [`Budget::to_text`] wrote; `None` where it did not.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(' ').map(|number| number.parse::<u64>().ok());
        let mut budget = Self {
            closed_until: numbers.next()??,
            windows: Vec::new(),
        };
        while let Some(number) = numbers.next() {
            let window = WindowName {
                number: number?,
                seconds: numbers.next()??,
            };
            let mut small = || u32::try_from(numbers.next()??).ok();
            let limit = small()?;
            let spent = Spent {
                transitions: small()?,
                items: small()?,
                impressions: small()?,
                metrics: small()?,
            };
            let full = budget.windows.len() >= MAX_WINDOWS;
            if full || !window.is_valid() || spent.total() > MAX_CELLS {
                return None;
            }
            let reported = numbers.by_ref().take(spent.total() as usize);
            let reported: Vec<u64> = reported.collect::<Option<_>>()?;
            if reported.len() < spent.total() as usize {
                return None;
            }
            budget.windows.push(Spending {
                window,
                limit,
                spent,
                reported,
            });
        }
        Some(budget)
    }

    /// The cells that the session's latest event may report. They are spent by this call.
    ///
    /// Transitions from the `max_gap` events before it are taken in random order, so that which
    /// one is reported does not always say how far apart the two events were. `random` gives
    /// uniform 32-bit numbers.
    pub fn after_event(
        &mut self,
        privacy: &Privacy,
        moment: Moment,
        session: &Session,
        random: &mut dyn FnMut() -> u32,
    ) -> Vec<Cell> {
        let Some((latest, earlier)) = session.events().split_last() else {
            return Vec::new();
        };
        let mut wanted = Vec::new();
        if latest.action != Action::Buy {
            let recent = earlier.iter().rev().take(privacy.max_gap as usize);
            for event in recent.filter(|event| event.item != latest.item) {
                wanted.push(Cell::Transition {
                    from: event.item.clone(),
                    to: latest.item.clone(),
                    action: latest.action,
                });
            }
        }
        shuffle(&mut wanted, random);
        wanted.push(Cell::Item {
            item: latest.item.clone(),
            action: latest.action,
        });
        wanted.retain(|cell| self.spend(privacy, moment, cell));
        wanted
    }

    /// The metric cell of a click, with its noise, if the window allows a metric and has none yet;
    /// it is spent. The noise is drawn once and goes out with whatever retries the report.
    pub fn metric(
        &mut self,
        privacy: &Privacy,
        moment: Moment,
        arm: Arm,
        rank: PositionBucket,
        random: &mut dyn FnMut() -> u32,
    ) -> Option<Cell> {
        let cell = metric::noised(arm, rank, random);
        self.spend(privacy, moment, &cell).then_some(cell)
    }

    /// Spends one cell if the window of this moment still allows it and has not seen it.
    pub fn spend(&mut self, privacy: &Privacy, moment: Moment, cell: &Cell) -> bool {
        let window = privacy.window_at(moment.now);
        if privacy.window_at(moment.validated) != window {
            return false;
        }
        let allowed = match cell {
            Cell::Transition { .. } => privacy.transitions,
            Cell::Item { .. } => privacy.items,
            Cell::Impression { .. } => privacy.impressions,
            Cell::Metric { .. } => privacy.metrics,
        };
        let Some(spending) = self.begun(window, privacy.budget()) else {
            return false;
        };
        let name = name_of(cell);
        spending.limit = spending.limit.min(privacy.budget());
        let total = spending.spent.total();
        let spent = match cell {
            Cell::Transition { .. } => &mut spending.spent.transitions,
            Cell::Item { .. } => &mut spending.spent.items,
            Cell::Impression { .. } => &mut spending.spent.impressions,
            Cell::Metric { .. } => &mut spending.spent.metrics,
        };
        if *spent >= allowed || total >= spending.limit || spending.reported.contains(&name) {
            return false;
        }
        *spent += 1;
        spending.reported.push(name);
        true
    }

    /// Cells spent in a window.
    pub fn spent(&self, window: WindowName) -> Spent {
        let spending = self.windows.iter().find(|other| other.window == window);
        spending.map_or_else(Spent::default, |spending| spending.spent)
    }

    /// The part of a window, which begins here where it may.
    fn begun(&mut self, window: WindowName, limit: u32) -> Option<&mut Spending> {
        if let Some(at) = self.windows.iter().position(|other| other.window == window) {
            return self.windows.get_mut(at);
        }
        let shared = |other: &Spending| other.window.overlaps(window);
        if window.end() <= self.closed_until || self.windows.iter().any(shared) {
            return None;
        }
        if self.windows.len() >= MAX_WINDOWS {
            let ends = self.windows.iter().map(|other| other.window.end());
            let oldest = ends.min().unwrap_or_default();
            // Without this order a clock that was ahead in many windows would reopen the present.
            if window.end() <= oldest {
                return None;
            }
            self.closed_until = self.closed_until.max(oldest);
            self.windows.retain(|other| other.window.end() > oldest);
        }
        self.windows.push(Spending {
            window,
            limit,
            spent: Spent::default(),
            reported: Vec::new(),
        });
        self.windows.last_mut()
    }
}

fn name_of(cell: &Cell) -> u64 {
    let json = serde_json::to_vec(cell).unwrap_or_default();
    let digest = Digest::of(&json);
    let mut name = [0; 8];
    name.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_be_bytes(name)
}

/// Fisher and Yates, with a modulo bias below 2⁻²⁸ for lists this short.
fn shuffle(cells: &mut [Cell], random: &mut dyn FnMut() -> u32) {
    for last in (1..cells.len()).rev() {
        cells.swap(last, random() as usize % (last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Limits, SessionGap};

    const NOW: u64 = 1000;
    const LIMITS: Limits = Limits {
        events: 50,
        gap: SessionGap::LONGEST,
    };

    fn at(now: u64) -> Moment {
        Moment {
            now,
            validated: now,
        }
    }

    fn visit(items: &[(&str, Action)], privacy: &Privacy, budget: &mut Budget) -> Vec<Cell> {
        let mut session = Session::default();
        let mut seed = 1_u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 8
        };
        let mut cells = Vec::new();
        for (item, action) in items {
            session.push(item, *action, NOW, LIMITS);
            cells.extend(budget.after_event(privacy, at(NOW), &session, &mut random));
        }
        cells
    }

    fn item(number: usize) -> Cell {
        Cell::Item {
            item: number.to_string(),
            action: Action::View,
        }
    }

    fn split(transitions: u32, items: u32, impressions: u32) -> Privacy {
        Privacy {
            transitions,
            items,
            impressions,
            ..Privacy::default()
        }
    }

    /// Spends as many different cells of every table as `budget` lets at a moment.
    fn spend_all(budget: &mut Budget, privacy: &Privacy, moment: Moment) -> usize {
        let cells = (0..100).flat_map(|number| {
            let transition = Cell::Transition {
                from: "a".into(),
                to: number.to_string(),
                action: Action::View,
            };
            let impression = Cell::Impression {
                item: number.to_string(),
                position: PositionBucket::Top,
                clicked: false,
            };
            [item(number), transition, impression]
        });
        cells
            .filter(|cell| budget.spend(privacy, moment, cell))
            .count()
    }

    #[test]
    fn a_window_allows_each_table_its_share_and_each_cell_once() {
        let privacy = Privacy::default();
        let mut budget = Budget::default();
        let views: Vec<_> = ["a", "b", "c", "a", "b", "c", "d", "e"]
            .map(|item| (item, Action::View))
            .into();
        let cells = visit(&views, &privacy, &mut budget);
        let transitions = cells
            .iter()
            .filter(|c| matches!(c, Cell::Transition { .. }));
        assert_eq!(transitions.count(), 4);
        assert_eq!(cells.len(), 6);
        let distinct: std::collections::BTreeSet<_> = cells.iter().collect();
        assert_eq!(distinct.len(), cells.len());
        assert!(visit(&views, &privacy, &mut budget).is_empty());
        let next_window = privacy.window_seconds + NOW;
        assert!(budget.spend(&privacy, at(next_window), &cells[0]));
    }

    #[test]
    fn a_longer_window_does_not_silence_a_returning_profile() {
        let week = Privacy::default();
        let fortnight = Privacy {
            window_seconds: 2 * week.window_seconds,
            ..Privacy::default()
        };
        // The first week of a fortnight.
        let now = 2948 * week.window_seconds;
        let mut budget = Budget::default();
        assert_eq!(spend_all(&mut budget, &week, at(now)), 8);
        // The fortnight shares the week: it would be a second budget for one span of time.
        assert_eq!(spend_all(&mut budget, &fortnight, at(now)), 0);
        let next = now + fortnight.window_seconds;
        assert_eq!(spend_all(&mut budget, &fortnight, at(next)), 8);
        // And back to weeks, once the fortnight is over.
        let last = next + fortnight.window_seconds;
        assert_eq!(spend_all(&mut budget, &week, at(last - 1)), 0);
        assert_eq!(spend_all(&mut budget, &week, at(last)), 8);
    }

    #[test]
    fn a_split_that_changes_gives_no_second_budget() {
        let mut budget = Budget::default();
        let counts = [(4, 2, 2), (0, 8, 0), (0, 0, 8), (8, 8, 8), (1, 1, 1)]
            .map(|(t, i, s)| spend_all(&mut budget, &split(t, i, s), at(NOW)));
        assert_eq!(counts, [8, 0, 0, 0, 0]);
    }

    #[test]
    fn the_smallest_limit_of_a_window_holds_for_all_of_it() {
        let mut budget = Budget::default();
        assert_eq!(spend_all(&mut budget, &split(0, 2, 0), at(NOW)), 2);
        assert_eq!(spend_all(&mut budget, &split(8, 8, 8), at(NOW)), 0);
    }

    #[test]
    fn a_clock_that_jumps_finds_each_window_as_it_was_left() {
        let privacy = Privacy::default();
        let mut budget = Budget::default();
        let window = |number: u64| at(number * privacy.window_seconds);
        for number in [2948, 2949, 2948, 3500, 2948, 2949, 3500] {
            let before = budget.spent(privacy.window_at(window(number).now)).total();
            let spent = spend_all(&mut budget, &privacy, window(number));
            assert_eq!(before + spent as u32, 8, "window {number}");
        }
    }

    #[test]
    fn windows_that_were_forgotten_begin_no_second_budget() {
        let privacy = Privacy::default();
        let mut budget = Budget::default();
        let window = |number: usize| at(number as u64 * privacy.window_seconds);
        for number in 0..2 * MAX_WINDOWS {
            assert_eq!(spend_all(&mut budget, &privacy, window(number)), 8);
        }
        for number in 0..2 * MAX_WINDOWS {
            assert_eq!(spend_all(&mut budget, &privacy, window(number)), 0);
        }
        assert_eq!(budget.windows.len(), MAX_WINDOWS);
    }

    #[test]
    fn a_manifest_of_another_window_spends_nothing() {
        let privacy = Privacy::default();
        let mut budget = Budget::default();
        let stale = Moment {
            now: 5 * privacy.window_seconds,
            validated: 5 * privacy.window_seconds - 1,
        };
        assert!(!budget.spend(&privacy, stale, &item(1)));
        assert_eq!(budget, Budget::default());
    }

    #[test]
    fn a_record_that_cannot_be_read_counts_as_spent() {
        let privacy = Privacy::default();
        let now = 3 * privacy.window_seconds + 5;
        let mut budget = Budget::exhausted(&privacy, now);
        assert_eq!(spend_all(&mut budget, &privacy, at(now)), 0);
        let next = now + privacy.window_seconds;
        assert_eq!(spend_all(&mut budget, &privacy, at(next)), 8);
    }

    #[test]
    fn a_budget_is_read_as_it_was_written() {
        let privacy = Privacy::default();
        let mut budget = Budget::exhausted(&privacy, NOW);
        for number in 2..5 {
            spend_all(&mut budget, &privacy, at(number * privacy.window_seconds));
        }
        let text = budget.to_text();
        assert_eq!(Budget::parse(&text), Some(budget));
        assert_eq!(Budget::parse("0"), Some(Budget::default()));
        // Cut short anywhere but between two windows it is not a budget.
        let cuts = (0..text.len()).filter(|&at| text.as_bytes()[at] == b' ');
        let read = cuts.filter(|&at| Budget::parse(&text[..at]).is_some());
        assert_eq!(read.count(), 3);
        for wrong in [
            "",
            " ",
            "-1",
            "0 1",
            "0 1 0 8 0 0 0 0",
            "0 1 1 8 99 0 0 0",
            "{}",
        ] {
            assert_eq!(Budget::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_window_has_one_metric() {
        let privacy = Privacy {
            metrics: 1,
            ..Privacy::default()
        };
        let mut budget = Budget::default();
        let mut click = |now| {
            let rank = PositionBucket::First;
            budget.metric(&privacy, at(now), Arm::Vitrine, rank, &mut || 0)
        };
        assert!(matches!(click(1000), Some(Cell::Metric { .. })));
        assert_eq!(click(2000), None);
        assert!(click(1000 + privacy.window_seconds).is_some());
    }

    #[test]
    fn a_purchase_names_one_item() {
        let privacy = Privacy::default();
        let events = [
            ("a", Action::View),
            ("a", Action::AddToCart),
            ("b", Action::Buy),
        ];
        let cells = visit(&events, &privacy, &mut Budget::default());
        assert!(cells.iter().all(|cell| match cell {
            Cell::Transition { action, from, to } => *action != Action::Buy && from != to,
            _ => true,
        }));
    }

    #[test]
    fn what_is_stored_names_no_item() {
        let privacy = Privacy::default();
        let mut budget = Budget::default();
        visit(&[("canary-item", Action::View)], &privacy, &mut budget);
        assert!(!budget.to_text().contains("canary"));
        assert_eq!(budget.spent(privacy.window_at(NOW)).items, 1);
    }
}
