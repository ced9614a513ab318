//! Metrics: noise from the device, an estimate at release, at every level; the local level has
//! nothing else.

use crate::house::{self, House, Server, read};
use crate::private::publish;
use crate::release::{files, report, said};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use vitrine_core::cell::{Arm, Cell, PositionBucket};
use vitrine_core::metric::{self, CELLS, EPSILON, Histogram};
use vitrine_core::privacy::{Level, Privacy};
use vitrine_core::released::ReleasedWindow;

fn with_metrics(level: Level) -> Privacy {
    Privacy {
        metrics: 1,
        ..Privacy::at(level)
    }
}

/// Sends what so many devices report of a click that is truly in the fourth bucket of Vitrine's
/// order; how often each cell was reported.
fn clicks(server: &Server, first: u64, devices: u64) -> [i64; CELLS] {
    let mut state = first;
    let mut random = || {
        // SplitMix64, its upper half; seeded, so that a figure can be looked up again.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 32) as u32
    };
    let cells: Vec<Cell> = (0..devices)
        .map(|_| metric::noised(Arm::Vitrine, PositionBucket::Page, &mut random))
        .collect();
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(cell) = cells.get(at as usize) else {
                        break;
                    };
                    let nonce = u128::from(first | 1 << 63) << 64 | u128::from(at);
                    let answer = server.report(&house::report(nonce, json!(cell)));
                    assert_eq!(answer.status, 204);
                }
            });
        }
    });
    let mut counts = [0; CELLS];
    for cell in &cells {
        counts[metric::place(cell).unwrap()] += 1;
    }
    counts
}

fn released(house: &House) -> ReleasedWindow {
    ReleasedWindow::parse(read(&files(house)[0]).as_bytes()).unwrap()
}

#[test]
fn the_local_level_releases_an_estimate_of_metrics_and_nothing_else() {
    let house = House::empty();
    publish(&house, 1, Privacy::at(Level::Local));
    let server = house.start(&["--access-log", "false"]);
    let counts = clicks(&server, 7, 400);
    // From a device that still has an older manifest.
    report(&server, 0, &[("canary-item", 3)]);
    let dry = said(&house.release(1, &["--dry-run"]));
    assert!(
        dry.contains("403 reports name 1 cells, of which 0 would"),
        "{dry}"
    );
    assert!(
        dry.contains("ε 2 for this window and 2 over its year"),
        "{dry}"
    );

    let output = house.release(1, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("403 reports gave 0 cells and the metrics"),
        "{}",
        said(&output)
    );
    let window = released(&house);
    assert_eq!((window.level, window.noise), (Level::Local, None));
    assert_eq!(window.cells, []);
    let metrics = window.metrics.unwrap();
    assert_eq!(metrics, Histogram::estimate(&counts, 0.0));
    assert_eq!(metrics.epsilon, EPSILON);
    for (place, one) in metrics.clicks.iter().enumerate() {
        // The truth lies within four deviations, which are 12 to 26 of 400.
        let truth = if place == 8 { 400.0 } else { 0.0 };
        assert!(
            (one.profiles - truth).abs() < 4.0 * one.deviation,
            "{one:?}"
        );
        assert!((12.0..26.0).contains(&one.deviation), "{one:?}");
    }
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 0);
    assert!(!house.database.holds("canary-item"));
    let ledger = house.database.query(
        "SELECT level, CAST(metric_epsilon AS TEXT), CAST(sigma AS TEXT) FROM privacy_ledger",
    );
    assert_eq!(ledger[0][0], "local");
    assert!(
        ledger[0][1].starts_with('2') && ledger[0][2] == "NULL",
        "{ledger:?}"
    );

    // What is released stays as it is, and a file that is missing is written again.
    let text = read(&files(&house)[0]);
    std::fs::remove_file(&files(&house)[0]).unwrap();
    assert!(house.release(1, &[]).status.success());
    assert_eq!(read(&files(&house)[0]), text);
}

#[test]
fn at_the_unlinkable_level_metrics_are_estimates_too() {
    let house = House::empty();
    publish(&house, 1, with_metrics(Level::Unlinkable));
    let server = house.start(&["--access-log", "false"]);
    let counts = clicks(&server, 9, 40);
    report(&server, 0, &[("twice", 2)]);
    assert!(house.release(1, &[]).status.success());
    let window = released(&house);
    assert_eq!(window.cells.len(), 1);
    // Cells that fewer than k devices reported count as well: an estimate without them would lean.
    assert_eq!(window.metrics, Some(Histogram::estimate(&counts, 0.0)));
}

#[test]
fn at_the_private_level_metrics_have_the_servers_noise_besides() {
    let house = House::empty();
    publish(&house, 1, with_metrics(Level::Private));
    let server = house.start(&["--access-log", "false"]);
    let counts = clicks(&server, 11, 200);
    assert!(house.release(1, &[]).status.success());
    let window = released(&house);
    // Eight cells and the metric: L = 9.
    let noise = window.noise.unwrap();
    assert_eq!((window.level, noise.cells), (Level::Private, 9));
    let exact = Histogram::estimate(&counts, 0.0);
    let metrics = window.metrics.unwrap();
    // That ten noises of σ = 3.7 are all zero has a chance of 10⁻¹⁰.
    assert_ne!(metrics, exact);
    for (noisy, exact) in metrics.clicks.iter().zip(&exact.clicks) {
        // 8 σ of the noise on a count, and that of the total's part.
        let off = (noisy.profiles - exact.profiles).abs();
        assert!(off < 8.0 * noise.sigma / 0.39, "{noisy:?} {exact:?}");
        assert!(noisy.deviation > exact.deviation, "{noisy:?} {exact:?}");
    }
    let text = read(&files(&house)[0]);
    std::fs::remove_file(&files(&house)[0]).unwrap();
    assert!(house.release(1, &[]).status.success());
    assert_eq!(read(&files(&house)[0]), text);
}

/// The strongest promise holds for a window, whoever made it and in whatever order.
#[test]
fn a_local_promise_does_not_end_before_its_window() {
    let house = House::empty();
    publish(&house, 1, Privacy::at(Level::Local));
    let server = house.start(&["--access-log", "false"]);
    clicks(&server, 13, 3);
    publish(&house, 2, Privacy::default());
    report(&server, 0, &[("canary-item", 5)]);
    publish(&house, 3, with_metrics(Level::Private));
    report(&server, 1000, &[("canary-item", 50)]);
    assert!(house.release(1, &[]).status.success());
    let window = released(&house);
    assert_eq!((window.level, window.cells.len()), (Level::Local, 0));
    // The private promise holds besides: the metrics have its noise.
    assert!(window.noise.is_some() && window.metrics.is_some());
    assert!(!house.database.holds("canary-item"));

    // The configuration can ask for it as well.
    let house = House::new();
    let server = house.start(&["--privacy-level", "local"]);
    report(&server, 0, &[("canary-item", 5)]);
    assert!(house.release(1, &[]).status.success());
    let window = released(&house);
    assert_eq!((window.level, window.cells.len()), (Level::Local, 0));
    assert_eq!(window.metrics, None);
}
