//! An attack on the mechanism that measures how far it gets.
//!
//! For any event E over what is published, with p its probability when one profile took part and
//! q when it did not (or the other way round), (ε, δ)-differential privacy says p ≤ e^ε·q + δ. So
//! ε is at least ln((p − δ)/q) for every E and δ. The audit runs the mechanism on neighbouring
//! inputs, counts events, and puts Clopper-Pearson bounds for p and q there: with 99.9 %
//! confidence, over all events together, the mechanism's ε is at least what comes out.
//!
//! # The attacker
//! knows everything but the noise and whether the profile took part. They see L cells that the
//! profile fills together with many others, and one cell that it does not touch; or L cells that
//! it fills alone. The events:
//!
//! - the sum over the L cells reaches t, for a range of t: the likelihood ratio test, so no other
//!   event tells more about independent noises;
//! - a cell of the profile stands above the cell that it does not touch by one or more: what a
//!   reused stream gives away, and the first event does not see;
//! - any of the cells that it fills alone is published.
//!
//! # Not only at the shipped δ
//! A fault of a tenth of ε does not show at δ = 10⁻⁶ in a million runs, because the events that
//! tell happen once in a million. The noise's exact privacy loss gives the smallest ε at *every*
//! δ ([`crate::loss`]), so the claim is a curve, and the audit holds the mechanism to it at several
//! δ up to [`DELTAS`]' last. A claim is refuted when a lower bound exceeds it at any of them.

pub mod clopper_pearson;
mod subject;

pub use subject::Subject;

use crate::loss::PrivacyLoss;
use crate::{Parameters, PrivacyError};
use rand::{Rng, SeedableRng};

/// The chance that the audit refutes a claim that is true.
pub const ALPHA: f64 = 0.001;
/// The δ at which claims are held to, after the promised one.
pub const DELTAS: [f64; 6] = [1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.2];
/// Reports of others in the cells that are not the profile's alone: far above any threshold.
const OTHERS: u64 = 100_000;

/// How often each input is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runs {
    /// Runs with and without the profile in cells that others filled too.
    pub shared: u64,
    /// Runs with the profile in cells that it fills alone.
    pub alone: u64,
    /// Runs of the same without it: a window in which these cells are empty. They cost next to
    /// nothing, because an empty cell draws no noise.
    pub empty: u64,
}

/// A lower bound on ε, held against the claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// δ at which both hold.
    pub delta: f64,
    /// The claimed ε at this δ.
    pub claim: f64,
    /// With confidence 1 − [`ALPHA`] the mechanism's ε is at least this; may be below 0.
    pub at_least: f64,
    /// The event that showed it.
    pub event: String,
}

impl Finding {
    /// Whether the claim is refuted.
    pub fn refutes(&self) -> bool {
        self.at_least > self.claim
    }
}

/// An event and how often it happened.
#[derive(Clone, Debug)]
struct Event {
    name: String,
    with: (u64, u64),
    without: (u64, u64),
}

/// Audits `subject` against what `parameters` claim. One finding for each δ, the promised one
/// first.
pub fn audit<R: Rng + SeedableRng>(
    subject: Subject,
    parameters: &Parameters,
    runs: Runs,
    random: &mut R,
) -> Result<Vec<Finding>, PrivacyError> {
    let mechanism = subject.mechanism(parameters)?;
    let mut events = shared(subject, &mechanism, parameters, runs, random);
    events.push(alone(subject, &mechanism, parameters, runs, random));
    // A lower and an upper bound in both directions of each event, all to hold at once.
    let share = ALPHA / (4 * events.len()) as f64;
    let ratios: Vec<_> = events
        .iter()
        .flat_map(|event| {
            let bounds = |(hits, runs): (u64, u64)| {
                let lower = clopper_pearson::lower(hits, runs, share);
                (lower, clopper_pearson::upper(hits, runs, share))
            };
            let (with, without) = (bounds(event.with), bounds(event.without));
            [(event, with.0, without.1), (event, without.0, with.1)]
        })
        .collect();
    let loss = PrivacyLoss::new(parameters.sigma, parameters.cells);
    let promised = (parameters.guarantee.delta, parameters.guarantee.epsilon);
    let curve = DELTAS.iter().map(|&delta| {
        let claim = loss.epsilon(delta - parameters.threshold_delta);
        (delta, claim.unwrap_or(f64::INFINITY))
    });
    Ok(std::iter::once(promised)
        .chain(curve)
        .map(|(delta, claim)| {
            let mut best = Finding {
                delta,
                claim,
                at_least: f64::NEG_INFINITY,
                event: "none".into(),
            };
            for (event, p, q) in &ratios {
                let at_least = ((p - delta).max(0.0) / q).ln();
                if at_least > best.at_least {
                    best.at_least = at_least;
                    best.event.clone_from(&event.name);
                }
            }
            best
        })
        .collect())
}

/// Cells that others filled too, and one that the profile does not touch.
fn shared<R: Rng + SeedableRng>(
    subject: Subject,
    mechanism: &crate::Mechanism,
    parameters: &Parameters,
    runs: Runs,
    random: &mut R,
) -> Vec<Event> {
    let cells = subject.cells(parameters) as usize;
    let spread = parameters.sigma.value() * (cells as f64).sqrt();
    let reach = (3.5 * spread).ceil() as i64 + cells as i64;
    let step = (cells as i64 / 2).max(1);
    let limits: Vec<i64> = (-reach..=reach).step_by(step as usize).collect();

    let mut released = Vec::new();
    let mut observe = |took_part: u64| {
        let mut counts = vec![OTHERS + took_part; cells];
        counts.push(OTHERS);
        let mut above = vec![0_u64; limits.len() + 1];
        let mut higher = 0_u64;
        for _ in 0..runs.shared {
            subject.release(mechanism, &counts, random, &mut released);
            let seen = |cell: &Option<u64>| cell.unwrap_or(0) as i64 - OTHERS as i64;
            let sum: i64 = released[..cells].iter().map(seen).sum();
            above[limits.partition_point(|&limit| limit <= sum)] += 1;
            higher += u64::from(seen(&released[0]) > seen(&released[cells]));
        }
        // above[i] counts the runs that reached i limits; what reached more reached these too.
        for at in (0..limits.len()).rev() {
            above[at] += above[at + 1];
        }
        (above, higher)
    };
    let (with, higher_with) = observe(1);
    let (without, higher_without) = observe(0);
    let mut events: Vec<Event> = limits
        .iter()
        .enumerate()
        .map(|(at, limit)| Event {
            name: format!("sum ≥ {limit:+}"),
            with: (with[at + 1], runs.shared),
            without: (without[at + 1], runs.shared),
        })
        .collect();
    events.push(Event {
        name: "above an untouched cell".into(),
        with: (higher_with, runs.shared),
        without: (higher_without, runs.shared),
    });
    events
}

/// Cells that the profile fills alone.
fn alone<R: Rng + SeedableRng>(
    subject: Subject,
    mechanism: &crate::Mechanism,
    parameters: &Parameters,
    runs: Runs,
    random: &mut R,
) -> Event {
    let cells = subject.cells(parameters) as usize;
    let mut released = Vec::new();
    let mut seen = |count: u64, runs: u64| {
        let counts = vec![count; cells];
        let mut hits = 0;
        for _ in 0..runs {
            subject.release(mechanism, &counts, random, &mut released);
            hits += u64::from(released.iter().any(Option::is_some));
        }
        (hits, runs)
    };
    Event {
        name: "a cell of its own is seen".into(),
        with: seen(1, runs.alone),
        without: seen(0, runs.empty),
    }
}
