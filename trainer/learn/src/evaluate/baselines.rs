//! Rankers to stand beside a bundle: POP, S-POP, Markov, sequential rules and item-kNN (as in
//! Ludewig & Jannach, "Evaluation of session-based recommendation algorithms", 2018), and those of
//! `session_neighbours.rs`.
//!
//! Ties count against the label, here as for the bundle; an item without a score is a miss.

use super::protocol::Protocol;
use super::ranks::CUTOFF;
use crate::dataset::{Examples, Sessions};
use crate::session_neighbours::{METHODS, Neighbourhoods, Scratch};
use crate::table::covisits::Accumulator;
use rayon::prelude::*;
use std::collections::HashMap;
use vitrine_core::score::Event;

/// Events after which sequential rules no longer count a pair.
const RULE_STEPS: usize = 10;
/// Added to the denominator of item-kNN's cosine.
const KNN_SHRINKAGE: f64 = 20.0;

/// The rank of a label from room of the thread, the input, the masked rows and the label.
type RankOf<'a, S> = dyn Fn(&mut S, &[Event], &[u32], u32) -> u32 + Sync + 'a;

/// Name of every baseline, learned from `train` over `items` rows, and its rank of each label,
/// from 1; 0 is a miss. S-POP is left out where the session's own items are not ranked.
pub fn all(
    items: usize,
    train: &Sessions,
    test: &Examples,
    protocol: Protocol,
) -> Vec<(&'static str, Vec<u32>)> {
    let popularity = Popularity::of(items, train);
    let ranks = |rank: &RankOf<'_, ()>| label_ranks(test, protocol, &|| (), rank);
    let by_last = |table: &[Vec<(u32, f64)>]| {
        ranks(
            &|(), input, masked, label| match input.last().and_then(|event| event.row) {
                Some(last) => rank_in(&table[last as usize], masked, label),
                None => 0,
            },
        )
    };
    let mut found = vec![(
        "pop",
        ranks(&|(), _, masked, label| popularity.rank_without(masked, label)),
    )];
    if protocol == Protocol::NextItem {
        found.push((
            "s-pop",
            ranks(&|(), input, _, label| session_popularity(&popularity, input, label)),
        ));
    }
    found.extend([
        ("markov", by_last(&followers(items, train, 1))),
        (
            "sequential-rules",
            by_last(&followers(items, train, RULE_STEPS)),
        ),
        ("item-knn", by_last(&item_knn(items, train))),
    ]);
    found.extend(METHODS.map(|method| {
        let known = Neighbourhoods::of(items, train, method);
        let rank = |scratch: &mut Scratch, input: &[Event], masked: &[u32], label| {
            rank_in(&known.scores(input, None, scratch), masked, label)
        };
        let ranks = label_ranks(test, protocol, &|| known.scratch(), &rank);
        (method.name, ranks)
    }));
    found
}

/// The rank of each label, 0 where it is unknown or masked.
fn label_ranks<S>(
    test: &Examples,
    protocol: Protocol,
    room: &(dyn Fn() -> S + Sync),
    rank: &RankOf<'_, S>,
) -> Vec<u32> {
    (0..test.len())
        .into_par_iter()
        .map_init(room, |room, example| match test.get(example) {
            (input, Some(label)) => {
                let masked = protocol.masked(input);
                match masked.binary_search(&label) {
                    Ok(_) => 0,
                    Err(_) => rank(room, input, &masked, label),
                }
            }
            (_, None) => 0,
        })
        .collect()
}

/// Rank by score outside the `masked` rows, which rise.
fn rank_in(scores: &[(u32, f64)], masked: &[u32], label: u32) -> u32 {
    let Some(wanted) = scores.iter().find(|s| s.0 == label) else {
        return 0;
    };
    scores
        .iter()
        .filter(|s| s.1 >= wanted.1 && masked.binary_search(&s.0).is_err())
        .count() as u32
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

    /// Rank of a row among all but the distinct rows of `without`, to which it does not belong.
    fn rank_without(&self, without: &[u32], label: u32) -> u32 {
        let own = self.count[label as usize];
        let all = self.sorted.partition_point(|&count| count >= own);
        let removed = without
            .iter()
            .filter(|&&row| self.count[row as usize] >= own);
        (all - removed.count()) as u32
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
        None => {
            let seen: Vec<u32> = seen.into_keys().collect();
            seen.len() as u32 + popularity.rank_without(&seen, label)
        }
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
    use crate::dataset::views;

    #[test]
    fn session_popularity_puts_the_session_first() {
        // Counts in train: 0 three times, 1 twice, 2 and 3 once. In the session: 3 twice, then 2.
        let mut train = Sessions::new();
        train.push(views(&[0, 0, 0, 1, 1, 2, 3]));
        let popularity = Popularity::of(4, &train);
        let input = views(&[3, 3, 2]);
        let rank = |label| session_popularity(&popularity, &input, label);
        assert_eq!([rank(3), rank(2), rank(0), rank(1)], [1, 2, 3, 4]);
        let ranks = [
            popularity.rank_without(&[], 2),
            popularity.rank_without(&[0, 3], 2),
        ];
        assert_eq!(
            ranks,
            [4, 2],
            "a tie with 3 counts against 2, unless 3 is masked"
        );
    }

    #[test]
    fn what_the_user_has_is_not_ranked_where_one_is_left_out() {
        // Train: 0 → 1 twice, 0 → 2 once: 0 occurs three times, 1 twice, 2 once. A user who has 1 and
        // then 0 is left 2: rank 1 by popularity and among the followers of 0; and 1 itself is
        // never ranked.
        let mut train = Sessions::new();
        for rows in [[0, 1], [0, 1], [0, 2]] {
            train.push(views(&rows));
        }
        let ranks = |label, protocol| {
            let mut sessions = Sessions::new();
            sessions.push(views(&[1, 0, label]));
            let test = Examples {
                sessions,
                at: vec![(0, 2)],
            };
            let found = all(3, &train, &test, protocol);
            found
                .into_iter()
                .map(|(name, ranks)| (name, ranks[0]))
                .collect::<HashMap<_, _>>()
        };
        let open = ranks(2, Protocol::NextItem);
        assert_eq!((open["pop"], open["markov"], open["s-pop"]), (3, 2, 3));
        let masked = ranks(2, Protocol::LeaveOneOut);
        assert_eq!((masked["pop"], masked["markov"]), (1, 1));
        assert_eq!(masked.get("s-pop"), None);
        let seen = ranks(1, Protocol::LeaveOneOut);
        assert_eq!((seen["pop"], seen["markov"]), (0, 0));
    }

    #[test]
    fn markov_counts_direct_followers_only() {
        let mut train = Sessions::new();
        train.push(views(&[0, 1, 2]));
        train.push(views(&[0, 1]));
        let direct = followers(3, &train, 1);
        assert_eq!(direct[0], [(1, 2.0)]);
        let rules = followers(3, &train, 2);
        assert_eq!(rules[0], [(1, 2.0), (2, 0.5)]);
    }
}
