//! What one attacker can do to a window by sending reports.

use crate::database::Kind;
use crate::house::{Answer, House, JSON, Server, WINDOW_SECONDS, read, view};
use crate::release::{files, said};
use std::fs;
use std::time::{Duration, Instant};
use vitrine_core::Digest;
use vitrine_core::manifest::{FileEntry, Privacy, file};
use vitrine_core::released::{MAX_RELEASED_BYTES, ReleasedWindow};
use vitrine_core::writer::write_items;
use vitrine_store::Store;

/// Publishes a bundle with these items.
fn publish(house: &House, version: u64, ids: &[&str]) {
    let items = write_items(ids.iter().copied()).unwrap();
    publish_file(house, version, &items, ids.len() as u32);
}

/// Publishes a bundle with a file of so many items.
fn publish_file(house: &House, version: u64, items: &[u8], count: u32) {
    let privacy = Privacy {
        window_seconds: WINDOW_SECONDS,
        ..Privacy::default()
    };
    let (folder, mut manifest) = house.bundle(version, "tables", privacy);
    fs::write(folder.join(file::ITEMS), items).unwrap();
    let entry = FileEntry {
        sha256: Digest::of(items),
        bytes: items.len() as u64,
    };
    manifest.files.insert(file::ITEMS.into(), entry);
    manifest.model.items = count;
    fs::write(folder.join("manifest.json"), manifest.to_bytes()).unwrap();
    let store = Store::open(house.path("store")).unwrap();
    store.publish_folder(&folder).unwrap();
}

fn from(server: &Server, address: &str, nonce: u128, item: &str) -> Answer {
    let body = view(nonce, item).to_string();
    let headers = [("content-type", JSON), ("x-forwarded-for", address)];
    server.send("POST", "/v1/feedback", &headers, body.as_bytes())
}

#[test]
fn few_reports_of_items_that_no_bundle_lists_are_taken_and_all_of_others() {
    let house = House::empty();
    publish(&house, 1, &["a", "b"]);
    publish(&house, 2, &["b", "c"]);
    let server = house.start(&[
        "--behind-proxy",
        "true",
        "--unlisted-per-day",
        "2",
        "--unlisted-per-window",
        "3",
    ]);
    let status = |address, nonce, item| from(&server, address, nonce, item).status;
    // An item that is new in the shop comes through; one network has few of them.
    assert_eq!(status("203.0.113.1", 1, "new"), 204);
    assert_eq!(status("203.0.113.2", 2, "new"), 204);
    let answer = from(&server, "203.0.113.3", 3, "x");
    assert_eq!(answer.status, 429);
    assert_eq!(answer.problem(), "too-many-unlisted");
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=24 * 3600).contains(&seconds), "{seconds}");
    // In all they have few as well, whatever their networks.
    assert_eq!(status("198.51.100.1", 3, "x"), 204);
    let answer = from(&server, "192.0.2.1", 4, "y");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (410, "window-full")
    );
    assert_eq!(answer.json()["field"], "window");
    // Items of the live bundle and of the one before are taken from everybody.
    for (nonce, item) in ["a", "b", "c", "a"].into_iter().enumerate() {
        assert_eq!(status("203.0.113.1", 10 + nonce as u128, item), 204);
    }
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 7);
    // A transition is of listed items where both are.
    let mut transition = view(20, "a");
    transition["cell"] =
        serde_json::json!({"table": "transition", "from": "a", "to": "z", "action": "view"});
    assert_eq!(server.report(&transition).status, 410);

    // The items of a bundle that is published meanwhile are listed soon after.
    publish(&house, 3, &["y"]);
    let start = Instant::now();
    while status("192.0.2.1", 4, "y") != 204 {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_bundle_whose_items_cannot_be_read_limits_nothing_and_is_named_in_the_log() {
    let house = House::empty();
    publish_file(&house, 1, b"no fst", 3);
    let server = house.start(&["--unlisted-per-window", "1"]);
    for nonce in 0..3 {
        assert_eq!(server.report(&view(nonce, "new")).status, 204);
    }
    let log = server.log();
    assert!(
        log.contains("items.fst") && log.contains("version=1"),
        "{log}"
    );
}

#[test]
fn a_window_takes_so_many_reports_and_refuses_all_cells_alike() {
    let house = House::new();
    let server = house.start(&["--feedback-per-window", "3"]);
    for nonce in 0..3 {
        assert_eq!(server.report(&view(nonce, "a")).status, 204);
    }
    // A cell that was reported and one that was not: the answer does not tell which.
    let answers = [("a", 10), ("b", 11)].map(|(item, nonce)| server.report(&view(nonce, item)));
    for answer in &answers {
        assert_eq!(answer.problem(), "window-full");
    }
    assert_eq!(answers[0].body, answers[1].body);
    assert_eq!(answers[0].status, 410);
}

/// The raw rows are deleted by the release: a file that training does not read loses the window.
#[test]
fn a_release_keeps_the_strongest_cells_that_its_file_has_room_for() {
    if crate::KIND != Kind::Sqlite {
        return;
    }
    let house = House::empty();
    let privacy = Privacy {
        window_seconds: WINDOW_SECONDS,
        k: 1,
        ..Privacy::default()
    };
    let (folder, _) = house.bundle(1, "tables", privacy);
    let store = Store::open(house.path("store")).unwrap();
    store.publish_folder(&folder).unwrap();
    let server = house.start(&[]);
    for nonce in 0..5 {
        assert_eq!(server.report(&view(nonce, "honest")).status, 204);
    }
    drop(server);
    // What a day of forged reports at the old default left: cells of long ids.
    const FORGED: u64 = 800_000;
    house.database.query(
        r#"WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 799999)
           INSERT INTO raw_cell
           SELECT unhex(printf('%032x', n * 2654435761 + 1)), zeroblob(16),
                  (SELECT "window" FROM feedback_window), 0, 'transition',
                  '{"table":"transition","from":"' || printf('%0128d', n) ||
                  '","to":"' || printf('%0128d', n + 1) || '","action":"add_to_cart"}'
           FROM number"#,
    );
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), FORGED + 5);
    let output = house.release(1, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("LEFT OUT"), "{}", said(&output));
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(log.contains("left_out="), "{log}");
    let path = &files(&house)[0];
    let length = fs::metadata(path).unwrap().len();
    assert!(length <= MAX_RELEASED_BYTES as u64);
    assert!(length > MAX_RELEASED_BYTES as u64 * 99 / 100, "{length}");
    let released = ReleasedWindow::parse(read(path).as_bytes()).unwrap();
    assert_eq!(released.cells.len() as u64 + released.left_out, FORGED + 1);
    let honest = released.cells.iter().find(|cell| cell.count == 5).unwrap();
    assert_eq!(honest.cell.items().collect::<Vec<_>>(), ["honest"]);
    // A missing file is written again, byte for byte.
    let bytes = fs::read(path).unwrap();
    fs::remove_file(path).unwrap();
    assert!(house.release(1, &[]).status.success());
    assert!(fs::read(path).unwrap() == bytes);
}
