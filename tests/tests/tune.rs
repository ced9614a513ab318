//! `vitrine tune` as a person would run it: once, and again after an interruption.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

use std::fs;
use std::path::Path;
use vitrine_learn::cross_validation::CrossValidation;
use vitrine_learn::dataset::Dataset;
use vitrine_learn::recipe::Recipe;
use vitrine_learn::tune::Trial;
use vitrine_tests::command::vitrine;
use vitrine_tests::shop::prepared;

#[test]
fn a_search_ends_with_a_recipe_and_a_page_and_can_be_taken_up_again() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tune");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    let at = |name: &str| root.join(name).display().to_string();
    let data = prepared(&root, &["--shoppers", "1500", "--items", "200"]);
    fs::write(
        at("start.toml"),
        "seed = 5\n[encoder]\ndim = 8\nhidden = 8\n",
    )
    .unwrap();
    let tune = |out: &str, more: &[&str]| {
        let start = at("start.toml");
        let given = [
            "tune",
            "--data",
            &data,
            "--recipe",
            &start,
            "--out",
            &at(out),
        ];
        vitrine(&[&given, more].concat())
    };
    let search = || tune("search", &["--trials", "3"]).done();
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
    let again = fs::read(at("search/trials.json")).unwrap();
    assert_eq!(figures(&again), figures(&trials));

    let k_fold = ["--trials", "1", "--cross-validation", "k-fold", "--folds"];
    tune("folds", &[&k_fold[..], &["2"]].concat()).done();
    assert!(root.join("folds/trial-0-fold-1").is_dir());
    tune("folds", &[&k_fold[..], &["1"]].concat()).refused(&["--folds"]);
    tune("folds", &["--folds", "6"]).refused(&["--folds"]);
    splits_are_disjoint(&Dataset::open(&root.join("data"), &[]).unwrap());
}

/// Every number of a JSON text, in its order. serde_json may read a float off by its last bit, and a
/// trial that is taken up again was read.
fn figures(json: &[u8]) -> Vec<String> {
    let text = String::from_utf8(json.to_vec()).unwrap();
    let words = text.split([' ', ',', '\n']);
    let numbers = words.filter_map(|word| word.parse::<f64>().ok());
    numbers.map(|number| format!("{number:.9}")).collect()
}

fn splits_are_disjoint(data: &Dataset) {
    let events = data.train.events.len();
    let judged = |of: &CrossValidation| -> Vec<(usize, usize)> {
        let splits = of.splits(data);
        let sizes = splits
            .iter()
            .map(|(fit, valid)| (fit.events.len(), valid.sessions.events.len()));
        sizes.collect()
    };
    let folds = judged(&CrossValidation::KFold(3));
    assert!(folds.iter().all(|(fit, valid)| fit + valid == events));
    assert_eq!(folds.iter().map(|fold| fold.1).sum::<usize>(), events);
    // What an origin learns from ends where it is judged, and that where the one before learned.
    let origins = judged(&CrossValidation::RollingOrigin(3));
    assert_eq!(origins[0].0 + origins[0].1, events);
    assert_eq!(origins[1].0 + origins[1].1, origins[0].0);
    assert_eq!(origins[2].0 + origins[2].1, origins[1].0);
}
