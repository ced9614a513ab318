//! A prepared shop: the sessions to learn from and those to be measured by.
//!
//! An event belongs to a split. In session data a whole session does; in leave-one-out data
//! (Amazon's, say) the last event of a user is `test`, the one before `valid`. Both are the same
//! rule here: *fit* sessions are made of `train` events only, and every `test` event that has at
//! least `shortest_prefix` events before it in its session is one example.
//!
//! Validation is cut from the end of train, never from test: the last tenth of the train
//! sessions in time order, unless the data name `valid` events of their own.

use crate::parquet_columns::{Columns, ReadError};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, UInt8Type};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use vitrine_core::Action;
use vitrine_core::cell::Cell;
use vitrine_core::dataset::DatasetFacts;
use vitrine_core::released::ReleasedWindow;
use vitrine_core::score::Event;

/// Why a prepared folder can't be learned from.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A file or column can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// `dataset.json` can't be read.
    #[error("{path}: {reason}: prepare the data again")]
    Facts {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A value is outside its range.
    #[error("{path}: row {row}: {reason}: prepare the data again")]
    Value {
        /// The file.
        path: PathBuf,
        /// Its row, from 0.
        row: usize,
        /// What is wrong.
        reason: String,
    },
    /// Nothing to learn from.
    #[error(
        "{0}: no session of at least two events is in the train split: there is nothing to learn from"
    )]
    Empty(PathBuf),
}

/// Which part of an evaluation an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Learned from.
    Train,
    /// Used to choose among models.
    Valid,
    /// Used once, to report.
    Test,
}

/// Sessions laid end to end.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    /// Where each session starts in `events`, and the end; `[sessions + 1]`.
    pub start: Vec<usize>,
    /// Events of all sessions, oldest first within each.
    pub events: Vec<Event>,
}

impl Sessions {
    /// No session yet.
    pub fn new() -> Self {
        Self {
            start: vec![0],
            events: Vec::new(),
        }
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.start.len() - 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The events of one session.
    pub fn get(&self, session: usize) -> &[Event] {
        &self.events[self.start[session]..self.start[session + 1]]
    }

    /// Adds a session.
    pub fn push(&mut self, events: impl IntoIterator<Item = Event>) {
        self.events.extend(events);
        self.start.push(self.events.len());
    }

    /// All sessions in order.
    pub fn iter(&self) -> impl Iterator<Item = &[Event]> {
        (0..self.len()).map(|session| self.get(session))
    }
}

/// Next-item examples: in `session`, the events before `position` are the input, the event at
/// `position` is the label.
#[derive(Clone, Debug)]
pub struct Examples {
    /// The sessions that the examples point into.
    pub sessions: Sessions,
    /// Session and position of each label, sessions rising.
    pub at: Vec<(u32, u32)>,
}

impl Examples {
    /// Every event after the first `shortest` of a session is a label once.
    pub fn every_prefix(sessions: Sessions, shortest: usize) -> Self {
        let mut at = Vec::new();
        for (session, events) in sessions.iter().enumerate() {
            at.extend((shortest..events.len()).map(|position| (session as u32, position as u32)));
        }
        Self { sessions, at }
    }

    /// How many examples there are.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// At most about `most` examples, evenly spread.
    pub fn thinned(&self, most: usize) -> Self {
        let stride = self.len().div_ceil(most.max(1)).max(1);
        Self {
            sessions: self.sessions.clone(),
            at: self.at.iter().copied().step_by(stride).collect(),
        }
    }

    /// Input and label of one example; the label is `None` when the model can't know the item.
    pub fn get(&self, example: usize) -> (&[Event], Option<u32>) {
        let (session, position) = self.at[example];
        let events = self.sessions.get(session as usize);
        let position = position as usize;
        (&events[..position], events[position].row)
    }
}

/// What is known of one item, by row.
#[derive(Clone, Debug, Default)]
pub struct ItemFacts {
    /// Title.
    pub title: Option<String>,
    /// Category.
    pub category: Option<String>,
    /// Price in the shop's currency.
    pub price: Option<f64>,
    /// Address of a picture.
    pub image: Option<String>,
    /// Whether it can be sold.
    pub in_stock: bool,
}

/// Counts that came back from the field, as sessions of two items with a weight each.
///
/// A released transition that k reports named enters the counts as a two-item session of weight
/// k; a released item cell adds to the item's popularity.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// Two-item sessions.
    pub pairs: Sessions,
    /// Weight of each; `[pairs]`.
    pub weight: Vec<f64>,
    /// Added popularity by row; `[N]`.
    pub popularity: Vec<f64>,
    /// Released cells that were used.
    pub used: u64,
    /// Released cells that name an item that is not in the shop's catalogue.
    pub unknown: u64,
}

/// A prepared folder in memory.
pub struct Dataset {
    /// `dataset.json`.
    pub facts: DatasetFacts,
    /// Item ids in byte order: an item's row is its place. Items of the train split, and those of
    /// the catalogue that the field has reported.
    pub ids: Vec<String>,
    /// What came back from the field.
    pub field: Field,
    /// What is known of each item, by row.
    pub items: Vec<ItemFacts>,
    /// Sessions of train events, in time order where the data have times.
    pub train: Sessions,
    /// Examples of the data's own `valid` events, where it has them.
    given_valid: Option<Examples>,
    /// Examples of the `test` events.
    pub test: Examples,
    /// Whether each session with a test event begins with a train event and has one test event:
    /// the data are made for leaving one out.
    pub leaves_one_out: bool,
}

impl Dataset {
    /// Reads a folder that `vitrine prepare` wrote, and what was released from the field.
    pub fn open(folder: &Path, released: &[ReleasedWindow]) -> Result<Self, DatasetError> {
        Self::read(folder, released, &|_| false)
    }

    /// Reads a folder to measure a model on it that `knows` some of its items: those have rows
    /// even where the train split does not name them, so that they are no misses.
    pub fn open_to_measure(
        folder: &Path,
        knows: &dyn Fn(&str) -> bool,
    ) -> Result<Self, DatasetError> {
        Self::read(folder, &[], knows)
    }

    fn read(
        folder: &Path,
        released: &[ReleasedWindow],
        knows: &dyn Fn(&str) -> bool,
    ) -> Result<Self, DatasetError> {
        let facts = read_facts(&folder.join("dataset.json"))?;
        let log = EventLog::read(&folder.join("events.parquet"))?;
        let catalogue = Catalogue::read(&folder.join("items.parquet"))?;
        let mut ids = log.items(knows);
        let reported = released
            .iter()
            .flat_map(|window| &window.cells)
            .flat_map(|released| released.cell.items())
            .filter(|id| catalogue.facts.contains_key(*id))
            .map(str::to_owned);
        ids.extend(reported);
        ids.sort_unstable();
        ids.dedup();
        let rows: HashMap<&str, u32> = ids.iter().map(String::as_str).zip(0..).collect();
        let row_of: Vec<Option<u32>> = log
            .names
            .iter()
            .map(|name| rows.get(name.as_str()).copied())
            .collect();
        let shortest = facts.shortest_prefix.max(1);

        let mut train = Sessions::new();
        let mut valid = ExamplesOfSplit::new(Split::Valid, shortest);
        let mut test = ExamplesOfSplit::new(Split::Test, shortest);
        let mut leaves_one_out = true;
        for session in log.sessions() {
            let events: Vec<Event> = session
                .clone()
                .map(|at| Event {
                    row: row_of[log.item[at] as usize],
                    action: log.action[at],
                })
                .collect();
            let splits = &log.split[session];
            leaves_one_out &= may_leave_one_out(splits);
            let learned: Vec<Event> = events
                .iter()
                .zip(splits)
                .filter(|(_, split)| **split == Split::Train)
                .map(|(event, _)| *event)
                .collect();
            if !learned.is_empty() {
                train.push(learned);
            }
            valid.add(&events, splits);
            test.add(&events, splits);
        }
        if train.iter().all(|session| session.len() < 2) {
            return Err(DatasetError::Empty(folder.into()));
        }
        let items = ids.iter().map(|id| catalogue.of(id)).collect();
        let field = Field::of(released, &rows);
        let given_valid = valid.finish();
        let test = test.finish();
        Ok(Self {
            facts,
            items,
            field,
            train,
            given_valid: (!given_valid.is_empty()).then_some(given_valid),
            leaves_one_out: leaves_one_out && !test.is_empty(),
            test,
            ids,
        })
    }

    /// Sessions to fit and examples to choose by: what the data name, or the last tenth of train.
    pub fn validation(&self) -> (Sessions, Examples) {
        if let Some(valid) = &self.given_valid {
            return (self.train.clone(), valid.clone());
        }
        let cut = (self.train.len() * 9 / 10).max(1);
        let mut fit = Sessions::new();
        let mut held_out = Sessions::new();
        for (at, session) in self.train.iter().enumerate() {
            let part = if at < cut { &mut fit } else { &mut held_out };
            part.push(session.iter().copied());
        }
        let shortest = self.facts.shortest_prefix.max(1);
        (fit, Examples::every_prefix(held_out, shortest))
    }

    /// How often each item occurs in `sessions`; `[N]`.
    pub fn popularity(&self, sessions: &Sessions) -> Vec<f64> {
        let mut counts = vec![0.0; self.ids.len()];
        for row in sessions.events.iter().filter_map(|event| event.row) {
            counts[row as usize] += 1.0;
        }
        counts
    }
}

/// Whether a session with these splits may stand in data that are made for leaving one out.
fn may_leave_one_out(splits: &[Split]) -> bool {
    match splits.iter().filter(|split| **split == Split::Test).count() {
        0 => true,
        1 => splits.first() == Some(&Split::Train),
        _ => false,
    }
}

/// Collects the examples of one split.
struct ExamplesOfSplit {
    split: Split,
    shortest: usize,
    examples: Examples,
}

impl ExamplesOfSplit {
    fn new(split: Split, shortest: usize) -> Self {
        let examples = Examples {
            sessions: Sessions::new(),
            at: Vec::new(),
        };
        Self {
            split,
            shortest,
            examples,
        }
    }

    fn add(&mut self, events: &[Event], splits: &[Split]) {
        let labels: Vec<usize> = (self.shortest..events.len())
            .filter(|&position| splits[position] == self.split)
            .collect();
        if let Some(&last) = labels.last() {
            let session = self.examples.sessions.len() as u32;
            self.examples.sessions.push(events[..=last].iter().copied());
            self.examples
                .at
                .extend(labels.iter().map(|&position| (session, position as u32)));
        }
    }

    fn finish(self) -> Examples {
        self.examples
    }
}

/// `events.parquet` in memory, items by number.
struct EventLog {
    session: Vec<i64>,
    item: Vec<u32>,
    names: Vec<String>,
    action: Vec<Action>,
    split: Vec<Split>,
}

impl EventLog {
    fn read(path: &Path) -> Result<Self, DatasetError> {
        let columns = Columns::read(
            path,
            &["session_id", "position", "item_id", "action", "split"],
        )?;
        let value = |row: usize, reason: String| DatasetError::Value {
            path: path.into(),
            row,
            reason,
        };
        let session = columns.present::<Int64Type>("session_id")?;
        let position = columns.present::<Int32Type>("position")?;
        for row in 1..session.len() {
            let follows = session[row] == session[row - 1];
            if follows && position[row] <= position[row - 1] {
                return Err(value(
                    row,
                    "events are not sorted by session and position".into(),
                ));
            }
        }
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut names = Vec::new();
        let mut item = Vec::with_capacity(session.len());
        let mut missing = None;
        columns.each_text("item_id", |id| {
            let Some(id) = id else {
                missing.get_or_insert(item.len());
                item.push(0);
                return;
            };
            let number = match numbers.get(id) {
                Some(&number) => number,
                None => {
                    let number = names.len() as u32;
                    names.push(id.to_owned());
                    numbers.insert(id.to_owned(), number);
                    number
                }
            };
            item.push(number);
        })?;
        if let Some(row) = missing {
            return Err(value(row, "item_id is null".into()));
        }
        let action = columns
            .present::<UInt8Type>("action")?
            .into_iter()
            .enumerate()
            .map(|(row, code)| {
                Action::from_code(code)
                    .ok_or_else(|| value(row, format!("{code} is not an action code")))
            })
            .collect::<Result<_, _>>()?;
        let mut split = Vec::with_capacity(session.len());
        let mut unknown = None;
        columns.each_text("split", |name| {
            split.push(match name {
                Some("valid") => Split::Valid,
                Some("test") => Split::Test,
                Some("train") => Split::Train,
                other => {
                    unknown.get_or_insert((split.len(), format!("{other:?} is not a split")));
                    Split::Train
                }
            });
        })?;
        if let Some((row, reason)) = unknown {
            return Err(value(row, reason));
        }
        Ok(Self {
            session,
            item,
            names,
            action,
            split,
        })
    }

    /// The rows of each session.
    fn sessions(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let id = self.session.get(from)?;
            let length = self.session[from..].iter().take_while(|s| *s == id).count();
            from += length;
            Some(from - length..from)
        })
    }

    /// Ids of the items of the train split, and of those that `knows` names, in byte order.
    fn items(&self, knows: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut wanted: Vec<bool> = self.names.iter().map(|name| knows(name)).collect();
        for (item, split) in self.item.iter().zip(&self.split) {
            wanted[*item as usize] |= *split == Split::Train;
        }
        let mut ids: Vec<String> = self
            .names
            .iter()
            .zip(wanted)
            .filter(|(_, wanted)| *wanted)
            .map(|(name, _)| name.clone())
            .collect();
        ids.sort_unstable();
        ids
    }
}

pub(crate) fn read_facts(path: &Path) -> Result<DatasetFacts, DatasetError> {
    let fail = |reason: String| DatasetError::Facts {
        path: path.into(),
        reason,
    };
    let bytes = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|e| fail(e.to_string()))
}

/// `items.parquet`.
struct Catalogue {
    facts: HashMap<String, ItemFacts>,
}

impl Catalogue {
    fn read(path: &Path) -> Result<Self, DatasetError> {
        let columns = Columns::read(
            path,
            &["item_id", "title", "category", "price", "image", "in_stock"],
        )?;
        let title = columns.texts("title")?;
        let category = columns.texts("category")?;
        let price = columns.numbers::<Float64Type>("price")?;
        let image = columns.texts("image")?;
        let in_stock = columns.truths("in_stock")?;
        let mut facts = HashMap::with_capacity(title.len());
        let mut at = 0;
        columns.each_text("item_id", |id| {
            if let Some(id) = id {
                let item = ItemFacts {
                    title: title[at].clone(),
                    category: category[at].clone(),
                    price: price[at],
                    image: image[at].clone(),
                    in_stock: in_stock[at].unwrap_or(true),
                };
                facts.insert(id.to_owned(), item);
            }
            at += 1;
        })?;
        Ok(Self { facts })
    }

    fn of(&self, id: &str) -> ItemFacts {
        self.facts.get(id).cloned().unwrap_or_else(|| ItemFacts {
            in_stock: true,
            ..ItemFacts::default()
        })
    }
}

impl Field {
    fn of(released: &[ReleasedWindow], rows: &HashMap<&str, u32>) -> Self {
        let mut field = Self {
            pairs: Sessions::new(),
            popularity: vec![0.0; rows.len()],
            ..Self::default()
        };
        for released in released.iter().flat_map(|window| &window.cells) {
            let row = |id: &str| rows.get(id).copied();
            let count = released.count as f64;
            let known = match &released.cell {
                Cell::Transition { from, to, action } => match (row(from), row(to)) {
                    (Some(from), Some(to)) => {
                        field.pairs.push([
                            Event {
                                row: Some(from),
                                action: Action::View,
                            },
                            Event {
                                row: Some(to),
                                action: *action,
                            },
                        ]);
                        field.weight.push(count);
                        true
                    }
                    _ => false,
                },
                Cell::Item { item, .. } => match row(item) {
                    Some(row) => {
                        field.popularity[row as usize] += count;
                        true
                    }
                    None => false,
                },
                // Impressions and metrics say how well a bundle did; nothing is learned from
                // them yet.
                Cell::Impression { .. } | Cell::Metric { .. } => continue,
            };
            if known {
                field.used += 1;
            } else {
                field.unknown += 1;
            }
        }
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_left_out_where_a_session_has_train_events_and_one_test_event() {
        use Split::{Test, Train, Valid};
        assert!(may_leave_one_out(&[Train, Train, Valid, Test]));
        assert!(may_leave_one_out(&[Train, Train]));
        assert!(!may_leave_one_out(&[Test, Test]));
        assert!(!may_leave_one_out(&[Valid, Test]));
        assert!(!may_leave_one_out(&[Train, Test, Test]));
    }

    #[test]
    fn an_item_that_only_the_measured_model_knows_has_a_row() {
        let log = EventLog {
            session: vec![0, 0, 1],
            item: vec![1, 0, 2],
            names: vec!["old".into(), "older".into(), "new".into()],
            action: vec![Action::View; 3],
            split: vec![Split::Train, Split::Train, Split::Test],
        };
        assert_eq!(log.items(&|_| false), ["old", "older"]);
        assert_eq!(log.items(&|id| id == "new"), ["new", "old", "older"]);
    }
}
