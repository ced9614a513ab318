//! `facets.json`: what filters need, by row.

use crate::bundle::BundleError;
use crate::manifest::file;
use serde::{Deserialize, Serialize};

/// A price band that stands for "no price known".
pub const NO_BAND: u8 = u8::MAX;

/// Category, price band and stock of every row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facets {
    /// Names of the categories.
    pub categories: Vec<String>,
    /// Index into `categories` by row; `[N]`, -1 where there is none.
    pub category: Vec<i32>,
    /// Upper edges of the price bands in the shop's currency, rising; band b lies below edge b.
    pub price_edges: Vec<f64>,
    /// Price band by row; `[N]`, [`NO_BAND`] where no price is known.
    pub price_band: Vec<u8>,
    /// Whether the row can be sold; `[N]`.
    pub in_stock: Vec<bool>,
}

/// What a listing asks for. An empty filter lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Names of categories, any of which will do; unknown names match nothing.
    pub category: Option<Vec<String>>,
    /// Price bands, any of which will do.
    pub price_band: Option<Vec<u8>>,
    /// Only what can be sold.
    pub in_stock: bool,
}

impl Filter {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.category.is_none() && self.price_band.is_none() && !self.in_stock
    }
}

impl Facets {
    /// Parses and checks verified bytes for N `items`.
    ///
    /// # Errors
    /// [`BundleError::Content`] with the field of the wrong length or range.
    pub fn parse(items: u32, bytes: &[u8]) -> Result<Self, BundleError> {
        let fail = |reason: String| BundleError::content(file::FACETS, reason);
        let facets: Self = serde_json::from_slice(bytes).map_err(|e| fail(e.to_string()))?;
        for (field, length) in [
            ("category", facets.category.len()),
            ("price_band", facets.price_band.len()),
            ("in_stock", facets.in_stock.len()),
        ] {
            if length != items as usize {
                return Err(fail(format!("'{field}' has {length} rows, not {items}")));
            }
        }
        let known = -1..i32::try_from(facets.categories.len()).unwrap_or(i32::MAX);
        if let Some(row) = facets.category.iter().position(|c| !known.contains(c)) {
            return Err(fail(format!(
                "'category' of row {row} is not in 'categories'"
            )));
        }
        Ok(facets)
    }

    /// The test that `filter` puts to a row, with the names looked up once.
    pub fn test<'a>(&'a self, filter: &'a Filter) -> impl Fn(u32) -> bool + 'a {
        let wanted: Option<Vec<bool>> = filter.category.as_ref().map(|names| {
            self.categories
                .iter()
                .map(|category| names.contains(category))
                .collect()
        });
        move |row| {
            let row = row as usize;
            let category = wanted.as_ref().is_none_or(|wanted| {
                usize::try_from(self.category[row]).is_ok_and(|category| wanted[category])
            });
            let band = filter
                .price_band
                .as_ref()
                .is_none_or(|bands| bands.contains(&self.price_band[row]));
            category && band && (!filter.in_stock || self.in_stock[row])
        }
    }
}
