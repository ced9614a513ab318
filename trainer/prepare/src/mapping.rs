//! Which column of a source is which column of Vitrine.
//!
//! Three voices, the later above the earlier: the preset (or, without one, the names that shops
//! commonly use), the mapping file, and the `--column` flags. What a person said explicitly must
//! be there; what a preset or habit suggests is taken where it is found.
//!
//! A mapping file is TOML:
//!
//! ```toml
//! preset = "rees46"                 # optional: the rest stands above it
//! nobody = ["GUEST"]                # users that stand for nobody, beside the known placeholders
//! somebody = ["0"]                  # users that are persons although they look like placeholders
//! session_ids = "per-user"          # or "unique"; else the data tell
//!
//! [events]
//! item_id = "sku"                   # wanted column = the source's column
//! timestamp = "seen"
//! timestamp_format = "%d.%m.%Y %H:%M"   # or "seconds", "milliseconds"; else it is recognised
//! timezone = "Europe/Berlin"        # of times that tell none; else UTC
//! decimal = ","                     # else the column's values decide
//! nothing = ["NA"]                  # ids that mean that there is none
//! delimiter = ";"                   # else it is recognised
//! header = false                    # columns are then named "1", "2", …
//! encoding = "windows-1252"         # or "utf-16le", "shift_jis", …; else it is recognised
//! escape = "\\"                     # a backslash escapes, or "none" does; else it is recognised
//! quantity = "cart.lines[].count"   # a path inside objects and lists: each element is an event
//!
//! [events.actions]                  # the source's word = view, add_to_cart, buy, return or ignore
//! "detail page" = "view"
//!
//! [items]
//! title = "name"
//!
//! [items.stock]                     # the source's word = in or out
//! "ask us" = "out"
//!
//! [orders]
//! timestamp = ["date", "time"]      # a day and a time of day in two columns
//!
//! [orders.statuses]                 # the source's word = sale or void
//! "wartet" = "void"
//!
//! [orders.join]                     # the order's columns stand in another file
//! file = "orders.csv"               # beside this mapping file
//! order_id = "id"
//! user_id = "customer"
//! ```

mod missing;

use crate::columns::{Input, plain};
use crate::error::PrepareError;
use crate::hint::closest;
use crate::identity::Said;
use crate::options::{Options, SessionIds};
use crate::preset::Preset;
use crate::source::Layout;
use crate::typed::ActionCode;
use crate::typed::number::Decimal;
use crate::typed::time::TimeFormat;
use crate::typed::words::Sale;
use crate::typed::zone::Zone;
use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    preset: Option<String>,
    timezone: Option<String>,
    #[serde(default)]
    nobody: Vec<String>,
    #[serde(default)]
    somebody: Vec<String>,
    session_ids: Option<String>,
    #[serde(default)]
    events: InputMapping,
    #[serde(default)]
    items: InputMapping,
    #[serde(default)]
    orders: InputMapping,
}

#[derive(Debug, Default, Deserialize)]
struct InputMapping {
    timestamp_format: Option<String>,
    delimiter: Option<String>,
    header: Option<bool>,
    timezone: Option<String>,
    decimal: Option<Decimal>,
    encoding: Option<String>,
    escape: Option<String>,
    #[serde(default)]
    nothing: Vec<String>,
    #[serde(default)]
    actions: BTreeMap<String, String>,
    #[serde(default)]
    statuses: BTreeMap<String, String>,
    #[serde(default)]
    stock: BTreeMap<String, String>,
    join: Option<Box<JoinMapping>>,
    #[serde(flatten)]
    columns: BTreeMap<String, toml::Value>,
}

/// A file that holds the columns which an input's rows have in common with others of their order.
#[derive(Debug, Deserialize)]
struct JoinMapping {
    file: PathBuf,
    #[serde(flatten)]
    shape: InputMapping,
}

/// The keys of an input that are no columns.
const KEYS: [&str; 12] = [
    "timestamp_format",
    "timezone",
    "decimal",
    "nothing",
    "delimiter",
    "header",
    "encoding",
    "escape",
    "actions",
    "statuses",
    "stock",
    "join",
];

/// True if backslashes escape in delimited text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// From the line on that shows it.
    Recognised,
    Backslash,
    None,
}

/// How to read the files of one input.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub input: Input,
    pub header: bool,
    pub delimiter: Option<u8>,
    pub encoding: Option<&'static Encoding>,
    pub escape: Escape,
    pub time_format: TimeFormat,
    /// The zone of times that tell none.
    pub zone: Option<Zone>,
    /// The decimal mark, where somebody said it.
    pub decimal: Option<Decimal>,
    /// Ids that mean that there is none.
    pub nothing: Vec<String>,
    /// The source's words for actions that a mapping file tells, in plain form.
    pub actions: HashMap<String, ActionCode>,
    /// The same for the state of an order.
    pub sales: HashMap<String, Sale>,
    /// The same for availability.
    pub stock: HashMap<String, bool>,
    /// Another file with columns of the same orders.
    pub join: Option<Box<Join>>,
    /// True if this is such a file: one row an order, without items.
    pub is_joined: bool,
    /// True if the source's other words, and events without one, are to be ignored.
    pub ignores_other_actions: bool,
    /// Patterns of file stems inside a folder.
    pub files: &'static [&'static str],
    /// Wanted column → source column, said explicitly.
    said: BTreeMap<&'static str, String>,
    /// Pairs that the preset suggests.
    preset: &'static [(&'static str, &'static str)],
    /// True if common names are taken too.
    guesses: bool,
}

/// A file that is joined to an input by the order's id.
#[derive(Clone, Debug)]
pub(crate) struct Join {
    pub file: PathBuf,
    pub shape: Shape,
}

/// How a column was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// A flag or the mapping file names it.
    Said,
    /// The preset names it.
    Preset,
    /// Its name is one that shops commonly use.
    Name,
    /// Its values are what is wanted.
    Values,
}

impl How {
    /// The word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Said => "said",
            Self::Preset => "preset",
            Self::Name => "name",
            Self::Values => "values",
        }
    }
}

/// The preset and the shapes of the three inputs.
pub(crate) struct Mapping {
    pub preset: Preset,
    pub events: Shape,
    pub items: Shape,
    pub orders: Shape,
    pub identity: Said,
}

impl Mapping {
    /// Combines preset, mapping file and flags.
    pub(crate) fn new(options: &Options) -> Result<Self, PrepareError> {
        let mut file = match &options.mapping {
            Some(path) => read(path)?,
            None => MappingFile::default(),
        };
        let preset = match (options.preset, file.preset.take()) {
            (Preset::Auto, Some(name)) => name
                .parse()
                .map_err(|e| mapping_error(options, format!("'preset': {e}")))?,
            (preset, _) => preset,
        };
        let session_ids = match (options.session_ids, file.session_ids) {
            (Some(said), _) => said,
            (None, Some(name)) => name
                .parse()
                .map_err(|e| mapping_error(options, format!("'session_ids': {e}")))?,
            (None, None) => SessionIds::Auto,
        };
        let shape = |input, mut mapping: InputMapping| {
            let timezone = mapping.timezone.take().or_else(|| file.timezone.clone());
            mapping.timezone = timezone;
            Shape::new(input, preset, mapping, options)
        };
        Ok(Self {
            preset,
            events: shape(Input::Events, file.events)?,
            items: shape(Input::Items, file.items)?,
            orders: shape(Input::Orders, file.orders)?,
            identity: Said {
                nobody: [&file.nobody[..], &options.nobody].concat(),
                somebody: [&file.somebody[..], &options.somebody].concat(),
                session_ids,
            },
        })
    }
}

fn read(path: &Path) -> Result<MappingFile, PrepareError> {
    let text = std::fs::read_to_string(path).map_err(PrepareError::io(path))?;
    toml::from_str(&text).map_err(|e| {
        PrepareError::Option(format!("{}: {}", path.display(), e.to_string().trim_end()))
    })
}

fn mapping_error(options: &Options, problem: String) -> PrepareError {
    let path = options
        .mapping
        .as_deref()
        .unwrap_or_else(|| Path::new("the mapping"));
    PrepareError::Option(format!("{}: {problem}", path.display()))
}

impl Shape {
    fn new(
        input: Input,
        preset: Preset,
        mapping: InputMapping,
        options: &Options,
    ) -> Result<Self, PrepareError> {
        let fail = |problem: String| {
            Err(mapping_error(
                options,
                format!("[{}] {problem}", input.name()),
            ))
        };
        let facts = preset.input(input);
        let mut said = BTreeMap::new();
        for (name, source) in &mapping.columns {
            let Some(wanted) = input.wanted().iter().find(|w| w.name == name) else {
                let keys = input.wanted().iter().map(|w| w.name);
                let keys: Vec<_> = keys.chain(KEYS).collect();
                let hint = closest(name, keys.iter().copied())
                    .map_or_else(String::new, |near| format!(" Did you mean '{near}'?"));
                return fail(format!("'{name}' is not one of {}.{hint}", keys.join(", ")));
            };
            let source = match source {
                toml::Value::String(source) => source.clone(),
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Array(names) if name == "timestamp" => {
                    let [toml::Value::String(day), toml::Value::String(clock)] = names.as_slice()
                    else {
                        return fail("'timestamp' is one column, or that of the day and that of the time of day".into());
                    };
                    said.insert("time_of_day", clock.clone());
                    day.clone()
                }
                _ => return fail(format!("'{name}' must be the name of a column, in quotes")),
            };
            said.insert(wanted.name, source);
        }
        for flag in options.columns.iter().filter(|flag| flag.input == input) {
            said.insert(flag.name, flag.source.clone());
        }
        let of_preset = preset.actions().filter(|_| input == Input::Events);
        let words = of_preset.unwrap_or_default().iter();
        let mut actions: HashMap<_, _> =
            words.map(|(word, code)| ((*word).into(), *code)).collect();
        for (word, action) in &mapping.actions {
            let Some(code) = ActionCode::from_name(action) else {
                return fail(format!(
                    "actions: '{word}' can't be '{action}', only view, add_to_cart, buy, return or ignore"
                ));
            };
            actions.insert(plain(word), code);
        }
        let mut sales = HashMap::new();
        for (word, sale) in &mapping.statuses {
            let Some(sale) = Sale::from_name(sale) else {
                return fail(format!(
                    "statuses: '{word}' can't be '{sale}', only sale or void"
                ));
            };
            sales.insert(plain(word), sale);
        }
        let mut stock = HashMap::new();
        for (word, there) in &mapping.stock {
            let there = match there.as_str() {
                "in" => true,
                "out" => false,
                other => {
                    return fail(format!(
                        "stock: '{word}' can't be '{other}', only in or out"
                    ));
                }
            };
            stock.insert(plain(word), there);
        }
        let delimiter = match mapping.delimiter.as_deref().map(str::as_bytes) {
            None => None,
            Some([byte]) if byte.is_ascii() && *byte != b'"' => Some(*byte),
            Some(_) => return fail("'delimiter' must be one ASCII character".into()),
        };
        let encoding = match mapping.encoding.as_deref() {
            None => None,
            Some(label) => match Encoding::for_label(label.as_bytes()) {
                None => {
                    return fail(format!(
                        "encoding: '{label}' is not known; say for example \"utf-8\", \"windows-1252\", \"utf-16le\" or \"shift_jis\""
                    ));
                }
                encoding => encoding,
            },
        };
        let escape = match mapping.escape.as_deref() {
            None => Escape::Recognised,
            Some("\\") => Escape::Backslash,
            Some("none") => Escape::None,
            Some(_) => return fail("'escape' must be \"\\\\\" or \"none\"".into()),
        };
        let flag = options.timestamp_format.as_ref();
        let time_format = match (
            flag.filter(|_| input != Input::Items),
            &mapping.timestamp_format,
        ) {
            (None, None) => TimeFormat::Recognised,
            (Some(text), _) => TimeFormat::new(text).map_err(|problem| {
                PrepareError::Option(format!("--timestamp-format: {problem}"))
            })?,
            (None, Some(text)) => match TimeFormat::new(text) {
                Ok(format) => format,
                Err(problem) => return fail(format!("timestamp_format: {problem}")),
            },
        };
        let zone = match (
            options.timezone,
            mapping.timezone.as_deref().map(str::parse),
        ) {
            (Some(zone), _) => Some(zone),
            (None, None) => None,
            (None, Some(Ok(zone))) => Some(zone),
            (None, Some(Err(problem))) => return fail(format!("timezone: {problem}")),
        };
        let join = match mapping.join {
            None => None,
            Some(_) if input == Input::Items => {
                return fail("'join' is for events and orders".into());
            }
            Some(join) => {
                let mapped = options.mapping.as_deref().and_then(Path::parent);
                // Flags name columns of the lines.
                let mut own = options.clone();
                own.columns.clear();
                let mut shape = Self::new(Input::Orders, Preset::Auto, join.shape, &own)?;
                shape.zone = shape.zone.or(zone);
                shape.is_joined = true;
                Some(Box::new(Join {
                    file: mapped
                        .map_or_else(|| join.file.clone(), |folder| folder.join(&join.file)),
                    shape,
                }))
            }
        };
        Ok(Self {
            input,
            header: mapping.header.unwrap_or(facts.header),
            delimiter,
            encoding,
            escape,
            time_format,
            zone,
            decimal: options.decimal.or(mapping.decimal),
            nothing: if mapping.nothing.is_empty() {
                preset.nothing().iter().map(|id| id.to_string()).collect()
            } else {
                mapping.nothing
            },
            actions,
            sales,
            stock,
            join,
            is_joined: false,
            ignores_other_actions: of_preset.is_some(),
            files: facts.files,
            said,
            preset: facts.columns,
            // The catalogue beside an analytics tool's events is the shop's own.
            guesses: preset.guesses() || (preset.actions().is_some() && input == Input::Items),
        })
    }

    /// The action of an event with this word, in plain form.
    pub(crate) fn action(&self, plain: &str) -> Option<ActionCode> {
        let said = self.actions.get(plain).copied();
        said.or_else(|| match self.ignores_other_actions {
            true => Some(ActionCode::Ignored),
            false => ActionCode::from_common_word(plain),
        })
    }

    /// The source columns, or paths into them, that were said or that the preset suggests.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &str> {
        let said = self.said.values().map(String::as_str);
        said.chain(self.preset.iter().map(|(_, source)| *source))
    }

    /// The wanted columns whose source was said explicitly, with that source.
    pub(crate) fn said(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.said
            .iter()
            .map(|(name, source)| (*name, source.as_str()))
    }

    /// For each wanted column of the input, in order, its candidates in `layout`: the numbers of the
    /// source's columns and paths, the first non-null of which counts. Empty where there is none.
    /// Columns of objects or lists are no candidates.
    ///
    /// `must_have_all` says whether everything that was said explicitly has to be in this file.
    pub(crate) fn resolve(
        &self,
        path: &Path,
        layout: &Layout,
        must_have_all: bool,
    ) -> Result<Vec<Vec<usize>>, PrepareError> {
        let columns = layout.names();
        let plain_columns: Vec<_> = columns.iter().map(|c| plain(c)).collect();
        let usable = |test: &dyn Fn(usize) -> bool| {
            (0..columns.len()).find(|number| layout.is_usable(*number) && test(*number))
        };
        let find = |name: &str| {
            usable(&|number| columns[number] == name)
                .or_else(|| usable(&|number| columns[number].eq_ignore_ascii_case(name)))
                .or_else(|| {
                    let name = plain(name);
                    usable(&|number| layout.path(number).is_none() && plain_columns[number] == name)
                })
        };
        // `timestamp=date+time` names two columns, unless one is called so.
        let joined = self
            .said
            .get("timestamp")
            .filter(|source| find(source).is_none())
            .and_then(|source| source.split_once('+'));
        let said = |name: &str| match (name, joined) {
            ("timestamp", Some((day, _))) => Some(day),
            ("time_of_day", Some((_, clock))) => Some(clock),
            _ => self.said.get(name).map(String::as_str),
        };
        let mut resolved = Vec::with_capacity(self.input.wanted().len());
        for wanted in self.input.wanted() {
            let mut candidates = Vec::new();
            if let Some(source) = said(wanted.name) {
                match find(source) {
                    Some(index) => candidates.push(index),
                    None if must_have_all => {
                        return Err(self.missing_said(path, layout, wanted.name, source));
                    }
                    None => {}
                }
            } else {
                let preset = self.preset.iter().filter(|(name, _)| *name == wanted.name);
                candidates.extend(preset.filter_map(|(_, source)| find(source)));
                if self.guesses && candidates.is_empty() {
                    let own = std::iter::once(&wanted.name);
                    candidates.extend(own.chain(wanted.known_as).find_map(|name| find(name)));
                }
            }
            resolved.push(candidates);
        }
        // A column that was given to one wanted column by a person is not guessed for another.
        let given = self.input.wanted().iter().filter_map(|w| said(w.name));
        let given: Vec<usize> = given.filter_map(find).collect();
        for (wanted, candidates) in self.input.wanted().iter().zip(&mut resolved) {
            if said(wanted.name).is_none() {
                candidates.retain(|index| !given.contains(index));
            }
        }
        Ok(resolved)
    }

    /// The preset that nobody asked for and whose columns these are.
    pub(crate) fn better_preset(&self, columns: &[String]) -> Option<Preset> {
        let by_names = self.guesses && self.preset.is_empty() && !self.said.contains_key("item_id");
        Preset::of_columns(columns).filter(|_| by_names)
    }

    /// True if this column is chosen by habit: neither a person nor a preset named it.
    pub(crate) fn guesses(&self, name: &str) -> bool {
        self.guesses
            && !self.said.contains_key(name)
            && !self.preset.iter().any(|(wanted, _)| *wanted == name)
    }

    /// How the source's column of a wanted one was chosen.
    pub(crate) fn how(&self, name: &str) -> How {
        if self.said.contains_key(name) {
            How::Said
        } else if self.preset.iter().any(|(wanted, _)| *wanted == name) {
            How::Preset
        } else {
            How::Name
        }
    }
}
