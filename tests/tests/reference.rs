//! The shipped bundle on public data, under the published splits: read from the folder that
//! `VITRINE_DATA` names, skipped without it.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

use std::path::PathBuf;
use vitrine_tests::command::vitrine;

/// The table by itself: 20 neighbours, weights of a byte, chosen on validation only.
const RECIPE: &str = "seed = 1\n[table]\nneighbours = 20\n[encoder]\nenabled = false\n";

/// Prepares, trains and evaluates as a shop would; `least` is P@20 and MRR@20 in percent.
fn reaches(name: &str, examples: u64, least: (f64, f64)) {
    let Some(root) = std::env::var_os("VITRINE_DATA") else {
        println!("skipped: VITRINE_DATA does not name the folder of public data sets");
        return;
    };
    let source = PathBuf::from(root).join(name);
    if !source.is_dir() {
        println!("skipped: {} is not there", source.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("recipe.toml"), RECIPE).unwrap();
    let source = source.display().to_string();
    vitrine(&[
        "prepare",
        "--events",
        &source,
        "--preset",
        "vitrine",
        "--out",
        &at("data"),
    ])
    .done();
    vitrine(&[
        "train",
        "--data",
        &at("data"),
        "--recipe",
        &at("recipe.toml"),
        "--out",
        &at("run"),
    ])
    .done();
    let bundle = at("run/bundle");
    let found = vitrine(&[
        "evaluate",
        "--bundle",
        &bundle,
        "--data",
        &at("data"),
        "--json",
    ])
    .done();
    println!("{name}: {found}");
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["examples"], examples);
    let figure = |key: &str| found[key].as_f64().unwrap();
    assert!(figure("p@20") >= least.0, "P@20 {}", figure("p@20"));
    assert!(figure("mrr@20") >= least.1, "MRR@20 {}", figure("mrr@20"));
}

#[test]
fn diginetica_is_ranked_at_the_level_of_the_published_models() {
    reaches("diginetica", 60_858, (52.4, 19.6));
}

#[test]
fn retailrocket_is_ranked_at_the_level_of_the_published_models() {
    reaches("retailrocket", 15_132, (57.0, 31.0));
}
