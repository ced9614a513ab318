//! The recipe: what a run of `train` does, as a TOML file. An empty file is the default recipe.
//!
//! ```toml
//! seed = 1
//!
//! [table]
//! neighbours = 50          # per item, on average; what is not named here is searched for on validation
//! position_decay = 2.0
//!
//! [encoder]
//! backbone = "gru"         # or "cnn", "attention"
//! dim = 64
//!
//! [bundle]
//! lifetime_days = 60
//!
//! [privacy]
//! level = "private"        # noisy counts; "unlinkable" where it is not given
//! epsilon = 2.0
//! ```

use crate::encoder::EncoderParameters;
use crate::parameters::{Key, TableParameters};
use crate::search::Shape;
use crate::session_neighbours::{METHODS, Method};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use vitrine_core::Action;
use vitrine_core::manifest::{Guarantee, Level, Privacy};
use vitrine_core::neighbours::WeightBits;
use vitrine_core::provenance::Bounds;

/// Why a recipe is refused.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file can't be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a recipe.
    #[error("{path}: not a recipe: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// A value is outside its range.
    #[error("recipe: {field} {reason}")]
    Value {
        /// The field.
        field: String,
        /// What it must be.
        reason: &'static str,
    },
}

/// A whole recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Seed of everything random; the same seed on the same data gives the same bundle.
    pub seed: u64,
    /// The item-to-item table.
    pub table: TableRecipe,
    /// The session encoder.
    pub encoder: EncoderParameters,
    /// The bundle.
    pub bundle: BundleRecipe,
    /// What clients must follow when they report.
    pub privacy: PrivacyRecipe,
    /// How far a retrained bundle may be from the one before it and still be promoted.
    pub promotion: Bounds,
}

/// How the table's weights follow from its counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableForm {
    /// Counts over a count plus a constant: additive, and as good.
    #[default]
    FirstOrder,
    /// The closed-form ridge solution of SLIST.
    Ridge,
}

/// A ranker that needs the sessions themselves, and so can only teach what is shipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Teacher {
    /// Nobody.
    None,
    /// See [`METHODS`].
    Sknn,
    /// Later events of the session weigh more.
    Vsknn,
    /// Later events, later sessions and what is near weigh more.
    Stan,
    /// The same, and rare items.
    #[default]
    Vstan,
}

impl Teacher {
    /// How it ranks.
    pub fn method(self) -> Option<Method> {
        match self {
            Self::None => None,
            Self::Sknn => Some(METHODS[0]),
            Self::Vsknn => Some(METHODS[1]),
            Self::Stan => Some(METHODS[2]),
            Self::Vstan => Some(METHODS[3]),
        }
    }
}

/// The table's part of a recipe. A parameter that is given is not searched for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TableRecipe {
    /// Neighbours of an item on average, 1 to 255: with fewer than `most_neighbours`, popular
    /// items get more of them than others.
    pub neighbours: usize,
    /// The most neighbours of an item, 1 to 255.
    pub most_neighbours: usize,
    /// Bits of a neighbour's weight, 8 or 4.
    pub weight_bits: WeightBits,
    /// How many of the session's latest events are looked at, 1 to 1024.
    pub max_session: usize,
    /// How weights follow from counts.
    pub form: TableForm,
    /// Who teaches a first-order table beside the history.
    pub teacher: Teacher,
    /// See [`TableParameters::cooccurrence`]; the others likewise.
    pub cooccurrence: Option<f64>,
    /// Gap decay of counting.
    pub gap_decay: Option<f64>,
    /// Age decay of sessions.
    pub age_decay: Option<f64>,
    /// Shrinkage.
    pub shrinkage: Option<f64>,
    /// Popularity power.
    pub popularity_power: Option<f64>,
    /// Trend power.
    pub trend_power: Option<f64>,
    /// Weight power.
    pub weight_power: Option<f64>,
    /// Weight of the teacher.
    pub distillation: Option<f64>,
    /// Position decay.
    pub position_decay: Option<f64>,
    /// Weight of an event that put an item into the cart; a view weighs 1.
    pub add_to_cart: Option<f64>,
    /// Weight of an event that bought an item.
    pub buy: Option<f64>,
    /// Repeat bonus of the latest item.
    pub repeat_last: Option<f64>,
    /// Repeat bonus of other items.
    pub repeat_session: Option<f64>,
    /// Decay of the latter.
    pub repeat_decay: Option<f64>,
    /// Growth of the repeat bonus.
    pub repeat_growth: Option<f64>,
    /// Popularity term.
    pub popularity: Option<f64>,
}

impl Default for TableRecipe {
    fn default() -> Self {
        Self {
            neighbours: 50,
            most_neighbours: 50,
            weight_bits: WeightBits::default(),
            max_session: 50,
            form: TableForm::default(),
            teacher: Teacher::default(),
            cooccurrence: None,
            gap_decay: None,
            age_decay: None,
            shrinkage: None,
            popularity_power: None,
            trend_power: None,
            weight_power: None,
            distillation: None,
            position_decay: None,
            add_to_cart: None,
            buy: None,
            repeat_last: None,
            repeat_session: None,
            repeat_decay: None,
            repeat_growth: None,
            popularity: None,
        }
    }
}

/// The bundle's part of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BundleRecipe {
    /// Days after which a browser no longer uses the bundle.
    pub lifetime_days: u32,
    /// Width of the item vectors that ship: the encoder's own where it is not given, fewer to
    /// compress, 0 to ship no encoder.
    pub dim: Option<usize>,
    /// Upper edges of the price bands; quintiles of the catalogue's prices where empty.
    pub price_edges: Vec<f64>,
}

impl Default for BundleRecipe {
    fn default() -> Self {
        Self {
            lifetime_days: 60,
            dim: None,
            price_edges: Vec::new(),
        }
    }
}

/// What clients must follow when they report; see [`Privacy`] for the defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacyRecipe {
    /// `unlinkable`, `private` or `local`; the server keeps at least this level for every window in which
    /// the bundle was current.
    pub level: Option<Level>,
    /// At the private level, ε of one window for one browser profile, from 0.25 to 10; 4 where it
    /// is not given. The noise follows from it.
    pub epsilon: Option<f64>,
    /// Length of a window in seconds, at least 1.
    pub window_seconds: Option<u64>,
    /// Reports that a cell needs to be released, at least 1.
    pub k: Option<u32>,
    /// Transition cells of one browser profile in a window.
    pub transitions: Option<u32>,
    /// Item cells.
    pub items: Option<u32>,
    /// Impression cells.
    pub impressions: Option<u32>,
    /// Metric cells.
    pub metrics: Option<u32>,
}

impl PrivacyRecipe {
    /// The defaults with what is given.
    pub fn privacy(&self) -> Privacy {
        let default = Privacy::at(self.level.unwrap_or(Level::Unlinkable));
        Privacy {
            guarantee: default.guarantee.map(|guarantee| Guarantee {
                epsilon: self.epsilon.unwrap_or(guarantee.epsilon),
                ..guarantee
            }),
            window_seconds: self.window_seconds.unwrap_or(default.window_seconds),
            k: self.k.unwrap_or(default.k),
            transitions: self.transitions.unwrap_or(default.transitions),
            items: self.items.unwrap_or(default.items),
            impressions: self.impressions.unwrap_or(default.impressions),
            metrics: self.metrics.unwrap_or(default.metrics),
            ..default
        }
    }

    /// Checks what clients and server would refuse later.
    fn check(&self) -> Result<(), RecipeError> {
        if self.epsilon.is_some() && self.level != Some(Level::Private) {
            return Err(RecipeError::Value {
                field: "privacy.epsilon".into(),
                reason: "is given, and only the private level has an ε to set: level = \"private\"",
            });
        }
        self.privacy().check().map_err(|error| RecipeError::Value {
            // The recipe has no table of its own for what the manifest calls the guarantee.
            field: format!("privacy{}", error.field.replacen(".guarantee", "", 1)),
            reason: error.reason,
        })
    }
}

impl Recipe {
    /// Reads and checks a recipe file.
    pub fn read(path: &Path) -> Result<Self, RecipeError> {
        let text = std::fs::read_to_string(path).map_err(|source| RecipeError::File {
            path: path.into(),
            source,
        })?;
        let recipe: Self = toml::from_str(&text).map_err(|e| RecipeError::Malformed {
            path: path.into(),
            reason: e.to_string(),
        })?;
        recipe.check()?;
        Ok(recipe)
    }

    /// Shape of the shipped tables.
    pub fn shape(&self) -> Shape {
        Shape {
            neighbours: self.table.neighbours,
            most_neighbours: self.table.most_neighbours,
            max_session: self.table.max_session,
            weight_bits: self.table.weight_bits,
        }
    }

    fn check(&self) -> Result<(), RecipeError> {
        let encoder = &self.encoder;
        let table = &self.table;
        let positive = |value: Option<f64>| value.is_none_or(|v| v > 0.0 && v.is_finite());
        let rules: [(&'static str, bool, &'static str); 22] = [
            (
                "table.neighbours",
                (1..=255).contains(&table.neighbours),
                "must be 1 to 255",
            ),
            (
                "table.most_neighbours",
                (1..=255).contains(&table.most_neighbours),
                "must be 1 to 255",
            ),
            (
                "table.max_session",
                (1..=1024).contains(&table.max_session),
                "must be 1 to 1024",
            ),
            (
                "table.gap_decay",
                positive(table.gap_decay),
                "must be above 0",
            ),
            (
                "table.shrinkage",
                positive(table.shrinkage),
                "must be above 0",
            ),
            (
                "table.distillation",
                table.distillation.is_none_or(|v| v >= 0.0 && v.is_finite()),
                "must not be negative",
            ),
            (
                "table.position_decay",
                positive(table.position_decay),
                "must be above 0",
            ),
            (
                "table.repeat_decay",
                positive(table.repeat_decay),
                "must be above 0",
            ),
            (
                "table.cooccurrence",
                table.cooccurrence.is_none_or(|v| (0.0..=1.0).contains(&v)),
                "must be 0 to 1",
            ),
            (
                "table.popularity",
                table.popularity.is_none_or(|v| v >= 0.0 && v.is_finite()),
                "must not be negative",
            ),
            (
                "encoder.dim",
                (1..=512).contains(&encoder.dim),
                "must be 1 to 512",
            ),
            (
                "encoder.hidden",
                (1..=1024).contains(&encoder.hidden),
                "must be 1 to 1024",
            ),
            (
                "encoder.layers",
                (1..=4).contains(&encoder.layers),
                "must be 1 to 4",
            ),
            (
                "encoder.heads",
                encoder.heads >= 1 && encoder.hidden.is_multiple_of(encoder.heads),
                "must divide encoder.hidden",
            ),
            ("encoder.epochs", encoder.epochs >= 1, "must be at least 1"),
            ("encoder.batch", encoder.batch >= 1, "must be at least 1"),
            (
                "encoder.length",
                (1..=512).contains(&encoder.length),
                "must be 1 to 512",
            ),
            (
                "encoder.negatives",
                encoder.negatives >= 1,
                "must be at least 1",
            ),
            (
                "encoder.learning_rate",
                encoder.learning_rate > 0.0 && encoder.learning_rate.is_finite(),
                "must be above 0",
            ),
            (
                "encoder.temperature",
                (0.02..=1.0).contains(&encoder.temperature),
                "must be 0.02 to 1",
            ),
            (
                "encoder.dropout",
                (0.0..1.0).contains(&encoder.dropout),
                "must be 0 to below 1",
            ),
            (
                "bundle.lifetime_days",
                self.bundle.lifetime_days >= 1,
                "must be at least 1",
            ),
        ];
        match rules.into_iter().find(|rule| !rule.1) {
            Some((field, _, reason)) => Err(RecipeError::Value {
                field: field.into(),
                reason,
            }),
            None => {
                self.promotion
                    .check()
                    .map_err(|(field, reason)| RecipeError::Value {
                        field: format!("promotion.{field}"),
                        reason,
                    })?;
                self.privacy.check()
            }
        }
    }
}

impl TableRecipe {
    /// The value that the recipe gives to a parameter.
    pub fn given(&self, key: Key) -> Option<f64> {
        match key {
            Key::Cooccurrence => self.cooccurrence,
            Key::GapDecay => self.gap_decay,
            Key::AgeDecay => self.age_decay,
            Key::Shrinkage => self.shrinkage,
            Key::PopularityPower => self.popularity_power,
            Key::TrendPower => self.trend_power,
            Key::WeightPower => self.weight_power,
            Key::Distillation => self.distillation,
            Key::PositionDecay => self.position_decay,
            Key::AddToCart => self.add_to_cart,
            Key::Buy => self.buy,
            Key::RepeatLast => self.repeat_last,
            Key::RepeatSession => self.repeat_session,
            Key::RepeatDecay => self.repeat_decay,
            Key::RepeatGrowth => self.repeat_growth,
            Key::Popularity => self.popularity,
            Key::EncoderDistillation
            | Key::Encoder
            | Key::Floor
            | Key::PriorPopularity
            | Key::PriorTrend => None,
        }
    }

    /// Whether anybody teaches: only a first-order table can be taught.
    pub fn taught(&self) -> bool {
        self.form == TableForm::FirstOrder
            && self.teacher != Teacher::None
            && self.distillation != Some(0.0)
    }

    /// Where the search starts: the given values, defaults for the others.
    pub fn start(&self) -> TableParameters {
        let mut parameters = TableParameters::default();
        for key in Key::ALL {
            if let Some(value) = self.given(key) {
                *key.of(&mut parameters) = value;
            }
        }
        parameters
    }

    /// Which of `keys` are to be searched in a history that `has` some actions beside views.
    pub fn open(&self, keys: &[Key], has: &dyn Fn(Action) -> bool) -> Vec<Key> {
        let open = keys.iter().copied();
        open.filter(|&key| {
            self.given(key).is_none()
                && key.action().is_none_or(has)
                && (key != Key::Distillation || self.taught())
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(text: &str) -> Result<Recipe, RecipeError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        std::fs::write(&path, text).unwrap();
        Recipe::read(&path)
    }

    #[test]
    fn a_recipe_chooses_the_level_and_what_it_promises() {
        assert_eq!(read("").unwrap().privacy.privacy(), Privacy::default());
        let privacy = |text: &str| read(text).unwrap().privacy.privacy();
        let private = privacy("[privacy]\nlevel = \"private\"");
        assert_eq!(private.level, Level::Private);
        assert_eq!(private.guarantee, Some(Guarantee::default()));
        let local = privacy("[privacy]\nlevel = \"local\"");
        assert_eq!((local.budget(), local.metrics), (1, 1));
        let strict = privacy("[privacy]\nlevel = \"private\"\nepsilon = 1.0\ntransitions = 2");
        assert_eq!(strict.guarantee.unwrap().epsilon, 1.0);
        assert_eq!(strict.budget(), 6);
        strict.check().unwrap();
    }

    #[test]
    fn what_a_client_would_refuse_is_refused_in_the_recipe() {
        for (text, named) in [
            ("level = \"locked\"", "unlinkable"),
            ("level = \"local\"\nitems = 2", "privacy"),
            ("metrics = 2", "privacy.metrics"),
            ("epsilon = 2.0", "privacy.epsilon is given"),
            ("level = \"unlinkable\"\nepsilon = 2.0", "privacy.epsilon"),
            (
                "level = \"private\"\nepsilon = 0.0",
                "privacy.epsilon is not between",
            ),
            (
                "level = \"private\"\nepsilon = nan",
                "privacy.epsilon is not between",
            ),
            (
                "level = \"private\"\nepsilon = 11",
                "privacy.epsilon is not between",
            ),
            ("window_seconds = 0", "privacy.window_seconds"),
            ("k = 0", "privacy.k"),
            ("transitions = 63", "privacy allows more than 64"),
            ("delta = 1e-3", "delta"),
        ] {
            let said = read(&format!("[privacy]\n{text}")).unwrap_err().to_string();
            assert!(said.contains(named), "{said}");
        }
    }
}
