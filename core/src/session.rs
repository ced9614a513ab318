//! What this visitor did, as it is kept on the device.
//!
//! A session ends after 30 minutes without an event, as in the history that the model was
//! trained from. Items are kept by id, not by row: an item that this bundle does not know may be
//! in the next one, and a feedback cell can teach it.

use crate::Action;
use serde::{Deserialize, Serialize};

/// Seconds without an event after which the next one starts a new session.
pub const INACTIVITY_SECONDS: u64 = 30 * 60;

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
    /// Adds an event at `now` (Unix time in seconds) and keeps the latest `limit`.
    ///
    /// A clock that was set back does not end the session.
    pub fn push(&mut self, item: &str, action: Action, now: u64, limit: usize) {
        if now.saturating_sub(self.last) > INACTIVITY_SECONDS {
            self.events.clear();
        }
        self.events.push(SessionEvent {
            item: item.into(),
            action,
        });
        let surplus = self.events.len().saturating_sub(limit);
        self.events.drain(..surplus);
        self.last = now;
    }

    /// The events, oldest first.
    pub fn events(&self) -> &[SessionEvent] {
        &self.events
    }

    /// Whether the session is over at `now`.
    pub fn is_over(&self, now: u64) -> bool {
        now.saturating_sub(self.last) > INACTIVITY_SECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_after_thirty_minutes_and_keeps_the_latest() {
        let mut session = Session::default();
        for (item, now) in [("a", 1000), ("b", 1000 + 1800), ("c", 2800), ("d", 2900)] {
            session.push(item, Action::View, now, 3);
        }
        let ids: Vec<_> = session.events().iter().map(|e| e.item.as_str()).collect();
        assert_eq!(ids, ["b", "c", "d"]);
        session.push("e", Action::Buy, 2900 + 1801, 3);
        assert_eq!(session.events().len(), 1);
        assert!(session.is_over(2900 + 1801 + 1801));
    }
}
