//! People: their hidden tastes, and how one visit goes.

use crate::catalogue::{STYLE, direction, dot, normal};
use crate::stream::{Purpose, stream};
use crate::words::CATEGORIES;
use crate::world::World;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use vitrine_core::Action;

/// Most clicks of one visit.
const LONGEST_VISIT: usize = 60;

/// What stays the same from visit to visit.
#[derive(Clone, Debug)]
pub(crate) struct Shopper {
    /// Running sums of the liking for each category; the last is the total.
    liking: [f64; CATEGORIES.len()],
    style: [f64; STYLE],
    /// Logarithm of the price level, 0 for the category's median.
    purse: f64,
    /// An item that is looked at again and again.
    favourite: usize,
}

impl Shopper {
    pub(crate) fn new(world: &World, number: u64) -> Self {
        let rng = &mut stream(world.options().seed, Purpose::Shopper, number, 0);
        let mut sum = 0.0;
        let mut liking = [0.0; CATEGORIES.len()];
        for slot in &mut liking {
            // Log-normal weights: two or three categories take most of a shopper's visits.
            sum += (1.6 * normal(rng)).exp();
            *slot = sum;
        }
        let favourite = rng.random_range(0..world.items().len());
        Self {
            liking,
            style: direction(rng),
            purse: 0.35 * normal(rng),
            favourite,
        }
    }
}

/// One thing that a visitor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Index of the item in [`World::items`].
    pub item: usize,
    /// What is done with it.
    pub action: Action,
    /// Seconds since the visit began.
    pub second: u32,
}

/// Somebody on a visit. Knows what was seen and decides what comes next.
///
/// ```
/// # use vitrine_simulate::{Options, World};
/// # use rand::SeedableRng;
/// let world = World::new(&Options::new("shop"))?;
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
/// let mut visitor = world.visitor(&mut rng, 3);
/// while !visitor.leaves() {
///     let shelf = [0, 12, 24]; // what the page shows now
///     let Some(item) = visitor.choose(&shelf).or_else(|| visitor.search()) else { break };
///     let added = visitor.adds();
///     println!("{} {added}", world.items()[item].title);
/// }
/// let bought = visitor.buys();
/// # Ok::<(), vitrine_simulate::SimulateError>(())
/// ```
pub struct Visitor<'a> {
    world: &'a World,
    shopper: Shopper,
    rng: ChaCha8Rng,
    day: i64,
    /// Items looked at, in order.
    seen: Vec<usize>,
    basket: Vec<usize>,
    second: u32,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(world: &'a World, shopper: Shopper, seed: u64, day: i64) -> Self {
        Self {
            world,
            shopper,
            rng: ChaCha8Rng::seed_from_u64(seed),
            day,
            seen: Vec::new(),
            basket: Vec::new(),
            second: 0,
        }
    }

    /// How much this visitor would like the item, in nats.
    fn appeal(&self, item: usize) -> f64 {
        let facts = &self.world.items()[item];
        let median = CATEGORIES[facts.category].price;
        let price = (facts.price / median).ln() - self.shopper.purse;
        2.0 * dot(&self.shopper.style, &facts.style) - price * price
            + facts.trend(self.day).max(1e-3).ln() * 0.5
    }

    /// How much the item is what comes after the one that was just looked at, in nats.
    fn follows(&self, item: usize) -> f64 {
        let Some(&current) = self.seen.last() else {
            return 0.0;
        };
        let pairs = self.world.pairs(current, self.day);
        if pairs.substitutes.contains(&item) {
            2.5
        } else if pairs.complements.contains(&item) {
            2.2
        } else if self.seen.contains(&item) {
            1.0
        } else {
            0.0
        }
    }

    /// One of the candidates, by how much each is liked; `None` where none is sold.
    fn prefer(&mut self, candidates: &[usize]) -> Option<usize> {
        let weights: Vec<f64> = candidates
            .iter()
            .map(|&item| {
                if self.world.is_sold(item, self.day) {
                    self.appeal(item).exp()
                } else {
                    0.0
                }
            })
            .collect();
        let total: f64 = weights.iter().sum();
        if total <= 0.0 {
            return None;
        }
        let mut drawn = self.rng.random::<f64>() * total;
        let place = weights.iter().position(|weight| {
            drawn -= weight;
            drawn < 0.0
        });
        place.map(|place| candidates[place])
    }

    /// An item by the visitor's own liking and what is popular.
    fn fresh(&mut self) -> Option<usize> {
        let liking = &self.shopper.liking;
        let drawn = self.rng.random::<f64>() * liking[liking.len() - 1];
        let category = liking
            .partition_point(|sum| *sum <= drawn)
            .min(CATEGORIES.len() - 1);
        let mut candidates = Vec::with_capacity(4);
        for _ in 0..4 {
            candidates.extend(self.world.popular(&mut self.rng, category, self.day));
        }
        self.prefer(&candidates)
    }

    /// The item that the visitor would look at next without any recommendation: something like
    /// the current one, something that goes with it, something seen before, or something new.
    fn wish(&mut self) -> Option<usize> {
        let world = self.world;
        let Some(&current) = self.seen.last() else {
            let favourite = self.shopper.favourite;
            if self.rng.random_bool(0.1) && world.is_sold(favourite, self.day) {
                return Some(favourite);
            }
            return self.fresh();
        };
        let pairs = world.pairs(current, self.day);
        let wish = match self.rng.random::<f64>() {
            way if way < 0.50 => self.prefer(&pairs.substitutes),
            way if way < 0.68 => self.prefer(&pairs.complements),
            way if way < 0.80 => {
                let back = self.rng.random_range(0..self.seen.len());
                Some(self.seen[back])
            }
            _ => None,
        };
        wish.or_else(|| self.fresh())
    }

    /// Whether the visit ends now; to be asked once before each click. It ends after five clicks
    /// on average, and never before the first.
    pub fn leaves(&mut self) -> bool {
        let clicks = self.seen.len();
        clicks > 0 && (clicks >= LONGEST_VISIT || self.rng.random_bool(0.2))
    }

    /// The next item as the visitor finds it without any shelf, looked at; `None` where nothing
    /// is sold.
    pub fn search(&mut self) -> Option<usize> {
        let item = self.wish()?;
        self.look(item);
        Some(item)
    }

    /// Which of the items on a shelf, from left to right, the visitor clicks and looks at; `None`
    /// when nothing tempts. The further right, the less likely it is seen at all: place k
    /// (from 0) is looked at with probability 1 / (1 + 0.15 k).
    pub fn choose(&mut self, shown: &[usize]) -> Option<usize> {
        for (place, &item) in shown.iter().enumerate() {
            let looked_at = 1.0 / (1.0 + 0.15 * place as f64);
            if item >= self.world.items().len() || !self.rng.random_bool(looked_at) {
                continue;
            }
            // The offset makes an item that neither suits nor follows a click in a hundred.
            let score = self.appeal(item) + self.follows(item) - 4.6;
            let tempted = 1.0 / (1.0 + (-score).exp());
            if self.world.is_sold(item, self.day) && self.rng.random_bool(tempted) {
                self.look(item);
                return Some(item);
            }
        }
        None
    }

    fn look(&mut self, item: usize) {
        self.seen.push(item);
        self.second += 8 + (40.0 * -(1.0 - self.rng.random::<f64>()).ln()) as u32;
    }

    /// Whether the item that was just looked at goes into the basket.
    pub fn adds(&mut self) -> bool {
        let Some(&item) = self.seen.last() else {
            return false;
        };
        let likes = 1.0 / (1.0 + (2.6 - self.appeal(item)).exp());
        let adds = self.world.items()[item].in_stock
            && !self.basket.contains(&item)
            && self.rng.random_bool(likes * 0.6);
        if adds {
            self.basket.push(item);
        }
        adds
    }

    /// What of the basket is bought at the end of the visit.
    pub fn buys(&mut self) -> Vec<usize> {
        let basket = std::mem::take(&mut self.basket);
        if basket.is_empty() || !self.rng.random_bool(0.45) {
            return Vec::new();
        }
        basket
    }

    /// A rating from 1 to 5 for something bought, by how well it suits.
    pub(crate) fn rates(&mut self, item: usize) -> u8 {
        let score = 3.6 + 0.6 * self.appeal(item) + 0.6 * normal(&mut self.rng);
        score.round().clamp(1.0, 5.0) as u8
    }

    /// A draw from the visitor's stream.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    /// The whole visit without any recommendation.
    pub fn walk(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        while !self.leaves() {
            let second = self.second;
            let Some(item) = self.search() else { break };
            steps.push(Step {
                item,
                action: Action::View,
                second,
            });
            if self.adds() {
                steps.push(Step {
                    item,
                    action: Action::AddToCart,
                    second: self.second.saturating_sub(3).max(second + 1),
                });
            }
        }
        let end = self.second + 60;
        steps.extend(self.buys().into_iter().map(|item| Step {
            item,
            action: Action::Buy,
            second: end,
        }));
        steps
    }
}
