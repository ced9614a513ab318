//! How many reports a window takes in all.
//!
//! A network is limited ([`crate::limit`]), and whoever forges may have many. So a window takes a
//! number of reports and no more, and far fewer of items that no bundle lists: their cells cost a row
//! each and are never the same twice.
//!
//! There is no limit on the number of different cells, because its answer would tell: once it was
//! reached, a cell that somebody had reported would still be taken and another one not, and whoever
//! asked would learn which. A limit on reports refuses all cells alike, and which items are listed is
//! public. What a release has room for is bounded when it is written.
//!
//! Each server process counts what it stored itself, since it was started.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use vitrine_core::window::WindowName;

/// Windows that are counted at a time: no more are open, short of a length that changes often.
const WINDOWS: usize = 16;

/// Most reports of one window; `None`: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// Reports.
    pub reports: Option<NonZeroU64>,
    /// Reports of items that no bundle lists.
    pub unlisted: Option<NonZeroU64>,
}

/// Reports taken by window.
pub struct Totals {
    most: Most,
    taken: Mutex<HashMap<WindowName, Taken>>,
}

#[derive(Clone, Copy, Default)]
struct Taken {
    reports: u64,
    unlisted: u64,
}

/// The window has no room for the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// For none.
    Reports,
    /// For none of an item that no bundle lists.
    Unlisted,
}

impl Totals {
    /// Counts up to these.
    pub fn new(most: Most) -> Self {
        Self {
            most,
            taken: Mutex::default(),
        }
    }

    /// # Errors
    /// Where the window took as many reports as it takes.
    pub fn check(&self, window: WindowName, is_listed: bool) -> Result<(), Full> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = taken.get(&window).copied().unwrap_or_default();
        let spent =
            |most: Option<NonZeroU64>, taken: u64| most.is_some_and(|most| taken >= most.get());
        if spent(self.most.reports, taken.reports) {
            return Err(Full::Reports);
        }
        if !is_listed && spent(self.most.unlisted, taken.unlisted) {
            return Err(Full::Unlisted);
        }
        Ok(())
    }

    /// Counts a report that was stored.
    pub fn count(&self, window: WindowName, is_listed: bool) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_window = taken.entry(window).or_default();
        of_window.reports += 1;
        of_window.unlisted += u64::from(!is_listed);
        if taken.len() > WINDOWS {
            let oldest = taken.keys().copied().min_by_key(|window| window.end());
            oldest.map(|oldest| taken.remove(&oldest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(number: u64) -> WindowName {
        WindowName {
            number,
            seconds: 604_800,
        }
    }

    #[test]
    fn a_window_takes_so_many_reports_and_fewer_of_unlisted_items() {
        let totals = Totals::new(Most {
            reports: NonZeroU64::new(5),
            unlisted: NonZeroU64::new(2),
        });
        let take = |number, is_listed| {
            let room = totals.check(window(number), is_listed);
            if room.is_ok() {
                totals.count(window(number), is_listed);
            }
            room
        };
        assert_eq!(take(7, false), Ok(()));
        assert_eq!(take(7, false), Ok(()));
        assert_eq!(take(7, false), Err(Full::Unlisted));
        assert_eq!(take(8, false), Ok(()), "another window");
        for _ in 0..3 {
            assert_eq!(take(7, true), Ok(()));
        }
        assert_eq!(take(7, true), Err(Full::Reports));
        assert_eq!(take(7, false), Err(Full::Reports));
    }

    #[test]
    fn old_windows_are_forgotten() {
        let totals = Totals::new(Most {
            reports: NonZeroU64::new(1),
            unlisted: None,
        });
        for number in 0..100 {
            totals.count(window(number), true);
        }
        assert_eq!(totals.check(window(0), true), Ok(()));
        assert_eq!(totals.check(window(99), true), Err(Full::Reports));
        assert_eq!(
            totals.taken.lock().map(|taken| taken.len()).ok(),
            Some(WINDOWS)
        );
    }
}
