//! What came back from the field, as it enters the counts.

pub mod growth;

use crate::dataset::Sessions;
use growth::{Baseline, Report};
use std::collections::HashMap;
use vitrine_core::Action;
use vitrine_core::cell::Cell;
use vitrine_core::released::ReleasedWindow;
use vitrine_core::score::Event;

/// Counts that came back from the field, as sessions of two items with a weight each.
///
/// A released transition that k reports named enters the counts as a two-item session of weight
/// k; a released item cell adds to the item's popularity. What grows faster than [`growth`]
/// allows is cut.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// Two-item sessions.
    pub pairs: Sessions,
    /// Weight of each; `[pairs]`.
    pub weight: Vec<f64>,
    /// Added popularity by row; `[N]`.
    pub popularity: Vec<f64>,
    /// The windows that the counts were released for, rising.
    pub windows: Vec<u64>,
    /// Released cells that were used.
    pub used: u64,
    /// Released cells that name an item that is not in the shop's catalogue.
    pub unknown: u64,
    /// Reports that were cut because they grew too fast, by row; `[N]`.
    pub cut: Vec<f64>,
}

impl Field {
    /// The counts of `released` windows, which are rising, over `rows`; `history` says what was
    /// usual before the first of them.
    pub(crate) fn of(
        released: &[ReleasedWindow],
        rows: &HashMap<&str, u32>,
        history: &Sessions,
    ) -> Self {
        let mut field = Self {
            pairs: Sessions::new(),
            popularity: vec![0.0; rows.len()],
            cut: vec![0.0; rows.len()],
            ..Self::default()
        };
        let mut baseline = match released.is_empty() {
            true => Baseline::default(),
            false => Baseline::of(rows.len(), history),
        };
        for window in released {
            field.windows.push(window.window);
            let (mut reports, actions) = field.known(window, rows);
            let asked: Vec<f64> = reports.iter().map(|report| report.count).collect();
            baseline.admit(&mut reports);
            for ((report, action), asked) in reports.iter().zip(actions).zip(asked) {
                field.add(report, action, asked - report.count);
            }
        }
        field
    }

    /// The cells of a window that name known items only, and the action of each.
    fn known(
        &mut self,
        window: &ReleasedWindow,
        rows: &HashMap<&str, u32>,
    ) -> (Vec<Report>, Vec<Action>) {
        let row = |id: &str| rows.get(id).copied();
        let (mut reports, mut actions) = (Vec::new(), Vec::new());
        for released in &window.cells {
            let (from, to, action) = match &released.cell {
                Cell::Transition { from, to, action } => (Some(row(from)), row(to), *action),
                Cell::Item { item, action } => (None, row(item), *action),
                // Impressions and metrics say how well a bundle did; nothing is learned from
                // them yet.
                Cell::Impression { .. } | Cell::Metric { .. } => continue,
            };
            let (Some(to), false) = (to, from == Some(None)) else {
                self.unknown += 1;
                continue;
            };
            self.used += 1;
            reports.push(Report {
                from: from.flatten(),
                to,
                count: released.count as f64,
            });
            actions.push(action);
        }
        (reports, actions)
    }

    fn add(&mut self, report: &Report, action: Action, cut: f64) {
        let to = report.to as usize;
        self.cut[to] += cut;
        let Some(from) = report.from else {
            self.popularity[to] += report.count;
            return;
        };
        let events = [(from, Action::View), (report.to, action)];
        self.pairs.push(events.map(|(row, action)| Event {
            row: Some(row),
            action,
        }));
        self.weight.push(report.count);
    }
}
