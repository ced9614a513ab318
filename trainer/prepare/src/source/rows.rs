//! Rows of text on their way into a chunk.

use super::node::MOST_ELEMENTS;
use super::node::Node;
use super::path::{Made, Path, Tree, Value};
use super::remarks::{Remark, Remarks};
use super::{CHUNK_BYTES, CHUNK_ROWS, Chunk, LONGEST_VALUE, Need, Selection, Unreadable, too_long};
use crate::typed::short;
use datafusion::arrow::array::{ArrayRef, StringBuilder};
use std::sync::Arc;

/// Bytes of a value that are shown of a row that was dropped.
const LONGEST_SHOWN: usize = 1024;

/// A selection, prepared for reading row by row.
pub(super) struct Plan {
    /// The name of each selected value.
    pub names: Vec<String>,
    needs: Vec<Need>,
    /// The columns that are read, in the file's order, each with the values that it gives.
    pub columns: Vec<(usize, Tree)>,
    /// True if elements of a list are rows.
    pub makes_rows: bool,
    /// The columns in the order of the selection, where each is taken whole.
    pub whole: Option<Vec<usize>>,
}

impl Plan {
    pub(super) fn new(columns: &[String], selection: &Selection) -> Self {
        let mut trees: Vec<(usize, Tree)> = Vec::new();
        let mut add = |column: usize, path: &Path, place: Option<usize>| {
            let at = trees.partition_point(|(known, _)| *known < column);
            if trees.get(at).is_none_or(|(known, _)| *known != column) {
                trees.insert(at, (column, Tree::default()));
            }
            trees[at].1.add(path, place);
        };
        for (place, pick) in selection.picks.iter().enumerate() {
            add(pick.column, &pick.path, Some(place));
        }
        if let Some((column, path)) = &selection.list {
            add(*column, path, None);
        }
        let picks = selection.picks.iter();
        let whole = selection.list.is_none() && picks.clone().all(|pick| pick.path.is_whole());
        Self {
            names: picks
                .clone()
                .map(|pick| format!("{}{}", columns[pick.column], pick.path))
                .collect(),
            needs: picks.clone().map(|pick| pick.need).collect(),
            columns: trees,
            makes_rows: selection.list.is_some(),
            whole: whole.then(|| picks.map(|pick| pick.column).collect()),
        }
    }

    /// The rows that a record makes, handed to `take`. `value` gives
    /// the value of a column, and the value to look into where it is asked for one.
    pub(super) fn rows<'n>(
        &self,
        mut value: impl FnMut(usize, bool) -> (Value<'n>, Option<Node<'n>>),
        take: &mut dyn FnMut(Vec<Value<'n>>, Made),
    ) {
        let mut row = vec![Value::Nothing; self.names.len()];
        let mut list = None;
        for (column, tree) in &self.columns {
            let (whole, node) = value(*column, tree.leads_inside());
            tree.fill_whole(&whole, &mut row);
            if let Some(node) = node {
                list = tree.fill_inside(&node, &mut row).or(list);
            }
        }
        if self.makes_rows {
            Tree::rows(list, row, take);
        } else {
            take(row, Made::Row);
        }
    }
}

/// A chunk under way.
pub(super) struct Rows {
    lines: Vec<u64>,
    builders: Vec<StringBuilder>,
    unreadable: Vec<Unreadable>,
    empty_lists: Vec<usize>,
    bytes: usize,
}

impl Rows {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            lines: Vec::with_capacity(CHUNK_ROWS),
            builders: (0..columns).map(|_| StringBuilder::new()).collect(),
            unreadable: Vec::new(),
            empty_lists: Vec::new(),
            bytes: 0,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= CHUNK_ROWS || self.bytes >= CHUNK_BYTES
    }

    /// Adds a row if nothing in it needs a closer look: nearly all rows, and the faster for it.
    pub(super) fn push_plain<'v>(
        &mut self,
        plan: &Plan,
        line: u64,
        value: impl Fn(usize) -> &'v [u8],
    ) -> bool {
        let mut texts = Vec::with_capacity(plan.needs.len());
        for (place, need) in plan.needs.iter().enumerate() {
            let bytes = value(place);
            let first = bytes.first();
            let may_be_json =
                first.is_some_and(|b| matches!(b, b'{' | b'[') || b.is_ascii_whitespace());
            if bytes.len() > LONGEST_SHOWN || (may_be_json && *need == Need::Essential) {
                return false;
            }
            match std::str::from_utf8(bytes) {
                Ok(text) => texts.push(text),
                Err(_) => return false,
            }
        }
        for (builder, text) in self.builders.iter_mut().zip(texts) {
            self.bytes += text.len();
            builder.append_value(text);
        }
        self.lines.push(line);
        true
    }

    /// Adds a row, without the values that can't be read; where such a value is essential, the row
    /// is unreadable. `text` is the row as it stands in the file.
    pub(super) fn push(
        &mut self,
        plan: &Plan,
        line: u64,
        row: &[Value<'_>],
        remarks: &mut Remarks,
        text: impl FnOnce() -> String,
    ) {
        let values = row.iter().zip(plan.needs.iter().zip(&plan.names));
        let texts = values.map(|(value, (need, name))| value.settle(*need, name, line, remarks));
        match texts.collect::<Result<Vec<_>, _>>() {
            Ok(texts) => {
                for (builder, text) in self.builders.iter_mut().zip(texts) {
                    self.bytes += text.map_or(0, str::len);
                    builder.append_option(text);
                }
                self.lines.push(line);
            }
            Err(reason) => self.fail(line, reason, text()),
        }
    }

    /// Adds a row that a list made, or did not make.
    pub(super) fn push_made(
        &mut self,
        plan: &Plan,
        line: u64,
        (row, made): (&[Value<'_>], Made),
        remarks: &mut Remarks,
        text: impl FnOnce() -> String,
    ) {
        match made {
            Made::Row => {}
            Made::Empty => self.empty_lists.push(self.lines.len()),
            Made::TooMany => {
                let reason =
                    format!("the list has more than the {MOST_ELEMENTS} elements that are read");
                return self.fail(line, reason, text());
            }
        }
        self.push(plan, line, row, remarks, text);
    }

    pub(super) fn fail(&mut self, line: u64, reason: String, text: String) {
        self.builders
            .iter_mut()
            .for_each(StringBuilder::append_null);
        self.unreadable.push(Unreadable {
            row: self.lines.len(),
            reason,
            text,
        });
        self.lines.push(line);
    }

    /// The chunk; `None` without rows.
    pub(super) fn chunk(self) -> Option<Chunk> {
        let columns = self.builders.into_iter();
        let columns = columns.map(|mut builder| Arc::new(builder.finish()) as ArrayRef);
        (!self.lines.is_empty()).then(|| Chunk {
            columns: columns.collect(),
            lines: self.lines,
            unreadable: self.unreadable,
            empty_lists: self.empty_lists,
        })
    }
}

impl Value<'_> {
    /// The text of the value, or none where it can't be read and the row can do without it; in the
    /// error, why the row can't.
    pub(super) fn settle(
        &self,
        need: Need,
        name: &str,
        line: u64,
        remarks: &mut Remarks,
    ) -> Result<Option<&str>, String> {
        let mut left_out = |remark, example: &str| {
            remarks.note(remark, name, line, || short(example));
            Ok(None)
        };
        match (self, need) {
            (Self::Nothing, _) => Ok(None),
            (Self::Text(text) | Self::Nested(text) | Self::Undecodable(text), Need::Shown) => {
                Ok(Some(&text[..text.floor_char_boundary(LONGEST_SHOWN)]))
            }
            (Self::Text(text), Need::Essential) => match Node::from_text(text) {
                _ if text.len() > LONGEST_VALUE => Err(too_long(name, text.len())),
                Some(node) => Err(nested(name, &node)),
                None => Ok(Some(text)),
            },
            (Self::Nested(text), Need::Essential) => Err(match Node::from_text(text) {
                Some(node) => nested(name, &node),
                None => format!("column '{name}' holds an object or a list, which is no id"),
            }),
            (Self::Undecodable(text), Need::Essential) => Err(format!(
                "column '{name}' is no text in the file's encoding: “{}”; say which one it has with encoding = \"…\" in a mapping file",
                short(text)
            )),
            (Self::Text(text), Need::Optional) if text.len() > LONGEST_VALUE => {
                left_out(Remark::TooLong, text)
            }
            (Self::Text(text), Need::Optional) => Ok(Some(text)),
            (Self::Nested(text), Need::Optional) => left_out(Remark::Nested, text),
            (Self::Undecodable(text), Need::Optional) => left_out(Remark::Undecodable, text),
        }
    }
}

/// Names the values inside an object or a list that stands where an id was expected.
fn nested(name: &str, node: &Node<'_>) -> String {
    let mut paths = Vec::new();
    node.list_paths(name, &mut paths);
    format!(
        "column '{name}' holds {}, which is no id; name a value inside it: {}",
        short(&node.json()),
        if paths.is_empty() {
            "it is empty".into()
        } else {
            paths.join(", ")
        }
    )
}
