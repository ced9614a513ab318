//! A value inside a value: JSON text, or a row of a Parquet column. Both are walked alike.

use super::path::Value;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StructArray};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Most elements of a list: an event or an order of more is none.
pub(super) const MOST_ELEMENTS: usize = 10_000;
/// Paths that are listed of one column at most.
const MOST_PATHS: usize = 40;
/// Elements of a list, and levels, that are looked into for a list of paths.
const LOOKED_AT: usize = 20;
const DEEPEST: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Scalar,
    Object,
    List,
}

#[derive(Clone, Debug)]
pub(super) enum Node<'a> {
    /// One whole JSON value without blanks around it.
    Json(Cow<'a, str>),
    /// A row of an array.
    Cell(ArrayRef, usize),
}

impl<'a> Node<'a> {
    /// Text that is a JSON object or list.
    pub(super) fn from_text(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let whole =
            text.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok();
        whole.then_some(Self::Json(Cow::Borrowed(text)))
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Json(text) => match text.as_bytes().first() {
                None | Some(b'n') => Kind::Null,
                Some(b'{') => Kind::Object,
                Some(b'[') => Kind::List,
                Some(_) => Kind::Scalar,
            },
            Self::Cell(array, row) if array.is_null(*row) => Kind::Null,
            Self::Cell(array, _) => match array.data_type() {
                DataType::Null => Kind::Null,
                DataType::Struct(_) => Kind::Object,
                kind if kind.is_nested() => Kind::List,
                _ => Kind::Scalar,
            },
        }
    }

    /// The value of a selected column that ends here.
    pub(super) fn value(&self) -> Value<'a> {
        match self.kind() {
            Kind::Null => Value::Nothing,
            Kind::Scalar => Value::Text(self.text()),
            Kind::Object | Kind::List => Value::Nested(self.json()),
        }
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Cow<'a, str> {
        match self {
            Self::Json(text) if text.starts_with('"') => {
                let inner = text.len() - 1;
                match text {
                    Cow::Borrowed(text) if !text.contains('\\') => Cow::Borrowed(&text[1..inner]),
                    // A string of a whole JSON value can be read; were it not so, it stays as it is.
                    text => serde_json::from_str::<String>(text)
                        .map_or_else(|_| text.clone(), Cow::Owned),
                }
            }
            Self::Json(text) => text.clone(),
            Self::Cell(array, row) => {
                let array = array.as_ref();
                Cow::Owned(match array.data_type() {
                    DataType::Utf8View => array.as_string_view().value(*row).to_string(),
                    DataType::BinaryView => {
                        String::from_utf8_lossy(array.as_binary_view().value(*row)).into_owned()
                    }
                    _ => {
                        let options = FormatOptions::default();
                        let formatter = ArrayFormatter::try_new(array, &options);
                        formatter.map_or_else(|_| String::new(), |f| f.value(*row).to_string())
                    }
                })
            }
        }
    }

    /// The value as JSON, for messages and for `rejected.csv`.
    pub(super) fn json(&self) -> Cow<'a, str> {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        match (self, self.kind()) {
            (Self::Json(text), _) => text.clone(),
            (_, Kind::Null) => "null".into(),
            (_, Kind::Scalar) => quoted(&self.text()).into(),
            (_, Kind::Object) => {
                let members = self.members();
                let members = members.iter();
                let members: Vec<_> = members
                    .map(|(name, node)| format!("{}:{}", quoted(name), node.json()))
                    .collect();
                format!("{{{}}}", members.join(",")).into()
            }
            (_, Kind::List) => {
                let elements = self.elements();
                let elements: Vec<_> = elements.iter().map(Self::json).collect();
                format!("[{}]", elements.join(",")).into()
            }
        }
    }

    /// The members of an object.
    fn members(&self) -> Vec<(String, Self)> {
        match self {
            Self::Json(Cow::Borrowed(text)) => object_members(text).unwrap_or_default(),
            Self::Json(Cow::Owned(text)) => object_members(text)
                .unwrap_or_default()
                .into_iter()
                .map(|(name, node)| (name, node.into_owned()))
                .collect(),
            Self::Cell(array, row) => array.as_struct_opt().map_or_else(Vec::new, |object| {
                let fields = object.fields().iter().zip(object.columns());
                fields
                    .map(|(field, column)| (field.name().clone(), Self::Cell(column.clone(), *row)))
                    .collect()
            }),
        }
    }

    /// The members of these names: of an object, of text that is an object, or, in a list of keys
    /// with values, the values of these keys.
    pub(super) fn select(&self, names: &[&str]) -> Vec<Option<Self>> {
        match self.kind() {
            Kind::Null => vec![None; names.len()],
            Kind::Scalar => match self.embedded() {
                Some(inner) => inner.select(names),
                None => vec![None; names.len()],
            },
            Kind::Object => {
                let mut found = self.own_members(names);
                if found.iter().all(Option::is_none) && self.wrapped_list().is_some() {
                    found = self.values_of_keys(names);
                }
                found
            }
            Kind::List => self.values_of_keys(names),
        }
    }

    fn own_members(&self, names: &[&str]) -> Vec<Option<Self>> {
        match self {
            Self::Json(Cow::Borrowed(text)) => {
                select_members(text, names).unwrap_or_else(|_| vec![None; names.len()])
            }
            Self::Json(Cow::Owned(text)) => {
                let found = select_members(text, names);
                let found = found.unwrap_or_else(|_| vec![None; names.len()]);
                found.into_iter().map(|f| f.map(Node::into_owned)).collect()
            }
            Self::Cell(array, row) => {
                let object = array.as_struct_opt();
                let column = |name: &&str| object?.column_by_name(name);
                let cell = |column: &ArrayRef| Self::Cell(column.clone(), *row);
                names.iter().map(|name| column(name).map(cell)).collect()
            }
        }
    }

    fn values_of_keys(&self, names: &[&str]) -> Vec<Option<Self>> {
        let mut found = vec![None; names.len()];
        for element in self.elements() {
            let Some((key, value)) = element.key_and_value() else {
                continue;
            };
            if let Some(at) = names.iter().position(|name| *name == key)
                && found[at].is_none()
            {
                found[at] = Some(value);
            }
        }
        found
    }

    /// Key and value of an element of a list of keys with values; the value's type may stand in its
    /// name, as in `{"key": …, "value": {"string_value": …, "int_value": …}}`.
    fn key_and_value(&self) -> Option<(Cow<'a, str>, Self)> {
        if self.kind() != Kind::Object {
            return None;
        }
        let mut parts = self.own_members(&["key", "name", "value"]).into_iter();
        let (key, name, value) = (parts.next()?, parts.next()?, parts.next()?);
        let key = key.or(name).filter(|key| key.kind() == Kind::Scalar)?;
        let value = value?;
        let typed = (value.kind() == Kind::Object)
            .then(|| {
                let members = value.members();
                let mut members = members.into_iter();
                members
                    .find(|(name, member)| name.ends_with("_value") && member.kind() != Kind::Null)
            })
            .flatten();
        Some((key.text(), typed.map_or(value, |(_, typed)| typed)))
    }

    /// The list in an object with nothing else: how some writers of Parquet nest lists.
    fn wrapped_list(&self) -> Option<Self> {
        let mut members = self.members();
        match (members.pop(), members.is_empty()) {
            (Some((name, node)), true) if name == "list" && node.kind() == Kind::List => Some(node),
            _ => None,
        }
    }

    /// The elements of a list, or of text that is a list; of a list that is too long, one more than
    /// [`MOST_ELEMENTS`].
    pub(super) fn elements(&self) -> Vec<Self> {
        match (self.kind(), self) {
            (Kind::Scalar, _) => self
                .embedded()
                .map_or_else(Vec::new, |list| list.elements()),
            (Kind::Object, _) => self.wrapped_list().map_or_else(Vec::new, |list| {
                let elements = list.elements().into_iter();
                elements
                    .map(|element| {
                        let mut members = element.members();
                        match (members.pop(), members.is_empty()) {
                            (Some((name, inner)), true) if name == "element" => inner,
                            _ => element,
                        }
                    })
                    .collect()
            }),
            (Kind::List, Self::Json(Cow::Borrowed(text))) => list_elements(text),
            (Kind::List, Self::Json(Cow::Owned(text))) => {
                let elements = list_elements(text).into_iter();
                elements.map(Node::into_owned).collect()
            }
            (Kind::List, Self::Cell(array, row)) => {
                let Some(elements) = row_of_list(array, *row) else {
                    return Vec::new();
                };
                (0..elements.len().min(MOST_ELEMENTS + 1))
                    .map(|row| Self::Cell(elements.clone(), row))
                    .collect()
            }
            (Kind::Null, _) => Vec::new(),
        }
    }

    /// The object or list that a text is.
    fn embedded(&self) -> Option<Self> {
        let text = self.text();
        let inner = Node::from_text(&text)?;
        Some(inner.into_owned())
    }

    pub(super) fn into_owned<'o>(self) -> Node<'o> {
        match self {
            Self::Json(text) => Node::Json(Cow::Owned(text.into_owned())),
            Self::Cell(array, row) => Node::Cell(array, row),
        }
    }

    /// Adds the paths to the scalars in this value, each behind `prefix`.
    pub(super) fn list_paths(&self, prefix: &str, found: &mut Vec<String>) {
        self.list_paths_to(prefix, found, DEEPEST);
    }

    fn list_paths_to(&self, prefix: &str, found: &mut Vec<String>, depth: usize) {
        let Some(deeper) = depth.checked_sub(1) else {
            return;
        };
        match self.kind() {
            Kind::Null => {}
            Kind::Scalar => match self.embedded() {
                Some(inner) => inner.list_paths_to(prefix, found, deeper),
                None => {
                    if found.len() < MOST_PATHS && !found.iter().any(|path| path == prefix) {
                        found.push(prefix.into());
                    }
                }
            },
            Kind::Object if self.wrapped_list().is_none() => {
                for (name, member) in self.members() {
                    member.list_paths_to(&format!("{prefix}.{name}"), found, deeper);
                }
            }
            Kind::Object | Kind::List => {
                for element in self.elements().iter().take(LOOKED_AT) {
                    match element.key_and_value() {
                        Some((key, value)) => {
                            value.list_paths_to(&format!("{prefix}.{key}"), found, deeper);
                        }
                        None => element.list_paths_to(&format!("{prefix}[]"), found, deeper),
                    }
                }
            }
        }
    }
}

/// The elements of a list, or the entries of a map, in a row.
fn row_of_list(array: &ArrayRef, row: usize) -> Option<ArrayRef> {
    Some(match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row),
        DataType::Map(..) => Arc::new(named(&array.as_map().value(row))),
        _ => return None,
    })
}

/// The entries of a map under the names that lists of keys and values have; writers differ.
fn named(entries: &StructArray) -> StructArray {
    let fields = entries.fields().iter().zip(["key", "value"]);
    let fields = fields.map(|(field, name)| Arc::new(Field::clone(field).with_name(name)));
    StructArray::new(
        fields.collect(),
        entries.columns().to_vec(),
        entries.nulls().cloned(),
    )
}

fn list_elements(text: &str) -> Vec<Node<'_>> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    let elements = elements.into_iter();
    elements
        .map(|e| Node::Json(Cow::Borrowed(e.get())))
        .collect()
}

fn object_members(text: &str) -> Result<Vec<(String, Node<'_>)>, serde_json::Error> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, Node<'de>)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut members = Vec::new();
            while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                members.push((name, Node::Json(Cow::Borrowed(value.get()))));
            }
            Ok(members)
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Members)
}

/// The members of these names of a JSON object, in the order of `names`. A name that stands twice
/// is an error: either value might be meant.
pub(super) fn select_members<'t>(
    text: &'t str,
    names: &[&str],
) -> Result<Vec<Option<Node<'t>>>, serde_json::Error> {
    struct Members<'n>(&'n [&'n str]);
    impl<'de> Visitor<'de> for Members<'_> {
        type Value = Vec<Option<Node<'de>>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut found = vec![None; self.0.len()];
            while let Some(at) = map.next_key_seed(Place(self.0))? {
                match at {
                    None => {
                        map.next_value::<IgnoredAny>()?;
                    }
                    Some(at) if found[at].is_none() => {
                        let value: &RawValue = map.next_value()?;
                        found[at] = Some(Node::Json(Cow::Borrowed(value.get())));
                    }
                    Some(at) => {
                        let twice = format!("the key '{}' stands there twice", self.0[at]);
                        return Err(serde::de::Error::custom(twice));
                    }
                }
            }
            Ok(found)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let found = deserializer.deserialize_map(Members(names))?;
    deserializer.end()?;
    Ok(found)
}

/// The place of a key among the names that are looked for, found without copying the key.
struct Place<'n>(&'n [&'n str]);

impl<'de> serde::de::DeserializeSeed<'de> for Place<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| *name == key))
    }
}
