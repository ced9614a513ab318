//! Bar 1 in small: the mechanism as shipped passes the ε audit, and each seeded fault is caught.
//! `cargo run --release -p vitrine-privacy --example audit` is the same with 10⁶ runs.

#![allow(clippy::unwrap_used)]

use rand::SeedableRng;
use rand_pcg::Pcg64;
use vitrine_core::privacy::{DELTA, Guarantee};
use vitrine_privacy::audit::{Finding, Runs, Subject, audit};
use vitrine_privacy::calibrate;

fn findings(subject: Subject, epsilon: f64, cells: u32, runs: Runs) -> Vec<Finding> {
    let guarantee = Guarantee {
        epsilon,
        delta: DELTA,
    };
    let parameters = calibrate(guarantee, cells).unwrap();
    let mut random = Pcg64::seed_from_u64(20_260_101);
    audit(subject, &parameters, runs, &mut random).unwrap()
}

fn caught(subject: Subject, cells: u32, runs: Runs) {
    let findings = findings(subject, 4.0, cells, runs);
    assert!(findings.iter().any(Finding::refutes), "{findings:#?}");
}

fn shared(shared: u64) -> Runs {
    Runs {
        shared,
        alone: 1,
        empty: 1,
    }
}

#[test]
fn the_mechanism_keeps_its_claim() {
    for epsilon in [4.0, 2.0, 1.0] {
        let runs = Runs {
            shared: 20_000,
            alone: 5_000,
            empty: 50_000,
        };
        for finding in findings(Subject::Shipped, epsilon, 8, runs) {
            assert!(!finding.refutes(), "{finding:?}");
            // And the attack is a real one: it comes near where events are frequent.
            if epsilon == 4.0 && finding.delta == 0.05 {
                assert!(finding.at_least > 0.75 * finding.claim, "{finding:?}");
            }
        }
    }
}

#[test]
fn half_the_noise_is_caught() {
    caught(Subject::HalfTheNoise, 8, shared(10_000));
}

#[test]
fn a_threshold_too_low_by_five_is_caught() {
    let runs = Runs {
        shared: 1,
        alone: 60_000,
        empty: 10_000_000,
    };
    caught(Subject::ThresholdMinusFive, 8, runs);
}

#[test]
fn a_reused_stream_is_caught() {
    caught(Subject::StreamReusedInWindow, 8, shared(2_000));
    caught(Subject::StreamReusedAcrossWindows, 8, shared(2_000));
}

/// With L = 2, where a third cell weighs more than a ninth does at L = 8, so that fewer runs
/// show it; the full audit has L = 8.
#[test]
fn one_cell_more_is_caught() {
    caught(Subject::OneCellMore, 2, shared(30_000));
}
