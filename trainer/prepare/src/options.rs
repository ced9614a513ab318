//! What a run is asked to do.

use crate::columns::Input;
use crate::preset::Preset;
pub use crate::typed::number::Decimal;
pub use crate::typed::zone::Zone;
use serde::Serialize;
use std::path::PathBuf;
use std::str::FromStr;
use vitrine_core::Action;
use vitrine_core::session::SessionGap;

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// 1995-01-01T00:00:00Z, before which nobody sold anything on the web.
pub const EARLIEST_MS: i64 = 788_918_400_000;

/// What to prepare, from where, and by which rules.
#[derive(Clone, Debug)]
pub struct Options {
    /// File or folder of behaviour, or `-` for the standard input. In a folder, files that are named
    /// after items or orders are taken up as such unless `items` and `orders` are set.
    pub events: PathBuf,
    /// File or folder of items.
    pub items: Option<PathBuf>,
    /// File or folder of order lines.
    pub orders: Option<PathBuf>,
    /// Folder to write; its parent must exist. It may be missing, empty, or an earlier result.
    pub out: PathBuf,
    /// Name of the dataset; default: that of the events' file or folder.
    pub name: Option<String>,
    /// Which column is which, and the defaults of the rules.
    pub preset: Preset,
    /// A mapping file, see [`crate::mapping`]; stands above the preset.
    pub mapping: Option<PathBuf>,
    /// Single columns; stand above the mapping file.
    pub columns: Vec<ColumnFlag>,
    /// The action of an event whose action is not told. Where it is `None`, a source without an
    /// action column is read as views, and an empty action in a column is rejected.
    pub default_action: Option<Action>,
    /// The action of every event, whatever the source tells: a shop with orders only has nothing
    /// but purchases.
    pub all_actions: Option<Action>,
    /// How the times of events and orders are written; stands above the mapping file, which
    /// documents the words.
    pub timestamp_format: Option<String>,
    /// The zone of times that tell none; stands above the mapping file. Default UTC.
    pub timezone: Option<Zone>,
    /// The decimal mark of prices and quantities that may be read in two ways; stands above the
    /// mapping file. By default the column's other values decide.
    pub decimal: Option<Decimal>,
    /// The rules' thresholds.
    pub rules: Rules,
    /// The pause of a visitor after which a new session begins, where the source has no sessions;
    /// default half an hour.
    pub session_gap: SessionGap,
    /// Users that stand for nobody, beside the placeholders that are known.
    pub nobody: Vec<String>,
    /// Users that are persons although their ids look like placeholders.
    pub somebody: Vec<String>,
    /// Uniqueness of session ids; `None` where the mapping file or the data say it.
    pub session_ids: Option<SessionIds>,
    /// What is set aside for testing where the source publishes no split.
    pub test: TestPart,
    /// Fewest events before a label; default: the length of the shortest session less one, at
    /// least 1.
    pub shortest_prefix: Option<u32>,
    /// Share of unusable rows (0 to 1) of an input that is tolerated; default 0.5.
    pub max_bad_rows: f64,
    /// A notice is an error, and the output folder stays as it was.
    pub strict: bool,
    /// Names of notices that a strict run lets pass.
    pub accept: Vec<String>,
    /// Memory in MiB that statements may take before they spill to disk beside `out`; default 2048.
    pub memory_mb: usize,
    /// Unix time in milliseconds that counts as now; events later than a day after it are
    /// impossible. Default: the system's clock.
    pub now_ms: Option<i64>,
}

impl Options {
    /// The defaults for these events and this output folder.
    pub fn new(events: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self {
            events: events.into(),
            items: None,
            orders: None,
            out: out.into(),
            name: None,
            preset: Preset::Auto,
            mapping: None,
            columns: Vec::new(),
            default_action: None,
            all_actions: None,
            timestamp_format: None,
            timezone: None,
            decimal: None,
            rules: Rules::default(),
            session_gap: SessionGap::default(),
            nobody: Vec::new(),
            somebody: Vec::new(),
            session_ids: None,
            test: TestPart::default(),
            shortest_prefix: None,
            max_bad_rows: 0.5,
            strict: false,
            accept: Vec::new(),
            memory_mb: 2048,
            now_ms: None,
        }
    }
}

/// Over what a session id is unique.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionIds {
    /// The data tell.
    #[default]
    Auto,
    /// Each user counts sessions for itself: a session is a user and a session id together.
    PerUser,
    /// An id is one session, whoever is named in it.
    Unique,
}

impl SessionIds {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::PerUser => "per-user",
            Self::Unique => "unique",
        }
    }
}

impl FromStr for SessionIds {
    type Err = PrepareOptionsError;

    fn from_str(name: &str) -> Result<Self, PrepareOptionsError> {
        [Self::Auto, Self::PerUser, Self::Unique]
            .into_iter()
            .find(|ids| ids.name() == name)
            .ok_or_else(|| PrepareOptionsError(format!("'{name}' is not auto, per-user or unique")))
    }
}

/// What is set aside for testing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TestPart {
    /// The last share (0 to 1) of the sessions in the order of time; without times, in the source's
    /// order.
    Share(f64),
    /// Sessions that start in the last days; needs times.
    Days(u32),
    /// Nothing: the model that goes live may learn from everything.
    None,
}

impl Default for TestPart {
    fn default() -> Self {
        Self::Share(0.1)
    }
}

/// Thresholds of the rules. `None` stands for the preset's default; where the source publishes a
/// split, the rules on visitors, items and session lengths are off unless they are set here, so
/// that published figures can be reproduced.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Events before this (milliseconds of Unix time) are impossible; default [`EARLIEST_MS`].
    pub earliest_ms: Option<i64>,
    /// Events after this (milliseconds of Unix time) are impossible; default a day from now.
    pub latest_ms: Option<i64>,
    /// Prices above this are read as unknown; default 1,000,000 in the shop's currency.
    pub max_price: Option<f64>,
    /// Quantities above this are read as unknown; default 100,000.
    pub max_quantity: Option<i64>,
    /// True if a purchase at price zero is dropped; default yes, but not for [`Preset::Vitrine`].
    pub reject_free_purchases: Option<bool>,
    /// Events with a lower rating are dropped; default: none are.
    pub min_rating: Option<f64>,
    /// A visitor with more views and basket events within one clock minute is a bot; default 60.
    pub max_clicks_per_minute: Option<u64>,
    /// A visitor with more views and basket events in one session is a bot; default 500.
    pub max_clicks_per_session: Option<u64>,
    /// A visitor with more views and basket events in one day (UTC) is a bot; default 2,000.
    pub max_clicks_per_day: Option<u64>,
    /// Items with fewer events are dropped from the training part; never from the test part.
    /// Default 2, or 5 for the research presets.
    pub min_item_events: Option<u64>,
    /// Shorter sessions are dropped, once the other rules are through; default 2, because a
    /// session of one event has no next item.
    pub min_session_length: Option<u64>,
}

/// The thresholds that a run goes by: every default resolved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Thresholds {
    pub earliest_ms: i64,
    pub latest_ms: i64,
    pub max_price: f64,
    pub max_quantity: i64,
    pub reject_free_purchases: bool,
    pub min_rating: Option<f64>,
    /// `None`: the rule is off, for the four that follow as well.
    pub max_clicks_per_minute: Option<u64>,
    pub max_clicks_per_session: Option<u64>,
    pub max_clicks_per_day: Option<u64>,
    pub min_item_events: Option<u64>,
    pub min_session_length: Option<u64>,
}

impl Rules {
    /// The highest price that is believed.
    pub(crate) fn highest_price(&self) -> f64 {
        self.max_price.unwrap_or(1e6)
    }

    /// The highest quantity that is believed.
    pub(crate) fn highest_quantity(&self) -> i64 {
        self.max_quantity.unwrap_or(100_000)
    }

    pub(crate) fn resolve(&self, preset: Preset, now_ms: i64, published_split: bool) -> Thresholds {
        let unless_published =
            |set: Option<u64>, default: u64| set.or_else(|| (!published_split).then_some(default));
        Thresholds {
            earliest_ms: self.earliest_ms.unwrap_or(EARLIEST_MS),
            latest_ms: self
                .latest_ms
                .unwrap_or_else(|| now_ms.saturating_add(DAY_MS)),
            max_price: self.highest_price(),
            max_quantity: self.highest_quantity(),
            reject_free_purchases: self
                .reject_free_purchases
                .unwrap_or_else(|| preset.rejects_free_purchases()),
            min_rating: self.min_rating,
            max_clicks_per_minute: unless_published(self.max_clicks_per_minute, 60),
            max_clicks_per_session: unless_published(self.max_clicks_per_session, 500),
            max_clicks_per_day: unless_published(self.max_clicks_per_day, 2000),
            min_item_events: unless_published(self.min_item_events, preset.min_item_events()),
            min_session_length: unless_published(self.min_session_length, 2),
        }
    }
}

/// A flag or a value that makes no sense, and what would.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PrepareOptionsError(pub(crate) String);

/// A day of UTC, written as 2024-06-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(i64);

impl Day {
    /// Its first millisecond, in Unix time.
    pub fn first_ms(self) -> i64 {
        self.0
    }

    /// Its last millisecond, in Unix time.
    pub fn last_ms(self) -> i64 {
        self.0 + DAY_MS - 1
    }
}

impl FromStr for Day {
    type Err = PrepareOptionsError;

    fn from_str(text: &str) -> Result<Self, PrepareOptionsError> {
        let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d");
        let ms = day.ok().and_then(|day| day.and_hms_opt(0, 0, 0));
        let ms = ms.map(|time| time.and_utc().timestamp_millis());
        ms.map(Self)
            .ok_or_else(|| PrepareOptionsError(format!("'{text}' is not a day such as 2024-06-01")))
    }
}

/// One column named on the command line: `name=source`, or `items.name=source`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnFlag {
    /// The input that the column belongs to.
    pub input: Input,
    /// The wanted column.
    pub name: &'static str,
    /// The source's column.
    pub source: String,
}

impl FromStr for ColumnFlag {
    type Err = PrepareOptionsError;

    fn from_str(text: &str) -> Result<Self, PrepareOptionsError> {
        let fail = |problem: &str| {
            PrepareOptionsError(format!(
                "--column {text}: {problem}; write name=source, items.name=source or orders.name=source, e.g. item_id=sku"
            ))
        };
        let (name, source) = text
            .split_once('=')
            .ok_or_else(|| fail("there is no '='"))?;
        if source.is_empty() {
            return Err(fail("nothing stands behind '='"));
        }
        let (input, name) = match name.split_once('.') {
            None => (Input::Events, name),
            Some((input, name)) => {
                let input = Input::ALL
                    .into_iter()
                    .find(|i| i.name() == input)
                    .ok_or_else(|| fail(&format!("'{input}' is no input")))?;
                (input, name)
            }
        };
        let wanted = input.wanted();
        let name = wanted
            .iter()
            .find(|w| w.name == name)
            .ok_or_else(|| {
                let names: Vec<_> = wanted.iter().map(|w| w.name).collect();
                fail(&format!(
                    "Vitrine wants no column '{name}' of {}, only {}",
                    input.name(),
                    names.join(", ")
                ))
            })?
            .name;
        Ok(Self {
            input,
            name,
            source: source.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_flag_names_its_input() {
        let flag: ColumnFlag = "items.title=Name=EN".parse().unwrap();
        assert_eq!(
            (flag.input, flag.name, &*flag.source),
            (Input::Items, "title", "Name=EN")
        );
        let flag: ColumnFlag = "item_id=sku".parse().unwrap();
        assert_eq!((flag.input, flag.name), (Input::Events, "item_id"));
    }

    #[test]
    fn a_wrong_column_flag_says_what_there_is() {
        let error = "itemid=sku".parse::<ColumnFlag>().unwrap_err().to_string();
        assert!(
            error.contains("item_id") && error.contains("session_id"),
            "{error}"
        );
        assert!("shop.item_id=x".parse::<ColumnFlag>().is_err());
        assert!("item_id".parse::<ColumnFlag>().is_err());
        assert!("item_id=".parse::<ColumnFlag>().is_err());
    }

    #[test]
    fn a_published_split_turns_rules_off_unless_they_are_asked_for() {
        let rules = Rules {
            min_item_events: Some(3),
            ..Rules::default()
        };
        let published = rules.resolve(Preset::Vitrine, 0, true);
        assert_eq!(published.min_session_length, None);
        assert_eq!(published.max_clicks_per_minute, None);
        assert_eq!(published.min_item_events, Some(3));
        let own = Rules::default().resolve(Preset::Diginetica, 0, false);
        assert_eq!(
            (own.min_item_events, own.min_session_length),
            (Some(5), Some(2))
        );
    }
}
