//! Makes `facets.json` from what is known of the items.

use crate::dataset::ItemFacts;
use std::collections::BTreeMap;
use vitrine_core::facets::{Facets, NO_BAND};

/// Bands when the recipe names none: quintiles.
const BANDS: usize = 5;

/// Facets of all rows; `edges` are upper edges of the price bands, or empty for quintiles.
pub fn facets(items: &[ItemFacts], edges: &[f64]) -> Facets {
    let mut numbers: BTreeMap<&str, i32> = BTreeMap::new();
    for category in items.iter().filter_map(|item| item.category.as_deref()) {
        numbers.insert(category, 0);
    }
    for (number, value) in numbers.values_mut().enumerate() {
        *value = number as i32;
    }
    let price_edges = if edges.is_empty() {
        band_edges(items, BANDS)
    } else {
        edges.to_vec()
    };
    let category = |item: &ItemFacts| item.category.as_deref().map_or(-1, |name| numbers[name]);
    let band = |item: &ItemFacts| {
        item.price.map_or(NO_BAND, |price| {
            price_edges.partition_point(|&edge| edge <= price) as u8
        })
    };
    Facets {
        category: items.iter().map(category).collect(),
        price_band: items.iter().map(band).collect(),
        in_stock: items.iter().map(|item| item.in_stock).collect(),
        categories: numbers.keys().map(|name| (*name).to_owned()).collect(),
        price_edges,
    }
}

/// Upper edges of price bands with about equally many items each; fewer where prices are alike.
pub(crate) fn band_edges(items: &[ItemFacts], bands: usize) -> Vec<f64> {
    let mut prices: Vec<f64> = items.iter().filter_map(|item| item.price).collect();
    prices.sort_unstable_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..bands)
        .filter_map(|band| prices.get(prices.len() * band / bands).copied())
        .collect();
    edges.dedup();
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_numbered_by_name_and_prices_fall_into_bands() {
        let item = |category: Option<&str>, price: Option<f64>| ItemFacts {
            category: category.map(str::to_owned),
            price,
            in_stock: true,
            ..ItemFacts::default()
        };
        let items = [
            item(Some("mugs"), Some(4.0)),
            item(None, None),
            item(Some("lamps"), Some(20.0)),
        ];
        let facets = facets(&items, &[10.0]);
        assert_eq!(facets.categories, ["lamps", "mugs"]);
        assert_eq!(facets.category, [1, -1, 0]);
        assert_eq!(facets.price_band, [0, NO_BAND, 1]);
    }
}
