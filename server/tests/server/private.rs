//! The private level: noise on what is released, a ledger of what it cost, and a ceiling.

use crate::house::{BINARY, House, WINDOW_SECONDS, later, read, view};
use crate::release::{files, report, report_many, said};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use vitrine_core::manifest::Privacy;
use vitrine_core::privacy::{DELTA, Guarantee, Level};
use vitrine_core::released::ReleasedWindow;
use vitrine_store::Store;

const PRIVATE: [&str; 2] = ["--privacy-level", "private"];

fn with<'a>(first: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [first, more].concat()
}

fn released(house: &House) -> Vec<ReleasedWindow> {
    let parse = |path: &std::path::PathBuf| ReleasedWindow::parse(read(path).as_bytes()).unwrap();
    files(house).iter().map(parse).collect()
}

/// What a release could change.
fn state(house: &House) -> [Vec<Vec<String>>; 4] {
    [
        house
            .database
            .query("SELECT nonce, cell FROM raw_cell ORDER BY nonce"),
        house
            .database
            .query(r#"SELECT "window", cell, count FROM released_cell ORDER BY 1, 2"#),
        house
            .database
            .query(r#"SELECT "window", level, released_at FROM feedback_window ORDER BY 1"#),
        house
            .database
            .query(r#"SELECT "window", level FROM privacy_ledger ORDER BY 1"#),
    ]
}

fn privacy(house: &House, arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .arg("privacy")
        .arg("--database")
        .arg(&house.database.location)
        .args(["--clock-offset-seconds", &later(3)])
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn counts_are_noisy_small_ones_are_gone_and_the_file_says_how() {
    let house = House::new();
    let server = house.start(&[]);
    let popular: Vec<_> = ["a", "b", "c", "d", "e", "f", "g", "h"]
        .map(|item| (item, 60))
        .into();
    report(&server, 0, &popular);
    report(&server, 1000, &[("canary-rare", 3)]);
    let output = house.release(1, &PRIVATE);
    assert!(output.status.success(), "{}", said(&output));
    let text = said(&output);
    assert!(text.contains("483 reports gave 8 cells"), "{text}");
    assert!(
        text.contains("ε 4 and δ 1e-6 for this window (σ 3.5, τ 20, L 8)"),
        "{text}"
    );

    let window = &released(&house)[0];
    let noise = window.noise.unwrap();
    assert_eq!((window.level, window.k), (Level::Private, 1));
    assert_eq!((noise.epsilon, noise.delta), (4.0, DELTA));
    assert_eq!((noise.sigma, noise.threshold, noise.cells), (3.5, 20, 8));
    assert_eq!(window.cells.len(), 8);
    // 60 ± 25 is seven σ; that all eight noises are zero has a chance of 10⁻⁸.
    let counts: Vec<u64> = window.cells.iter().map(|cell| cell.count).collect();
    assert!(
        counts.iter().all(|count| (35..=85).contains(count)),
        "{counts:?}"
    );
    assert!(counts.iter().any(|count| *count != 60), "{counts:?}");
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 0);
    assert!(!house.database.holds("canary-rare"));

    // What is released stays as it is, file and table.
    let (text, before) = (read(&files(&house)[0]), state(&house));
    for arguments in [&PRIVATE[..], &[]] {
        let again = house.release(1, arguments);
        assert!(
            said(&again).contains("was released before"),
            "{}",
            said(&again)
        );
    }
    std::fs::remove_file(&files(&house)[0]).unwrap();
    assert!(house.release(1, &[]).status.success());
    assert_eq!(read(&files(&house)[0]), text);
    assert_eq!(state(&house), before);
}

#[test]
fn a_private_release_that_is_killed_at_any_point_is_made_once() {
    let house = House::new();
    let server = house.start(&["--access-log", "false"]);
    report_many(&server, "rare", 400);
    report(&server, 1 << 100, &[("often", 60), ("oftener", 90)]);
    let raw = state(&house)[0].len();
    let mut kept = None;
    for pause in 0..30 {
        let mut child = house
            .release_command(1, &PRIVATE)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        let now = state(&house);
        match &kept {
            // Noise that was drawn twice would differ.
            Some(kept) => assert_eq!(*kept, now),
            None if now[0].is_empty() => {
                assert_eq!((now[1].len(), now[3].len()), (2, 1));
                kept = Some(now);
            }
            None => assert_eq!((now[0].len(), now[1].len(), now[3].len()), (raw, 0, 0)),
        }
    }
    assert!(house.release(1, &PRIVATE).status.success());
    if let Some(kept) = kept {
        assert_eq!(kept, state(&house));
    }
    assert_eq!(released(&house)[0].cells.len(), 2);
}

#[test]
fn a_release_past_the_ceiling_is_refused_and_deletes_nothing() {
    let house = House::new();
    for window in 0..3_u64 {
        let server = house.start(&["--clock-offset-seconds", &later(window)]);
        report(&server, 1000 * u128::from(window), &[("often", 60)]);
    }
    // One window costs the accountant 4.1, two 6.1.
    let ceiling = with(&PRIVATE, &["--epsilon-ceiling", "5"]);
    let refused = house.release(3, &ceiling);
    assert!(!refused.status.success());
    let text = said(&refused);
    assert!(
        text.contains("epsilon_ceiling = 5") && text.contains("nothing is deleted"),
        "{text}"
    );
    // The first window was admitted, and its file is there.
    assert_eq!(released(&house).len(), 1);
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 120);
    assert_eq!(house.count("SELECT count(*) FROM privacy_ledger"), 1);
    let before = state(&house);
    assert!(!house.release(3, &ceiling).status.success());
    assert_eq!(state(&house), before);

    // A dry run says so, and a higher ceiling lets it pass.
    let dry = said(&house.release(3, &with(&ceiling, &["--dry-run"])));
    assert_eq!(dry.matches("refused").count(), 2, "{dry}");
    let raised = house.release(3, &with(&PRIVATE, &["--epsilon-ceiling", "10"]));
    assert!(raised.status.success(), "{}", said(&raised));
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 0);
    assert_eq!(released(&house).len(), 3);
}

#[test]
fn a_dry_run_counts_and_changes_nothing() {
    let house = House::new();
    let server = house.start(&[]);
    report(&server, 0, &[("canary-often", 60), ("canary-rare", 3)]);
    let before = state(&house);
    let private = with(&PRIVATE, &["--dry-run", "--epsilon-ceiling", "20"]);
    let dry = said(&house.release(1, &private));
    assert!(
        dry.contains("63 reports name 2 cells, of which about 1 "),
        "{dry}"
    );
    assert!(dry.contains("ε 4.11 over its year of 20 allowed"), "{dry}");
    let exact = said(&house.release(1, &["--dry-run"]));
    assert!(exact.contains("of which 2 would be released"), "{exact}");
    assert!(exact.contains("not differential privacy"), "{exact}");
    assert!(!dry.contains("canary") && !exact.contains("canary"));
    assert_eq!(state(&house), before);
    assert!(!house.path("released").exists());
    // An open window is not looked at.
    let open = said(&house.release(0, &["--dry-run"]));
    assert!(open.contains("no closed window"), "{open}");
}

#[test]
fn the_ledger_shows_every_release_and_what_a_year_adds_up_to() {
    let house = House::new();
    let server = house.start(&[]);
    report(&server, 0, &[("a", 2)]);
    drop(server);
    assert!(house.release(1, &[]).status.success());
    for window in 1..3_u64 {
        let server = house.start(&["--clock-offset-seconds", &later(window)]);
        report(&server, 1000 * u128::from(window), &[("a", 60)]);
        drop(server);
        assert!(house.release(window + 1, &PRIVATE).status.success());
    }
    let output = privacy(&house, &with(&PRIVATE, &["--epsilon-ceiling", "20"]));
    assert!(output.status.success());
    let text = said(&output);
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    assert_eq!(lines[1][2..], ["unlinkable", "none"], "{text}");
    for line in &lines[2..4] {
        assert_eq!(
            line[2..],
            ["private", "4", "8.3e-7", "3.5", "20", "8", "0.32653"],
            "{text}"
        );
    }
    assert!(text.contains("so far: ε 6.08 at δ 1.9e-6 from 2"), "{text}");
    assert!(text.contains("last year: ε 6.08"), "{text}");
    assert!(
        text.contains("1 at the unlinkable level, which no ε bounds"),
        "{text}"
    );
    assert!(text.contains("epsilon_ceiling: 20"), "{text}");
}

/// Publishes a version whose manifest promises this.
pub fn publish(house: &House, version: u64, privacy: Privacy) {
    let privacy = Privacy {
        window_seconds: WINDOW_SECONDS,
        ..privacy
    };
    publish_as_it_is(house, version, privacy);
}

/// The same, with windows of the promise's own length.
pub fn publish_as_it_is(house: &House, version: u64, privacy: Privacy) {
    let (folder, _) = house.bundle(version, "tables", privacy);
    let store = Store::open(house.path("store")).unwrap();
    store.publish_folder(&folder).unwrap();
}

/// A visitor relies on the manifest that their browser had, whatever is published or configured
/// before the window closes.
#[test]
fn a_weaker_promise_does_not_reach_back_into_an_open_window() {
    let house = House::empty();
    let strict = Privacy {
        level: Level::Private,
        guarantee: Some(Guarantee {
            epsilon: 2.0,
            delta: DELTA,
        }),
        ..Privacy::default()
    };
    publish(&house, 1, strict);
    let server = house.start(&[]);
    report(&server, 0, &[("a", 100)]);
    // Another manifest allows a profile more cells, and promises nothing.
    let wide = Privacy {
        transitions: 12,
        ..Privacy::default()
    };
    publish(&house, 2, wide);
    report(&server, 1000, &[("a", 1)]);
    let output = house.release(1, &with(&PRIVATE, &["--epsilon", "8"]));
    assert!(output.status.success(), "{}", said(&output));
    let noise = released(&house)[0].noise.unwrap();
    assert_eq!((noise.epsilon, noise.cells), (2.0, 16));
    // Twice the cells need √2 times the noise: 6.5 · 1.414 = 9.19.
    assert_eq!(noise.sigma, 9.2);
}

/// PostgreSQL once refused the first batch after it: a statement that was prepared with a NULL took
/// no number.
#[test]
fn a_promise_may_begin_while_the_server_runs() {
    let house = House::new();
    let server = house.start(&[]);
    report(&server, 0, &[("a", 1)]);
    publish(&house, 2, Privacy::at(Level::Private));
    report(&server, 1000, &[("a", 1)]);
    publish(&house, 3, Privacy::default());
    report(&server, 2000, &[("a", 1)]);
    assert!(house.release(1, &[]).status.success());
    assert_eq!(released(&house)[0].level, Level::Private);
}

#[test]
fn the_servers_own_configuration_is_a_promise_too() {
    let house = House::new();
    std::fs::write(
        house.path("vitrine.toml"),
        "privacy_level = \"private\"\nepsilon = 1.0\n",
    )
    .unwrap();
    let config = house.path("vitrine.toml").display().to_string();
    let server = house.start(&["--config", &config]);
    assert_eq!(server.report(&view(1, "a")).status, 204);
    drop(server);
    // Whoever runs the release does not have the file.
    let output = house.release(1, &[]);
    assert!(output.status.success(), "{}", said(&output));
    let window = &released(&house)[0];
    assert_eq!(window.level, Level::Private);
    assert_eq!(window.noise.unwrap().sigma, 12.35);
    assert_eq!(window.cells, []);
}

#[test]
fn settings_that_promise_nothing_are_refused_by_name() {
    let house = House::new();
    for (arguments, named) in [
        (vec!["--epsilon-ceiling", "20"], "epsilon_ceiling"),
        (vec!["--epsilon", "4"], "epsilon"),
        (with(&PRIVATE, &["--epsilon", "0"]), "epsilon"),
        (with(&PRIVATE, &["--epsilon", "NaN"]), "epsilon"),
        (
            with(&PRIVATE, &["--epsilon-ceiling", "0"]),
            "epsilon_ceiling",
        ),
        (vec!["--privacy-level", "locked"], "unlinkable"),
    ] {
        let output = house.release_command(0, &arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        let text = said(&output);
        assert!(text.contains(named) && !text.contains("panicked"), "{text}");
    }
}
