//! Users that are no person: placeholders, and ids that a crowd shares.

use super::{Identity, PLACEHOLDERS, count, count_at, words};
use crate::engine::{Engine, statement};
use crate::error::PrepareError;
use crate::notice::shell_word;
use crate::pipeline::{single, text, whole};
use crate::report::thousands;
use datafusion::arrow::array::RecordBatch;

/// A user with fewer sessions or orders is never called a crowd: a person may well have that many.
const CROWD_VISITS: i64 = 20;
/// Nor is one with less than so many times the mean of all users.
const CROWD_RATIO: f64 = 10.0;

/// A user that stands for nobody: how that came out, and what else places its rows.
pub(super) struct Nobody {
    pub user: String,
    why: Why,
    events: u64,
    in_sessions: u64,
    in_orders_alone: u64,
    in_orders: u64,
}

enum Why {
    Said,
    Placeholder,
    /// So many sessions or orders, of which so many begin while the one before goes on.
    Crowd {
        visits: u64,
        at_once: u64,
    },
}

impl Nobody {
    fn read(batch: &RecordBatch, row: usize, why: Why) -> Self {
        Self {
            user: text(batch, "user_id", row).unwrap_or_default(),
            why,
            events: count_at(batch, "events", row),
            in_sessions: count_at(batch, "in_sessions", row),
            in_orders_alone: count_at(batch, "in_orders_alone", row),
            in_orders: count_at(batch, "in_orders", row),
        }
    }

    /// Where the rows go, as the rest of a sentence.
    fn whereabouts(&self, sessions_by_user: bool) -> String {
        let (in_sessions, in_orders) = if sessions_by_user {
            (0, self.in_orders)
        } else {
            (self.in_sessions, self.in_orders_alone)
        };
        let mut parts = Vec::new();
        for (rows, how) in [
            (in_sessions, "count by their session"),
            (in_orders, "count by their order, each a visit"),
            (
                self.events.saturating_sub(in_sessions + in_orders),
                "have neither and are dropped (unplaced_visitor)",
            ),
        ] {
            if rows > 0 {
                parts.push(format!("{} {how}", thousands(rows)));
            }
        }
        parts.join(", ")
    }
}

impl Identity<'_> {
    /// The users that stand for nobody.
    pub(super) async fn nobody(
        &self,
        engine: &mut Engine<'_>,
    ) -> Result<Vec<Nobody>, PrepareError> {
        engine.values("said_nobody", words("word", &self.said.nobody))?;
        let zero_is_a_person = self.zero_is_a_person(engine).await?;
        let mut nobody = Vec::new();
        for batch in engine
            .rows(&statement!("identity/30_placeholder_users"))
            .await?
        {
            for row in 0..batch.num_rows() {
                let mut found = Nobody::read(&batch, row, Why::Placeholder);
                if self.said.nobody.contains(&found.user) {
                    found.why = Why::Said;
                    nobody.push(found);
                    continue;
                }
                let zero = found.user.parse() == Ok(0);
                // An order says whose the row is at least as well as a 0 does.
                let person = zero && zero_is_a_person && found.in_orders == 0;
                if !self.published && !person && !self.said.somebody.contains(&found.user) {
                    nobody.push(found);
                }
            }
        }
        if !self.published {
            self.crowds(engine, &mut nobody).await?;
        }
        Ok(nobody)
    }

    /// Says who was read as nobody, and where their rows went.
    pub(super) async fn note_nobody(
        &self,
        engine: &Engine<'_>,
        nobody: &[Nobody],
        sessions_by_user: bool,
    ) -> Result<(), PrepareError> {
        let rows = single(engine.rows(&statement!("identity/28_rows")).await?);
        let rows = count(&rows, "events");
        for found in nobody {
            let (name, why) = match found.why {
                Why::Said => continue,
                Why::Placeholder => (
                    "placeholder_users",
                    format!("user_id '{}' stands for nobody", found.user),
                ),
                Why::Crowd { visits, at_once } => (
                    "crowd_users",
                    format!(
                        "user_id '{}' is several persons and read as nobody: of its {} sessions or orders {} begin while the one before goes on",
                        found.user,
                        thousands(visits),
                        thousands(at_once)
                    ),
                ),
            };
            let user = shell_word(&found.user);
            self.notices.add(
                name,
                format!(
                    "{why}: {} of {} rows, of which {}.",
                    thousands(found.events),
                    thousands(rows),
                    found.whereabouts(sessions_by_user)
                ),
                format!("--nobody={user} says that this is right, --somebody={user} that it is one person."),
            );
        }
        for said in &self.said.nobody {
            if !nobody.iter().any(|found| found.user == *said) {
                self.notices.add(
                    "nobody_unseen",
                    format!("--nobody {} was given, and no row has this user.", shell_word(said)),
                    "Write it as it stands in the source; `vitrine prepare --dry-run` shows rows as they are read.",
                );
            }
        }
        Ok(())
    }

    /// True where users are numbered from 0, and 0 has no more events than others.
    async fn zero_is_a_person(&self, engine: &Engine<'_>) -> Result<bool, PrepareError> {
        let users = single(
            engine
                .rows(&statement!("identity/35_numbered_users"))
                .await?,
        );
        let numbered = whole(&users, "numbered").unwrap_or(0);
        let highest = whole(&users, "highest").unwrap_or(i64::MAX);
        Ok(numbered > 0
            && whole(&users, "unnumbered") == Some(0)
            && highest <= numbered.saturating_mul(2)
            && count(&users, "of_zero") <= count(&users, "most_of_others"))
    }

    /// Adds the users that are more than one person at once.
    async fn crowds(
        &self,
        engine: &mut Engine<'_>,
        nobody: &mut Vec<Nobody>,
    ) -> Result<(), PrepareError> {
        engine.set("crowd_visits", CROWD_VISITS);
        engine.set("crowd_ratio", CROWD_RATIO);
        for batch in engine.rows(&statement!("identity/40_crowds")).await? {
            for row in 0..batch.num_rows() {
                let why = Why::Crowd {
                    visits: count_at(&batch, "visits", row),
                    at_once: count_at(&batch, "at_once", row),
                };
                let found = Nobody::read(&batch, row, why);
                let known = PLACEHOLDERS.contains(&found.user.to_lowercase().as_str())
                    || nobody.iter().any(|other| other.user == found.user);
                if !known && !self.said.somebody.contains(&found.user) {
                    nobody.push(found);
                }
            }
        }
        Ok(())
    }
}
