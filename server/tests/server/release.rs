//! The rule at its edge, once per window, and nothing of what it held back.

use crate::house::{House, Server, WINDOW_SECONDS, later, read, view, view_in};
use crate::private::publish;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;
use vitrine_core::Action;
use vitrine_core::cell::Cell;
use vitrine_core::privacy::Privacy;
use vitrine_core::released::{ReleasedCell, ReleasedWindow};

pub fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The released windows, in order; a release that was killed may leave a temporary file too.
pub fn files(house: &House) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(house.path("released"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_str().unwrap().starts_with("window-"))
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

fn item(item: &str, count: u64) -> ReleasedCell {
    ReleasedCell {
        cell: Cell::Item {
            item: item.into(),
            action: Action::View,
        },
        count,
    }
}

/// Reports each item as often as said, with nonces from `first` on.
pub fn report(server: &Server, first: u128, items: &[(&str, u32)]) {
    let mut nonce = first;
    for (item, times) in items {
        for _ in 0..*times {
            let report = view_in(server.ahead, nonce, item);
            assert_eq!(server.report(&report).status, 204);
            nonce += 1;
        }
    }
}

#[test]
fn what_at_least_k_reports_named_is_released_and_the_rest_is_gone() {
    let house = House::new();
    let server = house.start(&[]);
    report(
        &server,
        0,
        &[("thrice", 3), ("exactly-k", 2), ("canary-once", 1)],
    );

    // The server keeps running meanwhile.
    let output = house.release(1, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("6 reports gave 2 cells"),
        "{}",
        said(&output)
    );
    let files = files(&house);
    assert_eq!(files.len(), 1);
    let text = read(&files[0]);
    assert!(!text.contains("canary-once"), "{text}");
    let released = ReleasedWindow::parse(text.as_bytes()).unwrap();
    assert_eq!(released.cells, [item("exactly-k", 2), item("thrice", 3)]);
    assert_eq!((released.k, released.window_seconds), (2, WINDOW_SECONDS));
    assert_eq!(
        files[0].file_name().unwrap().to_str().unwrap(),
        format!("window-{}.json", released.window)
    );
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 0);
    assert!(!house.database.holds("canary-once"));

    // A second time nothing changes.
    let again = house.release(1, &[]);
    assert!(again.status.success(), "{}", said(&again));
    assert!(
        said(&again).contains("was released before"),
        "{}",
        said(&again)
    );
    assert_eq!(read(&files[0]), text);
    // What comes late for the window is refused, and falls into no other.
    let late = server.report(&view(99, "late"));
    assert_eq!((late.status, late.problem()), (410, "window-closed".into()));
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 0);
}

/// Reports many distinct items, enough for many pages of the database, from several clients.
pub fn report_many(server: &Server, name: &str, many: u128) {
    std::thread::scope(|scope| {
        for client in 0..8 {
            scope.spawn(move || {
                for number in (client..many).step_by(8) {
                    // A multiplier that scatters the nonces; the name keeps two calls apart.
                    let nonce = (number + (name.len() as u128) * many)
                        .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
                    let item = format!("{name}-{number}-{}", "x".repeat(60));
                    let report = view_in(server.ahead, nonce, &item);
                    assert_eq!(server.report(&report).status, 204);
                }
            });
        }
    });
}

/// Enough rows for many pages, with the rows of the next window among them: what SQLite moved
/// between pages on the way must be gone too.
#[test]
fn no_raw_cell_of_a_released_window_is_left_anywhere_on_the_disk() {
    let house = House::new();
    let server = house.start(&["--access-log", "false"]);
    report_many(&server, "canary", 1600);
    drop(server);
    let next = later(1);
    let arguments = ["--access-log", "false", "--clock-offset-seconds", &next];
    let server = house.start(&arguments);
    report_many(&server, "next-window", 1600);
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 3200);
    assert!(house.database.holds("canary-7-"));

    let output = house.release(1, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 1600);
    assert!(!house.database.holds("canary-"));
    assert!(read(&files(&house)[0]).ends_with("\"cells\":[]}\n"));
}

#[test]
fn windows_are_not_added_up() {
    let house = House::new();
    let server = house.start(&[]);
    report(&server, 0, &[("once-in-each", 1), ("twice-here", 2)]);
    drop(server);
    let server = house.start(&["--clock-offset-seconds", &later(1)]);
    report(&server, 10, &[("once-in-each", 1)]);
    drop(server);
    let output = house.release(2, &[]);
    assert!(output.status.success(), "{}", said(&output));
    let files = files(&house);
    assert_eq!(files.len(), 2);
    let windows: Vec<_> = files
        .iter()
        .map(|path| ReleasedWindow::parse(read(path).as_bytes()).unwrap())
        .collect();
    assert_eq!(windows[0].cells, [item("twice-here", 2)]);
    assert_eq!(windows[1].cells, []);
    assert_eq!(windows[0].window + 1, windows[1].window);
}

#[test]
fn an_open_window_stays_closed_to_training() {
    let house = House::new();
    let server = house.start(&[]);
    report(&server, 0, &[("a", 2)]);
    let output = house.release(0, &[]);
    assert!(output.status.success());
    assert!(
        said(&output).contains("nothing to release"),
        "{}",
        said(&output)
    );
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 2);

    let window = house
        .database
        .query(r#"SELECT "window" FROM feedback_window"#)[0][0]
        .clone();
    let open = house.release(0, &["--window", &window]);
    assert!(!open.status.success());
    assert!(
        said(&open).contains("is open for another"),
        "{}",
        said(&open)
    );
    let unknown = house.release(1, &["--window", "7"]);
    assert!(!unknown.status.success());
    assert!(said(&unknown).contains(&window), "{}", said(&unknown));
    let closed = house.release(1, &["--window", &window]);
    assert!(closed.status.success(), "{}", said(&closed));
    assert_eq!(files(&house).len(), 1);
}

#[test]
fn a_file_that_could_not_be_written_or_was_lost_is_written_again_the_same() {
    let house = House::new();
    let server = house.start(&[]);
    report(&server, 0, &[("a", 2)]);
    drop(server);
    // The transaction succeeds, the file does not.
    fs::create_dir_all(house.path("released")).unwrap();
    let window = house
        .database
        .query(r#"SELECT "window" FROM feedback_window"#)[0][0]
        .clone();
    let path = house.path("released").join(format!("window-{window}.json"));
    fs::create_dir(&path).unwrap();
    let failed = house.release(1, &[]);
    assert!(!failed.status.success());
    assert!(
        said(&failed).contains(&path.display().to_string()),
        "{}",
        said(&failed)
    );
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 0);

    fs::remove_dir(&path).unwrap();
    assert!(house.release(1, &[]).status.success());
    let text = read(&path);
    let released = ReleasedWindow::parse(text.as_bytes()).unwrap();
    assert_eq!(released.cells, [item("a", 2)]);

    fs::remove_file(&path).unwrap();
    let again = house.release(1, &[]);
    assert!(said(&again).contains("written again"), "{}", said(&again));
    assert_eq!(read(&path), text);

    fs::write(&path, text.replace("\"count\":2", "\"count\":9")).unwrap();
    let altered = house.release(1, &[]);
    assert!(!altered.status.success());
    assert!(
        said(&altered).contains("never changes"),
        "{}",
        said(&altered)
    );
}

#[test]
fn a_release_that_is_killed_at_any_point_is_taken_up_again() {
    let house = House::new();
    let server = house.start(&["--access-log", "false"]);
    report_many(&server, "same", 400);
    // Each item a second time, under another nonce.
    std::thread::scope(|scope| {
        for client in 0..8_u128 {
            let server = &server;
            scope.spawn(move || {
                for number in (client..400).step_by(8) {
                    let item = format!("same-{number}-{}", "x".repeat(60));
                    assert_eq!(server.report(&view(number, &item)).status, 204);
                }
            });
        }
    });
    // Killed a little later each time: while it starts, in the transaction, at the file.
    for pause in 0..30 {
        let mut child = house
            .release_command(1, &[])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        let raw = house.count("SELECT count(*) FROM raw_cell");
        let released =
            house.count("SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM released_cell");
        assert!(
            [(800, 0), (0, 800)].contains(&(raw, released)),
            "{raw}, {released}"
        );
        if house.path("released").exists() {
            // What is there under the final name is whole.
            for path in files(&house) {
                ReleasedWindow::parse(read(&path).as_bytes()).unwrap();
            }
        }
    }
    let output = house.release(1, &[]);
    assert!(output.status.success(), "{}", said(&output));
    let last = files(&house).pop().unwrap();
    let released = ReleasedWindow::parse(read(&last).as_bytes()).unwrap();
    assert_eq!(released.cells.len(), 400);
    assert!(released.cells.iter().all(|cell| cell.count == 2));
}

#[test]
fn what_a_killed_release_left_half_written_is_removed_a_day_later() {
    let house = House::new();
    let server = house.start(&[]);
    report(&server, 0, &[("often", 60)]);
    fs::create_dir_all(house.path("released")).unwrap();
    let [old, young] =
        [".incoming-7-0.part", ".incoming-8-0.part"].map(|name| house.path("released").join(name));
    let yesterday = std::time::SystemTime::now() - Duration::from_secs(25 * 3600);
    fs::File::create(&old)
        .unwrap()
        .set_modified(yesterday)
        .unwrap();
    fs::File::create(&young).unwrap();
    assert!(house.release(1, &[]).status.success());
    assert!(!old.exists() && young.exists());
    assert_eq!(files(&house).len(), 1);
}

/// The promise made to a visitor is the one in the manifest that their browser had.
#[test]
fn a_smaller_k_does_not_reach_back_into_an_open_window() {
    let house = House::empty();
    let publish = |version: u64, k: u32| {
        let privacy = vitrine_core::manifest::Privacy {
            window_seconds: WINDOW_SECONDS,
            k,
            ..Default::default()
        };
        let (folder, _) = house.bundle(version, "tables", privacy);
        let store = vitrine_store::Store::open(house.path("store")).unwrap();
        store.publish_folder(&folder).unwrap();
    };
    publish(1, 3);
    let server = house.start(&[]);
    report(&server, 0, &[("two", 2), ("three", 3)]);
    publish(2, 1);
    report(&server, 10, &[("one", 1)]);
    assert!(house.release(1, &[]).status.success());
    let released = ReleasedWindow::parse(read(&files(&house)[0]).as_bytes()).unwrap();
    assert_eq!(released.k, 3);
    assert_eq!(released.cells, [item("three", 3)]);
}

/// The group is the first four bytes of the nonce's hash modulo 20, so that it can be recomputed
/// from a row, and reports of many visitors spread evenly.
#[test]
fn a_cells_reports_spread_over_twenty_groups_of_nonces() {
    let house = House::new();
    let server = house.start(&["--access-log", "false"]);
    report(&server, 0, &[("often", 400), ("rare", 1)]);
    let mut expected = BTreeMap::new();
    for row in house.database.query("SELECT nonce, cell FROM raw_cell") {
        // A blob is shown as a list of bytes in hexadecimal.
        let bytes: Vec<u64> = row[0][1..]
            .split([',', ']'])
            .take(4)
            .map(|byte| u64::from_str_radix(byte.trim(), 16).unwrap())
            .collect();
        let number = bytes.iter().fold(0, |number, byte| number << 8 | byte);
        *expected.entry((row[1].clone(), number % 20)).or_insert(0) += 1;
    }
    let counted: BTreeMap<(String, u64), i32> = house
        .database
        .query("SELECT cell, nonce_group, reports FROM group_count")
        .into_iter()
        .map(|row| {
            (
                (row[0].clone(), row[1].parse().unwrap()),
                row[2].parse().unwrap(),
            )
        })
        .collect();
    assert_eq!(counted, expected);
    // 400 reports are 20 a group ± 4.4; that one of 20 groups is six σ off has a chance of 10⁻⁸.
    let often = counted
        .iter()
        .filter(|((item, _), _)| item.contains("often"));
    assert_eq!(often.clone().count(), 20);
    assert!(
        often.clone().all(|(_, reports)| (1..=47).contains(reports)),
        "{counted:?}"
    );

    // The release adds the groups up.
    assert!(house.release(1, &[]).status.success());
    let released = ReleasedWindow::parse(read(&files(&house)[0]).as_bytes()).unwrap();
    assert_eq!(released.cells, [item("often", 400)]);
}

/// 60 reports of one item, all of whose nonces fall into the first group.
fn report_burst(server: &Server) {
    let in_first_group = |nonce: &u128| {
        let report = serde_json::from_value(view(*nonce, "burst")).unwrap();
        let hash = vitrine_server::storage::Row::of(&report).unwrap().nonce;
        u32::from_be_bytes(hash[..4].try_into().unwrap()) % 20 == 0
    };
    for nonce in (0..).filter(in_first_group).take(60) {
        assert_eq!(server.report(&view(nonce, "burst")).status, 204);
    }
}

/// With k = 8 what the burst counts for, 7, does not pass.
#[test]
fn a_dry_run_cuts_a_burst_as_the_release_does() {
    let house = House::empty();
    let privacy = Privacy {
        k: 8,
        ..Privacy::default()
    };
    publish(&house, 1, privacy);
    let server = house.start(&["--access-log", "false"]);
    report_burst(&server);
    report(&server, 1 << 64, &[("often", 60)]);
    let dry = said(&house.release(1, &["--dry-run"]));
    let cut = "120 reports name 2 cells, of which 1 would be released";
    assert!(dry.contains(cut), "{dry}");
    assert!(house.release(1, &[]).status.success());
    let released = ReleasedWindow::parse(read(&files(&house)[0]).as_bytes()).unwrap();
    assert_eq!(released.cells, [item("often", 60)]);
}

/// A burst whose nonces all fall into one group counts as what the other groups make likely, and
/// what many visitors reported counts whole.
#[test]
fn a_burst_in_one_group_is_cut() {
    let house = House::new();
    let server = house.start(&["--access-log", "false"]);
    report_burst(&server);
    report(&server, 1 << 64, &[("often", 400), ("twice", 2)]);
    assert!(house.release(1, &[]).status.success());
    let released = ReleasedWindow::parse(read(&files(&house)[0]).as_bytes()).unwrap();
    // Nothing in the other groups: 3/16 + √(2 · 3/16 · 14) + 14/3 = 7.15.
    assert_eq!(
        released.cells,
        [item("burst", 7), item("often", 400), item("twice", 2)]
    );
}
