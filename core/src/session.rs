//! A visitor's session, as it is kept on the device, and the one rule for where a session ends.
//!
//! `prepare` cuts a history by the same rule, in SQL, so that a page counts as one session what the
//! model learned as one: a manifest carries the gap that its history was cut with. Times are whole
//! seconds on both sides, because a device stores no finer ones.
//!
//! Items are kept by id, not by row: an item that this bundle does not know may be in the next
//! one, and a feedback cell can teach it.

use crate::Action;
use serde::{Deserialize, Serialize};

/// How long a visitor may pause within a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct SessionGap(u32);

/// A gap that no session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a session gap of {0} seconds is not between {shortest} and {longest}",
    shortest = SessionGap::SHORTEST.0,
    longest = SessionGap::LONGEST.0
)]
pub struct SessionGapError(u32);

impl SessionGap {
    /// A minute.
    pub const SHORTEST: Self = Self(60);
    /// A day: a device keeps no session for longer.
    pub const LONGEST: Self = Self(24 * 60 * 60);

    /// A gap of so many seconds.
    ///
    /// # Errors
    /// When it is not between [`Self::SHORTEST`] and [`Self::LONGEST`].
    pub fn of_seconds(seconds: u32) -> Result<Self, SessionGapError> {
        if (Self::SHORTEST.0..=Self::LONGEST.0).contains(&seconds) {
            return Ok(Self(seconds));
        }
        Err(SessionGapError(seconds))
    }

    /// The gap in seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }

    /// True where an event at `now` belongs to the session whose latest event was at `last`, both in
    /// whole seconds of Unix time. A clock that was set back does not end a session.
    pub fn joins(self, last: u64, now: u64) -> bool {
        now.saturating_sub(last) <= u64::from(self.0)
    }

    /// True for the default, which manifests leave out.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Half an hour.
impl Default for SessionGap {
    fn default() -> Self {
        Self(30 * 60)
    }
}

impl TryFrom<u32> for SessionGap {
    type Error = SessionGapError;

    fn try_from(seconds: u32) -> Result<Self, SessionGapError> {
        Self::of_seconds(seconds)
    }
}

impl From<SessionGap> for u32 {
    fn from(gap: SessionGap) -> Self {
        gap.0
    }
}

/// The limits of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The latest events that are looked at.
    pub events: usize,
    /// The pause that ends it.
    pub gap: SessionGap,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionEvent {
    /// Item id.
    pub item: String,
    /// What was done with it.
    pub action: Action,
}

/// The latest events of the running session, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    events: Vec<SessionEvent>,
    /// Time of the latest event, Unix time in seconds.
    last: u64,
}

impl Session {
    /// Adds an event at `now` (Unix time in seconds) within `limits`.
    pub fn push(&mut self, item: &str, action: Action, now: u64, limits: Limits) {
        if self.is_over(now, limits.gap) {
            self.events.clear();
        }
        self.events.push(SessionEvent {
            item: item.into(),
            action,
        });
        let surplus = self.events.len().saturating_sub(limits.events);
        self.events.drain(..surplus);
        self.last = now;
    }

    /// The events, oldest first.
    pub fn events(&self) -> &[SessionEvent] {
        &self.events
    }

    /// The session as if it had begun with the first of its latest `count` events.
    pub fn latest(&self, count: usize) -> Self {
        let surplus = self.events.len().saturating_sub(count);
        Self {
            events: self.events[surplus..].to_vec(),
            last: self.last,
        }
    }

    /// True if the session is over at `now`.
    pub fn is_over(&self, now: u64, gap: SessionGap) -> bool {
        !gap.joins(self.last, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(minutes: u32) -> Limits {
        Limits {
            events: 3,
            gap: SessionGap::of_seconds(minutes * 60).unwrap(),
        }
    }

    fn ids(session: &Session) -> Vec<&str> {
        session.events().iter().map(|e| e.item.as_str()).collect()
    }

    #[test]
    fn a_session_ends_after_the_gap_and_keeps_the_latest() {
        let mut session = Session::default();
        for (item, now) in [("a", 1000), ("b", 1000 + 1800), ("c", 2800), ("d", 2900)] {
            session.push(item, Action::View, now, limits(30));
        }
        assert_eq!(ids(&session), ["b", "c", "d"]);
        assert_eq!(ids(&session.latest(2)), ["c", "d"]);
        assert_eq!(session.latest(9), session);
        session.push("e", Action::Buy, 2900 + 1801, limits(30));
        assert_eq!(session.events().len(), 1);
        assert!(session.is_over(2900 + 1801 + 1801, SessionGap::default()));
        assert!(!session.is_over(2900 + 1801 + 1801, limits(60).gap));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_end_a_session() {
        let mut session = Session::default();
        for (item, now) in [("a", 100_000), ("b", 10), ("c", 1810), ("d", 3611)] {
            session.push(item, Action::View, now, limits(30));
        }
        assert_eq!(ids(&session), ["d"]);
    }

    #[test]
    fn a_gap_is_between_a_minute_and_a_day() {
        for seconds in [60, 1800, 86_400] {
            assert_eq!(SessionGap::of_seconds(seconds).unwrap().seconds(), seconds);
        }
        for seconds in [0, 59, 86_401, u32::MAX] {
            let error = SessionGap::of_seconds(seconds).unwrap_err().to_string();
            assert!(error.contains("between 60 and 86400"), "{error}");
        }
    }
}
