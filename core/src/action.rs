//! The kinds of behaviour that Vitrine learns from.

use serde::{Deserialize, Serialize};

/// What a visitor did with an item. The discriminant is the code in Parquet, in the encoder's
/// input and in the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Action {
    /// The item's page was opened; also any interaction whose kind was lost at the source.
    View = 0,
    /// The item was put into the basket.
    AddToCart = 1,
    /// The item was bought.
    Buy = 2,
}

impl Action {
    /// How many action codes there are: the width of the one-hot part of the encoder's input.
    pub const COUNT: usize = 3;

    /// Every action, in the order of its code.
    pub const ALL: [Self; Self::COUNT] = [Self::View, Self::AddToCart, Self::Buy];

    /// The action with this code, or `None` when there is none.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The code, as it stands in Parquet.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The name, as it stands in CSV and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::AddToCart => "add_to_cart",
            Self::Buy => "buy",
        }
    }
}

impl std::str::FromStr for Action {
    type Err = UnknownAction;

    fn from_str(name: &str) -> Result<Self, UnknownAction> {
        Self::ALL
            .into_iter()
            .find(|action| action.name() == name)
            .ok_or_else(|| UnknownAction(name.chars().take(40).collect()))
    }
}

/// The name of an action that Vitrine does not know.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not an action: use view, add_to_cart or buy")]
pub struct UnknownAction(String);
