//! The public data sets, read from the folder that `VITRINE_DATA` names: published counts, exactly.

use crate::support::events;
use std::path::PathBuf;
use vitrine_prepare::{Options, Preset, Summary, prepare};

fn data(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("VITRINE_DATA") else {
        println!("skipped: VITRINE_DATA does not name the folder of public data sets");
        return None;
    };
    let path = PathBuf::from(root).join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// Prepares a data set and counts the prefixes of its test sessions.
fn test_prefixes(name: &str) -> Option<(Summary, usize)> {
    let dir = tempfile::tempdir().unwrap();
    let mut options = Options::new(data(name)?, dir.path().join("out"));
    options.preset = Preset::Vitrine;
    let summary = prepare(&options, &()).unwrap();
    let mut lengths = std::collections::BTreeMap::new();
    for event in events(&options.out.join("events.parquet")) {
        if event.split == "test" {
            *lengths.entry(event.session).or_insert(0usize) += 1;
        }
    }
    let shortest = summary.dataset.facts.shortest_prefix;
    let prefixes = lengths
        .values()
        .map(|length| length.saturating_sub(shortest))
        .sum();
    Some((summary, prefixes))
}

#[test]
fn diginetica_gives_the_published_examples() {
    let Some((summary, prefixes)) = test_prefixes("diginetica") else {
        return;
    };
    assert_eq!(
        (prefixes, summary.dataset.facts.shortest_prefix),
        (60_858, 1)
    );
    assert_eq!((summary.events, summary.dropped.len()), (982_961, 0));
    assert_eq!(summary.dataset.facts.items, 43_097);
    assert_eq!(summary.dataset.facts.splits["train"].sessions, 186_670);
    assert_eq!(summary.dataset.facts.name, "diginetica");
}

#[test]
fn retailrocket_gives_the_published_examples() {
    let Some((summary, prefixes)) = test_prefixes("retailrocket") else {
        return;
    };
    assert_eq!(
        (prefixes, summary.dataset.facts.shortest_prefix),
        (15_132, 2)
    );
    assert_eq!(
        (summary.events, summary.dataset.facts.items),
        (710_586, 36_968)
    );
}

#[test]
fn tmall_gives_the_published_examples() {
    let Some((summary, prefixes)) = test_prefixes("tmall") else {
        return;
    };
    assert_eq!(
        (prefixes, summary.dataset.facts.shortest_prefix),
        (25_898, 1)
    );
    assert_eq!(
        (summary.events, summary.dataset.facts.items),
        (443_479, 40_727)
    );
}

#[test]
fn amazon_beauty_keeps_the_parts_within_its_sequences() {
    let Some((summary, _)) = test_prefixes("amazon_beauty") else {
        return;
    };
    let splits = &summary.dataset.facts.splits;
    assert_eq!(
        (splits["valid"].events, splits["test"].events),
        (22_363, 22_363)
    );
    assert_eq!(summary.events, 198_502);
}

#[test]
fn online_retail_loses_returns_and_postage_by_name() {
    let Some((summary, _)) = test_prefixes("online_retail") else {
        return;
    };
    let dropped: std::collections::BTreeMap<_, _> = summary.dropped.iter().cloned().collect();
    assert_eq!(dropped["returned"], 10_206);
    assert!(dropped["not_a_product"] > 0);
    let all: u64 = dropped.values().sum();
    assert_eq!(summary.rows_read - 4_115, summary.events + all);
}

#[test]
fn rees46_sample_is_read_with_its_times_and_prices() {
    let Some((summary, _)) = test_prefixes("rees46_sample") else {
        return;
    };
    assert_eq!(summary.dataset.facts.from, Some(1_569_888_000));
    assert!(summary.dataset.facts.splits["test"].sessions > 0);
}
