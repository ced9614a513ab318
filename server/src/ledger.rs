//! What releases have cost, and whether the next one may.
//!
//! ρ adds over the windows in which one browser profile may have reported; the ε of a year is
//! that of the sum over the windows that lie in it, at δ = 10⁻⁶, and the probabilities that a
//! cell which one profile alone filled was seen add up beside it ([`vitrine_privacy::zcdp`]).
//! What counts is when the windows were, not when they were released: a release that comes late
//! costs the same year.
//!
//! Metrics have ε of their own, from the device and against the operator too; it adds up plainly
//! and beside the rest, and no ceiling is held against it.
//!
//! A release at the `unlinkable` level has no ε: nothing that is computed here bounds what it
//! shows. It is in the ledger, and said wherever a sum is.

use vitrine_core::privacy::{DELTA, Level, NoiseFacts};
use vitrine_privacy::{Parameters, zcdp};

/// A year, in seconds.
pub const YEAR_SECONDS: u64 = 365 * 24 * 3600;

/// One release.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The window's number.
    pub window: u64,
    /// Its length in seconds.
    pub window_seconds: u64,
    /// When it was released, as a date.
    pub released_on: String,
    /// The level whose rule was applied.
    pub level: Level,
    /// The noise, where the private level was promised.
    pub spent: Option<Spent>,
    /// ε of the noise that devices put on a metric; `None` when none was asked for.
    pub metric_epsilon: Option<f64>,
}

/// What a private release cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spent {
    /// The noise, as published.
    pub noise: NoiseFacts,
    /// Exact δ of the noise at the promised ε.
    pub noise_delta: f64,
    /// Exact bound for cells that one profile alone filled.
    pub threshold_delta: f64,
}

impl From<&Parameters> for Spent {
    fn from(parameters: &Parameters) -> Self {
        Self {
            noise: parameters.facts(),
            noise_delta: parameters.noise_delta,
            threshold_delta: parameters.threshold_delta,
        }
    }
}

impl Entry {
    /// When the window ended, Unix time in seconds.
    fn end(&self) -> u64 {
        self.window
            .saturating_add(1)
            .saturating_mul(self.window_seconds)
    }
}

/// What some releases add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// Releases with the private level's noise.
    pub private: u64,
    /// Releases at the unlinkable level, for which there is no ε.
    pub unlinkable: u64,
    /// Releases with metrics, of whatever level.
    pub metrics: u64,
    /// Sum of the ε that devices spent on them, which needs no δ.
    pub metric_epsilon: f64,
    /// Sum of ρ.
    pub rho: f64,
    /// Sum of the bounds for cells that one profile alone filled.
    pub threshold_delta: f64,
}

impl Total {
    /// Of these releases.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut total = Self::default();
        for entry in entries {
            match &entry.spent {
                Some(spent) => {
                    total.private += 1;
                    total.rho += spent.noise.rho;
                    total.threshold_delta += spent.threshold_delta;
                }
                None if entry.level == Level::Unlinkable => total.unlinkable += 1,
                None => {}
            }
            if let Some(epsilon) = entry.metric_epsilon {
                total.metrics += 1;
                total.metric_epsilon += epsilon;
            }
        }
        total
    }

    /// The ε of the private releases together.
    pub fn epsilon(&self) -> f64 {
        zcdp::epsilon(self.rho, DELTA)
    }

    /// The δ at which it holds.
    pub fn delta(&self) -> f64 {
        match self.private {
            0 => 0.0,
            _ => DELTA + self.threshold_delta,
        }
    }
}

/// A release that would pass the ceiling.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "window {window} is not released: with it, ε over a year would be {epsilon:.2}, above \
     epsilon_ceiling = {ceiling}; nothing is deleted. Raise epsilon_ceiling, or lower epsilon or \
     lengthen windows so that the next ones fit (`vitrine-server privacy` shows what was spent)"
)]
pub struct OverCeiling {
    /// The window.
    pub window: u64,
    /// ε over the fullest year that holds it.
    pub epsilon: f64,
    /// The ceiling.
    pub ceiling: f64,
}

/// Every release so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// From its entries, in any order.
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(Entry::end);
        Self { entries }
    }

    /// In order of time.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The noise of a window that was released at the private level.
    pub fn noise(&self, window: u64) -> Option<NoiseFacts> {
        let entry = self.entries.iter().find(|entry| entry.window == window)?;
        entry.spent.map(|spent| spent.noise)
    }

    /// Adds a release.
    pub fn push(&mut self, entry: Entry) {
        let at = self.entries.partition_point(|e| e.end() <= entry.end());
        self.entries.insert(at, entry);
    }

    /// Over the windows that ended in the year before `now`.
    pub fn last_year(&self, now: u64) -> Total {
        Total::of(self.year_to(now))
    }

    /// Over everything.
    pub fn so_far(&self) -> Total {
        Total::of(&self.entries)
    }

    /// Windows that ended in the year up to `end`.
    fn year_to(&self, end: u64) -> impl Iterator<Item = &Entry> {
        let inside = move |entry: &&Entry| {
            entry.end() <= end && entry.end().saturating_add(YEAR_SECONDS) > end
        };
        self.entries.iter().filter(inside)
    }

    /// The fullest year that holds a window which is in the ledger: of all spans of a year in
    /// which it ended, the one with the largest total.
    pub fn fullest_year(&self, window: u64) -> Total {
        let Some(entry) = self.entries.iter().find(|entry| entry.window == window) else {
            return Total::default();
        };
        // The sum grows only where a year's end reaches a window's, so those ends are enough.
        let years = self.entries.iter().map(Entry::end);
        years
            .filter(|&end| end >= entry.end() && end - entry.end() < YEAR_SECONDS)
            .map(|end| Total::of(self.year_to(end)))
            .max_by(|a, b| a.rho.total_cmp(&b.rho))
            .unwrap_or_default()
    }

    /// Whether `entry` may be released under the ceiling; what its fullest year would then cost.
    pub fn admit(&self, entry: &Entry, ceiling: Option<f64>) -> Result<Total, OverCeiling> {
        let mut with = self.clone();
        with.push(entry.clone());
        let total = with.fullest_year(entry.window);
        match (ceiling, &entry.spent) {
            (Some(ceiling), Some(_)) if total.epsilon() > ceiling => Err(OverCeiling {
                window: entry.window,
                epsilon: total.epsilon(),
                ceiling,
            }),
            _ => Ok(total),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use vitrine_core::privacy::Guarantee;

    const WEEK: u64 = 7 * 24 * 3600;

    fn entry(window: u64) -> Entry {
        let parameters = vitrine_privacy::calibrate(Guarantee::default(), 8).unwrap();
        Entry {
            window,
            window_seconds: WEEK,
            released_on: String::new(),
            level: Level::Private,
            spent: Some((&parameters).into()),
            metric_epsilon: None,
        }
    }

    fn unlinkable(window: u64) -> Entry {
        Entry {
            level: Level::Unlinkable,
            spent: None,
            ..entry(window)
        }
    }

    #[test]
    fn windows_add_up_as_the_design_says() {
        // The design's row at the σ that is shipped; a cell of its own is seen with 4.54e−7.
        for (windows, epsilon, delta) in [(4, "9.1", "2.8e-6"), (13, "18.5", "6.9e-6")] {
            let ledger = Ledger::new((100..100 + windows).map(entry).collect());
            let total = ledger.so_far();
            assert_eq!(format!("{:.1}", total.epsilon()), epsilon);
            assert_eq!(format!("{:.1e}", total.delta()), delta);
        }
    }

    #[test]
    fn a_year_holds_every_window_that_ended_in_it() {
        let ledger = Ledger::new((0..200).map(entry).collect());
        // A year is 52 weeks and a day, so 53 weekly windows can end in it: day 1, 8, ... 365.
        assert_eq!(ledger.last_year(200 * WEEK).private, 53);
        assert_eq!(ledger.last_year(200 * WEEK - 1).private, 52);
        assert_eq!(ledger.fullest_year(100).private, 53);
        assert_eq!(ledger.so_far().private, 200);
        assert_eq!(ledger.last_year(0).private, 0);
        assert_eq!(ledger.last_year(0).delta(), 0.0);
    }

    #[test]
    fn the_ceiling_is_held_in_every_order_of_release() {
        // Two windows cost 6.1, three 7.7.
        let ceiling = Some(7.0);
        let mut ledger = Ledger::new(vec![entry(10), entry(30)]);
        for refused in [5, 20, 40, 60] {
            let over = ledger.admit(&entry(refused), ceiling).unwrap_err();
            assert!(over.to_string().contains("epsilon_ceiling"), "{over}");
            assert!(over.epsilon > 7.0);
        }
        // No year holds both 30 and this one.
        ledger.admit(&entry(90), ceiling).unwrap();
        assert!(ledger.admit(&entry(20), None).is_ok());
        // Releases without an ε are counted and cost nothing that could be added.
        ledger.push(unlinkable(31));
        let total = ledger.admit(&unlinkable(32), ceiling).unwrap();
        assert_eq!((total.private, total.unlinkable), (2, 2));
        // Neither do metrics, whose ε is the devices'.
        let local = |window| Entry {
            level: Level::Local,
            metric_epsilon: Some(2.0),
            ..unlinkable(window)
        };
        ledger.push(local(33));
        let total = ledger.admit(&local(34), ceiling).unwrap();
        assert_eq!((total.private, total.unlinkable), (2, 1));
        assert_eq!((total.metrics, total.metric_epsilon), (2, 4.0));
    }
}
