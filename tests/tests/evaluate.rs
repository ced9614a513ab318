//! `vitrine evaluate` as a person would ask it: two bundles against each other, data that leave
//! one out, and the page.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use vitrine_tests::FIXED_TABLE;
use vitrine_tests::command::vitrine;

fn recipe(repeat: f32) -> String {
    let table = FIXED_TABLE
        .replace("repeat_last = 0.2", &format!("repeat_last = {repeat}"))
        .replace(
            "repeat_session = 0.7",
            &format!("repeat_session = {repeat}"),
        );
    format!("seed = 3\n[table]\n{table}[encoder]\nenabled = false\n")
}

const USERS: usize = 60;
const ITEMS: usize = 30;

/// Users who go through the items in one order, six each; the fifth is `valid`, the last `test`.
fn left_out() -> String {
    let mut csv = "session_id,user_id,position,item_id,event,split\n".to_owned();
    for user in 0..USERS {
        for (position, split) in ["train", "train", "train", "train", "valid", "test"]
            .into_iter()
            .enumerate()
        {
            let item = (user + position) % ITEMS;
            writeln!(csv, "{user},{user},{position},i{item:02},buy,{split}").unwrap();
        }
    }
    csv
}

/// A simulated shop with two bundles, and one whose data leave one out; made once.
static MADE: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("evaluate");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    let at = |name: &str| root.join(name).display().to_string();
    fs::write(at("repeats.toml"), recipe(0.7)).unwrap();
    fs::write(at("no-repeats.toml"), recipe(0.0)).unwrap();
    fs::write(at("left-out.csv"), left_out()).unwrap();
    let shop = at("shop");
    vitrine(&[
        "simulate",
        "--out",
        &shop,
        "--items",
        "120",
        "--shoppers",
        "600",
        "--days",
        "20",
    ])
    .done();
    for (events, preset, out) in [
        (shop, "behaviour", at("data")),
        (at("left-out.csv"), "vitrine", at("left-out")),
    ] {
        vitrine(&[
            "prepare", "--events", &events, "--preset", preset, "--out", &out,
        ])
        .done();
    }
    for (data, recipe, out) in [
        ("data", "repeats.toml", "run"),
        ("data", "no-repeats.toml", "run2"),
        ("left-out", "repeats.toml", "left-out-run"),
    ] {
        let (data, recipe, out) = (at(data), at(recipe), at(out));
        vitrine(&[
            "train", "--data", &data, "--recipe", &recipe, "--out", &out, "--device", "cpu",
        ])
        .done();
    }
    root
});

fn at(name: &str) -> String {
    MADE.join(name).display().to_string()
}

fn evaluated(bundle: &str, data: &str, more: &[&str]) -> Value {
    let (bundle, data) = (at(bundle), at(data));
    let mut words = vec!["evaluate", "--bundle", &bundle, "--data", &data, "--json"];
    words.extend(more);
    serde_json::from_str(&vitrine(&words).done()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn two_bundles_are_compared_on_the_same_examples() {
    let other = at("run2/bundle");
    let found = evaluated("run/bundle", "data", &["--against", &other]);
    assert_eq!(found["protocol"], "next-item");
    let against = &found["against"];
    let alone = evaluated("run2/bundle", "data", &[]);
    for name in ["p@20", "mrr@20", "hr@10", "ndcg@10"] {
        assert_eq!(against[name], alone[name], "the other bundle by itself");
        let (ours, theirs) = (number(&found[name]), number(&against[name]));
        let difference = &against["difference"][name];
        assert!((number(&difference["value"]) - (ours - theirs)).abs() < 1e-9);
        for (value, [low, high]) in [
            (ours, ends(&found["intervals"][name])),
            (ours - theirs, ends(&difference["interval"])),
        ] {
            assert!(
                low <= value && value <= high,
                "{name}: {low} {value} {high}"
            );
            assert!(low < high, "{name}");
        }
    }
    let count = |name: &str| against[name].as_u64().unwrap();
    let all = found["examples"].as_u64().unwrap();
    assert_eq!(count("wins") + count("ties") + count("losses"), all);
    assert!(count("wins") > 0, "a bonus for repeats changes nothing");

    let itself = at("run/bundle");
    let same = evaluated("run/bundle", "data", &["--against", &itself]);
    assert_eq!(same["against"]["ties"], found["examples"]);
    assert_eq!(
        ends(&same["against"]["difference"]["p@20"]["interval"]),
        [0.0, 0.0]
    );
    let (bundle, data, none) = (at("run/bundle"), at("data"), at("none"));
    let none = [
        "evaluate",
        "--bundle",
        &bundle,
        "--data",
        &data,
        "--against",
        &none,
    ];
    vitrine(&none).refused(&["none/manifest.json"]);
}

fn ends(interval: &Value) -> [f64; 2] {
    [number(&interval[0]), number(&interval[1])]
}

#[test]
fn data_that_leave_one_out_are_measured_so_unless_told_otherwise() {
    let found = evaluated("left-out-run/bundle", "left-out", &["--baselines"]);
    assert_eq!(found["protocol"], "leave-one-out");
    assert_eq!(found["examples"], USERS);
    assert_eq!(found["sessions"], USERS);
    // What follows the valid item is always the same, and what the user has is not ranked.
    assert_eq!(number(&found["mrr@20"]), 100.0, "{found}");
    assert_eq!(number(&found["baselines"]["markov"]["mrr@20"]), 100.0);
    // Every item is as popular as any other: 25 are left to rank, and a tie is lost.
    assert_eq!(number(&found["baselines"]["pop"]["p@20"]), 0.0);
    assert_eq!(found["baselines"].get("s-pop"), None);
    let open = evaluated(
        "left-out-run/bundle",
        "left-out",
        &["--protocol", "next-item"],
    );
    assert_eq!(open["protocol"], "next-item");
    assert_eq!(open["examples"], USERS);
    assert!(number(&open["mrr@20"]) <= number(&found["mrr@20"]));
    // In session data each session gives one example then, its last.
    let forced = evaluated("run/bundle", "data", &["--protocol", "leave-one-out"]);
    assert_eq!(forced["examples"], forced["sessions"]);
    let (bundle, data) = (at("run/bundle"), at("data"));
    vitrine(&[
        "evaluate",
        "--bundle",
        &bundle,
        "--data",
        &data,
        "--protocol",
        "sampled",
    ])
    .refused(&["sampled", "leave-one-out"]);
}

#[test]
fn the_page_shows_figures_groups_and_visits() {
    let page = at("quality.html");
    let found = evaluated("run/bundle", "data", &["--report", &page]);
    let breakdown = &found["breakdown"];
    let examples = |groups: &Value| -> u64 {
        let groups = groups.as_array().unwrap();
        groups.iter().map(|g| g["examples"].as_u64().unwrap()).sum()
    };
    let all = found["examples"].as_u64().unwrap();
    assert_eq!(examples(&breakdown["by_length"]), all);
    assert_eq!(examples(&breakdown["by_label_known"]), all);
    let covered = number(&breakdown["coverage@20"]);
    assert!(covered > 20.0 && covered <= 100.0, "{covered}");
    let calibration = &found["calibration"];
    let listed = calibration["groups"].as_array().unwrap();
    let listed: u64 = listed.iter().map(|g| g["items"].as_u64().unwrap()).sum();
    assert_eq!(listed, 20 * all);
    assert!(number(&calibration["error"]) < 2.0, "{calibration}");
    let html = fs::read_to_string(&page).unwrap();
    for words in [
        "How well ",
        "What a score is worth",
        "The history is synthetic.",
        "the most popular items",
        "<svg",
        "Then came <strong>",
        "goes with ",
    ] {
        assert!(html.contains(words), "'{words}' is not in the page");
    }
    assert_eq!(html.matches("<svg").count(), 5);
    assert_eq!(html.matches("<section>").count(), 8);

    let (bundle, data, nowhere) = (at("run/bundle"), at("data"), at("nowhere/quality.html"));
    let nowhere = [
        "evaluate", "--bundle", &bundle, "--data", &data, "--report", &nowhere,
    ];
    vitrine(&nowhere).refused(&["nowhere/quality.html", "--report"]);
}
