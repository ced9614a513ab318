//! A training that is killed goes on where it stopped, to the same bundle.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use vitrine_core::manifest::Manifest;
use vitrine_tests::FIXED_TABLE;
use vitrine_tests::command::program;
use vitrine_tests::shop::prepared;

/// Two neighbours an item leave the encoder something to add, so that it ships.
fn recipe() -> String {
    format!(
        "seed = 5\n[table]\nneighbours = 2\nmost_neighbours = 2\n{FIXED_TABLE}[encoder]
dim = 32
hidden = 48
epochs = 3
patience = 3
batch = 64
"
    )
}

fn train(data: &Path, recipe: &Path, out: &Path) -> Command {
    let mut command = Command::new(program("vitrine"));
    command
        .args(["train", "--device", "cpu", "--data"])
        .arg(data);
    command.arg("--recipe").arg(recipe).arg("--out").arg(out);
    command
}

/// The bundle's files by hash, without the time at which the manifest was written.
fn files(run: &Path) -> String {
    let manifest = fs::read(run.join("bundle/manifest.json")).unwrap();
    let manifest = Manifest::parse(&manifest).unwrap();
    assert!(
        manifest.files.contains_key("encoder.onnx"),
        "the recipe gave no encoder, so nothing was shown"
    );
    serde_json::to_string_pretty(&manifest.files).unwrap()
}

#[test]
fn a_run_that_was_killed_in_its_second_pass_ends_in_the_same_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("recipe.toml"), recipe()).unwrap();
    let sizes = ["--items", "300", "--shoppers", "4000", "--days", "30"];
    prepared(folder.path(), &sizes);

    let whole = train(&at("data"), &at("recipe.toml"), &at("whole"))
        .output()
        .unwrap();
    assert!(
        whole.status.success(),
        "{}",
        String::from_utf8_lossy(&whole.stderr)
    );

    let mut cut = train(&at("data"), &at("recipe.toml"), &at("cut"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A line is written when a stage has ended, with its seconds.
    let mut lines = BufReader::new(cut.stderr.take().unwrap()).lines();
    let line = lines
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line.starts_with("encoder, pass 1"))
        .unwrap();
    let seconds: f64 = line
        .split_whitespace()
        .rev()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let checkpoint = at("cut/checkpoints/validation.safetensors");
    while !checkpoint.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_secs_f64(0.4 * seconds));
    cut.kill().unwrap();
    cut.wait().unwrap();
    assert!(
        !at("cut/bundle/manifest.json").exists(),
        "it was not killed in time"
    );

    let resumed = train(&at("data"), &at("recipe.toml"), &at("cut"))
        .output()
        .unwrap();
    assert!(
        resumed.status.success(),
        "{}",
        String::from_utf8_lossy(&resumed.stderr)
    );
    let said = String::from_utf8_lossy(&resumed.stderr);
    let again = said
        .lines()
        .filter(|line| line.starts_with("encoder, pass 1 "))
        .count();
    assert!(again < 2, "the first pass was trained again:\n{said}");
    assert_eq!(files(&at("cut")), files(&at("whole")));
}
