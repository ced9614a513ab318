//! What teachers that aren't shipped say, as counts that the table can add.
//!
//! One teacher looks for past sessions like this one, so it needs the sessions. What a table can
//! say of it is the least-squares fit of its scores by the latest item alone: their mean over the
//! prefixes of train's sessions that end in the item. The session that a prefix is of is no
//! neighbour of it, or the teacher would only say what came next there.
//!
//! The other is the encoder, where a bundle is to do without its module and item vectors: it is
//! asked what follows each item by itself.

use super::covisits::{Accumulator, Covisits, Occurrences};
use super::first_order::strongest;
use crate::dataset::Sessions;
use crate::demand::Demand;
use crate::encoder::train::TrainedEncoder;
use crate::parameters::TableParameters;
use crate::progress::Progress;
use crate::run::RunError;
use crate::search::{Shape, Vectors, assemble, compress};
use crate::session_neighbours::{Method, Neighbourhoods};
use rayon::prelude::*;
use vitrine_core::Action;
use vitrine_core::best::best;
use vitrine_core::neighbours::WeightBits;
use vitrine_core::rank::encoder_input;
use vitrine_core::score::{Event, Query, Scorer};
use vitrine_core::tables::Tables;
use vitrine_encoder::{Encoder, EncoderError};

/// How many sessions the teacher may look at in all: about a minute on two cores. Histories of a
/// million events need less; of longer ones it is asked about a part.
const LOOKS: f64 = 3e8;
/// How many inner products the encoder may be asked for in all: about a minute on two cores. That is
/// enough for a catalogue of 60,000 items; of a larger one it is asked about what is seen most.
const PRODUCTS: usize = 4_000_000_000;
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

/// What an encoder says after each item by itself: softmax over the items that it likes best. An
/// answer sums to the events of its item, so a weight of one weighs it like the history itself.
///
/// # Errors
/// [`RunError`] when its vectors can't be written or it does not run.
pub fn taught_by_encoder(
    train: &Sessions,
    encoder: &TrainedEncoder,
    progress: &dyn Progress,
) -> Result<Covisits, RunError> {
    let items = encoder.vectors.len() / encoder.dim;
    let tables = alone(encoder)?;
    let width = encoder.dim + Action::COUNT;
    // Read once here, so that a bad file is one error and not one per thread.
    Encoder::new(&encoder.onnx, width)?;
    let occurrences = Occurrences::of(items, train);
    let visits = |row: usize| occurrences.of_row(row).len();
    let mut often: Vec<usize> = (0..items).map(visits).collect();
    often.sort_unstable_by(|a, b| b.cmp(a));
    let least = often
        .get(PRODUCTS / items.max(1))
        .map_or(1, |&most| most + 1);
    let answers: Result<Vec<_>, EncoderError> = (0..items)
        .into_par_iter()
        .map_init(
            || {
                (
                    Scorer::new(items as u32),
                    Encoder::new(&encoder.onnx, width),
                )
            },
            |(scorer, encoder), row| {
                progress.advance(1);
                let (Ok(encoder), true) = (encoder, visits(row) >= least) else {
                    return Ok((Vec::new(), 0.0));
                };
                let visits = visits(row) as f64;
                let own = row as u32;
                let event = Event {
                    row: Some(own),
                    action: Action::View,
                };
                let query = encoder.encode(&encoder_input(&tables, &[event]))?;
                scorer.set(&tables, &[event], Query::new(&query));
                let best = best(&tables, scorer, ANSWER, |row| row != own);
                let most = best.first().map_or(0.0, |entry| entry.1);
                let shares = best.iter().map(|entry| f64::from(entry.1 - most).exp());
                let whole: f64 = shares.clone().sum();
                let rows = best.iter().map(|entry| entry.0);
                let mut answer: Vec<(u32, f64)> = rows
                    .zip(shares.map(|share| visits * share / whole))
                    .collect();
                answer.sort_unstable_by_key(|entry| entry.0);
                Ok((answer, visits))
            },
        )
        .collect();
    let (followers, visits) = answers?.into_iter().unzip();
    Ok(Covisits { followers, visits })
}

/// Tables by which nothing but the encoder's inner product counts.
fn alone(encoder: &TrainedEncoder) -> Result<Tables, RunError> {
    let items = encoder.vectors.len() / encoder.dim;
    let parameters = TableParameters {
        encoder: 1.0,
        floor: 1.0,
        popularity: 0.0,
        repeat_last: 0.0,
        repeat_session: 0.0,
        ..TableParameters::default()
    };
    let shape = Shape {
        neighbours: 1,
        most_neighbours: 1,
        max_session: 1,
        weight_bits: WeightBits::Eight,
    };
    let vectors = Vectors {
        values: &encoder.vectors,
        dim: encoder.dim,
    };
    let lists = vec![Vec::new(); items];
    let demand = Demand {
        count: vec![0.0; items],
        trend: vec![0.0; items],
    };
    let (_, tables) = compress(
        &assemble(lists, &demand, &parameters, shape, Some(vectors)),
        shape,
    )?;
    Ok(tables)
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
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;
    use crate::encoder::onnx::{Graph, Node};
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

    /// A network whose answer is the latest item's vector, of width 2.
    fn latest_item() -> Vec<u8> {
        let mut graph = Graph::default();
        for (name, value) in [("zero", 0), ("one", 1), ("two", 2), ("last", -1)] {
            graph.ints(name, &[value]);
        }
        graph.ints("end", &[i64::MAX]);
        let no_attributes = |_: &mut Node<'_>| {};
        let items = ["session", "zero", "two", "two"];
        graph.node("Slice", &items, "items", no_attributes);
        let latest = ["items", "last", "end", "one"];
        graph.node("Slice", &latest, "latest", no_attributes);
        graph.node("Squeeze", &["latest", "one"], "query", no_attributes);
        graph.to_bytes(2 + Action::COUNT, 2)
    }

    #[test]
    fn an_encoder_teaches_what_it_likes_after_each_item_that_was_seen() {
        // The last vector is seen nowhere; of the others each likes its neighbour on the circle.
        let at = |angle: f32| [angle.cos(), angle.sin()];
        let vectors = [at(0.0), at(0.1), at(1.5), at(1.7), at(0.3)].concat();
        let encoder = TrainedEncoder {
            dim: 2,
            onnx: latest_item(),
            vectors,
        };
        let seen = Sessions::of_views(&[&[0, 1], &[2, 3], &[0, 1]]);
        let taught = taught_by_encoder(&seen, &encoder, &Silent).unwrap();
        assert_eq!(taught.visits, [2.0, 2.0, 1.0, 1.0, 0.0]);
        for (row, answer) in taught.followers.iter().enumerate().take(4) {
            let rows: Vec<u32> = answer.iter().map(|entry| entry.0).collect();
            let others: Vec<u32> = (0..5).filter(|&other| other != row as u32).collect();
            assert_eq!(rows, others);
            let whole: f64 = answer.iter().map(|entry| entry.1).sum();
            assert!((whole - taught.visits[row]).abs() < 1e-9);
            let best = answer.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            assert_eq!(best.0, [1, 0, 3, 2][row]);
        }
        assert!(taught.followers[4].is_empty());
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
