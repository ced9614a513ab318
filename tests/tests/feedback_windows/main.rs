//! A model test of the promise behind every window: whatever devices, tabs, clocks, networks,
//! servers, manifests and releases do, a browser profile enters a release with at most L cells, an
//! acknowledged report is counted once, and nothing is released twice.
//!
//! Devices use the budget that the browser's module uses, servers and releases are the server's own
//! over a real SQLite file. Only time, the network and the browser's storage are the test's. Faults
//! that were found in earlier versions are put back one at a time, and each must be found again.
//!
//! `VITRINE_MODEL_CASES` sets how many sequences are drawn; `-- --nocapture` prints what was met.

#![allow(clippy::unwrap_used, missing_docs)] // In a test, a panic is the report.

mod device;
mod step;
mod world;

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use step::{Step, steps};
use world::{Fault, Met, World};

/// Sequences that are drawn in the ordinary run.
const CASES: u32 = 150;
/// Sequences within which a fault that was put back must be found.
const CASES_PER_FAULT: u32 = 400;

fn cases() -> u32 {
    let cases = std::env::var("VITRINE_MODEL_CASES");
    cases.map_or(CASES, |cases| cases.parse().expect("a number of cases"))
}

/// Draws sequences until one breaks a promise; what was met on the way.
fn explore(fault: Option<Fault>, cases: u32) -> (Met, Result<(), TestError<Vec<Step>>>) {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: if fault.is_some() { 0 } else { 200 },
        ..Config::default()
    };
    let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, seed);
    let met = std::cell::RefCell::new(Met::default());
    let result = runner.run(&steps(), |steps| {
        let mut world = World::new(fault);
        let kept = world.run(&steps);
        met.borrow_mut().add(world.met());
        kept
    });
    (met.into_inner(), result)
}

#[test]
fn every_window_keeps_its_promise() {
    let (met, result) = explore(None, cases());
    println!("{met}");
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(met.releases > 0 && met.accepted > 0, "{met}");
}

#[test]
fn every_fault_that_is_put_back_is_found() {
    for fault in Fault::ALL {
        let (met, result) = explore(Some(fault), CASES_PER_FAULT);
        let Err(TestError::Fail(reason, _)) = result else {
            panic!("{fault:?} was not found in {} sequences", met.sequences);
        };
        println!("{fault:?}: sequence {}: {reason}", met.sequences);
    }
}
