//! A browser profile: its clock, its tabs, and its storage with budget and outbox.

use crate::step::TABS;
use crate::world::Fault;
use std::collections::{BTreeSet, VecDeque};
use vitrine_core::Action;
use vitrine_core::budget::{Budget, Moment};
use vitrine_core::cell::{Cell, PositionBucket, Report};
use vitrine_core::privacy::Privacy;
use vitrine_core::window::{Admission, WindowName};

/// A device. Its profile is a new one whenever its storage is cleared.
#[derive(Debug, Default)]
pub struct Device {
    /// Which profile it is.
    pub profile: u64,
    /// Its clock, in seconds from the truth.
    pub skew: i64,
    /// The manifest of each tab, and when it was fetched by the device's clock.
    tabs: [Option<(Privacy, u64)>; TABS],
    /// The stored budget; `None` before anything was stored.
    budget: Option<String>,
    outbox: VecDeque<Report>,
    /// Whether its budget was damaged while its clock was ahead: it then reports nothing until the
    /// truth has come so far.
    pub exhausted_ahead: bool,
    old: OldBudget,
}

impl Device {
    pub fn new(profile: u64) -> Self {
        Self {
            profile,
            ..Self::default()
        }
    }

    /// The time by its clock.
    pub fn now(&self, truth: u64) -> u64 {
        truth.saturating_add_signed(self.skew)
    }

    /// A tab fetches the manifest.
    pub fn fetch(&mut self, tab: usize, privacy: &Privacy, truth: u64, fault: Option<Fault>) {
        self.tabs[tab] = Some((privacy.clone(), self.now(truth)));
        // A page whose storage ends with it begins with nothing spent.
        if fault == Some(Fault::StorageInMemory) {
            self.budget = None;
        }
    }

    /// Spends a cell in one transaction of the storage; whether it was allowed.
    pub fn spend(
        &mut self,
        tab: usize,
        cell: Cell,
        nonce: u128,
        (truth, stored): (u64, bool),
        fault: Option<Fault>,
    ) -> bool {
        let now = self.now(truth);
        let Some((privacy, validated)) = &self.tabs[tab] else {
            return false;
        };
        let moment = Moment {
            now,
            validated: *validated,
        };
        let window = privacy.window_at(now);
        let mut old = self.old.clone();
        let mut budget = match &self.budget {
            None => Budget::default(),
            Some(text) => Budget::parse(text).unwrap_or_else(|| {
                self.exhausted_ahead |= self.skew > 0;
                Budget::exhausted(privacy, now)
            }),
        };
        let allowed = match fault {
            Some(fault @ (Fault::NumberAlone | Fault::EachTableForItself)) => {
                old.spend(privacy, window, &cell, fault)
            }
            _ => budget.spend(privacy, moment, &cell),
        };
        // What cannot be written is as if it had not happened.
        if !stored {
            return false;
        }
        self.old = old;
        self.budget = Some(budget.to_text());
        if allowed {
            let nonce = format!("{nonce:032x}");
            let report = Report {
                nonce,
                window,
                cell,
            };
            report.check().unwrap();
            self.outbox.push_back(report);
        }
        allowed
    }

    /// The next report to send; what its window no longer takes is dropped.
    pub fn next(&mut self, truth: u64) -> Option<Report> {
        let now = self.now(truth);
        while let Some(report) = self.outbox.pop_front() {
            if report.window.admits(now) == Admission::Open {
                return Some(report);
            }
        }
        None
    }

    /// Puts a report back that had no answer, or came too early.
    pub fn again(&mut self, report: Report) {
        self.outbox.push_back(report);
    }

    /// Damages the stored budget.
    pub fn damage(&mut self) {
        if let Some(budget) = &mut self.budget {
            budget.push_str(" -");
        }
    }
}

/// Cells of every table.
pub fn cell(table: u8, number: u32) -> Cell {
    let item = format!("item-{number}");
    match table {
        0 => Cell::Transition {
            from: "first".into(),
            to: item,
            action: Action::View,
        },
        1 => Cell::Item {
            item,
            action: Action::View,
        },
        _ => Cell::Impression {
            item,
            position: PositionBucket::Top,
            clicked: false,
        },
    }
}

/// The budget of earlier versions, with one of its faults.
#[derive(Clone, Debug, Default)]
struct OldBudget {
    window: Option<WindowName>,
    spent: [u32; 3],
    reported: BTreeSet<Cell>,
}

impl OldBudget {
    fn spend(&mut self, privacy: &Privacy, window: WindowName, cell: &Cell, fault: Fault) -> bool {
        let ended = self.window.is_none_or(|last| match fault {
            Fault::NumberAlone => window.number > last.number,
            _ => window != last,
        });
        if ended {
            *self = Self {
                window: Some(window),
                ..Self::default()
            };
        }
        let (table, limit) = match cell {
            Cell::Transition { .. } => (0, privacy.transitions),
            Cell::Item { .. } => (1, privacy.items),
            _ => (2, privacy.impressions),
        };
        let total: u32 = self.spent.iter().sum();
        let full = fault == Fault::NumberAlone && total >= privacy.budget();
        if full || self.spent[table] >= limit || self.reported.contains(cell) {
            return false;
        }
        self.spent[table] += 1;
        self.reported.insert(cell.clone());
        true
    }
}
