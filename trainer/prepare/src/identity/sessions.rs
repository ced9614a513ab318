//! Session ids: unique over the shop, or counted by each user for itself.

use super::{Identity, count, count_at};
use crate::engine::{Engine, statement};
use crate::error::PrepareError;
use crate::options::SessionIds;
use crate::pipeline::{single, text};
use crate::report::thousands;

/// A session of a placeholder's id is none from this many events on, if it has several times those
/// of an ordinary one.
const CROWDED_EVENTS: u64 = 20;
const CROWDED_RATIO: u64 = 10;

impl Identity<'_> {
    /// Session ids that stand for no session.
    pub(super) async fn no_sessions(
        &self,
        engine: &Engine<'_>,
    ) -> Result<Vec<String>, PrepareError> {
        let mut none = Vec::new();
        if self.published {
            return Ok(none);
        }
        for batch in engine
            .rows(&statement!("identity/45_placeholder_sessions"))
            .await?
        {
            for row in 0..batch.num_rows() {
                let session = text(&batch, "session_id", row).unwrap_or_default();
                let events = count_at(&batch, "events", row);
                let mean = count_at(&batch, "mean", row).max(1);
                let number = session.parse::<i64>().is_ok();
                let crowded = events >= CROWDED_EVENTS && events > CROWDED_RATIO * mean;
                let shared = count_at(&batch, "users", row) > 1
                    && self.said.session_ids != SessionIds::PerUser;
                // A session may be numbered 0; a visit that is "(not set)" is none.
                if number && !crowded && !shared {
                    continue;
                }
                self.notices.add(
                    "placeholder_sessions",
                    format!(
                        "session_id '{session}' stands for no session: {} rows, which count by their user, or are dropped where none is named (unplaced_visitor).",
                        thousands(events)
                    ),
                    "If this is right, let it pass with --accept placeholder_sessions; else write the ids differently.",
                );
                none.push(session);
            }
        }
        Ok(none)
    }

    /// True where a session is a user and a session id together.
    pub(super) async fn sessions_count_by_user(
        &self,
        engine: &Engine<'_>,
    ) -> Result<bool, PrepareError> {
        match self.said.session_ids {
            SessionIds::PerUser => return Ok(true),
            SessionIds::Unique => return Ok(false),
            SessionIds::Auto if self.published => return Ok(false),
            SessionIds::Auto => {}
        }
        let found = single(
            engine
                .rows(&statement!("identity/50_shared_sessions"))
                .await?,
        );
        let count = |name| count(&found, name);
        let (sessions, shared) = (count("sessions"), count("shared"));
        if shared == 0 {
            return Ok(false);
        }
        let (apart, handed_over) = (count("apart"), count("handed_over"));
        let per_user = if count("random") * 2 > shared {
            // Random ids don't meet by chance; only where most do, something else is wrong.
            shared * 2 > sessions && apart > handed_over
        } else if count("clocked") * 5 > sessions * 4 {
            // The second in which a session began: two visitors may well share it.
            true
        } else if apart + handed_over == 0 {
            // Without times.
            count("pairs") * 2 > sessions * 3
        } else {
            apart > handed_over
        };
        let example = |name| text(&found, name, 0).unwrap_or_default();
        let finding = format!(
            "{} of {} session ids have several users, '{}' has {}, such as '{}' and '{}'.",
            thousands(shared),
            thousands(sessions),
            example("example"),
            thousands(count("most_users")),
            example("one_user"),
            example("another_user"),
        );
        if per_user {
            self.notices.add(
                "sessions_per_user",
                format!("{finding} They are read as counted by user: a session is a user and a session id, {} in all.", thousands(count("pairs"))),
                "--session-ids per-user says that this is right, --session-ids unique that an id is one session whoever is named.",
            );
        } else {
            self.notices.add(
                "shared_sessions",
                format!("{finding} Each is read as one session, during which somebody logged in."),
                "--session-ids unique says that this is right, --session-ids per-user that each user counts sessions for itself.",
            );
        }
        Ok(per_user)
    }
}
