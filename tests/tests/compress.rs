//! `vitrine compress` as a person would run it: to a bundle that does without the encoder.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

use std::fs;
use std::path::Path;
use vitrine_core::manifest::Manifest;
use vitrine_learn::run::read_record;
use vitrine_tests::FIXED_TABLE;
use vitrine_tests::command::vitrine;
use vitrine_tests::shop::prepared;

#[test]
fn a_bundle_within_a_small_budget_was_taught_by_the_encoder_and_says_what_it_reaches() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compress");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    let at = |name: &str| root.join(name).display().to_string();
    let made = |arguments: &[&str]| vitrine(arguments).done();
    let (run, small) = (at("run"), at("small"));
    let data = prepared(&root, &["--shoppers", "2500", "--items", "900"]);
    // Two neighbours an item leave the encoder something to add, so that it ships.
    let recipe = format!(
        "seed = 7\n[table]\nneighbours = 2\nmost_neighbours = 2\n{}
[encoder]\ndim = 32\nhidden = 48\nepochs = 3\npatience = 3\nbatch = 64\n",
        FIXED_TABLE.replace("cooccurrence = 0.8", "cooccurrence = 0.02")
    );
    fs::write(at("recipe.toml"), recipe).unwrap();
    let recipe = at("recipe.toml");
    made(&[
        "train", "--data", &data, "--recipe", &recipe, "--out", &run, "--device", "cpu",
    ]);
    let before = read_record(&root.join("run/run.json")).unwrap();
    assert!(before.passes > 0, "the recipe gave no encoder");

    let page = at("frontier.html");
    let said = made(&[
        "compress",
        "--run",
        &run,
        "--data",
        &data,
        "--out",
        &small,
        "--frontier",
        &page,
        "--budget",
        "25kB",
    ]);
    assert!(said.contains("vectors of 0"), "{said}");
    assert!(fs::read_to_string(&page).unwrap().contains("<svg"));

    let record = read_record(&root.join("small/run.json")).unwrap();
    let table = &record.recipe.table;
    assert!(table.most_neighbours >= table.neighbours);
    assert!(record.table_parameters.encoder_distillation > 0.0);
    let manifest = fs::read(root.join("small/bundle/manifest.json")).unwrap();
    let manifest = Manifest::parse(&manifest).unwrap();
    assert!(!manifest.files.contains_key("encoder.onnx"));
    // What the manifest promises is the small bundle's, not that of the run.
    let validation = record.validation.unwrap();
    assert_eq!(validation.both, None);
    assert_eq!(
        manifest.training.metrics["valid p@20"],
        validation.table.p20
    );
    assert_ne!(validation.table, before.validation.unwrap().table);
}
