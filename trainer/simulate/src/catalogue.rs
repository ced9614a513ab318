//! Items: what a visitor sees of them, and what only the simulator knows.

use crate::Options;
use crate::stream::{Purpose, stream};
use crate::words::{ADJECTIVES, CATEGORIES, COLOURS};
use rand::Rng;
use rand::seq::IndexedRandom;
use std::collections::HashMap;

/// Dimensions of a style.
pub(crate) const STYLE: usize = 6;

/// An item of the shop.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its id, e.g. `i000042`.
    pub id: String,
    /// What the shopper reads.
    pub title: String,
    /// Index of its category, see [`Item::category_name`].
    pub category: usize,
    /// Price in the shop's currency.
    pub price: f64,
    /// Whether it can be sold.
    pub in_stock: bool,
    /// The day on which it is sold first, counted from the history's first day; negative for what
    /// was there before.
    pub launched: i64,
    /// Index of its colour.
    pub(crate) colour: usize,
    /// Form of its picture, any number.
    pub(crate) form: u64,
    /// Direction in the space of tastes, of length 1.
    pub(crate) style: [f64; STYLE],
    /// Weight among its category's items before any trend.
    pub(crate) appeal: f64,
    /// Length in days and phase of its trend.
    pub(crate) period: f64,
    pub(crate) phase: f64,
}

impl Item {
    /// Department and category, e.g. `Living > Lamps`.
    pub fn category_name(&self) -> String {
        let category = &CATEGORIES[self.category];
        format!("{} > {}", category.department, category.name)
    }

    /// File name of its picture, relative to the shop's folder.
    pub fn picture_name(&self) -> String {
        format!("pictures/{}.svg", self.id)
    }

    /// How much the day lifts or lowers the item: a slow wave, and a launch that wears off in
    /// about two weeks. 0 before the launch.
    pub(crate) fn trend(&self, day: i64) -> f64 {
        let age = (day - self.launched) as f64;
        if age < 0.0 {
            return 0.0;
        }
        let wave = (std::f64::consts::TAU * (day as f64 / self.period + self.phase)).sin();
        let launch = if self.launched < 0 {
            0.0
        } else {
            4.0 * (-age / 14.0).exp()
        };
        (0.8 * wave).exp() * (1.0 + launch)
    }
}

/// A draw from the standard normal distribution (Box and Muller).
pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    let (a, b): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// A direction.
pub(crate) fn direction(rng: &mut impl Rng) -> [f64; STYLE] {
    let mut style = [0.0; STYLE];
    style.iter_mut().for_each(|v| *v = normal(rng));
    let length = dot(&style, &style).sqrt().max(1e-9);
    style.map(|v| v / length)
}

pub(crate) fn dot(a: &[f64; STYLE], b: &[f64; STYLE]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// All items: those of the history, then those of the field.
pub(crate) fn items(options: &Options) -> Vec<Item> {
    let total = options.items + options.field.new_items;
    let mut titles: HashMap<String, u32> = HashMap::with_capacity(total);
    (0..total)
        .map(|number| item(options, number, &mut titles))
        .collect()
}

fn item(options: &Options, number: usize, titles: &mut HashMap<String, u32>) -> Item {
    let rng = &mut stream(options.seed, Purpose::Items, number as u64, 0);
    let category = number % CATEGORIES.len();
    let facts = &CATEGORIES[category];
    let colour = rng.random_range(0..COLOURS.len());
    let mut word = |words: &[&'static str]| words.choose(rng).copied().unwrap_or_default();
    let (adjective, material, noun) = (word(ADJECTIVES), word(facts.materials), word(facts.nouns));
    let mut title = format!("{adjective} {material} {noun}, {}", COLOURS[colour].0);
    let copies = titles.entry(title.clone()).or_insert(0);
    *copies += 1;
    if *copies > 1 {
        title = format!("{title} No. {copies}");
    }
    // Log-normal; 95 % within a factor of 2.2 of the median. Prices end in .00, .50 or .90.
    let raw = facts.price * (0.4 * normal(rng)).exp();
    let price = raw.floor().max(2.0) + [0.0, 0.5, 0.9][rng.random_range(0..3)];
    let days = i64::from(options.days);
    let launched = if number >= options.items {
        // The field's items come within the month after the history.
        days + rng.random_range(0..30)
    } else if rng.random_bool(0.25) && days > 1 {
        rng.random_range(1..days)
    } else {
        -1
    };
    Item {
        id: format!("i{number:06}"),
        title,
        category,
        price,
        in_stock: rng.random_bool(0.95),
        launched,
        colour,
        form: rng.random(),
        style: direction(rng),
        // Pareto with shape 1.2: few items have most of the visits.
        appeal: (1.0 - rng.random::<f64>()).powf(-1.0 / 1.2).min(1000.0),
        period: rng.random_range(40.0..150.0),
        phase: rng.random(),
    }
}
