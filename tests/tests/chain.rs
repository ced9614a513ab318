//! From a recipe that promises the private level to the bundle that was learned from what it
//! released: each step by the command that a person uses, with a real server in between.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use vitrine_core::provenance::{Bounds, Provenance};
use vitrine_core::released::ReleasedWindow;
use vitrine_core::window::WindowName;
use vitrine_server::clock::{Clock as _, SystemClock};
use vitrine_tests::FIXED_TABLE;
use vitrine_tests::command::{program, run, vitrine};

/// Eleven days: no window ends while the test runs, short of a coincidence.
const WINDOW_SECONDS: u64 = 1_000_000;

struct Shop(tempfile::TempDir);

impl Shop {
    /// A shop whose model is published, under a recipe with this `[privacy]` and more.
    fn new(recipe: &str) -> Self {
        let shop = Self(tempfile::tempdir().unwrap());
        let at = |name: &str| shop.at(name);
        let table = format!("[table]\n{FIXED_TABLE}[encoder]\nenabled = false\n{recipe}");
        fs::write(at("recipe.toml"), table).unwrap();
        let sizes = ["--items", "60", "--shoppers", "300", "--days", "10"];
        vitrine(&[&["simulate", "--out", &at("shop")][..], &sizes].concat()).done();
        vitrine(&[
            "prepare",
            "--events",
            &at("shop"),
            "--preset",
            "behaviour",
            "--out",
            &at("data"),
            "--test-days",
            "2",
        ])
        .done();
        vitrine(&[
            "train",
            "--data",
            &at("data"),
            "--recipe",
            &at("recipe.toml"),
            "--out",
            &at("run1"),
        ])
        .done();
        vitrine(&["publish", &at("run1/bundle"), "--to", &at("store")]).done();
        shop
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn server(&self, windows: u64) -> Server {
        let mut child = Command::new(program("vitrine-server"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "error"])
            .args(["--limit-loopback", "false"])
            .args([
                "--store",
                &self.at("store"),
                "--database",
                &self.at("vitrine.db"),
            ])
            .args([
                "--clock-offset-seconds",
                &(windows * WINDOW_SECONDS).to_string(),
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        let now = SystemClock::default().now() + windows * WINDOW_SECONDS;
        let window = WindowName::at(now, WINDOW_SECONDS);
        Server {
            child,
            address,
            window,
        }
    }

    fn release(&self, windows: u64) -> String {
        let mut command = Command::new(program("vitrine-server"));
        command
            .args(["release", "--database", &self.at("vitrine.db")])
            .args(["--out", &self.at("released")])
            .args([
                "--clock-offset-seconds",
                &(windows * WINDOW_SECONDS).to_string(),
            ]);
        run(&mut command).done()
    }

    fn retrain(&self, run: &str, out: &str, more: &[&str]) -> String {
        let words = [
            "retrain",
            "--data",
            &self.at("data"),
            "--run",
            &self.at(run),
            "--released",
            &self.at("released"),
            "--out",
            &self.at(out),
        ];
        vitrine(&[&words[..], more].concat()).done()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.at(name)).unwrap()).unwrap()
    }

    /// Released windows, by number.
    fn released(&self) -> Vec<ReleasedWindow> {
        let files = fs::read_dir(self.at("released")).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let windows = paths.filter(|path| path.display().to_string().contains("window-"));
        let mut windows: Vec<_> = windows
            .map(|path| ReleasedWindow::parse(&fs::read(path).unwrap()).unwrap())
            .collect();
        windows.sort_by_key(|window| window.window);
        windows
    }

    /// The ids of the first bundle.
    fn items(&self) -> Vec<String> {
        let folder = self.0.path().join("run1/bundle");
        let bundle = vitrine_learn::bundle::open(&folder).unwrap().bundle;
        (0..bundle.items())
            .filter_map(|row| bundle.id(row))
            .collect()
    }
}

struct Server {
    child: Child,
    address: String,
    /// The window that its clock is in.
    window: WindowName,
}

impl Server {
    /// Sends one cell in so many reports.
    fn report(&self, count: u32, cell: &Value) {
        static NONCE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let agent = ureq::agent();
        for _ in 0..count {
            let nonce = NONCE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let nonce = format!("{nonce:032x}");
            let report = json!({"nonce": nonce, "window": self.window, "cell": cell});
            let answer = agent
                .post(format!("{}/v1/feedback", self.address))
                .header("content-type", "application/json")
                .send(report.to_string())
                .unwrap();
            assert_eq!(answer.status(), 204);
        }
    }
}

impl Drop for Server {
    /// Ends it as an operator would: a server that was killed keeps its clock in the database for a
    /// day, and by that clock no window is over.
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-s", "TERM", &id]).status();
        let _ = self.child.wait();
    }
}

fn transition(from: &str, to: &str) -> Value {
    json!({ "table": "transition", "from": from, "to": to, "action": "view" })
}

#[test]
fn a_private_recipe_is_kept_from_training_to_the_next_bundle() {
    let shop = Shop::new(&format!(
        "[privacy]\nlevel = \"private\"\nepsilon = 4.0\nwindow_seconds = {WINDOW_SECONDS}\n\
         [promotion]\ngrowth = 2.0\n"
    ));
    assert_eq!(
        shop.json("store/manifest.json")["privacy"]["level"],
        "private"
    );
    let items = shop.items();
    let (often, once) = (
        transition(&items[0], &items[1]),
        transition(&items[2], &items[3]),
    );
    {
        let server = shop.server(0);
        server.report(60, &often);
        server.report(1, &once);
    }
    shop.release(1);
    let window = &shop.released()[0];
    let noise = window.noise.unwrap();
    assert_eq!((noise.epsilon, noise.threshold), (4.0, 20));
    // 60 reports with noise of σ = 3.5 are far above τ = 20; one report has 19 below it.
    assert_eq!(window.cells.len(), 1);
    assert!(
        (35..=85).contains(&window.cells[0].count),
        "{}",
        window.cells[0].count
    );

    let said = shop.retrain("run1", "run2", &[]);
    let number = window.window.to_string();
    assert!(
        said.contains(&format!("learned from windows {number}: 1 released cells")),
        "{said}"
    );
    let manifest = shop.json("run2/bundle/manifest.json");
    assert_eq!(manifest["version"], 2);
    assert_eq!(manifest["training"]["windows"], json!([window.window]));
    assert_eq!(manifest["privacy"]["guarantee"]["epsilon"], 4.0);
    let provenance = fs::read(shop.at("run2/bundle/provenance.json")).unwrap();
    let provenance = Provenance::parse(&provenance).unwrap();
    assert_eq!((provenance.version, provenance.held_out.unseen), (1, true));
    assert_eq!(
        provenance.bounds,
        Bounds {
            growth: 2.0,
            ..Bounds::default()
        }
    );
    let page = fs::read_to_string(shop.at("run2/changes.html")).unwrap();
    for words in [
        "Within the recipe",
        "On held-out sessions",
        &number,
        "Shown more",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[test]
fn a_bundle_that_moved_too_far_waits_until_somebody_says_why() {
    // Nothing may move: what the field changes is then always too much.
    let shop = Shop::new(&format!(
        "[privacy]\nwindow_seconds = {WINDOW_SECONDS}\n[promotion]\nfall = 0\ngrowth = 1.0001\n"
    ));
    let items = shop.items();
    {
        let server = shop.server(0);
        for to in &items[1..6] {
            server.report(20, &transition(&items[0], to));
        }
    }
    shop.release(1);
    let said = shop.retrain("run1", "run2", &[]);
    assert!(said.contains("beyond the recipe's bounds"), "{said}");
    let (bundle, store) = (shop.at("run2/bundle"), shop.at("store"));
    vitrine(&["publish", &bundle, "--to", &store, "--candidate"]).done();
    let promote = |more: &[&str]| vitrine(&[&["promote", "--to", &store][..], more].concat());
    promote(&[]).refused(&["version 2 stays a candidate", "of the lists", "--force"]);
    assert_eq!(shop.json("store/manifest.json")["version"], 1);
    promote(&["--force", ""]).refused(&["--force"]);
    promote(&["--force", "looked at"]).done();
    let reasons = fs::read_dir(shop.at("store/forced")).unwrap();
    let reasons: Vec<_> = reasons.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(reasons.len(), 1);
    assert_eq!(fs::read_to_string(&reasons[0]).unwrap(), "looked at\n");
    assert_eq!(shop.json("store/manifest.json")["version"], 2);

    // What was compared with another than the live one cannot be judged by that.
    let said = shop.retrain("run1", "run3", &["--version", "3"]);
    assert!(said.contains("against version 1"), "{said}");
    vitrine(&[
        "publish",
        &shop.at("run3/bundle"),
        "--to",
        &store,
        "--candidate",
    ])
    .done();
    promote(&[]).refused(&["compared with version 1", "version 2 is live"]);
    // Neither can what says nothing.
    vitrine(&[
        "train",
        "--data",
        &shop.at("data"),
        "--recipe",
        &shop.at("recipe.toml"),
        "--out",
        &shop.at("run4"),
    ])
    .done();
    let path = shop.at("run4/bundle/manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"version\": 1", "\"version\": 4", 1)).unwrap();
    vitrine(&[
        "publish",
        &shop.at("run4/bundle"),
        "--to",
        &store,
        "--candidate",
    ])
    .done();
    promote(&[]).refused(&["says nothing of how it compares", "vitrine retrain"]);
}

#[test]
fn the_windows_of_a_bundle_that_was_taken_back_are_left_out_until_lifted() {
    let shop = Shop::new(&format!(
        "[privacy]\nwindow_seconds = {WINDOW_SECONDS}\n[promotion]\nfall = 100\ngrowth = 1e9\n"
    ));
    let items = shop.items();
    shop.server(0).report(3, &transition(&items[0], &items[1]));
    shop.release(1);
    shop.retrain("run1", "run2", &[]);
    shop.server(1).report(3, &transition(&items[2], &items[3]));
    shop.release(2);
    shop.retrain("run2", "run3", &[]);
    let windows: Vec<u64> = shop.released().iter().map(|window| window.window).collect();
    let (store, released) = (shop.at("store"), shop.at("released"));
    for run in ["run2", "run3"] {
        vitrine(&[
            "publish",
            &shop.at(&format!("{run}/bundle")),
            "--to",
            &store,
            "--candidate",
        ])
        .done();
        vitrine(&["promote", "--to", &store]).done();
    }

    let rolled = ["rollback", "2", "--to", &store, "--released", &released];
    let said = vitrine(&rolled).done();
    assert!(
        said.contains(&format!("quarantined: windows {}", windows[1])),
        "{said}"
    );
    let shown = vitrine(&["quarantine", "list", "--released", &released]).done();
    assert!(shown.contains("version 3 was taken back"), "{shown}");

    let said = shop.retrain("run2", "run5", &["--version", "5"]);
    assert!(
        said.contains(&format!("left out, quarantined: windows {}", windows[1])),
        "{said}"
    );
    assert_eq!(
        shop.json("run5/bundle/manifest.json")["training"]["windows"],
        json!([windows[0]])
    );
    // Version 4 is live: it has the files of version 2, with which this one was compared.
    vitrine(&[
        "publish",
        &shop.at("run5/bundle"),
        "--to",
        &store,
        "--candidate",
    ])
    .done();
    vitrine(&["promote", "--to", &store]).done();

    let number = windows[1].to_string();
    let lift = ["quarantine", "lift", &number, "--released", &released];
    vitrine(&lift).done();
    vitrine(&lift).refused(&["is not quarantined"]);
    shop.retrain("run5", "run6", &[]);
    assert_eq!(
        shop.json("run6/bundle/manifest.json")["training"]["windows"],
        json!(windows)
    );
    fs::write(shop.at("released/quarantine.json"), "[]").unwrap();
    vitrine(&lift).refused(&["quarantine.json", "quarantined windows"]);
}

#[test]
fn deleting_the_raw_store_changes_no_bit_of_the_next_bundle() {
    let shop = Shop::new(&format!("[privacy]\nwindow_seconds = {WINDOW_SECONDS}\n"));
    let items = shop.items();
    {
        let server = shop.server(0);
        for to in &items[1..9] {
            server.report(3, &transition(&items[0], to));
        }
    }
    shop.release(1);
    shop.retrain("run1", "with", &[]);
    for file in ["vitrine.db", "vitrine.db-wal", "vitrine.db-shm"] {
        let _ = fs::remove_file(shop.at(file));
    }
    shop.retrain("run1", "without", &[]);
    let files = |run: &str| shop.json(&format!("{run}/bundle/manifest.json"))["files"].clone();
    assert_eq!(files("with"), files("without"));
    for file in files("with").as_object().unwrap().keys() {
        let bytes = |run: &str| fs::read(shop.at(&format!("{run}/bundle/{file}"))).unwrap();
        assert!(bytes("with") == bytes("without"), "{file} differs");
    }
}
