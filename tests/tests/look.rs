//! Notices as a person or a nightly job meets them: at the end of the output, as JSON, and as an exit
//! code. And a reader that leaves before the end.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use vitrine_tests::FIXED_TABLE;
use vitrine_tests::command::{Ran, program, vitrine};

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.at(name), text).unwrap();
        self.at(name)
    }

    fn prepare(&self, flags: &[&str]) -> Ran {
        let (log, out) = (self.at("log.csv"), self.at("data"));
        let words = ["prepare", "--events", &log, "--out", &out];
        vitrine(&[&words[..], flags].concat())
    }

    fn train(&self, out: &str) -> Ran {
        let (data, recipe) = (self.at("data"), self.at("recipe.toml"));
        let text = format!("[table]\n{FIXED_TABLE}[encoder]\nenabled = false\n");
        fs::write(&recipe, text).unwrap();
        vitrine(&["train", "--data", &data, "--recipe", &recipe, "--out", out])
    }
}

/// Visits of three events: `items` items, each followed by the next one.
fn visits(visitors: usize, items: usize) -> String {
    let mut rows = String::from("user_id,item_id,timestamp\n");
    for visitor in 0..visitors {
        for event in 0..3 {
            let (item, time) = (
                (visitor * 5 + event) % items,
                1_717_236_000 + visitor * 9000 + event * 30,
            );
            let _ = writeln!(rows, "v{visitor},i{item},{time}");
        }
    }
    rows
}

/// The same with guests under one user, without sessions.
fn with_guests() -> String {
    let mut rows = visits(80, 30);
    for guest in 0..60 {
        let _ = writeln!(
            rows,
            "guest,i{},{}",
            guest % 30,
            1_717_236_000 + guest * 700
        );
    }
    rows
}

#[test]
fn the_output_ends_with_what_to_look_at_and_a_flag_settles_it() {
    let desk = Desk::new();
    desk.write("log.csv", &with_guests());
    let said = desk.prepare(&[]).done();
    let (_, block) = said.split_once("\nLook at this:\n").unwrap();
    assert!(
        block.contains("'guest' stands for nobody: 60 of 300 rows")
            && block.contains("--nobody=guest"),
        "{block}"
    );
    assert!(!block.contains("report:"), "{block}");
    let said = desk
        .prepare(&["--nobody=guest", "--accept", "many_dropped"])
        .done();
    assert!(!said.contains("placeholder_users"), "{said}");
}

#[test]
fn a_strict_run_ends_with_an_error_and_its_notices_and_touches_nothing() {
    let desk = Desk::new();
    desk.write("log.csv", &visits(80, 30));
    desk.prepare(&["--strict"]).done();
    let before = fs::read(desk.at("data/events.parquet")).unwrap();
    desk.write("log.csv", &with_guests());
    let ran = desk.prepare(&["--strict"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("Look at this") && ran.out.contains("guest"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("--strict leaves") && ran.err.contains("placeholder_users"),
        "{}",
        ran.err
    );
    let ran = desk.prepare(&["--strict", "--json"]);
    assert_eq!(ran.code, Some(1));
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["published"], false);
    assert_eq!(json["notices"][0]["name"], "placeholder_users");
    assert_eq!(fs::read(desk.at("data/events.parquet")).unwrap(), before);
    desk.prepare(&["--strict", "--nobody", "guest", "--accept", "many_dropped"])
        .done();
}

#[test]
fn a_run_and_a_dry_run_print_one_object_each() {
    let desk = Desk::new();
    desk.write("log.csv", &with_guests());
    let json: Value = serde_json::from_str(&desk.prepare(&["--json"]).done()).unwrap();
    assert_eq!(json["published"], true);
    assert_eq!(json["rows_read"], 300);
    assert_eq!(json["dropped"]["unplaced_visitor"], 60);
    assert_eq!(json["notices"][0]["name"], "placeholder_users");
    assert_eq!(json["dataset"]["splits"]["test"]["sessions"], 8);

    let log = desk.at("log.csv");
    let dry = ["prepare", "--events", &log, "--dry-run"];
    let json: Value =
        serde_json::from_str(&vitrine(&[&dry[..], &["--json"]].concat()).done()).unwrap();
    assert_eq!(json["inputs"][0]["columns"][0]["name"], "user_id");
    assert_eq!(json["inputs"][0]["rows"].as_array().unwrap().len(), 5);
    let said = vitrine(&dry).done();
    for words in [
        "timestamp    ← timestamp",
        "line 2:",
        "item_id=i0",
        "nothing was written",
    ] {
        assert!(said.contains(words), "'{words}' is not in: {said}");
    }
    vitrine(&["prepare", "--events", &log]).refused(&["--out"]);
}

#[test]
fn a_model_that_can_not_be_real_is_refused_or_doubted() {
    // Two items.
    let desk = Desk::new();
    desk.write("log.csv", &visits(80, 2));
    desk.prepare(&[]).done();
    desk.train(&desk.at("run"))
        .refused(&["2 items", "at least 3"]);
    assert!(!fs::exists(desk.at("run/bundle")).unwrap());

    // Six are all shown; P@20 is 100 % whatever is learned.
    desk.write("log.csv", &visits(80, 10));
    desk.prepare(&[]).done();
    let said = desk.train(&desk.at("run")).done();
    assert!(
        said.contains("Look at this") && said.contains("[few_items]"),
        "{said}"
    );
    assert!(
        fs::read_to_string(desk.at("run/report.html"))
            .unwrap()
            .contains("The bundle has 6 items")
    );

    // Everybody does the same.
    desk.write("log.csv", &visits(200, 60));
    desk.prepare(&[]).done();
    let said = desk.train(&desk.at("run2")).done();
    assert!(said.contains("[too_good]"), "{said}");
}

#[test]
fn evaluate_says_how_many_labels_the_bundle_knows() {
    let desk = Desk::new();
    desk.write("log.csv", &visits(200, 60));
    desk.prepare(&[]).done();
    desk.train(&desk.at("run")).done();
    let (bundle, data) = (desk.at("run/bundle"), desk.at("data"));
    let evaluate = ["evaluate", "--bundle", &bundle, "--data", &data];
    let said = vitrine(&evaluate).done();
    assert!(said.contains("knows 100.0 % of the test labels"), "{said}");

    // The shop has renamed its items since.
    desk.write(
        "log.csv",
        &visits(200, 60)
            .replace(",i", ",k")
            .replace(",ktem", ",item"),
    );
    desk.prepare(&[]).done();
    let said = vitrine(&evaluate).done();
    assert!(said.contains("knows 0.0 % of the test labels"), "{said}");
    assert!(said.contains("[few_labels_known]"), "{said}");
    let json = vitrine(&[&evaluate[..], &["--json"]].concat()).done();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["labels_known"], 0.0);
    assert_eq!(json["doubts"][0]["name"], "few_labels_known");
    let page = desk.at("quality.html");
    vitrine(&[&evaluate[..], &["--report", &page]].concat()).done();
    assert!(fs::read_to_string(page).unwrap().contains("knows 0.0 % of"));
}

#[test]
fn a_run_is_not_written_into_its_data() {
    let desk = Desk::new();
    desk.write("log.csv", &visits(80, 30));
    desk.prepare(&[]).done();
    let data = desk.at("data");
    desk.train(&data).refused(&["--out", "--data"]);
    desk.train(&format!("{data}/../data/"))
        .refused(&["--out", "--data"]);
    desk.train(&desk.at("run")).done();
    let (run, released) = (desk.at("run"), desk.at("released"));
    fs::create_dir(&released).unwrap();
    vitrine(&["tune", "--data", &data, "--out", &data]).refused(&["--out", "--data"]);
    vitrine(&["compress", "--run", &run, "--data", &data, "--out", &data])
        .refused(&["--out", "--data"]);
    // The data stay a folder that `prepare` may replace.
    desk.prepare(&[]).done();
}

/// Runs a command whose reader leaves after `lines` lines of standard output and of standard error.
fn left_alone(name: &str, arguments: &[&str], lines: usize) -> Option<i32> {
    let mut child = Command::new(program(name))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (mut out, mut err) = (BufReader::new(out), BufReader::new(err));
    let mut line = String::new();
    for _ in 0..lines {
        out.read_line(&mut line).unwrap();
        err.read_line(&mut line).unwrap();
    }
    assert!(!line.contains("panicked"), "{line}");
    drop((out, err));
    child.wait().unwrap().code()
}

#[test]
fn a_reader_that_leaves_stops_no_command() {
    let desk = Desk::new();
    desk.write("log.csv", &visits(200, 60));
    desk.prepare(&[]).done();
    desk.train(&desk.at("run")).done();
    let at = |name: &str| desk.at(name);
    let (log, data, run, bundle, store) = (
        at("log.csv"),
        at("data"),
        at("run"),
        at("run/bundle"),
        at("store"),
    );
    let (shop, run2, recipe, key) = (at("shop"), at("run2"), at("recipe.toml"), at("shop.pem"));
    let commands: [&[&str]; 14] = [
        &["--help"],
        &["prepare", "--help"],
        &["prepare", "--events", &log, "--out", &data],
        &["prepare", "--events", &log, "--dry-run"],
        &["prepare", "--events", &log, "--dry-run", "--json"],
        &[
            "simulate",
            "--out",
            &shop,
            "--items",
            "50",
            "--shoppers",
            "50",
            "--days",
            "3",
        ],
        &[
            "train", "--data", &data, "--recipe", &recipe, "--out", &run2,
        ],
        &[
            "evaluate",
            "--bundle",
            &bundle,
            "--data",
            &data,
            "--baselines",
            "--breakdown",
        ],
        &["evaluate", "--bundle", &bundle, "--data", &data, "--json"],
        &[
            "compress",
            "--run",
            &run,
            "--data",
            &data,
            "--out",
            &at("small"),
        ],
        &["key", "new", &key],
        &["key", "show", &key],
        &["publish", &bundle, "--to", &store],
        &["export", "--run", &run, "--out", &at("exported")],
    ];
    for arguments in commands {
        for lines in [0, 1] {
            let again = ["simulate", "key"].contains(&arguments[0]) && lines == 1;
            let code = left_alone("vitrine", arguments, lines);
            // A key or a shop that is there already is refused, in an orderly way.
            assert!(
                code == Some(0) || (again && code == Some(1)),
                "{arguments:?}: {code:?}"
            );
        }
    }
    let database = at("vitrine.db");
    let server: [&[&str]; 4] = [
        &["--help"],
        &["privacy", "--help"],
        &["release", "--database", &database, "--dry-run"],
        &["privacy", "--database", &database],
    ];
    for arguments in server {
        for lines in [0, 1] {
            let code = left_alone("vitrine-server", arguments, lines);
            assert!(matches!(code, Some(0 | 1)), "{arguments:?}: {code:?}");
        }
    }
}
