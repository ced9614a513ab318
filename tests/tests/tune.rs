//! `vitrine tune` as a person would run it: once, and again after an interruption.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

use std::fs;
use std::path::Path;
use vitrine_learn::recipe::Recipe;
use vitrine_learn::tune::Trial;
use vitrine_tests::command::vitrine;

#[test]
fn a_search_ends_with_a_recipe_and_a_page_and_can_be_taken_up_again() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tune");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    let at = |name: &str| root.join(name).display().to_string();
    let made = |arguments: &[&str]| vitrine(arguments).done();
    let (shop, data) = (at("shop"), at("data"));
    made(&[
        "simulate",
        "--out",
        &shop,
        "--shoppers",
        "1500",
        "--items",
        "200",
    ]);
    made(&[
        "prepare",
        "--events",
        &shop,
        "--preset",
        "behaviour",
        "--out",
        &data,
    ]);
    fs::write(
        at("start.toml"),
        "seed = 5\n[encoder]\ndim = 8\nhidden = 8\n",
    )
    .unwrap();
    let search = || {
        made(&[
            "tune",
            "--data",
            &data,
            "--recipe",
            &at("start.toml"),
            "--trials",
            "3",
            "--out",
            &at("search"),
        ])
    };
    let said = search();
    assert!(said.contains("search.html"), "{said}");
    let recipe = fs::read(at("search/recipe.toml")).unwrap();
    let best = Recipe::read(&root.join("search/recipe.toml")).unwrap();
    assert_eq!((best.seed, best.encoder.dim), (5, 8));
    let trials = fs::read(at("search/trials.json")).unwrap();
    let read: Vec<Trial> = serde_json::from_slice(&trials).unwrap();
    let mut passes: Vec<usize> = read.iter().map(Trial::passes).collect();
    passes.sort_unstable();
    assert_eq!(passes, [1, 1, 3], "the better third goes on");
    let page = fs::read_to_string(at("search/search.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("trial 2"), "{page}");

    // As if it had been cut off before the end: what was trained is not trained again.
    fs::remove_file(at("search/recipe.toml")).unwrap();
    fs::remove_file(at("search/trials.json")).unwrap();
    search();
    assert_eq!(fs::read(at("search/recipe.toml")).unwrap(), recipe);
    assert_eq!(fs::read(at("search/trials.json")).unwrap(), trials);
}
