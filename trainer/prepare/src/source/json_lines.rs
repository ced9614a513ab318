//! JSON: an object a line, the elements of one list, or objects one behind the other. The keys of
//! all objects make up the columns, so a file is read twice.

use super::encoding::{Coding, Judge, decode};
use super::lines::{Line, Lines};
use super::node::{Node, select_members};
use super::path::Value;
use super::remarks::{Remark, Remarks};
use super::rows::{Plan, Rows};
use super::{Chunk, Holds, Need, Reader, Selection, SourceFile, check_width, empty};
use crate::error::PrepareError;
use crate::mapping::Shape;
use encoding_rs::Encoding;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Lines after which a key that is new is late, and lines that are looked into for paths.
const SAMPLE: u64 = 1000;

/// A key of the objects of a file.
#[derive(Debug)]
pub(crate) struct Key {
    name: String,
    /// The line that first has it.
    line: u64,
    plain: bool,
    nested: bool,
}

pub(super) struct JsonLines {
    file: SourceFile,
    encoding: Option<&'static Encoding>,
    lines: Lines,
    columns: Vec<String>,
    keys: Arc<Vec<Key>>,
    plan: Plan,
    judge: Judge,
    remarks: Remarks,
}

impl JsonLines {
    pub(super) fn open(file: &SourceFile, shape: &Shape) -> Result<Self, PrepareError> {
        let keys = match file.keys.get() {
            Some(keys) => Arc::clone(keys),
            None => {
                let found = Arc::new(keys(file, shape.encoding)?);
                Arc::clone(file.keys.get_or_init(|| found))
            }
        };
        let columns: Vec<_> = keys.iter().map(|key| key.name.clone()).collect();
        Ok(Self {
            file: file.clone(),
            encoding: shape.encoding,
            lines: open_lines(file, shape.encoding)?,
            plan: Plan::new(&columns, &Selection::all(columns.len())),
            columns,
            keys,
            judge: Judge::new(shape.encoding),
            remarks: Remarks::default(),
        })
    }
}

/// The lines of a file, cut at objects where those span lines.
fn open_lines(
    file: &SourceFile,
    encoding: Option<&'static Encoding>,
) -> Result<Lines, PrepareError> {
    let mut lines = Lines::open(file, encoding)?;
    let mut first = Vec::new();
    while first.len() < 2 {
        match lines.next()? {
            Some(line) if line.is_blank() => {}
            Some(line) => first.push(line),
            None => break,
        }
    }
    let is_object = |line: &Line| matches!(parse(&line.lossy()), Ok(Found::Object(_)));
    let begins = |line: &Line| parse(&line.lossy()).is_err_and(|error| error.is_eof());
    let spans_lines = match first.as_slice() {
        [line, ..] if line.bytes.trim_ascii_start().starts_with(b"[") => true,
        [line, next] => begins(line) && !is_object(next) && !begins(next) && !line.cut,
        _ => false,
    };
    let mut lines = Lines::open(file, encoding)?;
    if spans_lines {
        lines.cut_at_values();
    }
    Ok(lines)
}

/// The keys of all objects of a file, in the order in which they appear.
fn keys(file: &SourceFile, encoding: Option<&'static Encoding>) -> Result<Vec<Key>, PrepareError> {
    let mut lines = open_lines(file, encoding)?;
    let mut keys: Vec<Key> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut seen = 0;
    while let Some(line) = lines.next()? {
        if line.is_blank() {
            continue;
        }
        seen += 1;
        if keys.is_empty() && seen > SAMPLE {
            break;
        }
        let text = line.lossy();
        let Ok(Found::Object(members)) = parse(&text) else {
            continue;
        };
        for (name, holds) in members {
            let place = match places.get(name.as_ref()) {
                Some(place) => *place,
                None => {
                    places.insert(name.clone().into_owned(), keys.len());
                    keys.push(Key {
                        name: name.into_owned(),
                        line: line.number,
                        plain: false,
                        nested: false,
                    });
                    check_width(&file.path, keys.len())?;
                    keys.len() - 1
                }
            };
            let key = &mut keys[place];
            key.plain |= matches!(holds, Member::Plain | Member::Text);
            key.nested |= matches!(holds, Member::Nested | Member::Text);
        }
    }
    match (keys.is_empty(), seen) {
        (false, _) => Ok(keys),
        (true, 0) => Err(empty(&file.path, "has no rows")),
        (true, _) => Err(PrepareError::source(
            &file.path,
            format!(
                "holds no JSON object in its first {} lines; Vitrine reads JSON Lines, one object a line, and lists of objects",
                seen.min(SAMPLE)
            ),
        )),
    }
}

/// The kind of a member's value.
enum Member {
    Null,
    Plain,
    Nested,
    /// Text that may be JSON.
    Text,
}

/// A JSON value, as far as its keys go.
enum Found<'de> {
    Object(Vec<(Cow<'de, str>, Member)>),
    Other,
}

fn parse(text: &str) -> Result<Found<'_>, serde_json::Error> {
    serde_json::from_str(text)
}

impl<'de> Deserialize<'de> for Found<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Top;
        impl<'de> Visitor<'de> for Top {
            type Value = Found<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), member)) = map.next_entry()? {
                    members.push((name, member));
                }
                Ok(Found::Object(members))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Found::Other)
            }

            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Found::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Found::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Found::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Found::Other)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Found::Other)
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Found::Other)
            }
        }
        deserializer.deserialize_any(Top)
    }
}

/// A key, borrowed where it has no escapes.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Key;
        impl<'de> Visitor<'de> for Key {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(key.into())))
            }
        }
        deserializer.deserialize_str(Key)
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kind;
        impl<'de> Visitor<'de> for Kind {
            type Value = Member;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Member, M::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Member::Nested)
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Member, S::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Member::Nested)
            }

            fn visit_str<E>(self, text: &str) -> Result<Member, E> {
                Ok(if text.starts_with(['{', '[']) {
                    Member::Text
                } else {
                    Member::Plain
                })
            }

            fn visit_u64<E>(self, _: u64) -> Result<Member, E> {
                Ok(Member::Plain)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Member, E> {
                Ok(Member::Plain)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Member, E> {
                Ok(Member::Plain)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
                Ok(Member::Plain)
            }

            fn visit_unit<E>(self) -> Result<Member, E> {
                Ok(Member::Null)
            }
        }
        deserializer.deserialize_any(Kind)
    }
}

/// The members of these names in a line, or why it can't be read.
fn members<'l>(
    line: &Line,
    text: &'l str,
    names: &[&str],
) -> Result<Vec<Option<Node<'l>>>, String> {
    if line.cut {
        return Err("the line is longer than a mebibyte".into());
    }
    select_members(text, names).map_err(|error| {
        // The line within the text that serde saw is not the file's.
        let words = error.to_string();
        let words = words.split(" at line").next().unwrap_or_default();
        if words.starts_with("the key") {
            return words.to_string();
        }
        format!(
            "the line is not a JSON object: {words} at column {}",
            error.column()
        )
    })
}

impl Reader for JsonLines {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn holds(&self, column: usize) -> Holds {
        match &self.keys[column] {
            Key {
                nested: true,
                plain: false,
                ..
            } => Holds::Nested,
            Key {
                nested: false,
                plain: true,
                ..
            } => Holds::Values,
            _ => Holds::Unknown,
        }
    }

    fn inside(&mut self, column: usize) -> Result<Vec<String>, PrepareError> {
        let mut lines = open_lines(&self.file, self.encoding)?;
        let name = &self.columns[column];
        let mut paths = Vec::new();
        for _ in 0..SAMPLE.max(self.keys[column].line + 10) {
            let Some(line) = lines.next()? else { break };
            let text = line.lossy();
            if let Ok(found) = members(&line, &text, &[name])
                && let Some(Some(node)) = found.first()
            {
                node.list_paths(name, &mut paths);
            }
        }
        Ok(paths)
    }

    fn select(&mut self, selection: &Selection) -> Result<(), PrepareError> {
        self.plan = Plan::new(&self.columns, selection);
        for pick in selection
            .picks
            .iter()
            .filter(|pick| pick.need != Need::Shown)
        {
            let key = &self.keys[pick.column];
            if key.line > SAMPLE {
                self.remarks
                    .note(Remark::LateKey, &key.name, key.line, String::new);
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Chunk>, PrepareError> {
        let plan = &self.plan;
        let columns = plan.columns.iter();
        let names: Vec<_> = columns
            .map(|(column, _)| self.columns[*column].as_str())
            .collect();
        let mut rows = Rows::new(plan.names.len());
        while !rows.is_full() {
            let Some(line) = self.lines.next()? else {
                break;
            };
            if line.is_blank() {
                continue;
            }
            let remarks = &mut self.remarks;
            let coding = self.judge.judge(&line, &mut self.lines, remarks)?;
            let text = match decode(&line.bytes, coding) {
                Ok(text) | Err(text) => text,
            };
            match members(&line, &text, &names) {
                Ok(found) => plan.rows(
                    |column, _| {
                        let place = plan.columns.partition_point(|(other, _)| *other < column);
                        match &found[place] {
                            None => (Value::Nothing, None),
                            Some(node) => (node.value(), Some(node.clone())),
                        }
                    },
                    &mut |mut row, made| {
                        if coding == Coding::Damaged {
                            row.iter_mut().for_each(without_damage);
                        }
                        rows.push_made(plan, line.number, (&row, made), remarks, || line.text());
                    },
                ),
                Err(reason) => rows.fail(line.number, reason, line.text()),
            }
        }
        Ok(rows.chunk())
    }

    fn position(&self) -> u64 {
        self.lines.position()
    }

    fn encoding(&self) -> Option<&'static str> {
        self.lines.wide.map(Encoding::name)
    }

    fn remarks(&self) -> &Remarks {
        &self.remarks
    }
}

/// Text with a mark in place of bytes that could not be decoded is no value.
fn without_damage(value: &mut Value<'_>) {
    if let Value::Text(text) = value
        && text.contains('\u{fffd}')
    {
        *value = Value::Undecodable(std::mem::take(text));
    }
}
