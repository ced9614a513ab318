//! Whatever comes in: an error that names the file, the row or the field and the way out, a
//! non-zero exit code, no panic, and nothing lost of what was there.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use tempfile::TempDir;
use vitrine_core::Digest;
use vitrine_tests::FIXED_TABLE;
use vitrine_tests::command::{on_a_full_disk, program, run, vitrine};

/// A small shop, its prepared data and a finished run, made once.
static MADE: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad-input");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    let at = |name: &str| root.join(name).display().to_string();
    fs::write(
        at("recipe.toml"),
        format!("seed = 3\n[table]\n{FIXED_TABLE}[encoder]\nenabled = false\n"),
    )
    .unwrap();
    let sizes = ["--items", "120", "--shoppers", "600", "--days", "20"];
    let mut simulate = vec!["simulate".to_owned(), "--out".into(), at("shop")];
    simulate.extend(sizes.map(String::from));
    vitrine(&simulate).done();
    vitrine(&prepare(&at("shop"), &at("data"))).done();
    vitrine(&train(&at("data"), &at("recipe.toml"), &at("run"))).done();
    root
});

fn made(name: &str) -> PathBuf {
    MADE.join(name)
}

fn prepare(events: &str, out: &str) -> Vec<String> {
    let words = [
        "prepare",
        "--events",
        events,
        "--preset",
        "behaviour",
        "--out",
        out,
    ];
    words.map(String::from).into()
}

fn train(data: &str, recipe: &str, out: &str) -> Vec<String> {
    let words = [
        "train", "--data", data, "--recipe", recipe, "--out", out, "--device", "cpu",
    ];
    words.map(String::from).into()
}

fn evaluate(bundle: &Path) -> Vec<String> {
    let bundle = bundle.display().to_string();
    let data = made("data").display().to_string();
    ["evaluate", "--bundle", &bundle, "--data", &data, "--json"]
        .map(String::from)
        .into()
}

fn publish(bundle: &Path, to: &Path) -> Vec<String> {
    let (bundle, to) = (bundle.display().to_string(), to.display().to_string());
    ["publish", &bundle, "--to", &to].map(String::from).into()
}

/// A folder for one test.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), bytes).unwrap();
        self.name(name)
    }

    /// A copy of the finished bundle, with one file changed.
    fn bundle(&self, change: impl FnOnce(&Path)) -> PathBuf {
        let copy = self.path("bundle");
        fs::create_dir_all(&copy).unwrap();
        for entry in fs::read_dir(made("run/bundle")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
        change(&copy);
        copy
    }
}

/// Every file below a folder, with its bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

const HEAD: &str = "user_id,item_id,timestamp,action,rating\n";

#[test]
fn wrong_columns_are_named_with_the_flag_that_would_say_so() {
    let desk = Desk::new();
    let log = desk.write("log.csv", "who,sku,when\nu1,a,2025-01-01T10:00:00Z\n");
    vitrine(&prepare(&log, &desk.name("data"))).refused(&["log.csv", "item_id", "--column"]);
    assert!(!desk.path("data/dataset.json").exists());
}

#[test]
fn half_a_file_an_empty_file_and_no_file_are_named() {
    let desk = Desk::new();
    let whole = fs::read(made("data/events.parquet")).unwrap();
    let half = desk.write("half.parquet", &whole[..whole.len() / 2]);
    let out = desk.name("out");
    vitrine(&prepare(&half, &out)).refused(&["half.parquet", "not a whole Parquet file"]);
    let empty = desk.write("empty.csv", "");
    vitrine(&prepare(&empty, &out)).refused(&["empty.csv", "is empty"]);
    vitrine(&prepare(&desk.name("none.csv"), &out)).refused(&["none.csv", "no such file"]);
}

#[test]
fn a_bad_date_is_kept_aside_with_its_line_and_too_many_stop_the_run() {
    let desk = Desk::new();
    let good: String = (0..40)
        .map(|n| {
            format!(
                "u{},i{},2025-01-{:02}T10:00:{:02}Z,view,\n",
                n / 4,
                n % 4,
                1 + n / 4,
                n % 4
            )
        })
        .collect();
    let log = desk.write(
        "log.csv",
        format!("{HEAD}{good}u1,i1,2025-02-31T10:00:00Z,view,\n"),
    );
    vitrine(&prepare(&log, &desk.name("data"))).done();
    let rejected = fs::read_to_string(desk.path("data/rejected.csv")).unwrap();
    assert!(
        rejected.contains("42") && rejected.contains("2025-02-31"),
        "{rejected}"
    );

    let bad: String = (0..40)
        .map(|n| format!("u1,i{n},yesterday,view,\n"))
        .collect();
    let log = desk.write("bad.csv", format!("{HEAD}{bad}"));
    let words = [
        "bad.csv",
        "40 of 40 rows",
        "line 2",
        "yesterday",
        "--max-bad-rows",
    ];
    vitrine(&prepare(&log, &desk.name("data2"))).refused(&words);
}

#[test]
fn an_order_of_an_unknown_item_is_kept_aside_and_told() {
    let desk = Desk::new();
    let shop = made("shop");
    for name in ["events.csv", "items.csv", "orders.csv"] {
        fs::copy(shop.join(name), desk.path(name)).unwrap();
    }
    let mut orders = fs::read_to_string(desk.path("orders.csv")).unwrap();
    orders.push_str("o9999999,u000001,no-such-item,2025-01-10T12:00:00Z,1,5.00\n");
    desk.write("orders.csv", orders);
    let mut arguments = prepare(&desk.name("events.csv"), &desk.name("data"));
    for name in ["items", "orders"] {
        arguments.extend([format!("--{name}"), desk.name(&format!("{name}.csv"))]);
    }
    let said = vitrine(&arguments).done();
    assert!(said.contains("unknown_item"), "{said}");
    let rejected = fs::read_to_string(desk.path("data/rejected.csv")).unwrap();
    let row = rejected
        .lines()
        .find(|line| line.contains("no-such-item"))
        .unwrap();
    assert!(row.contains("orders.csv"), "{row}");
}

#[test]
fn a_prepared_folder_that_is_damaged_or_missing_is_named() {
    let desk = Desk::new();
    let recipe = made("recipe.toml").display().to_string();
    let run = desk.name("run");
    let none = vitrine(&train(&desk.name("none"), &recipe, &run));
    none.refused(&["none/dataset.json", "prepare"]);
    fs::create_dir(desk.path("data")).unwrap();
    for name in ["dataset.json", "events.parquet", "items.parquet"] {
        fs::copy(made("data").join(name), desk.path("data").join(name)).unwrap();
    }
    let whole = fs::read(desk.path("data/events.parquet")).unwrap();
    desk.write("data/events.parquet", &whole[..whole.len() / 2]);
    let half = vitrine(&train(&desk.name("data"), &recipe, &run));
    half.refused(&["data/events.parquet", "prepare the data again"]);
    desk.write("data/dataset.json", "{");
    let junk = vitrine(&train(&desk.name("data"), &recipe, &run));
    junk.refused(&["data/dataset.json", "prepare the data again"]);
    assert!(!desk.path("run/bundle").exists());
}

#[test]
fn a_junk_recipe_is_named_with_the_key() {
    let desk = Desk::new();
    let data = made("data").display().to_string();
    for (text, words) in [
        ("[encoder]\nhiden = 3\n", ["recipe.toml", "hiden"]),
        (
            "[table]\nneighbours = 0\n",
            ["table.neighbours", "1 to 255"],
        ),
        (
            "[encoder]\ndropout = 1.5\n",
            ["encoder.dropout", "0 to below 1"],
        ),
        ("seed = \"one\"\n", ["recipe.toml", "seed"]),
        ("= nothing\n", ["recipe.toml", "not a recipe"]),
    ] {
        let recipe = desk.write("recipe.toml", text);
        vitrine(&train(&data, &recipe, &desk.name("run"))).refused(&words);
    }
    let none = vitrine(&train(&data, &desk.name("none.toml"), &desk.name("run")));
    none.refused(&["none.toml"]);
    assert!(!desk.path("run/bundle").exists());
}

#[test]
fn a_truncated_bundle_is_refused_by_evaluate_export_and_publish() {
    let desk = Desk::new();
    let bundle = desk.bundle(|folder| {
        let tables = folder.join("tables.safetensors");
        let whole = fs::read(&tables).unwrap();
        fs::write(&tables, &whole[..whole.len() / 2]).unwrap();
    });
    let words = ["tables.safetensors", "bytes long"];
    vitrine(&evaluate(&bundle)).refused(&words);
    vitrine(&publish(&bundle, &desk.path("store"))).refused(&words);
    let (run, out) = (desk.name(""), desk.name("exported"));
    vitrine(&["export", "--run", &run, "--out", &out]).refused(&words);
    assert!(!desk.path("store/manifest.json").exists());
    assert!(!desk.path("exported/manifest.json").exists());
}

#[test]
fn one_flipped_byte_in_any_file_is_refused_and_what_is_live_stays() {
    let desk = Desk::new();
    let store = desk.path("store");
    vitrine(&publish(&made("run/bundle"), &store)).done();
    let before = contents(&store);
    for name in ["tables.safetensors", "items.fst", "facets.json"] {
        let bundle = desk.bundle(|folder| {
            let path = folder.join(name);
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&path, bytes).unwrap();
            change_manifest(folder, |manifest| manifest["version"] = json!(2));
        });
        let words = [name, "SHA-256", "altered"];
        vitrine(&evaluate(&bundle)).refused(&words);
        vitrine(&publish(&bundle, &store)).refused(&words);
        assert!(contents(&store) == before, "{name}: the store has changed");
    }
}

#[test]
fn a_weight_that_is_not_a_number_is_refused_under_a_right_hash() {
    let desk = Desk::new();
    for tensor in ["fusion", "neighbour_scale", "repeat", "position_decay"] {
        let bundle = desk.bundle(|folder| {
            let path = folder.join("tables.safetensors");
            let bytes = with_nan(fs::read(&path).unwrap(), tensor);
            change_manifest(folder, |manifest| {
                let digest = Digest::of(&bytes).to_string();
                manifest["files"]["tables.safetensors"]["sha256"] = json!(digest);
            });
            fs::write(&path, bytes).unwrap();
        });
        let words = ["tables.safetensors", tensor, "NaN"];
        vitrine(&evaluate(&bundle)).refused(&words);
        vitrine(&publish(&bundle, &desk.path("store"))).refused(&words);
        assert!(!desk.path("store/manifest.json").exists());
    }
}

/// Writes NaN into the first number of an f32 or bfloat16 tensor of a safetensors file.
fn with_nan(mut bytes: Vec<u8>, tensor: &str) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let nan: &[u8] = match header[tensor]["dtype"].as_str() {
        Some("F32") => &f32::NAN.to_le_bytes(),
        Some("BF16") => &0x7fc0_u16.to_le_bytes(),
        other => panic!("{tensor} is of {other:?}"),
    };
    let start = header[tensor]["data_offsets"][0].as_u64().unwrap() as usize;
    let at = 8 + length + start;
    bytes[at..at + nan.len()].copy_from_slice(nan);
    bytes
}

fn change_manifest(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(&path, serde_json::to_vec(&manifest).unwrap()).unwrap();
}

#[test]
fn a_junk_manifest_and_no_bundle_are_named() {
    let desk = Desk::new();
    let none = desk.path("none");
    vitrine(&evaluate(&none)).refused(&["none/manifest.json"]);
    vitrine(&publish(&none, &desk.path("store"))).refused(&["none/manifest.json"]);
    let bundle = desk.bundle(|folder| fs::write(folder.join("manifest.json"), "{}").unwrap());
    vitrine(&evaluate(&bundle)).refused(&["manifest.json", "schema"]);
    let later = desk.bundle(|folder| {
        change_manifest(folder, |manifest| {
            manifest["schema"] = json!("vitrine.bundle/9")
        });
    });
    vitrine(&evaluate(&later)).refused(&["vitrine.bundle/9", "update Vitrine"]);
}

#[test]
fn a_full_disk_stops_prepare_and_leaves_the_earlier_result() {
    let desk = Desk::new();
    let out = desk.name("data");
    vitrine(&prepare(&made("shop").display().to_string(), &out)).done();
    let before = contents(&desk.path("data"));
    let full = on_a_full_disk(
        "vitrine",
        8,
        &prepare(&made("shop").display().to_string(), &out),
    );
    full.refused(&["disk is full", "--out"]);
    assert!(
        contents(&desk.path("data")) == before,
        "the earlier data have changed"
    );
}

#[test]
fn a_full_disk_stops_train_and_export_and_leaves_the_earlier_bundle() {
    let desk = Desk::new();
    let data = made("data").display().to_string();
    let recipe = made("recipe.toml").display().to_string();
    vitrine(&train(&data, &recipe, &desk.name("run"))).done();
    let before = contents(&desk.path("run/bundle"));
    let full = on_a_full_disk("vitrine", 2, &train(&data, &recipe, &desk.name("run")));
    full.refused(&["run/bundle/tables.safetensors", "disk is full"]);
    assert!(
        contents(&desk.path("run/bundle")) == before,
        "the bundle has changed"
    );
    vitrine(&evaluate(&desk.path("run/bundle"))).done();

    let (run, out) = (desk.name("run"), desk.name("exported"));
    let export = ["export", "--run", &run, "--out", &out];
    let full = on_a_full_disk("vitrine", 2, &export);
    full.refused(&["exported/", "disk is full"]);
    assert!(!desk.path("exported/manifest.json").exists());
    vitrine(&export).done();
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() {
    let desk = Desk::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut serve = Command::new(program("vitrine-server"));
    serve.args([
        "serve",
        "--listen",
        &address,
        "--store",
        &desk.name("store"),
    ]);
    serve.args(["--database", &desk.name("vitrine.db")]);
    run(&mut serve).refused(&[&address, "listen"]);
}

#[test]
fn retrain_names_what_is_missing_and_refuses_forged_releases() {
    let desk = Desk::new();
    let data = made("data").display().to_string();
    let retrain = |run: &str, released: &str| {
        let out = desk.name("run2");
        vitrine(&[
            "retrain",
            "--data",
            &data,
            "--run",
            run,
            "--released",
            released,
            "--out",
            &out,
        ])
    };
    let run = made("run").display().to_string();
    retrain(&run, &desk.name("none")).refused(&["none", "vitrine-server release"]);
    fs::create_dir(desk.path("released")).unwrap();
    let released = desk.name("released");
    retrain(&run, &released).refused(&["released", "nothing has been released"]);
    // A count below k is one that the rule could not have released.
    let forged = json!({
        "schema": "vitrine.released/1", "window": 7, "window_seconds": 604_800,
        "level": "unlinkable", "k": 2,
        "cells": [{"cell": {"table": "item", "item": "i000001", "action": "view"}, "count": 1}],
    });
    desk.write("released/window-7.json", forged.to_string());
    retrain(&run, &released).refused(&["window-7.json", "count"]);
    desk.write("released/window-7.json", "{\"schema\":");
    retrain(&run, &released).refused(&["window-7.json", "not a released window"]);
    desk.write(
        "released/window-7.json",
        json!({
            "schema": "vitrine.released/1", "window": 7, "window_seconds": 604_800,
            "level": "unlinkable", "k": 2, "cells": [],
        })
        .to_string(),
    );
    retrain(&desk.name("none"), &released).refused(&["none/run.json"]);
    // A file that was renamed would pass for a window that is not quarantined.
    fs::rename(
        desk.path("released/window-7.json"),
        desk.path("released/window-8.json"),
    )
    .unwrap();
    retrain(&run, &released).refused(&["window-8.json", "holds window 7"]);
    fs::remove_file(desk.path("released/window-8.json")).unwrap();
    desk.write("released/window-seven.json", "{}");
    retrain(&run, &released).refused(&["window-seven.json", "named for no window"]);
    fs::remove_file(desk.path("released/window-seven.json")).unwrap();

    // Of a window that is quarantined nothing is read.
    desk.write("released/window-7.json", "{\"schema\":");
    vitrine(&[
        "quarantine",
        "add",
        "7",
        "--released",
        &released,
        "--reason",
        "forged",
    ])
    .done();
    retrain(&desk.name("none"), &released).refused(&["none/run.json"]);
    assert!(!desk.path("run2/bundle").exists());
}

#[test]
fn a_history_can_be_piped_into_prepare() {
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("out");
    let log = "user_id,item_id,timestamp\nu,a,1717236000\nu,b,1717236060\n,c,1717236060\nv,a,1717236000\nv,b,1717236060\n";
    for source in ["-", "/dev/stdin"] {
        let mut child = Command::new(program("vitrine"))
            .args(["prepare", "--events", source, "--out"])
            .arg(&out)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), log.as_bytes()).unwrap();
        let ran = child.wait_with_output().unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(said.contains("history: 5 rows read, 4 events"), "{said}");
        let rejected = fs::read_to_string(out.join("rejected.csv")).unwrap();
        assert!(
            rejected.contains("\"/dev/stdin\",4,missing_visitor"),
            "{rejected}"
        );
    }
}
