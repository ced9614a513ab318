//! Users that are no person: placeholders, and ids that a crowd shares.

use super::{Identity, PLACEHOLDERS, count, count_at, words};
use crate::engine::{Engine, statement};
use crate::error::PrepareError;
use crate::notice::shell_word;
use crate::pipeline::{single, text, whole};
use crate::report::thousands;

/// A user with fewer sessions or orders is never called a crowd: a person may well have that many.
const CROWD_VISITS: i64 = 20;
/// Nor is one with less than so many times the mean of all users.
const CROWD_RATIO: f64 = 10.0;

/// The rows of a user that stands for nobody, and what else places them.
struct Rows {
    user: String,
    events: u64,
    in_sessions: u64,
    in_orders: u64,
}

impl Rows {
    /// Where the rows go, as the rest of a sentence.
    fn whereabouts(&self) -> String {
        let mut parts = Vec::new();
        for (rows, how) in [
            (self.in_sessions, "count by their session"),
            (self.in_orders, "count by their order, each a visit"),
            (
                self.events - self.in_sessions - self.in_orders,
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
    ) -> Result<Vec<String>, PrepareError> {
        engine.values("said_nobody", words("word", &self.said.nobody))?;
        let rows = count(
            &single(engine.rows(&statement!("identity/28_rows")).await?),
            "events",
        );
        let zero_is_a_person = self.zero_is_a_person(engine).await?;
        let mut nobody: Vec<String> = Vec::new();
        for batch in engine
            .rows(&statement!("identity/30_placeholder_users"))
            .await?
        {
            for row in 0..batch.num_rows() {
                let found = Rows {
                    user: text(&batch, "user_id", row).unwrap_or_default(),
                    events: count_at(&batch, "events", row),
                    in_sessions: count_at(&batch, "in_sessions", row),
                    in_orders: count_at(&batch, "in_orders", row),
                };
                let said = self.said.nobody.contains(&found.user);
                let zero = found.user.parse() == Ok(0);
                // An order says whose the row is at least as well as a 0 does.
                let person = zero && zero_is_a_person && found.in_orders == 0;
                if !said && (self.published || person || self.said.somebody.contains(&found.user)) {
                    continue;
                }
                if !said {
                    self.note(
                        "placeholder_users",
                        format!(
                            "user_id '{}' stands for nobody: {} of {} rows, of which {}.",
                            found.user,
                            thousands(found.events),
                            thousands(rows),
                            found.whereabouts()
                        ),
                        &found.user,
                    );
                }
                nobody.push(found.user);
            }
        }
        for said in &self.said.nobody {
            if !nobody.contains(said) {
                self.notices.add(
                    "nobody_unseen",
                    format!("--nobody {} was given, and no row has this user.", shell_word(said)),
                    "Write it as it stands in the source; `vitrine prepare --dry-run` shows rows as they are read.",
                );
            }
        }
        if !self.published {
            self.crowds(engine, &mut nobody).await?;
        }
        Ok(nobody)
    }

    /// Whether users are numbered from 0, and 0 has no more events than others.
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
        nobody: &mut Vec<String>,
    ) -> Result<(), PrepareError> {
        engine.set("crowd_visits", CROWD_VISITS);
        engine.set("crowd_ratio", CROWD_RATIO);
        for batch in engine.rows(&statement!("identity/40_crowds")).await? {
            for row in 0..batch.num_rows() {
                let found = Rows {
                    user: text(&batch, "user_id", row).unwrap_or_default(),
                    events: count_at(&batch, "events", row),
                    in_sessions: count_at(&batch, "in_sessions", row),
                    in_orders: count_at(&batch, "in_orders", row),
                };
                let known = PLACEHOLDERS.contains(&found.user.to_lowercase().as_str());
                if known || nobody.contains(&found.user) || self.said.somebody.contains(&found.user)
                {
                    continue;
                }
                self.note(
                    "crowd_users",
                    format!(
                        "user_id '{}' is several persons: of its {} sessions or orders {} begin while the one before goes on. It is read as nobody: of its rows {}.",
                        found.user,
                        thousands(count_at(&batch, "visits", row)),
                        thousands(count_at(&batch, "at_once", row)),
                        found.whereabouts()
                    ),
                    &found.user,
                );
                nobody.push(found.user);
            }
        }
        Ok(())
    }

    fn note(&self, name: &'static str, finding: String, user: &str) {
        let user = shell_word(user);
        self.notices.add(
            name,
            finding,
            format!(
                "--nobody={user} says that this is right, --somebody={user} that it is one person."
            ),
        );
    }
}
