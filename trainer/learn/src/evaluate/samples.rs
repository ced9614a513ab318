//! A few test sessions, ranked and explained as a page would show them.
//!
//! They are spread evenly over the examples and not chosen by how well they turned out.

use super::protocol::Protocol;
use crate::bundle::Opened;
use crate::dataset::{Dataset, Examples};
use vitrine_core::Action;
use vitrine_core::facets::Filter;
use vitrine_core::rank::{Explanation, Ranker};
use vitrine_core::score::Event;
use vitrine_encoder::{Encoder, EncoderError};

/// How many samples there are, where there are as many examples.
const SAMPLES: usize = 8;
/// How many items of a ranking are shown.
const SHOWN: usize = 5;
/// Events before the label that a person can take in at a glance.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=8;
/// What an item is called that neither the bundle nor the train split has.
const UNKNOWN: &str = "an item that is new to the shop";

/// One session, what was ranked for it, and what came next.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Names of the items that the visitor had to do with, oldest first, and what was done.
    pub seen: Vec<(String, Action)>,
    /// The first items of the ranking.
    pub ranked: Vec<Placed>,
    /// Name of the item that was opened next.
    pub next: String,
    /// Its rank, from 1; 0 when it is not among the first 20.
    pub rank: u32,
}

/// A ranked item.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Its name.
    pub name: String,
    /// The greatest term of its score, in words.
    pub reason: String,
    /// Whether it is what was opened next.
    pub is_next: bool,
}

/// Samples of the examples, whose rows are the dataset's; `ranks` are those of the labels, from
/// 1, with 0 for a miss.
///
/// # Errors
/// [`EncoderError`] when the bundle's encoder does not run.
pub fn samples(
    opened: Opened,
    dataset: &Dataset,
    examples: &Examples,
    ranks: &[u32],
    protocol: Protocol,
) -> Result<Vec<Sample>, EncoderError> {
    let width = opened.bundle.dim() + Action::COUNT;
    let mut encoder = match &opened.encoder {
        Some(onnx) => Some(Encoder::new(onnx, width)?),
        None => None,
    };
    let mut ranker = Ranker::new(opened.bundle);
    let names = Names(dataset);
    spread(examples)
        .into_iter()
        .map(|example| {
            let (input, label) = examples.get(example);
            follow(&mut ranker, encoder.as_mut(), input, &names)?;
            let masked = protocol.masked(input);
            let exclude: Vec<&str> = masked.iter().map(|&row| names.id(Some(row))).collect();
            let best = ranker.recommend(SHOWN, &Filter::default(), &exclude);
            let explained = best.iter().filter_map(|item| ranker.explain(&item.id));
            Ok(Sample {
                seen: input
                    .iter()
                    .map(|event| (names.of_row(event.row), event.action))
                    .collect(),
                ranked: explained
                    .map(|explanation| Placed {
                        name: names.of(&explanation.item),
                        reason: reason(&explanation, &names),
                        is_next: label.is_some() && explanation.item == names.id(label),
                    })
                    .collect(),
                next: names.of_row(label),
                rank: ranks[example],
            })
        })
        .collect()
}

/// Examples evenly spread, those with an input of [`LENGTHS`] where there are such.
fn spread(examples: &Examples) -> Vec<usize> {
    let is_short = |example: &usize| LENGTHS.contains(&examples.get(*example).0.len());
    let mut wanted: Vec<usize> = (0..examples.len()).filter(is_short).collect();
    if wanted.is_empty() {
        wanted = (0..examples.len()).collect();
    }
    let count = wanted.len().min(SAMPLES);
    (0..count)
        .map(|at| wanted[(2 * at + 1) * wanted.len() / (2 * count)])
        .collect()
}

/// Lets the ranker live through a session, all of it at one time.
fn follow(
    ranker: &mut Ranker,
    encoder: Option<&mut Encoder>,
    input: &[Event],
    names: &Names<'_>,
) -> Result<(), EncoderError> {
    ranker.clear();
    for event in input {
        ranker.track(names.id(event.row), event.action, 0);
    }
    let session = ranker.encoder_input();
    if let (Some(encoder), false) = (encoder, session.is_empty()) {
        let query = encoder.encode(&session)?;
        ranker.set_query(Some(&query));
    }
    Ok(())
}

/// The greatest term of a score, in words.
fn reason(explanation: &Explanation, names: &Names<'_>) -> String {
    let terms = &explanation.terms;
    let greatest = terms
        .encoder
        .max(terms.neighbours)
        .max(terms.repeat)
        .max(terms.popularity);
    let other = explanation
        .because
        .iter()
        .find(|because| because.item != explanation.item);
    if greatest == terms.neighbours
        && let Some(because) = other
    {
        format!("goes with {}", names.of(&because.item))
    } else if greatest == terms.repeat || greatest == terms.neighbours {
        "was looked at before".into()
    } else if greatest == terms.encoder {
        "fits the visit as a whole".into()
    } else {
        "is popular in the shop".into()
    }
}

/// What items are called: by title, else by id.
struct Names<'a>(&'a Dataset);

impl Names<'_> {
    /// The id of a row of the dataset; empty for an item without one.
    fn id(&self, row: Option<u32>) -> &str {
        row.map_or("", |row| &self.0.ids[row as usize])
    }

    fn of_row(&self, row: Option<u32>) -> String {
        match row {
            Some(_) => self.of(self.id(row)),
            None => UNKNOWN.into(),
        }
    }

    fn of(&self, id: &str) -> String {
        let row = self.0.ids.binary_search_by(|other| other.as_str().cmp(id));
        let title = row.ok().and_then(|row| self.0.items[row].title.clone());
        title.unwrap_or_else(|| id.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Sessions;

    #[test]
    fn samples_are_spread_evenly_over_the_short_inputs() {
        // Inputs of 1 to 40 events; those of 2 to 8 are the examples 1 to 7.
        let event = Event {
            row: Some(0),
            action: Action::View,
        };
        let mut sessions = Sessions::new();
        sessions.push(vec![event; 41]);
        let mut examples = Examples {
            sessions,
            at: (1..=40).map(|position| (0, position)).collect(),
        };
        assert_eq!(spread(&examples), [1, 2, 3, 4, 5, 6, 7]);
        // Only long ones are left: every second of the remaining 16.
        examples.at.drain(..24);
        assert_eq!(spread(&examples), [1, 3, 5, 7, 9, 11, 13, 15]);
    }
}
