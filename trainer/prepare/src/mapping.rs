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
//!
//! [events]
//! item_id = "sku"                   # wanted column = the source's column
//! timestamp = "seen"
//! timestamp_format = "%d.%m.%Y %H:%M"   # or "seconds", "milliseconds"; else it is recognised
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
//! ```

use crate::columns::{Input, plain};
use crate::error::PrepareError;
use crate::options::Options;
use crate::preset::Preset;
use crate::source::Layout;
use crate::typed::{ActionCode, TimeFormat};
use encoding_rs::Encoding;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    preset: Option<String>,
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
    encoding: Option<String>,
    escape: Option<String>,
    #[serde(default)]
    actions: BTreeMap<String, String>,
    #[serde(flatten)]
    columns: BTreeMap<String, toml::Value>,
}

/// Whether backslashes escape in delimited text.
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
    /// The source's words for actions that a mapping file tells, in plain form.
    pub actions: HashMap<String, ActionCode>,
    /// Whether the source's other words, and events without one, are to be ignored.
    pub ignores_other_actions: bool,
    /// Patterns of file stems inside a folder.
    pub files: &'static [&'static str],
    /// Wanted column → source column, said explicitly.
    said: BTreeMap<&'static str, String>,
    /// Pairs that the preset suggests.
    preset: &'static [(&'static str, &'static str)],
    /// Whether common names are taken too.
    guesses: bool,
}

/// The preset and the shapes of the three inputs.
pub(crate) struct Mapping {
    pub preset: Preset,
    pub events: Shape,
    pub items: Shape,
    pub orders: Shape,
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
        let shape = |input, mapping| Shape::new(input, preset, mapping, options);
        Ok(Self {
            preset,
            events: shape(Input::Events, file.events)?,
            items: shape(Input::Items, file.items)?,
            orders: shape(Input::Orders, file.orders)?,
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
                let keys: Vec<_> = keys
                    .chain([
                        "timestamp_format",
                        "delimiter",
                        "header",
                        "encoding",
                        "escape",
                        "actions",
                    ])
                    .collect();
                let hint = closest(name, keys.iter().copied())
                    .map_or_else(String::new, |near| format!(" Did you mean '{near}'?"));
                return fail(format!("'{name}' is not one of {}.{hint}", keys.join(", ")));
            };
            let source = match source {
                toml::Value::String(source) => source.clone(),
                toml::Value::Integer(number) => number.to_string(),
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
        let time_format = match mapping.timestamp_format {
            None => TimeFormat::Recognised,
            Some(text) => match TimeFormat::new(&text) {
                Ok(format) => format,
                Err(problem) => return fail(format!("timestamp_format: {problem}")),
            },
        };
        Ok(Self {
            input,
            header: mapping.header.unwrap_or(facts.header),
            delimiter,
            encoding,
            escape,
            time_format,
            actions,
            ignores_other_actions: of_preset.is_some(),
            files: facts.files,
            said,
            preset: facts.columns,
            // The catalogue beside an analytics tool's events is the shop's own.
            guesses: preset == Preset::Auto
                || (preset.actions().is_some() && input == Input::Items),
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
        let mut resolved = Vec::with_capacity(self.input.wanted().len());
        for wanted in self.input.wanted() {
            let mut candidates = Vec::new();
            if let Some(source) = self.said.get(wanted.name) {
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
        for (wanted, candidates) in self.input.wanted().iter().zip(&mut resolved) {
            if !self.said.contains_key(wanted.name) {
                candidates
                    .retain(|&index| !self.said.values().any(|source| find(source) == Some(index)));
            }
        }
        Ok(resolved)
    }

    fn missing_said(&self, path: &Path, layout: &Layout, name: &str, source: &str) -> PrepareError {
        let hint = closest(source, layout.usable_names())
            .map_or_else(String::new, |near| format!(" Did you mean '{near}'?"));
        PrepareError::Columns {
            path: path.into(),
            problem: format!(
                "there is no column '{source}', which was named as {name}. The file has: {}.{hint}",
                layout.described().join(", ")
            ),
        }
    }

    /// The error for a file in which `missing` (wanted columns, any of which would do) was not
    /// found.
    pub(crate) fn missing(&self, path: &Path, layout: &Layout, missing: &[&str]) -> PrepareError {
        let flag = match self.input {
            Input::Events => String::new(),
            other => format!("{}.", other.name()),
        };
        let wanted: Vec<_> = self
            .input
            .wanted()
            .iter()
            .map(|w| format!("  {:<12} {}", w.name, w.meaning))
            .collect();
        let near = missing.iter().find_map(|name| {
            let words = self.input.wanted().iter().find(|w| w.name == *name)?;
            let suggested = self
                .preset
                .iter()
                .filter(|(n, _)| n == name)
                .map(|(_, s)| *s);
            std::iter::once(*name)
                .chain(words.known_as.iter().copied())
                .chain(suggested)
                .find_map(|word| closest(word, layout.usable_names()))
                .map(|near| (*name, near.to_string()))
        });
        // Where values lie inside others, the wanted one is more likely there.
        let near = near.filter(|_| layout.nested().next().is_none());
        let (hint, name, example) = match &near {
            Some((name, near)) => (format!(" Did you mean '{near}'?"), *name, near.as_str()),
            None => (
                String::new(),
                missing.first().copied().unwrap_or("item_id"),
                "COLUMN",
            ),
        };
        PrepareError::Columns {
            path: path.into(),
            problem: format!(
                "no column for {} was found.{hint}\nThe file has: {}.\nVitrine knows these columns of {}:\n{}\nSay which is which with --column {flag}{name}={example}, with --mapping FILE, or with --preset.",
                missing.join(" or "),
                layout.described().join(", "),
                self.input.name(),
                wanted.join("\n"),
            ),
        }
    }
}

/// The candidate that looks most like `word`, if any looks like it at all.
fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    candidates
        .into_iter()
        .map(|candidate| {
            let text = plain(candidate);
            let contained =
                text.len() > 3 && word.len() > 3 && (text.contains(&word) || word.contains(&text));
            let likeness = strsim::jaro_winkler(&word, &text);
            (
                candidate,
                if contained {
                    likeness.max(0.9)
                } else {
                    likeness
                },
            )
        })
        // Below 0.8 Jaro–Winkler calls `price` and `site` alike.
        .filter(|(_, likeness)| *likeness > 0.8)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(candidate, _)| candidate)
}
