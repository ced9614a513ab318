//! Ids that mean one thing each: a user is a person, a session one visit, an item one article.
//!
//! Exports break this in known ways. Guests share the user `0`; a tracker counts each user's sessions
//! from 1; a column of whole numbers became floats on the way. Read as they stand, such ids merge
//! strangers into one history, and a model learned from it looks excellent. So the ids are looked at
//! before any statement reads them: `events_read`, `orders_read` and `items_read` become
//! `events_collected` and so on. Each decision is a notice, and a flag confirms or reverses it.
//!
//! Where the source publishes a split, only flags count: published figures go by the ids as told.

mod items;
mod sessions;
mod users;

use crate::engine::{Engine, statement};
use crate::error::PrepareError;
use crate::notice::Notices;
use crate::options::SessionIds;
use crate::pipeline::{single, text, whole_at};
use crate::report::thousands;
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::error::ArrowError;
use std::path::PathBuf;
use std::sync::Arc;

/// Rules about ids that flags and the mapping file give.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// Users that stand for nobody.
    pub nobody: Vec<String>,
    /// Users that are persons although their ids look like placeholders.
    pub somebody: Vec<String>,
    pub session_ids: SessionIds,
}

/// The identity of a run's inputs.
pub(crate) struct Identity<'a> {
    pub said: &'a Said,
    /// Where the ids stand, by the name of the input.
    pub paths: [(&'static str, PathBuf); 3],
    /// True where the source publishes a split.
    pub published: bool,
    /// True where events or orders have a column of order ids.
    pub orders_told: bool,
    pub notices: &'a Notices,
}

/// Ids that say "none", in lower case. Trackers, shop systems and spreadsheets write them where a
/// visitor has no account or a field no value.
const PLACEHOLDERS: &[&str] = &[
    "",
    "-1",
    "0",
    "0.0",
    "guest",
    "guests",
    "guest user",
    "guest_user",
    "guestuser",
    "anonymous",
    "anonymous user",
    "anonymous_user",
    "anon",
    "nobody",
    "no user",
    "unknown",
    "unknown user",
    "not logged in",
    "not_logged_in",
    "(not set)",
    "(not provided)",
    "(none)",
    "(null)",
    "(empty)",
    "not set",
    "none",
    "null",
    "nil",
    "undefined",
    "nan",
    "n/a",
    "na",
    "\\n",
    "?",
    "false",
    "[object object]",
    "{}",
    "[]",
];

impl Identity<'_> {
    /// Makes `events_collected`, `orders_collected` and `items_collected` of the tables as read.
    pub(crate) async fn identify(&self, engine: &mut Engine<'_>) -> Result<(), PrepareError> {
        engine.values("placeholders", words("word", PLACEHOLDERS))?;
        for (plain, read) in [
            ("events_plain", "events_read"),
            ("orders_plain", "orders_read"),
        ] {
            engine.alias("read_rows", read).await?;
            engine
                .view(plain, &statement!("identity/05_plain_ids"))
                .await?;
        }
        engine
            .view("who_and_when", &statement!("identity/10_who_and_when"))
            .await?;
        engine
            .table("visits", &statement!("identity/15_visits"))
            .await?;
        engine
            .table("item_ids", &statement!("identity/60_item_ids"))
            .await?;
        self.refuse_rounded(engine).await?;
        let floats = self.note_floats(engine).await?;

        let no_sessions = self.no_sessions(engine).await?;
        engine.values("no_sessions", words("session_id", &no_sessions))?;
        let nobody = self.nobody(engine).await?;
        let users: Vec<&str> = nobody.iter().map(|found| found.user.as_str()).collect();
        engine.values("nobody", words("user_id", &users))?;
        let per_user = self.sessions_count_by_user(engine).await?;
        self.note_nobody(engine, &nobody, per_user).await?;
        engine.set("session_per_user", per_user);
        let other_items = self.join_items(engine).await?;

        let as_told = floats == 0 && nobody.is_empty() && no_sessions.is_empty() && !per_user;
        if as_told && !other_items && !self.orders_told {
            for (identified, read) in [
                ("events_collected", "events_read"),
                ("orders_collected", "orders_read"),
                ("items_collected", "items_read"),
            ] {
                engine.alias(identified, read).await?;
            }
            return Ok(());
        }
        for (identified, plain) in [
            ("events_collected", "events_plain"),
            ("orders_collected", "orders_plain"),
        ] {
            engine.alias("plain_rows", plain).await?;
            engine
                .view(identified, &statement!("identity/90_identified"))
                .await?;
        }
        engine
            .view("items_collected", &statement!("identity/94_items"))
            .await
    }

    /// A spreadsheet that shows 4006381333931 as 4.00638E+12 writes it so: the digits are gone, and
    /// different items or persons have become one.
    async fn refuse_rounded(&self, engine: &Engine<'_>) -> Result<(), PrepareError> {
        let found = single(engine.rows(&statement!("identity/20_rounded_ids")).await?);
        if found.num_rows() == 0 {
            return Ok(());
        }
        let input = text(&found, "input", 0).unwrap_or_default();
        let path = self.paths.iter().find(|(name, _)| *name == input);
        Err(PrepareError::source(
            path.map_or_else(PathBuf::new, |(_, path)| path.clone()),
            format!(
                "has {} rows with a {} like '{}': a spreadsheet rounded the number, and different ids became one. Export the file again from where it came, or format the column as text before it is saved",
                thousands(count(&found, "events")),
                text(&found, "name", 0).unwrap_or_default(),
                text(&found, "example", 0).unwrap_or_default(),
            ),
        ))
    }

    /// Notes users and sessions that were written as floats: their rows.
    async fn note_floats(&self, engine: &Engine<'_>) -> Result<u64, PrepareError> {
        let found = single(engine.rows(&statement!("identity/25_floats")).await?);
        let mut all = 0;
        for (name, rows) in [
            ("user_id", count(&found, "users")),
            ("session_id", count(&found, "sessions")),
        ] {
            if rows > 0 {
                self.notices.add(
                    "float_ids",
                    format!(
                        "{} rows have a {name} that was written as a float, such as 17850.0; it is read as 17850.",
                        thousands(rows)
                    ),
                    "If this is right, let it pass with --accept float_ids; else export the column as text.",
                );
            }
            all += rows;
        }
        Ok(all)
    }
}

/// A table of one column of text.
fn words(name: &str, words: &[impl AsRef<str>]) -> Result<RecordBatch, ArrowError> {
    let column: ArrayRef = Arc::new(StringArray::from_iter_values(words));
    let schema = Schema::new(vec![Field::new(name, DataType::Utf8, true)]);
    RecordBatch::try_new(Arc::new(schema), vec![column])
}

/// A count of the first row; 0 where it is null.
fn count(batch: &RecordBatch, name: &str) -> u64 {
    count_at(batch, name, 0)
}

fn count_at(batch: &RecordBatch, name: &str, row: usize) -> u64 {
    let count = whole_at(batch, name, row).unwrap_or(0);
    u64::try_from(count).unwrap_or(0)
}
