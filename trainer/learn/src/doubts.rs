//! Figures that can't be real, and data that can't give any.
//!
//! A history in which all strangers are one session, or a catalogue of two items, gives a model that
//! looks excellent. Whoever reads its figures should know before it goes live.

use crate::dataset::{Dataset, Examples};
use crate::run::{Figures, Validation};
use vitrine_core::dataset::Notice;

/// Fewer items make no ranking: after one of two there is only the other.
pub const FEWEST_ITEMS: usize = 3;
/// As many items as the figures look at: each of them is always found.
const SHOWN: usize = 20;
/// No shop's visitors are so predictable, in percent: the best published figures lie below 70.
const PERFECT: f64 = 95.0;
/// Below this share the figures are about the bundle's catalogue, not about its ranking.
const FEW_LABELS: f64 = 50.0;

/// Doubts in a bundle of `items` items.
pub fn few_items(items: usize) -> Option<Notice> {
    (items <= SHOWN).then(|| Notice {
        name: "few_items",
        finding: format!(
            "The bundle has {items} items, and P@20 looks at the first 20: every item is among them."
        ),
        advice: "Read MRR@20 instead, and check that the history is that of the whole shop.".into(),
    })
}

/// Doubts in figures over more items than they look at.
pub fn perfect(on: &str, p20: f64, items: usize) -> Option<Notice> {
    (p20 >= PERFECT && items > SHOWN).then(|| Notice {
        name: "too_good",
        finding: format!("P@20 {on} is {p20:.1} %: no shop's visitors are so predictable."),
        advice: "Look at the report of `vitrine prepare`: a robot, one session for all visitors or repeated rows give such figures.".into(),
    })
}

/// The share of the labels that are items of a bundle, in percent.
pub fn labels_known(examples: &Examples, known: &dyn Fn(u32) -> bool) -> f64 {
    let labels = (0..examples.len()).filter_map(|at| examples.get(at).1);
    let known = labels.filter(|&row| known(row)).count();
    known as f64 / examples.len().max(1) as f64 * 100.0
}

/// Doubts in a test whose labels the bundle does not know.
pub fn few_labels(known: f64) -> Option<Notice> {
    (known < FEW_LABELS).then(|| Notice {
        name: "few_labels_known",
        finding: format!(
            "The bundle knows {known:.1} % of the test labels; all others count as not found."
        ),
        advice: "Train on this data, or on a history that reaches up to the test part; if no label is known, the two write item ids differently.".into(),
    })
}

/// All doubts in a run on `data`.
pub fn of_run(data: &Dataset, validation: Option<&Validation>) -> Vec<Notice> {
    let items = data.ids.len();
    let mut doubts: Vec<Notice> = few_items(items).into_iter().collect();
    let best: Option<Figures> = validation.map(|figures| figures.both.unwrap_or(figures.table));
    doubts.extend(best.and_then(|figures| perfect("on validation", figures.p20, items)));
    let tested = data
        .facts
        .splits
        .get("test")
        .map_or(0, |part| part.sessions);
    if tested > 0 && data.test.is_empty() {
        doubts.push(Notice {
            name: "no_test_labels",
            finding: format!(
                "The test part has {tested} sessions and none with an event after the first {}: there is nothing to measure by.",
                data.facts.shortest_prefix
            ),
            advice: "Prepare the data again with more --test-days or a smaller --shortest-prefix.".into(),
        });
    } else if tested > 0 {
        // Rows are those of the items that training knows.
        doubts.extend(few_labels(labels_known(&data.test, &|_| true)));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_doubted_where_they_say_nothing_or_too_much() {
        let name = |notice: Option<Notice>| notice.map(|notice| notice.name);
        assert_eq!(name(few_items(20)), Some("few_items"));
        assert_eq!(name(few_items(21)), None);
        assert_eq!(name(perfect("on validation", 100.0, 500)), Some("too_good"));
        assert_eq!(name(perfect("on validation", 68.0, 500)), None);
        // Of 20 items all are found; that is said otherwise.
        assert_eq!(name(perfect("on validation", 100.0, 20)), None);
        assert_eq!(name(few_labels(0.0)), Some("few_labels_known"));
        assert_eq!(name(few_labels(93.0)), None);
    }
}
