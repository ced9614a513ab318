//! What is known of an item besides who looked at it: its category, its price, its title's words.
//!
//! Each feature has a vector of its own, and an item's vector is its own part plus the mean of its
//! features' vectors (metadata embeddings: Kula, 2015, arXiv 1507.08439). An item that nobody has
//! looked at yet has no part of its own; its features still say what it is like. The sum is taken
//! before the bundle is written, so that features cost no byte of it.

use crate::dataset::ItemFacts;
use crate::facets::band_edges;
use std::collections::{BTreeMap, BTreeSet};
use vitrine_core::Digest;

/// Items that must share a feature for it to be one: fewer teach nothing about each other.
const FEWEST: usize = 3;
/// A word in more than this share of the titles says nothing.
const MOST_SHARE: f64 = 0.3;
/// Price bands, of equally many items each.
const BANDS: usize = 10;

/// The features of every item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features {
    /// Where each item's features begin in `of`; `[N + 1]`.
    offset: Vec<u32>,
    /// Numbers of features, item by item.
    of: Vec<u32>,
    count: usize,
}

impl Features {
    /// N items of which nothing is known.
    pub fn none(items: usize) -> Self {
        Self {
            offset: vec![0; items + 1],
            of: Vec::new(),
            count: 0,
        }
    }

    /// From what is known of the items, `[N]`.
    pub fn of(items: &[ItemFacts]) -> Self {
        let edges = band_edges(items, BANDS);
        let named: Vec<BTreeSet<String>> = items.iter().map(|item| names(item, &edges)).collect();
        let mut shared: BTreeMap<&str, usize> = BTreeMap::new();
        for name in named.iter().flatten() {
            *shared.entry(name).or_default() += 1;
        }
        let most = (items.len() as f64 * MOST_SHARE) as usize;
        shared
            .retain(|name, count| *count >= FEWEST && (*count <= most || !name.starts_with(WORD)));
        let numbers: BTreeMap<&str, u32> = shared.into_keys().zip(0..).collect();
        let mut features = Self {
            offset: vec![0],
            of: Vec::new(),
            count: numbers.len(),
        };
        for names in &named {
            let known = names.iter().filter_map(|name| numbers.get(name.as_str()));
            features.of.extend(known);
            features.offset.push(features.of.len() as u32);
        }
        features
    }

    /// SHA-256 of the features of all items.
    pub fn digest(&self) -> Digest {
        let numbers = self.offset.iter().chain(&self.of);
        let bytes: Vec<u8> = numbers.flat_map(|number| number.to_le_bytes()).collect();
        Digest::of(&bytes)
    }

    /// N.
    pub fn items(&self) -> usize {
        self.offset.len() - 1
    }

    /// F, the number of distinct features.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The features of one item.
    pub fn of_item(&self, row: u32) -> &[u32] {
        let at = row as usize;
        &self.of[self.offset[at] as usize..self.offset[at + 1] as usize]
    }
}

const CATEGORY: &str = "category ";
const PRICE: &str = "price ";
const WORD: &str = "word ";

/// The features of one item, by name: every step of its category's path, its price band, and its
/// title's words.
fn names(item: &ItemFacts, edges: &[f64]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Some(category) = &item.category {
        let ends = category
            .match_indices(['/', '>', '.', '|'])
            .map(|(at, _)| at)
            .chain([category.len()]);
        for end in ends {
            names.insert(format!("{CATEGORY}{}", category[..end].trim()));
        }
    }
    if let Some(price) = item.price {
        let band = edges.partition_point(|&edge| edge <= price);
        names.insert(format!("{PRICE}{band}"));
    }
    for word in item
        .title
        .iter()
        .flat_map(|title| title.split(|c: char| !c.is_alphanumeric()))
    {
        if word.chars().nth(1).is_some() {
            names.insert(format!("{WORD}{}", word.to_lowercase()));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(title: &str, category: &str, price: f64) -> ItemFacts {
        ItemFacts {
            title: Some(title.into()),
            category: Some(category.into()),
            price: Some(price),
            ..ItemFacts::default()
        }
    }

    #[test]
    fn a_feature_is_what_at_least_three_items_share() {
        let items = [
            item("Red mug", "kitchen.mugs", 4.0),
            item("red Mug, large", "kitchen.mugs", 5.0),
            item("Blue mug", "kitchen.mugs", 4.0),
            item("A pan", "kitchen.pans", 30.0),
            ItemFacts::default(),
        ];
        let features = Features::of(&items);
        // "kitchen", "kitchen.mugs"; "mug" is in too many titles, "red" in too few.
        assert_eq!(features.of_item(0).len(), 2);
        assert_eq!(features.of_item(0), features.of_item(1));
        assert_eq!(features.of_item(3).len(), 1);
        assert!(features.of_item(4).is_empty());
        assert_eq!((features.items(), features.count()), (5, 2));
    }

    #[test]
    fn words_are_compared_without_case_and_punctuation() {
        let mut items: Vec<ItemFacts> = (0..12).map(|_| item("something", "x", 1.0)).collect();
        for (item, title) in items
            .iter_mut()
            .zip(["Teal-lamp", "LAMP (teal)", "teal & lamp"])
        {
            item.title = Some(title.into());
        }
        let features = Features::of(&items);
        assert_eq!(features.of_item(0), features.of_item(1));
        assert_eq!(features.of_item(0), features.of_item(2));
        assert_ne!(features.of_item(0), features.of_item(3));
    }
}
