//! Simple rankers to stand beside a bundle: POP, S-POP, Markov, sequential rules and item-kNN
//! (as in Ludewig & Jannach, "Evaluation of session-based recommendation algorithms", 2018).
//!
//! Ties count against the label, here as for the bundle; an item without a score is a miss.

use super::metrics::Metrics;
use super::ranks::CUTOFF;
use crate::dataset::{Examples, Sessions};
use crate::table::covisits::Accumulator;
use rayon::prelude::*;
use std::collections::HashMap;
use vitrine_core::score::Event;

/// Events after which sequential rules no longer count a pair.
const RULE_STEPS: usize = 10;
/// Added to the denominator of item-kNN's cosine.
const KNN_SHRINKAGE: f64 = 20.0;

/// Name and figures of every baseline, learned from `train` over `items` rows.
pub fn all(items: usize, train: &Sessions, test: &Examples) -> Vec<(&'static str, Metrics)> {
    let popularity = Popularity::of(items, train);
    let figures = |rank: &(dyn Fn(&[Event], u32) -> u32 + Sync)| {
        let ranks: Vec<u32> = (0..test.len())
            .into_par_iter()
            .map(|example| match test.get(example) {
                (input, Some(label)) => rank(input, label),
                (_, None) => 0,
            })
            .collect();
        Metrics::of_ranks(&ranks)
    };
    let by_last = |table: &[Vec<(u32, f64)>]| {
        figures(
            &|input, label| match input.last().and_then(|event| event.row) {
                Some(last) => rank_in(&table[last as usize], label),
                None => 0,
            },
        )
    };
    vec![
        ("pop", figures(&|_, label| popularity.rank(label, &[]))),
        (
            "s-pop",
            figures(&|input, label| session_popularity(&popularity, input, label)),
        ),
        ("markov", by_last(&followers(items, train, 1))),
        (
            "sequential-rules",
            by_last(&followers(items, train, RULE_STEPS)),
        ),
        ("item-knn", by_last(&item_knn(items, train))),
    ]
}

fn rank_in(scores: &[(u32, f64)], label: u32) -> u32 {
    let Some(wanted) = scores.iter().find(|s| s.0 == label) else {
        return 0;
    };
    scores.iter().filter(|s| s.1 >= wanted.1).count() as u32
}

struct Popularity {
    count: Vec<u32>,
    /// Counts from the greatest to the least.
    sorted: Vec<u32>,
}

impl Popularity {
    fn of(items: usize, train: &Sessions) -> Self {
        let mut count = vec![0; items];
        for row in train.events.iter().filter_map(|event| event.row) {
            count[row as usize] += 1;
        }
        let mut sorted = count.clone();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        Self { count, sorted }
    }

    /// Rank of a row that is not in `before`, below the distinct rows of `before`.
    fn rank(&self, label: u32, before: &[u32]) -> u32 {
        let own = self.count[label as usize];
        let others = self.sorted.partition_point(|&count| count >= own);
        let counted_twice = before
            .iter()
            .filter(|&&row| self.count[row as usize] >= own);
        (before.len() + others - counted_twice.count()) as u32
    }
}

/// Items of the session by count, then by how lately they were seen; then all others by
/// popularity.
fn session_popularity(popularity: &Popularity, input: &[Event], label: u32) -> u32 {
    let mut seen: HashMap<u32, (usize, usize)> = HashMap::new();
    for (at, row) in input
        .iter()
        .enumerate()
        .filter_map(|(at, e)| Some((at, e.row?)))
    {
        let entry = seen.entry(row).or_default();
        *entry = (entry.0 + 1, at);
    }
    match seen.get(&label) {
        Some(own) => seen.values().filter(|other| *other >= own).count() as u32,
        None if seen.len() >= CUTOFF as usize => 0,
        None => popularity.rank(label, &seen.into_keys().collect::<Vec<u32>>()),
    }
}

/// How often each row follows each other within `steps`, weighted by 1/gap.
fn followers(items: usize, train: &Sessions, steps: usize) -> Vec<Vec<(u32, f64)>> {
    let mut pairs: Vec<Vec<(u32, f64)>> = vec![Vec::new(); items];
    for session in train.iter() {
        for (at, from) in session.iter().enumerate() {
            let Some(from) = from.row else { continue };
            for (gap, to) in session[at + 1..].iter().take(steps).enumerate() {
                if let Some(to) = to.row {
                    pairs[from as usize].push((to, 1.0 / (gap + 1) as f64));
                }
            }
        }
    }
    summed(items, &pairs)
}

/// Cosine of the sets of sessions that two items occur in.
fn item_knn(items: usize, train: &Sessions) -> Vec<Vec<(u32, f64)>> {
    let mut pairs: Vec<Vec<(u32, f64)>> = vec![Vec::new(); items];
    let mut support = vec![0.0; items];
    for session in train.iter() {
        let mut rows: Vec<u32> = session.iter().filter_map(|event| event.row).collect();
        rows.sort_unstable();
        rows.dedup();
        for &row in &rows {
            support[row as usize] += 1.0;
            let others = rows.iter().filter(|&&other| other != row);
            pairs[row as usize].extend(others.map(|&other| (other, 1.0)));
        }
    }
    let mut table = summed(items, &pairs);
    for (row, list) in table.iter_mut().enumerate() {
        for (other, count) in list {
            let norm: f64 = support[row] * support[*other as usize];
            *count /= norm.sqrt() + KNN_SHRINKAGE;
        }
    }
    table
}

fn summed(items: usize, pairs: &[Vec<(u32, f64)>]) -> Vec<Vec<(u32, f64)>> {
    pairs
        .par_iter()
        .map_init(
            || Accumulator::new(items),
            |sum, list| {
                list.iter().for_each(|&(row, value)| sum.add(row, value));
                sum.take_sorted()
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitrine_core::Action;

    fn events(rows: &[u32]) -> Vec<Event> {
        let event = |&row| Event {
            row: Some(row),
            action: Action::View,
        };
        rows.iter().map(event).collect()
    }

    #[test]
    fn session_popularity_puts_the_session_first() {
        // Counts in train: 0 three times, 1 twice, 2 and 3 once. In the session: 3 twice, then 2.
        let mut train = Sessions::new();
        train.push(events(&[0, 0, 0, 1, 1, 2, 3]));
        let popularity = Popularity::of(4, &train);
        let input = events(&[3, 3, 2]);
        let rank = |label| session_popularity(&popularity, &input, label);
        assert_eq!([rank(3), rank(2), rank(0), rank(1)], [1, 2, 3, 4]);
        assert_eq!(popularity.rank(2, &[]), 4, "a tie with 3 counts against 2");
    }

    #[test]
    fn markov_counts_direct_followers_only() {
        let mut train = Sessions::new();
        train.push(events(&[0, 1, 2]));
        train.push(events(&[0, 1]));
        let direct = followers(3, &train, 1);
        assert_eq!(direct[0], [(1, 2.0)]);
        let rules = followers(3, &train, 2);
        assert_eq!(rules[0], [(1, 2.0), (2, 0.5)]);
    }
}
