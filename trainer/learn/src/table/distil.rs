//! What a teacher that can't be shipped says, as counts that the table can add.
//!
//! The teacher looks for past sessions like this one, so it needs the sessions. What a table can
//! say of it is the least-squares fit of its scores by the latest item alone: their mean over the
//! prefixes of train's sessions that end in the item. The session that a prefix is of is no
//! neighbour of it, or the teacher would only say what came next there.

use super::covisits::{Accumulator, Covisits, Occurrences};
use super::first_order::strongest;
use crate::dataset::Sessions;
use crate::progress::Progress;
use crate::session_neighbours::{Method, Neighbourhoods};
use rayon::prelude::*;

/// How many sessions the teacher may look at in all: about a minute on two cores. Histories of a
/// million events need less; of longer ones it is asked about a part.
const LOOKS: f64 = 3e8;
/// Of the answer to a prefix so many items are kept, and of all answers after an item.
const ANSWER: usize = 100;

/// The teacher's scores after each of `items` rows. Each answer sums to one and stands for as many
/// events as there are, so a weight of one weighs the teacher like the history itself.
pub fn taught(
    items: usize,
    train: &Sessions,
    teacher: Method,
    progress: &dyn Progress,
) -> Covisits {
    let known = Neighbourhoods::of(items, train, teacher);
    let prefixes = Occurrences::of(items, train);
    let mut looks = vec![0; items];
    for session in train.iter() {
        let mut of_prefix = 0;
        for row in session.iter().filter_map(|event| event.row) {
            of_prefix += known.compared(row);
            looks[row as usize] += of_prefix;
        }
    }
    let questions: Vec<(usize, f64)> = looks
        .into_iter()
        .enumerate()
        .map(|(row, looks)| {
            let count = prefixes.of_row(row).len();
            (count, looks as f64 / count.max(1) as f64)
        })
        .collect();
    let most = most_of_each(&questions, LOOKS);
    let (followers, visits) = (0..items)
        .into_par_iter()
        .map_init(
            || (Accumulator::new(items), known.scratch()),
            |(sum, scratch), row| {
                let prefixes = prefixes.of_row(row);
                let latest = &prefixes[prefixes.len().saturating_sub(most)..];
                let share = prefixes.len() as f64 / latest.len().max(1) as f64;
                for &(session, position) in latest {
                    let input = &train.get(session)[..=position];
                    let scores = known.scores(input, Some(session as u32), scratch);
                    let scores = scores.into_iter().map(|(row, score)| (row, score as f32));
                    let answer = strongest(scores.collect(), ANSWER);
                    let whole: f64 = answer.iter().map(|entry| f64::from(entry.1)).sum();
                    for (row, score) in answer {
                        sum.add(row, share * f64::from(score) / whole);
                    }
                }
                progress.advance(1);
                let mut mean = sum.take_sorted();
                if mean.len() > ANSWER {
                    mean.select_nth_unstable_by(ANSWER, |a, b| {
                        b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
                    });
                    mean.truncate(ANSWER);
                    mean.sort_unstable_by_key(|entry| entry.0);
                }
                // Thousands may have been answered: what is kept must not hold their memory.
                mean.shrink_to_fit();
                (mean, prefixes.len() as f64)
            },
        )
        .unzip();
    Covisits { followers, visits }
}

/// The greatest number that can be taken of each, or of all of a smaller count, for no more than
/// `whole`; at least 1. Each has a count and what one of it costs.
fn most_of_each(counts: &[(usize, f64)], whole: f64) -> usize {
    let sum = |most: usize| -> f64 {
        let costs = counts
            .iter()
            .map(|(count, cost)| *cost * *count.min(&most) as f64);
        costs.sum()
    };
    let most = counts.iter().map(|count| count.0).max().unwrap_or(0);
    let (mut least, mut above) = (1, most + 1);
    while least + 1 < above {
        let middle = least.midpoint(above);
        if sum(middle) <= whole {
            least = middle;
        } else {
            above = middle;
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use crate::session_neighbours::METHODS;

    #[test]
    fn the_answers_after_an_item_are_averaged_as_worked_out_by_hand() {
        // SKNN after 0 in the first session: the second shares 0, so 0 and 2 have 1/√2 each, and
        // the answer is a half of each. After 0 in the second: a half of 0 and of 1, likewise.
        // After 1 in the first session, with 0: the second shares 0 of the two, again a half of
        // 0 and of 2.
        let taught = taught(
            3,
            &Sessions::of_views(&[&[0, 1], &[0, 2]]),
            METHODS[0],
            &Silent,
        );
        let expected = [
            vec![(0, 1.0), (1, 0.5), (2, 0.5)],
            vec![(0, 0.5), (2, 0.5)],
            vec![(0, 0.5), (1, 0.5)],
        ];
        for (found, expected) in taught.followers.iter().zip(&expected) {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert_eq!(found.0, expected.0);
                assert!((found.1 - expected.1).abs() < 1e-6);
            }
        }
        assert_eq!(taught.visits, [2.0, 1.0, 1.0]);
    }

    #[test]
    fn questions_are_spread_so_that_rare_items_keep_all_of_theirs() {
        let of = |counts: &[usize], whole| {
            let counts: Vec<(usize, f64)> = counts.iter().map(|&count| (count, 1.0)).collect();
            most_of_each(&counts, whole)
        };
        assert_eq!(of(&[1, 5, 100], 30.0), 24);
        assert_eq!(of(&[1, 5, 100], 1000.0), 100);
        assert_eq!(of(&[7, 7, 7], 2.0), 1);
        assert_eq!(of(&[], 2.0), 1);
        assert_eq!(most_of_each(&[(9, 10.0), (9, 1.0)], 33.0), 3);
    }
}
