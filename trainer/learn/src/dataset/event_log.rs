//! `events.parquet` in memory.

use super::{DatasetError, Split};
use crate::parquet_columns::Columns;
use arrow::datatypes::{Int32Type, Int64Type, UInt8Type};
use std::collections::HashMap;
use std::path::Path;
use vitrine_core::Action;

/// `events.parquet` in memory, items by number.
pub(super) struct EventLog {
    pub(super) session: Vec<i64>,
    pub(super) item: Vec<u32>,
    pub(super) names: Vec<String>,
    pub(super) action: Vec<Action>,
    pub(super) split: Vec<Split>,
}

impl EventLog {
    pub(super) fn read(path: &Path) -> Result<Self, DatasetError> {
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
    pub(super) fn sessions(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let id = self.session.get(from)?;
            let length = self.session[from..].iter().take_while(|s| *s == id).count();
            from += length;
            Some(from - length..from)
        })
    }

    /// Ids of the items of the train split, and of those that `knows` names, in byte order.
    pub(super) fn items(&self, knows: &dyn Fn(&str) -> bool) -> Vec<String> {
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
