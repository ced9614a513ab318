//! Windows that reports name: each takes its own reports, for as long as it is open, under the
//! strongest promise that was live.

use crate::house::{House, Server, WINDOW_SECONDS, later, read, report_in, view, view_in};
use crate::private::publish;
use crate::release::{files, report, said};
use serde_json::{Value, json};
use vitrine_core::manifest::Privacy;
use vitrine_core::privacy::Level;
use vitrine_core::released::ReleasedWindow;
use vitrine_core::window::WindowName;
use vitrine_server::clock::{Clock as _, SystemClock};

/// The report of an item view in a window.
fn of(window: WindowName, nonce: u128) -> Value {
    let mut report = view(nonce, "a");
    report["window"] = json!(window);
    report
}

/// Status and kind of problem of a report's answer.
fn answer(server: &Server, report: &Value) -> (u16, String) {
    let answer = server.report(report);
    match answer.status {
        204 => (204, String::new()),
        status => (status, answer.problem()),
    }
}

fn refused(status: u16, kind: &str) -> (u16, String) {
    (status, kind.to_owned())
}

#[test]
fn a_report_is_counted_in_the_window_that_it_names_or_refused() {
    let house = House::new();
    let server = house.start(&[]);
    assert_eq!(server.report(&view(1, "a")).status, 204);
    // A device whose clock is ahead sends again when the window begins.
    let early = server.report(&view_in(1, 2, "a"));
    assert_eq!(
        (early.status, early.problem()),
        refused(425, "window-not-open")
    );
    let seconds: u64 = early.header("retry-after").parse().unwrap();
    assert!(seconds > 0 && seconds <= WINDOW_SECONDS, "{seconds}");
    drop(server);

    let ahead = house.start(&["--clock-offset-seconds", &later(1)]);
    assert_eq!(ahead.report(&view_in(1, 2, "a")).status, 204);
    drop(ahead);

    let now = SystemClock::default().now();
    let over = WindowName::at(now, WINDOW_SECONDS).end() - now;
    let start_at = |seconds: u64| house.start(&["--clock-offset-seconds", &seconds.to_string()]);
    // A minute after its end the window is in its grace, and after two windows it is not.
    assert_eq!(start_at(over + 60).report(&view(3, "a")).status, 204);
    let late = start_at(over + WINDOW_SECONDS);
    assert_eq!(answer(&late, &view(4, "a")), refused(410, "window-closed"));
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 3);
    assert_eq!(
        house.count(r#"SELECT count(DISTINCT "window") FROM raw_cell"#),
        2
    );
}

#[test]
fn a_nonce_is_bound_to_its_window() {
    let house = House::new();
    let server = house.start(&[]);
    assert_eq!(server.report(&view(1, "a")).status, 204);
    assert_eq!(server.report(&view(1, "a")).status, 204);
    let moved = view_in(1, 1, "a");
    assert_eq!(answer(&server, &moved), refused(409, "nonce-reused"));
}

#[test]
fn a_window_of_a_length_that_no_manifest_has_is_refused() {
    let house = House::new();
    let server = house.start(&[]);
    let now = SystemClock::default().now();
    for seconds in [1, WINDOW_SECONDS - 1, 2 * WINDOW_SECONDS, 1 << 52] {
        let report = of(WindowName::at(now, seconds), u128::from(seconds));
        let status = server.report(&report).status;
        assert!([410, 422].contains(&status), "{seconds}: {status}");
    }
    assert_eq!(house.count("SELECT count(*) FROM feedback_window"), 0);
}

/// A profile has a budget in each of two overlapping windows at most if the server counts both, so
/// it counts the one that has reports.
#[test]
fn a_longer_window_begins_where_it_overlaps_no_window_with_reports() {
    let house = House::new();
    let server = house.start(&[]);
    assert_eq!(server.report(&view(1, "a")).status, 204);
    let longer = 2 * WINDOW_SECONDS;
    let privacy = Privacy {
        window_seconds: longer,
        ..Privacy::default()
    };
    crate::private::publish_as_it_is(&house, 2, privacy);
    let now = SystemClock::default().now();
    let overlapping = WindowName::at(now, longer);
    assert_eq!(
        answer(&server, &of(overlapping, 2)),
        refused(410, "window-refused")
    );
    assert!(server.log().contains("overlaps one of another length"));
    // A page that still has the manifest before goes on in the window that is open.
    assert_eq!(server.report(&view(3, "a")).status, 204);
    drop(server);
    let server = house.start(&["--clock-offset-seconds", &longer.to_string()]);
    let next = WindowName::at(now + longer, longer);
    assert_eq!(server.report(&of(next, 4)).status, 204);
}

#[test]
fn a_release_whose_clock_is_ahead_of_a_servers_closes_nothing() {
    let house = House::new();
    let server = house.start(&[]);
    report(&server, 0, &[("a", 2)]);
    let ahead = |arguments: &[&str]| house.release_command(1, arguments).output().unwrap();
    let output = ahead(&[]);
    assert!(
        said(&output).contains("nothing to release"),
        "{}",
        said(&output)
    );
    let window = WindowName::at(SystemClock::default().now(), WINDOW_SECONDS);
    let output = ahead(&["--window", &window.number.to_string()]);
    assert!(!output.status.success());
    assert!(
        said(&output).contains("furthest behind"),
        "{}",
        said(&output)
    );
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 2);
    // A server that stops takes its clock with it.
    let mut server = server;
    server.signal("TERM");
    server.wait();
    assert_eq!(house.count("SELECT count(*) FROM server_clock"), 0);
    let output = ahead(&[]);
    assert!(
        said(&output).contains("2 reports gave 1 cells"),
        "{}",
        said(&output)
    );
}

fn split(transitions: u32, items: u32, impressions: u32) -> Privacy {
    Privacy {
        transitions,
        items,
        impressions,
        ..Privacy::at(Level::Private)
    }
}

/// A browser may have spent its budget under a manifest that was replaced before the first report
/// of it came.
#[test]
fn noise_covers_every_split_that_was_live_in_the_window() {
    let house = House::empty();
    publish(&house, 1, split(4, 2, 2));
    publish(&house, 2, split(0, 8, 0));
    publish(&house, 3, split(0, 0, 8));
    let server = house.start(&[]);
    report(&server, 0, &[("a", 100)]);
    drop(server);
    assert!(house.release(1, &[]).status.success());
    let released = ReleasedWindow::parse(read(&files(&house)[0]).as_bytes()).unwrap();
    let noise = released.noise.unwrap();
    assert_eq!((noise.epsilon, noise.cells), (4.0, 4 + 8 + 8));
    // √(20/8) times the noise of L = 8: 3.5 · 1.58 = 5.53.
    assert!(noise.sigma >= 5.5, "{noise:?}");
}

/// The time of a manifest ends with the next one's publication.
#[test]
fn a_split_that_was_replaced_two_windows_ago_costs_no_noise() {
    let house = House::empty();
    publish(&house, 1, split(0, 8, 0));
    publish(&house, 2, split(4, 2, 2));
    let server = house.start(&["--clock-offset-seconds", &later(3)]);
    report(&server, 0, &[("a", 100)]);
    drop(server);
    assert!(house.release(4, &[]).status.success());
    let released = ReleasedWindow::parse(read(&files(&house)[0]).as_bytes()).unwrap();
    assert_eq!(released.noise.unwrap().cells, 8);
}

/// Whoever runs the release need not have the server's configuration.
#[test]
fn the_ceiling_is_noted_with_the_window() {
    let house = House::empty();
    publish(&house, 1, Privacy::at(Level::Private));
    for window in 0..2 {
        let offset = later(window);
        let private = ["--privacy-level", "private", "--epsilon-ceiling", "5"];
        let arguments = [&private[..], &["--clock-offset-seconds", &offset]].concat();
        let server = house.start(&arguments);
        report(&server, 1000 * u128::from(window), &[("a", 100)]);
    }
    // One window costs 4.1, two 6.1.
    let output = house.release(2, &[]);
    assert!(!output.status.success());
    assert!(
        said(&output).contains("epsilon_ceiling = 5"),
        "{}",
        said(&output)
    );
    assert_eq!(files(&house).len(), 1);
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 100);
    // To raise it is a decision, which is said to the release.
    let raised = ["--privacy-level", "private", "--epsilon-ceiling", "20"];
    assert!(house.release(2, &raised).status.success());
}

#[test]
fn two_windows_take_reports_side_by_side() {
    let house = House::new();
    let now = SystemClock::default().now();
    let over = WindowName::at(now, WINDOW_SECONDS).end() - now;
    let server = house.start(&["--clock-offset-seconds", &(over + 60).to_string()]);
    std::thread::scope(|scope| {
        for ahead in [0, 1] {
            let server = &server;
            scope.spawn(move || {
                for number in 0..40 {
                    let cell = json!({"table": "item", "item": "a", "action": "view"});
                    let nonce = u128::from(ahead) << 64 | number;
                    assert_eq!(server.report(&report_in(ahead, nonce, cell)).status, 204);
                }
            });
        }
    });
    let counts = house
        .database
        .query(r#"SELECT count(*) FROM raw_cell GROUP BY "window" ORDER BY "window""#);
    assert_eq!(counts, [["40"], ["40"]]);
}
