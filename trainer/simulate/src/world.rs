//! The world that is drawn from a seed: items, the pairs between them, and visits on any day.

use crate::catalogue::{Item, dot, items};
use crate::shopper::{Shopper, Step, Visitor};
use crate::stream::{Purpose, stream};
use crate::words::CATEGORIES;
use crate::{Options, SimulateError};
use rand::Rng;
use serde::Serialize;
use vitrine_core::Action;

/// Substitutes of an item: of its own category, alike in style.
const SUBSTITUTES: usize = 8;

/// Complements of an item: of categories that go with its own, alike in style.
const COMPLEMENTS: usize = 4;

/// Candidates among which the most alike are chosen; all of a category would cost the square of
/// the number of items.
const CANDIDATES: usize = 160;

/// Days between two tables of popularity.
const EPOCH_DAYS: i64 = 5;

/// Something that a visitor did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Item id.
    pub item: String,
    /// What was done with it.
    pub action: Action,
    /// Seconds since the visit began.
    pub second: u32,
}

/// What an item goes with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs {
    pub substitutes: Vec<usize>,
    pub complements: Vec<usize>,
}

/// Running sums of the weights of a category's items.
struct Table {
    items: Vec<usize>,
    sums: Vec<f64>,
}

/// A shop with its visitors.
pub struct World {
    options: Options,
    items: Vec<Item>,
    pairs: Vec<Pairs>,
    /// The pairs after the history, where they differ.
    later_pairs: Vec<Option<Pairs>>,
    /// Tables by epoch, then category.
    epochs: Vec<Vec<Table>>,
}

/// Days after the history for which the world has tables of popularity; later days see the last.
const FIELD_DAYS: i64 = 120;

impl World {
    /// Draws the world. Takes time and memory in proportion to the number of items.
    ///
    /// # Errors
    /// [`SimulateError::Option`] for options that make no sense.
    pub fn new(options: &Options) -> Result<Self, SimulateError> {
        check(options)?;
        let items = items(options);
        let mut by_category = vec![Vec::new(); CATEGORIES.len()];
        for (index, item) in items.iter().enumerate() {
            by_category[item.category].push(index);
        }
        let draw = |index: usize, round: u64| {
            let rng = &mut stream(options.seed, Purpose::Pairs, index as u64, round);
            pairs(rng, index, &items, &by_category)
        };
        let pairs: Vec<_> = (0..items.len()).map(|index| draw(index, 0)).collect();
        let later_pairs = (0..items.len()).map(|index| {
            let rng = &mut stream(options.seed, Purpose::Pairs, index as u64, 1);
            (rng.random::<f64>() < options.field.drift).then(|| draw(index, 2))
        });
        let later_pairs = later_pairs.collect();
        let last = (i64::from(options.days) + FIELD_DAYS) / EPOCH_DAYS;
        let epochs = (0..=last).map(|epoch| {
            let day = epoch * EPOCH_DAYS + EPOCH_DAYS / 2;
            by_category
                .iter()
                .map(|members| table(&items, members, day))
                .collect()
        });
        Ok(Self {
            epochs: epochs.collect(),
            options: options.clone(),
            pairs,
            later_pairs,
            items,
        })
    }

    /// The options that the world was drawn from.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// All items, those of the field last. Indices into this slice stand for items everywhere.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Somebody who visits on `day` (from the history's first day, 0), to be asked step by step.
    pub fn visitor(&self, rng: &mut impl Rng, day: i64) -> Visitor<'_> {
        let shopper = rng.random_range(0..self.options.shoppers as u64);
        Visitor::new(self, Shopper::new(self, shopper), rng.random(), day)
    }

    /// A visit on `day` by somebody who finds the way alone: the steps in order.
    pub fn visit(&self, rng: &mut impl Rng, day: i64) -> Vec<Step> {
        self.visitor(rng, day).walk()
    }

    /// `n` visits on `day` that no history holds: the same people, other streams.
    pub fn held_out(&self, n: usize, seed: u64, day: i64) -> Vec<Vec<Event>> {
        (0..n)
            .map(|visit| {
                let rng = &mut stream(self.options.seed, Purpose::HeldOut, seed, visit as u64);
                let steps = self.visit(rng, day);
                steps.iter().map(|step| self.event(step)).collect()
            })
            .collect()
    }

    /// The step with the item's id.
    pub fn event(&self, step: &Step) -> Event {
        Event {
            item: self.items[step.item].id.clone(),
            action: step.action,
            second: step.second,
        }
    }

    /// Whether the item is sold on this day.
    pub(crate) fn is_sold(&self, item: usize, day: i64) -> bool {
        self.items[item].launched <= day
    }

    /// What the item goes with on this day.
    pub(crate) fn pairs(&self, item: usize, day: i64) -> &Pairs {
        if day >= i64::from(self.options.days)
            && let Some(later) = &self.later_pairs[item]
        {
            return later;
        }
        &self.pairs[item]
    }

    /// An item of the category by popularity, or `None` where nothing of it is sold yet.
    pub(crate) fn popular(&self, rng: &mut impl Rng, category: usize, day: i64) -> Option<usize> {
        let epoch = usize::try_from(day.max(0) / EPOCH_DAYS).unwrap_or(usize::MAX);
        let table = &self.epochs[epoch.min(self.epochs.len() - 1)][category];
        let total = *table.sums.last().filter(|total| **total > 0.0)?;
        let drawn = rng.random::<f64>() * total;
        let place = table.sums.partition_point(|sum| *sum <= drawn);
        table
            .items
            .get(place)
            .copied()
            .filter(|&item| self.is_sold(item, day))
    }
}

fn check(options: &Options) -> Result<(), SimulateError> {
    let fail = |problem: &str| Err(SimulateError::Option(problem.into()));
    if options.items < 2 * CATEGORIES.len() {
        return fail("--items must be at least 24: two for each category");
    }
    if options.items + options.field.new_items > 1_000_000 {
        return fail("--items must be at most a million: their ids have six digits");
    }
    if options.shoppers == 0 || options.days == 0 {
        return fail("--shoppers and --days must be at least 1");
    }
    if options.days > 3650 {
        return fail("--days must be at most 3650");
    }
    if !(options.visits_per_month > 0.0 && options.visits_per_month <= 300.0) {
        return fail("the visits of a shopper per month must be above 0 and at most 300");
    }
    if !(0.0..1.0).contains(&options.bots) || !(0.0..=1.0).contains(&options.field.drift) {
        return fail("the shares of bots and of drift must lie between 0 and 1");
    }
    Ok(())
}

fn table(items: &[Item], members: &[usize], day: i64) -> Table {
    let mut sum = 0.0;
    let sums = members.iter().map(|&index| {
        sum += items[index].appeal * items[index].trend(day);
        sum
    });
    Table {
        sums: sums.collect(),
        items: members.to_vec(),
    }
}

fn pairs(rng: &mut impl Rng, index: usize, items: &[Item], by_category: &[Vec<usize>]) -> Pairs {
    let item = &items[index];
    let mut alike = |pool: &[usize], keep: usize| {
        let draws = CANDIDATES.min(pool.len());
        let mut candidates: Vec<usize> = (0..draws)
            .map(|_| pool[rng.random_range(0..pool.len())])
            .collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|&other| other != index);
        let likeness = |other: usize| dot(&item.style, &items[other].style);
        candidates.sort_by(|&a, &b| likeness(b).total_cmp(&likeness(a)).then(a.cmp(&b)));
        candidates.truncate(keep);
        candidates
    };
    let substitutes = alike(&by_category[item.category], SUBSTITUTES);
    let others = CATEGORIES[item.category].complements;
    let complements = others
        .iter()
        .flat_map(|&category| alike(&by_category[category], COMPLEMENTS / others.len()))
        .collect();
    Pairs {
        substitutes,
        complements,
    }
}
