//! Paths to values inside the values of a column: `product.id`, `items[].item_id`,
//! `event_params.ga_session_id`.
//!
//! A name leads to the member of an object, or, in a list of keys with values, to the value of that
//! key. `[]` stands for each element of a list: every element becomes a row, and the columns
//! outside the list are repeated.

use super::node::{Kind, MOST_ELEMENTS, Node};
use std::borrow::Cow;
use std::fmt;

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Member(String),
    Each,
}

/// The steps from a column to a value; none for the whole column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

impl Path {
    /// Reads what stands behind a column's name: `.id`, `[].item_id`; `None` where it is no path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix("[]") {
                steps.push(Step::Each);
                rest = behind;
                continue;
            }
            let behind = rest.strip_prefix('.')?;
            let end = behind.find(['.', '[']).unwrap_or(behind.len());
            let (name, behind) = behind.split_at(end);
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Member(name.into()));
            rest = behind;
        }
        Some(Self(steps))
    }

    /// The column and the path of `source`, where it begins with the name of one of `columns`; the
    /// longest such name counts, because names may have dots.
    pub(crate) fn locate(source: &str, columns: &[String]) -> Option<(usize, Self)> {
        let ends = source.char_indices().rev();
        ends.filter(|(_, mark)| matches!(mark, '.' | '['))
            .find_map(|(end, _)| {
                let (name, path) = source.split_at(end);
                let exact = columns.iter().position(|column| column == name);
                let column = exact.or_else(|| {
                    let mut same = columns.iter();
                    same.position(|column| column.eq_ignore_ascii_case(name))
                })?;
                Some((column, Self::parse(path)?))
            })
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    /// The path to the innermost list whose elements are rows; `None` without `[]`.
    pub(crate) fn list(&self) -> Option<Self> {
        let last = self.0.iter().rposition(|step| *step == Step::Each)?;
        Some(Self(self.0[..=last].to_vec()))
    }

    /// True if this path leads through `other`.
    pub(crate) fn begins_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The last name, for comparing with names that are known.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| match step {
            Step::Member(name) => write!(f, ".{name}"),
            Step::Each => f.write_str("[]"),
        })
    }
}

/// A value of a selected column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Nothing,
    Text(Cow<'a, str>),
    /// An object or a list where one value was expected, as JSON.
    Nested(Cow<'a, str>),
    /// Bytes that are no text in the file's encoding, as far as they can be shown.
    Undecodable(Cow<'a, str>),
}

/// What became of a list whose elements are rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Row,
    /// The list is empty or missing; the values outside of it are there.
    Empty,
    /// The list is too long to be one event's.
    TooMany,
}

/// The selected paths of one column, joined where they begin alike, so that a value is walked once.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// Places, among the selected columns, of the paths that end here.
    ends: Vec<usize>,
    members: Vec<(String, Tree)>,
    each: Option<Box<Tree>>,
}

impl Tree {
    /// Adds a path that ends at `place`, or that ends nowhere and only makes rows of a list.
    pub(super) fn add(&mut self, path: &Path, place: Option<usize>) {
        let mut tree = self;
        for step in path.steps() {
            tree = match step {
                Step::Each => tree.each.get_or_insert_default(),
                Step::Member(name) => {
                    let known = tree.members.iter().position(|(member, _)| member == name);
                    let at = known.unwrap_or_else(|| {
                        tree.members.push((name.clone(), Self::default()));
                        tree.members.len() - 1
                    });
                    &mut tree.members[at].1
                }
            };
        }
        tree.ends.extend(place);
    }

    /// True if a list below makes rows.
    pub(super) fn makes_rows(&self) -> bool {
        self.each.is_some() || self.members.iter().any(|(_, tree)| tree.makes_rows())
    }

    /// True if a path leads into the value.
    pub(super) fn leads_inside(&self) -> bool {
        self.each.is_some() || !self.members.is_empty()
    }

    /// Fills `row` with the value itself where it is selected.
    pub(super) fn fill_whole<'n>(&self, value: &Value<'n>, row: &mut [Value<'n>]) {
        for &place in &self.ends {
            row[place] = value.clone();
        }
    }

    /// Fills `row` with the selected values inside a value; returns the elements of the list whose
    /// elements are rows, with the tree to walk each by, where the tree has such a list.
    pub(super) fn fill_inside<'t, 'n>(
        &'t self,
        node: &Node<'n>,
        row: &mut [Value<'n>],
    ) -> Option<(Vec<Node<'n>>, &'t Self)> {
        if node.kind() == Kind::Null {
            return None;
        }
        let mut list = self.each.as_deref().map(|each| (node.elements(), each));
        if !self.members.is_empty() {
            let names: Vec<_> = self.members.iter().map(|(name, _)| name.as_str()).collect();
            for (found, (_, tree)) in node.select(&names).iter().zip(&self.members) {
                if let Some(found) = found {
                    list = tree.fill(found, row).or(list);
                }
            }
        }
        list
    }

    fn fill<'t, 'n>(
        &'t self,
        node: &Node<'n>,
        row: &mut [Value<'n>],
    ) -> Option<(Vec<Node<'n>>, &'t Self)> {
        self.fill_whole(&node.value(), row);
        self.fill_inside(node, row)
    }

    /// Hands `row` to `take`, filled once for each element of the list that makes rows.
    pub(super) fn rows<'n>(
        list: Option<(Vec<Node<'n>>, &Self)>,
        row: Vec<Value<'n>>,
        take: &mut dyn FnMut(Vec<Value<'n>>, Made),
    ) {
        match list {
            Some((elements, _)) if elements.len() > MOST_ELEMENTS => take(row, Made::TooMany),
            Some((elements, tree)) if !elements.is_empty() => {
                for element in elements {
                    let mut row = row.clone();
                    let inner = tree.fill(&element, &mut row);
                    if tree.makes_rows() {
                        Self::rows(inner, row, take);
                    } else {
                        take(row, Made::Row);
                    }
                }
            }
            _ => take(row, Made::Empty),
        }
    }
}
