//! Looks at the whole once the statements are through: is this the history of a shop?
//!
//! The thresholds let small honest histories pass (they ask for shares *and* counts) and stop what
//! merged strangers, a broken join or a robot look like. `docs/prepare/notices.md` lists them.

use crate::engine::{Engine, statement};
use crate::error::PrepareError;
use crate::notice::{Notices, shell_word};
use crate::options::{Options, TestPart};
use crate::pipeline::{single, text, whole, whole_at};
use crate::report::{Figures, thousands};
use datafusion::arrow::array::RecordBatch;

/// Below this share of the sold items in the items file, a join failed rather than items left it.
const FEW_KNOWN: f64 = 0.5;
/// Share of the items with events without a title that is said.
const UNTITLED: f64 = 0.1;
/// A visitor beyond this share of the rows is said, from this many rows and among so many users …
const VISITOR_SHARE: f64 = 0.1;
const VISITOR_ROWS: u64 = 200;
const VISITOR_AMONG: u64 = 20;
/// … or beyond this share from as many rows as no person makes.
const ROBOT_SHARE: f64 = 0.01;
const ROBOT_ROWS: u64 = 20_000;
/// A session beyond this share of the events is said from this many events.
const SESSION_SHARE: f64 = 0.05;
const SESSION_EVENTS: u64 = 200;
/// Share of the sessions of more than a day that is said, from this many.
const LONG_SESSIONS: f64 = 0.05;
const LONG_SESSIONS_COUNT: u64 = 5;
/// Sessions of one and the same time that are said from this many.
const MOMENT_SESSIONS: u64 = 20;
/// Share of an input's rows that could not be used, or were copies, or of bots, that is said, from
/// this many rows.
const DROPPED: f64 = 0.1;
const DUPLICATES: f64 = 0.2;
const BOTS: f64 = 0.1;
const DROPPED_ROWS: u64 = 5;

/// The facts that no table holds.
pub(crate) struct Facts<'a> {
    pub options: &'a Options,
    pub figures: &'a Figures,
    /// Rows read of each input, by its name.
    pub rows: [(&'static str, u64); 3],
    /// Rows dropped, by rule.
    pub dropped: &'a [(String, u64)],
    /// True where an input has a column of titles.
    pub titles: bool,
    /// True where the source publishes a split.
    pub published: bool,
    pub notices: &'a Notices,
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.0} %", share(part, whole) * 100.0)
}

fn count(batch: &RecordBatch, name: &str, row: usize) -> u64 {
    let count = whole_at(batch, name, row).unwrap_or(0);
    u64::try_from(count).unwrap_or(0)
}

impl Facts<'_> {
    /// Adds what there is to say; an items file that knows no sold item stops the run.
    pub(crate) async fn check(&self, engine: &mut Engine<'_>) -> Result<(), PrepareError> {
        if self.rows("items") > 0 {
            self.items_known(engine).await?;
        }
        self.titles(engine).await?;
        self.busiest(engine).await?;
        if !self.published {
            self.long_sessions(engine).await?;
        }
        self.dropped(engine).await?;
        self.bots(engine).await?;
        self.parts();
        Ok(())
    }

    fn rows(&self, input: &str) -> u64 {
        let found = self.rows.iter().find(|(name, _)| *name == input);
        found.map_or(0, |(_, rows)| *rows)
    }

    async fn items_known(&self, engine: &Engine<'_>) -> Result<(), PrepareError> {
        let found = single(engine.rows(&statement!("check/10_items_known")).await?);
        let (items, known) = (count(&found, "items", 0), count(&found, "known", 0));
        let unknown = text(&found, "unknown_item", 0).unwrap_or_default();
        let idle = text(&found, "item_without_events", 0);
        let listed = idle.map_or_else(String::new, |id| format!(", which lists '{id}'"));
        if items > 0 && known == 0 {
            return Err(PrepareError::NothingJoins {
                path: self
                    .options
                    .items
                    .clone()
                    .unwrap_or_else(|| self.options.events.clone()),
                items,
                sold: unknown,
                listed,
            });
        }
        if share(known, items) < FEW_KNOWN {
            self.notices.add(
                "few_items_known",
                format!(
                    "The items file knows {} of the {} items with events ({}, {} of the events); '{unknown}' is not in it{listed}.",
                    thousands(known),
                    thousands(items),
                    percent(known, items),
                    percent(count(&found, "known_events", 0), count(&found, "events", 0)),
                ),
                "Give the column with the events' ids, e.g. --column items.item_id=sku, or a whole catalogue; items that it lacks have no title, category or stock.",
            );
        }
        Ok(())
    }

    async fn titles(&self, engine: &Engine<'_>) -> Result<(), PrepareError> {
        if !self.titles {
            return Ok(());
        }
        let found = single(engine.rows(&statement!("check/50_untitled")).await?);
        let items = count(&found, "items", 0);
        let untitled = items - count(&found, "titled", 0);
        if share(untitled, items) > UNTITLED {
            self.notices.add(
                "untitled_items",
                format!(
                    "{} of {} items with events have no title ({}), among them '{}'.",
                    thousands(untitled),
                    thousands(items),
                    percent(untitled, items),
                    text(&found, "item_id", 0).unwrap_or_default()
                ),
                "Give an items file that lists them, or the column that holds titles: --column items.title=COLUMN.",
            );
        }
        Ok(())
    }

    async fn busiest(&self, engine: &mut Engine<'_>) -> Result<(), PrepareError> {
        let found = single(engine.rows(&statement!("check/20_busiest_user")).await?);
        let (rows, most) = (count(&found, "events", 0), count(&found, "most", 0));
        let among = count(&found, "users", 0) >= VISITOR_AMONG;
        let busy = share(most, rows) > VISITOR_SHARE && most >= VISITOR_ROWS && among;
        let robot = share(most, rows) > ROBOT_SHARE && most >= ROBOT_ROWS;
        if busy || robot {
            let user = text(&found, "user_id", 0).unwrap_or_default();
            self.notices.add(
                "one_visitor",
                format!(
                    "user_id '{user}' makes {} of {} rows ({}): a robot, a test account or an id that many share.",
                    thousands(most),
                    thousands(rows),
                    percent(most, rows)
                ),
                format!(
                    "If many share it, --nobody={}; if it is a robot, lower --max-clicks-per-day or leave it out of the export.",
                    shell_word(&user)
                ),
            );
        }
        let found = single(engine.rows(&statement!("check/30_longest_session")).await?);
        let (events, longest) = (count(&found, "events", 0), count(&found, "longest", 0));
        if longest >= SESSION_EVENTS && share(longest, events) > SESSION_SHARE {
            engine.set("session", whole(&found, "session_id"));
            let named = single(engine.rows(&statement!("check/32_session_id")).await?);
            let name = match (
                text(&named, "source_session", 0),
                text(&named, "one_user", 0),
            ) {
                (Some(session), _) => format!("session_id '{session}'"),
                (None, Some(user)) => format!("A session of user_id '{user}'"),
                (None, None) => "One session".into(),
            };
            let users = count(&named, "users", 0);
            self.notices.add(
                "one_session",
                format!(
                    "{name} has {} of {} events ({}){}.",
                    thousands(longest),
                    thousands(events),
                    percent(longest, events),
                    if users > 1 {
                        format!(", of {} users", thousands(users))
                    } else {
                        String::new()
                    }
                ),
                "A session is one visit. Name the column that tells visits apart with --column session_id=COLUMN, or the one with times, by whose pauses visits are cut.",
            );
        }
        Ok(())
    }

    async fn long_sessions(&self, engine: &mut Engine<'_>) -> Result<(), PrepareError> {
        let found = single(engine.rows(&statement!("check/35_long_sessions")).await?);
        let (sessions, long) = (count(&found, "sessions", 0), count(&found, "long", 0));
        if long < LONG_SESSIONS_COUNT || share(long, sessions) <= LONG_SESSIONS {
            return Ok(());
        }
        engine.set("session", whole(&found, "longest"));
        let named = single(engine.rows(&statement!("check/37_long_session_id")).await?);
        let id = text(&named, "session_id", 0).or_else(|| text(&named, "user_id", 0));
        self.notices.add(
            "long_sessions",
            format!(
                "{} of {} sessions last more than a day ({}), '{}' {} days: several visits share an id.",
                thousands(long),
                thousands(sessions),
                percent(long, sessions),
                id.unwrap_or_default(),
                thousands(count(&found, "days", 0))
            ),
            "Name the column that says whose session it is with --column user_id=COLUMN, or the one that tells visits apart with --column session_id=COLUMN.",
        );
        Ok(())
    }

    async fn dropped(&self, engine: &Engine<'_>) -> Result<(), PrepareError> {
        for batch in engine.rows(&statement!("check/40_dropped")).await? {
            for row in 0..batch.num_rows() {
                let input = text(&batch, "input", row).unwrap_or_default();
                let (rows, bad) = (self.rows(&input), count(&batch, "bad", row));
                if bad >= DROPPED_ROWS && share(bad, rows) > DROPPED {
                    self.notices.add(
                        "many_dropped",
                        format!(
                            "{} of {} rows of {input} could not be used ({}), most by {}: {}.",
                            thousands(bad),
                            thousands(rows),
                            percent(bad, rows),
                            text(&batch, "rule", row).unwrap_or_default(),
                            text(&batch, "reason", row).unwrap_or_default()
                        ),
                        "rejected.csv has each with its reason; name columns, formats and words in a mapping file.",
                    );
                }
                let copies = count(&batch, "duplicates", row);
                if copies >= DROPPED_ROWS && share(copies, rows) > DUPLICATES {
                    self.notices.add(
                        "many_duplicates",
                        format!(
                            "{} of {} rows of {input} are copies of others ({}).",
                            thousands(copies),
                            thousands(rows),
                            percent(copies, rows)
                        ),
                        "A file may stand there twice; if the copies are meant, let it pass with --accept many_duplicates.",
                    );
                }
            }
        }
        Ok(())
    }

    async fn bots(&self, engine: &Engine<'_>) -> Result<(), PrepareError> {
        let bots = self
            .dropped
            .iter()
            .filter(|(rule, _)| rule.starts_with("bot_"));
        let events: u64 = bots.map(|(_, rows)| rows).sum();
        let total = self.rows("events") + self.rows("orders");
        if events >= DROPPED_ROWS && share(events, total) > BOTS {
            let found = single(engine.rows(&statement!("check/60_bots")).await?);
            let visitor = text(&found, "visitor", 0).unwrap_or_default();
            self.notices.add(
                "many_bots",
                format!(
                    "{} of {} events ({}) were dropped as those of {} bots; '{visitor}' alone has {} ({}).",
                    thousands(events),
                    thousands(total),
                    percent(events, total),
                    thousands(count(&found, "visitors", 0)),
                    thousands(count(&found, "most", 0)),
                    text(&found, "reason", 0).unwrap_or_default()
                ),
                format!(
                    "If many people share an id, --nobody={}; if they are people, raise --max-clicks-per-minute, -session or -day.",
                    shell_word(&visitor)
                ),
            );
        }
        Ok(())
    }

    fn parts(&self) {
        let part = |name: &str| {
            let found = self.figures.parts.iter().find(|part| part.part == name);
            found.map_or((0, 0), |part| (part.sessions, part.events))
        };
        let (train, test) = (part("train"), part("test"));
        if train.0 == 0 {
            self.notices.add(
                "no_train",
                format!(
                    "No session is left for training; {} are for testing.",
                    thousands(test.0)
                ),
                "Give a longer history, or set less aside with --test-days.",
            );
        } else if test.1 > train.1 {
            self.notices.add(
                "test_larger_than_train",
                format!(
                    "The test part has {} events of {} sessions, train only {} of {}.",
                    thousands(test.1),
                    thousands(test.0),
                    thousands(train.1),
                    thousands(train.0)
                ),
                "Set less aside with --test-days, or check the source's split.",
            );
        }
        let sessions = self.figures.sessions.sessions;
        if self
            .figures
            .span_ms
            .is_some_and(|(first, last)| first == last)
            && sessions >= MOMENT_SESSIONS
        {
            self.notices.add(
                "one_moment",
                format!(
                    "All {} sessions bear the same time: it is that of the export, not of the visits.",
                    thousands(sessions)
                ),
                "Name the column with the time of the event: --column timestamp=COLUMN.",
            );
        }
        if test.0 == 0 && !self.published && self.options.test != TestPart::None {
            self.notices.add(
                "no_test",
                "No session is left for testing, so that no quality can be measured.",
                "Give a longer history or more --test-days; --no-test says that everything is for training.",
            );
        }
    }
}
