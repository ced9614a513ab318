//! The file formats of the public data sets, and what their publishers and readers take for granted.
//!
//! A preset is nothing but names and defaults: which column is which, which file of a folder holds
//! the events, and which thresholds the literature uses on these data. Whatever a flag or a mapping
//! file says stands above it.

mod analytics;

use crate::columns::Input;
use crate::options::PrepareOptionsError;
use crate::typed::ActionCode;
use std::str::FromStr;

/// A file format with a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Columns are recognised by the names that shops commonly use.
    #[default]
    Auto,
    /// `user_id,item_id,timestamp,action,rating`.
    Behaviour,
    /// Vitrine's own schema: `session_id,user_id,position,item_id,ts,event,split,price,quantity`.
    Vitrine,
    /// RetailRocket on Kaggle: `events.csv`, `item_properties_part1.csv` and `…part2.csv`.
    Retailrocket,
    /// CIKM Cup 2016: `train-item-views.csv`, `train-purchases.csv`, `product-categories.csv`.
    Diginetica,
    /// RecSys Challenge 2015: `yoochoose-clicks.dat` and `yoochoose-buys.dat`, without headers.
    Yoochoose,
    /// REES46 Open CDP: monthly files `2019-Oct.csv`, ….
    Rees46,
    /// Google Analytics 4 as BigQuery exports it, in JSON or Parquet.
    Ga4,
    /// Segment's calls as its storage destinations keep them, in JSON.
    Segment,
    /// Snowplow's enriched events with its e-commerce entities, in JSON or Parquet.
    Snowplow,
    /// Matomo's visits, by `Live.getLastVisitsDetails` in JSON.
    Matomo,
}

/// What a preset says about one input.
#[derive(Debug)]
pub(crate) struct PresetInput {
    /// Pairs of wanted column and source column.
    pub columns: &'static [(&'static str, &'static str)],
    /// Stems of the files in a folder; a trailing `*` stands for anything.
    pub files: &'static [&'static str],
    /// Whether text files begin with a header; without one, columns are named `1`, `2`, ….
    pub header: bool,
}

const NOTHING: PresetInput = PresetInput {
    columns: &[],
    files: &[],
    header: true,
};

impl Preset {
    /// All presets.
    pub const ALL: [Self; 11] = [
        Self::Auto,
        Self::Behaviour,
        Self::Vitrine,
        Self::Retailrocket,
        Self::Diginetica,
        Self::Yoochoose,
        Self::Rees46,
        Self::Ga4,
        Self::Segment,
        Self::Snowplow,
        Self::Matomo,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Behaviour => "behaviour",
            Self::Vitrine => "vitrine",
            Self::Retailrocket => "retailrocket",
            Self::Diginetica => "diginetica",
            Self::Yoochoose => "yoochoose",
            Self::Rees46 => "rees46",
            Self::Ga4 => "ga4",
            Self::Segment => "segment",
            Self::Snowplow => "snowplow",
            Self::Matomo => "matomo",
        }
    }

    /// Fewest events of an item in the training part: 5 where the literature on the data set
    /// says so, else 2.
    pub fn min_item_events(self) -> u64 {
        match self {
            Self::Retailrocket | Self::Diginetica | Self::Yoochoose | Self::Rees46 => 5,
            _ => 2,
        }
    }

    /// Whether a purchase at price zero is an error of the source. Vitrine's schema is clean
    /// already: what it holds at zero was a gift.
    pub fn rejects_free_purchases(self) -> bool {
        self != Self::Vitrine
    }

    /// The words of an analytics tool for actions, in plain form, where its other events are to be
    /// ignored: most are of no item.
    pub(crate) fn actions(self) -> Option<&'static [(&'static str, ActionCode)]> {
        analytics::actions(self)
    }

    /// Whether a file of a folder belongs to the data set, but is not read.
    pub(crate) fn knows_file(self, place: &str) -> bool {
        let known: &[&str] = match self {
            Self::Retailrocket => &["category_tree."],
            Self::Diginetica => &[
                "train-queries.",
                "train-clicks.",
                "product-images",
                "dataset-",
            ],
            Self::Yoochoose => &["yoochoose-test.", "dataset-"],
            _ => &[],
        };
        known.iter().any(|known| place.starts_with(known))
    }

    pub(crate) fn input(self, input: Input) -> PresetInput {
        let named = |columns, files| PresetInput {
            columns,
            files,
            header: true,
        };
        let numbered = |columns, files| PresetInput {
            columns,
            files,
            header: false,
        };
        match (self, input) {
            (Self::Auto, Input::Events) => named(&[], &["events*"]),
            (Self::Auto, Input::Items) => named(&[], &["items*"]),
            (Self::Auto, Input::Orders) => named(&[], &["orders*"]),
            (Self::Behaviour, Input::Events) => named(
                &[
                    ("user_id", "user_id"),
                    ("session_id", "session_id"),
                    ("item_id", "item_id"),
                    ("timestamp", "timestamp"),
                    ("action", "action"),
                    ("rating", "rating"),
                    ("price", "price"),
                    ("quantity", "quantity"),
                    ("split", "split"),
                ],
                &["events*", "behaviour*"],
            ),
            (Self::Behaviour, Input::Items) => named(
                &[
                    ("item_id", "item_id"),
                    ("title", "title"),
                    ("category", "category"),
                    ("price", "price"),
                    ("image", "image"),
                    ("in_stock", "in_stock"),
                ],
                &["items*"],
            ),
            (Self::Behaviour | Self::Vitrine, Input::Orders) => named(
                &[
                    ("order_id", "order_id"),
                    ("session_id", "session_id"),
                    ("user_id", "user_id"),
                    ("item_id", "item_id"),
                    ("timestamp", "timestamp"),
                    ("quantity", "quantity"),
                    ("price", "price"),
                ],
                &["orders*"],
            ),
            (Self::Vitrine, Input::Events) => named(
                &[
                    ("session_id", "session_id"),
                    ("user_id", "user_id"),
                    ("position", "position"),
                    ("item_id", "item_id"),
                    ("timestamp", "ts"),
                    ("action", "event"),
                    ("split", "split"),
                    ("price", "price"),
                    ("quantity", "quantity"),
                ],
                &["events*"],
            ),
            (Self::Vitrine, Input::Items) => named(
                &[
                    ("item_id", "item_id"),
                    ("title", "title"),
                    ("category", "category"),
                    ("price", "price"),
                    ("price", "median_price"),
                    ("image", "image"),
                    ("in_stock", "in_stock"),
                    ("is_product", "is_product"),
                ],
                &["items*"],
            ),
            (Self::Retailrocket, Input::Events) => named(
                &[
                    ("timestamp", "timestamp"),
                    ("user_id", "visitorid"),
                    ("action", "event"),
                    ("item_id", "itemid"),
                ],
                &["events*"],
            ),
            (Self::Retailrocket, Input::Items) => named(
                &[
                    ("timestamp", "timestamp"),
                    ("item_id", "itemid"),
                    ("property", "property"),
                    ("value", "value"),
                ],
                &["item_properties_part*"],
            ),
            (Self::Diginetica, Input::Events) => named(
                &[
                    ("session_id", "sessionId"),
                    ("user_id", "userId"),
                    ("item_id", "itemId"),
                    ("time_offset", "timeframe"),
                    ("timestamp", "eventdate"),
                ],
                &["train-item-views"],
            ),
            (Self::Diginetica, Input::Items) => named(
                &[
                    ("item_id", "itemId"),
                    ("category", "categoryId"),
                    ("title", "product.name.tokens"),
                ],
                &["product-categories", "products"],
            ),
            (Self::Diginetica, Input::Orders) => named(
                &[
                    ("order_id", "ordernumber"),
                    ("session_id", "sessionId"),
                    ("user_id", "userId"),
                    ("item_id", "itemId"),
                    ("time_offset", "timeframe"),
                    ("timestamp", "eventdate"),
                ],
                &["train-purchases"],
            ),
            (Self::Yoochoose, Input::Events) => numbered(
                &[
                    ("session_id", "1"),
                    ("timestamp", "2"),
                    ("item_id", "3"),
                    ("category", "4"),
                ],
                &["yoochoose-clicks*"],
            ),
            (Self::Yoochoose, Input::Orders) => numbered(
                &[
                    ("session_id", "1"),
                    ("timestamp", "2"),
                    ("item_id", "3"),
                    ("price", "4"),
                    ("quantity", "5"),
                ],
                &["yoochoose-buys*"],
            ),
            (Self::Rees46, Input::Events) => named(
                &[
                    ("timestamp", "event_time"),
                    ("action", "event_type"),
                    ("item_id", "product_id"),
                    ("category", "category_code"),
                    ("category", "category_id"),
                    ("price", "price"),
                    ("user_id", "user_id"),
                    ("session_id", "user_session"),
                ],
                &[],
            ),
            (Self::Rees46, Input::Items) => named(
                &[
                    ("item_id", "product_id"),
                    ("category", "category_code"),
                    ("price", "price"),
                ],
                &[],
            ),
            (Self::Ga4 | Self::Segment | Self::Snowplow | Self::Matomo, input) => {
                analytics::input(self, input)
            }
            (Self::Yoochoose, Input::Items)
            | (Self::Retailrocket | Self::Rees46, Input::Orders) => NOTHING,
        }
    }
}

impl FromStr for Preset {
    type Err = PrepareOptionsError;

    fn from_str(name: &str) -> Result<Self, PrepareOptionsError> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.name() == name)
            .ok_or_else(|| {
                let names: Vec<_> = Self::ALL.iter().map(|preset| preset.name()).collect();
                PrepareOptionsError(format!(
                    "'{name}' is not a preset: there are {}",
                    names.join(", ")
                ))
            })
    }
}
