//! A prepared shop: the sessions to learn from and those to be measured by.
//!
//! An event belongs to a split. In session data a whole session does; in leave-one-out data
//! (Amazon's, say) the last event of a user is `test`, the one before `valid`. Both are the same
//! rule here: *fit* sessions are made of `train` events only, and every `test` event that has at
//! least `shortest_prefix` events before it in its session is one example.
//!
//! Validation is cut from the end of train, never from test: the last tenth of the train
//! sessions in time order, unless the data name `valid` events of their own.

mod event_log;
mod sessions;

use event_log::EventLog;
use sessions::ExamplesOfSplit;
#[cfg(test)]
pub(crate) use sessions::views;
pub use sessions::{Examples, Sessions};

use crate::demand::Demand;
use crate::encoder::EncoderParameters;
use crate::encoder::features::Features;
use crate::field::Field;
use crate::parquet_columns::{Columns, ReadError};
use arrow::datatypes::Float64Type;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
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
    /// True if it is known that it can be sold.
    pub in_stock: bool,
}

impl ItemFacts {
    /// True if it can be sold and enough is told of it to place it among the others, even if
    /// nobody has looked at it yet.
    fn is_told(&self) -> bool {
        self.in_stock && (self.title.is_some() || self.category.is_some())
    }
}

/// A prepared folder in memory.
pub struct Dataset {
    /// `dataset.json`.
    pub facts: DatasetFacts,
    /// Item ids in byte order: an item's row is its place. Items of the train split, those of the
    /// catalogue that the field has reported, and those that it has in stock and tells a title or
    /// a category of.
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
    /// True if each session with a test event begins with a train event and has one test event:
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
        let new = catalogue.facts.iter().filter(|(_, item)| item.is_told());
        ids.extend(new.map(|(id, _)| id.clone()));
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
        let field = Field::of(released, &rows, &train);
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

    /// What an encoder of these parameters is told of each item.
    pub fn features(&self, parameters: &EncoderParameters) -> Features {
        if parameters.item_features {
            Features::of(&self.items)
        } else {
            Features::none(self.items.len())
        }
    }

    /// How often each item occurs in `sessions`; `[N]`.
    pub fn popularity(&self, sessions: &Sessions) -> Vec<f64> {
        self.demand(sessions).count
    }

    /// How often each row occurs in sessions, and whether it is on the rise; `[N]`.
    pub fn demand(&self, sessions: &Sessions) -> Demand {
        Demand::of(self.ids.len(), sessions)
    }
}

/// True if a session with these splits may stand in data that are made for leaving one out.
fn may_leave_one_out(splits: &[Split]) -> bool {
    match splits.iter().filter(|split| **split == Split::Test).count() {
        0 => true,
        1 => splits.first() == Some(&Split::Train),
        _ => false,
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
                    // Nobody knows, so nobody is promised.
                    in_stock: in_stock[at].unwrap_or(false),
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

#[cfg(test)]
mod tests {
    use super::*;
    use vitrine_core::Action;

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

    #[test]
    fn an_item_of_unknown_stock_is_not_counted_as_in_stock() {
        use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
        use std::sync::Arc;
        let texts = |texts: [&str; 3]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
        let stock = BooleanArray::from(vec![Some(true), None, Some(false)]);
        let batch = RecordBatch::try_from_iter([
            ("item_id", texts(["there", "perhaps", "gone"])),
            ("title", texts(["A", "B", "C"])),
            ("category", texts(["c", "c", "c"])),
            (
                "price",
                Arc::new(Float64Array::from(vec![1.0; 3])) as ArrayRef,
            ),
            ("image", texts(["a", "b", "c"])),
            ("in_stock", Arc::new(stock) as ArrayRef),
        ])
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("items.parquet");
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let catalogue = Catalogue::read(&path).unwrap();
        let items = ["there", "perhaps", "gone"].map(|id| catalogue.of(id));
        let facets = crate::facets::facets(&items, &[]);
        assert_eq!(facets.in_stock, [true, false, false]);
        // Nor has it a row of its own before somebody looks at it.
        assert_eq!(
            items.each_ref().map(ItemFacts::is_told),
            [true, false, false]
        );
    }
}
