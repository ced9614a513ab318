//! The device's feedback budget: at most L distinct cells in a window, counted here and nowhere
//! else.
//!
//! The budget is kept in the browser's own storage. Clearing that storage makes a new unit of
//! protection, which the documentation says.

use crate::cell::{Arm, Cell, PositionBucket};
use crate::manifest::Privacy;
use crate::session::Session;
use crate::{Action, Digest, metric};
use serde::{Deserialize, Serialize};

/// What one browser profile has already reported in the running window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    window: u64,
    /// First eight bytes of the SHA-256 of each reported cell, in hexadecimal, so that what is
    /// stored does not name an item.
    reported: Vec<String>,
    spent: Spent,
}

/// Cells spent by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

impl Budget {
    /// The cells that the session's latest event may report. They are spent by this call.
    ///
    /// Transitions from the `max_gap` events before it are taken in random order, so that which
    /// one is reported does not always say how far apart the two events were. `random` gives
    /// uniform 32-bit numbers.
    pub fn after_event(
        &mut self,
        privacy: &Privacy,
        now: u64,
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
        wanted.retain(|cell| self.spend(privacy, now, cell));
        wanted
    }

    /// The metric cell of a click, with its noise, if the window allows a metric and has none yet;
    /// it is spent. The noise is drawn once and goes out with whatever retries the report.
    pub fn metric(
        &mut self,
        privacy: &Privacy,
        now: u64,
        arm: Arm,
        rank: PositionBucket,
        random: &mut dyn FnMut() -> u32,
    ) -> Option<Cell> {
        let cell = metric::noised(arm, rank, random);
        self.spend(privacy, now, &cell).then_some(cell)
    }

    /// Spends one cell if the window still allows it and has not seen it.
    pub fn spend(&mut self, privacy: &Privacy, now: u64, cell: &Cell) -> bool {
        let window = privacy.window_at(now);
        if window > self.window {
            *self = Self {
                window,
                ..Self::default()
            };
        }
        let (spent, limit) = match cell {
            Cell::Transition { .. } => (&mut self.spent.transitions, privacy.transitions),
            Cell::Item { .. } => (&mut self.spent.items, privacy.items),
            Cell::Impression { .. } => (&mut self.spent.impressions, privacy.impressions),
            Cell::Metric { .. } => (&mut self.spent.metrics, privacy.metrics),
        };
        let name = name_of(cell);
        if *spent >= limit || self.reported.contains(&name) {
            return false;
        }
        *spent += 1;
        self.reported.push(name);
        true
    }

    /// Cells spent in the running window.
    pub fn spent(&self) -> Spent {
        self.spent
    }
}

fn name_of(cell: &Cell) -> String {
    let json = serde_json::to_vec(cell).unwrap_or_default();
    let mut name = Digest::of(&json).to_string();
    name.truncate(16);
    name
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

    fn visit(items: &[(&str, Action)], privacy: &Privacy, budget: &mut Budget) -> Vec<Cell> {
        let mut session = Session::default();
        let mut seed = 1_u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 8
        };
        let mut cells = Vec::new();
        for (item, action) in items {
            session.push(item, *action, 1000, 50);
            cells.extend(budget.after_event(privacy, 1000, &session, &mut random));
        }
        cells
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
        let next_window = privacy.window_seconds + 1000;
        assert!(budget.spend(&privacy, next_window, &cells[0]));
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
            budget.metric(&privacy, now, Arm::Vitrine, rank, &mut || 0)
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
        let mut budget = Budget::default();
        visit(
            &[("canary-item", Action::View)],
            &Privacy::default(),
            &mut budget,
        );
        assert!(!serde_json::to_string(&budget).unwrap().contains("canary"));
        assert_eq!(budget.spent().items, 1);
    }
}
