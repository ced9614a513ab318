//! Feedback windows: the public name that a report carries, and when a report of it is taken.
//!
//! A window is the unit of the promise. A device counts its budget per window, the server releases
//! per window, and both must mean the same span of time. If each read its own clock, L cells of a
//! device's window could fall into two windows of the server, or two budgets into one. So the
//! report names its window, and the server takes it into that window or refuses it. The name is
//! the same for everybody and tells nothing of a visitor.

use serde::{Deserialize, Serialize};

/// A window's number and length: it spans `[number, number + 1) · seconds` of Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowName {
    /// Windows of one length are numbered from the start of 1970.
    pub number: u64,
    /// Length in seconds, at least 1.
    pub seconds: u64,
}

/// Whether a report of a window is taken at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The window is open, or ended less than its grace ago.
    Open,
    /// The window begins in so many seconds.
    Early(u64),
    /// The window and its grace are over.
    Late,
}

/// The share of a window's length for which it takes reports after its end: 6 hours of a week.
const GRACE_SHARE: u64 = 28;

impl WindowName {
    /// The window of this length that holds `now`, Unix time in seconds. A length of 0 counts as 1.
    pub fn at(now: u64, seconds: u64) -> Self {
        let seconds = seconds.max(1);
        Self {
            number: now / seconds,
            seconds,
        }
    }

    /// The first moment of the window, Unix time in seconds.
    pub fn start(self) -> u64 {
        self.number.saturating_mul(self.seconds)
    }

    /// The first moment after the window, Unix time in seconds.
    pub fn end(self) -> u64 {
        self.number.saturating_add(1).saturating_mul(self.seconds)
    }

    /// How long the window takes reports after its end, in seconds: for reports that waited for
    /// their delay or a network, and for devices whose clocks are late.
    pub fn grace(self) -> u64 {
        self.seconds / GRACE_SHARE
    }

    /// Whether a report of this window is taken at `now`, Unix time in seconds.
    pub fn admits(self, now: u64) -> Admission {
        if now < self.start() {
            Admission::Early(self.start() - now)
        } else if now < self.end().saturating_add(self.grace()) {
            Admission::Open
        } else {
            Admission::Late
        }
    }

    /// Whether the two windows share a moment.
    pub fn overlaps(self, other: Self) -> bool {
        self.start() < other.end() && other.start() < self.end()
    }

    /// Whether number and length are those of a window: times stay below 2^53, so that every
    /// program reads the same number.
    pub fn is_valid(self) -> bool {
        let end = self
            .number
            .checked_add(1)
            .and_then(|next| next.checked_mul(self.seconds));
        self.seconds > 0 && end.is_some_and(|end| end < 1 << 53)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: u64 = 7 * 24 * 3600;

    #[test]
    fn a_window_takes_reports_until_its_grace_is_over() {
        let window = WindowName::at(10 * WEEK + 5, WEEK);
        assert_eq!((window.number, window.start()), (10, 10 * WEEK));
        assert_eq!(window.grace(), 6 * 3600);
        assert_eq!(window.admits(10 * WEEK - 3), Admission::Early(3));
        assert_eq!(window.admits(10 * WEEK), Admission::Open);
        assert_eq!(window.admits(11 * WEEK + 6 * 3600 - 1), Admission::Open);
        assert_eq!(window.admits(11 * WEEK + 6 * 3600), Admission::Late);
    }

    #[test]
    fn windows_of_two_lengths_overlap_where_they_share_a_moment() {
        let week = WindowName::at(4 * WEEK, WEEK);
        assert!(week.overlaps(WindowName::at(4 * WEEK, 2 * WEEK)));
        assert!(!week.overlaps(WindowName::at(5 * WEEK, WEEK)));
        assert!(!week.overlaps(WindowName::at(6 * WEEK, 2 * WEEK)));
    }

    #[test]
    fn a_name_that_no_clock_reaches_is_invalid() {
        let name = |number, seconds| WindowName { number, seconds };
        assert!(name(2948, WEEK).is_valid());
        assert!(!name(0, 0).is_valid());
        assert!(!name(u64::MAX, 1).is_valid());
        assert!(!name(1 << 40, 1 << 20).is_valid());
    }
}
