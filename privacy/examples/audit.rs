//! Bars 1 and 2 in full: the ε audit over 10⁶ runs of each input, and the exact δ of what ships.
//!
//! ```sh
//! cargo run --release -p vitrine-privacy --example audit -- docs/results/privacy.md
//! ```
//!
//! Without a path the report goes to standard output. It ends with an error when a bar is missed.
//! The runs are seeded, so that a figure can be looked up again.

use rand::SeedableRng;
use rand_pcg::Pcg64;
use std::fmt::Write as _;
use std::time::Instant;
use vitrine_core::privacy::{DELTA, Guarantee};
use vitrine_privacy::audit::{ALPHA, Finding, Runs, Subject, audit};
use vitrine_privacy::{Parameters, calibrate, zcdp};

const CELLS: u32 = 8;
const SEED: u64 = 20_260_101;
const RUNS: Runs = Runs {
    shared: 1_000_000,
    alone: 1_000_000,
    empty: 10_000_000,
};
/// Faults show in fewer.
const RUNS_OF_FAULTS: Runs = Runs {
    shared: 200_000,
    alone: 200_000,
    empty: 10_000_000,
};
/// Levels that are shipped, by ε per window.
const PRESETS: [f64; 3] = [4.0, 2.0, 1.0];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let mut missed = Vec::new();
    let presets = PRESETS.map(|epsilon| {
        let guarantee = Guarantee {
            epsilon,
            delta: DELTA,
        };
        calibrate(guarantee, CELLS)
    });
    let presets = presets.into_iter().collect::<Result<Vec<_>, _>>()?;
    let audits = audits(&presets)?;
    let (shipped, broken) = audits.split_at(presets.len());
    let mut report = String::from(HEAD);
    deltas(&mut report, &presets, &mut missed)?;
    attacks(&mut report, &presets, shipped, &mut missed)?;
    faults(&mut report, &presets[0], broken, &mut missed)?;
    writeln!(
        report,
        "\nThe run took {} seconds.",
        started.elapsed().as_secs()
    )?;
    match std::env::args_os().nth(1) {
        Some(path) => std::fs::write(path, report)?,
        None => print!("{report}"),
    }
    if missed.is_empty() {
        return Ok(());
    }
    Err(missed.join("; ").into())
}

const HEAD: &str = "# The private level, attacked

What the shipped noise promises, by enumeration, and what an attack on it finds.

```sh
cargo run --release -p vitrine-privacy --example audit -- docs/results/privacy.md
```

";

/// One thread for each preset as shipped, then one for each fault of the first.
fn audits(presets: &[Parameters]) -> Result<Vec<Vec<Finding>>, Box<dyn std::error::Error>> {
    let shipped = presets
        .iter()
        .map(|preset| (Subject::Shipped, preset, RUNS));
    let broken = Subject::FAULTS.map(|fault| (fault, &presets[0], RUNS_OF_FAULTS));
    std::thread::scope(|scope| {
        let threads: Vec<_> = shipped
            .chain(broken)
            .map(|(subject, preset, runs)| {
                scope.spawn(move || audit(subject, preset, runs, &mut Pcg64::seed_from_u64(SEED)))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| Ok(thread.join().map_err(|_| "an audit ended early")??))
            .collect()
    })
}

type Written = Result<(), Box<dyn std::error::Error>>;

fn deltas(report: &mut String, presets: &[Parameters], missed: &mut Vec<String>) -> Written {
    writeln!(
        report,
        "## δ, exactly\n\nL = {CELLS} cells per browser profile and window. δ of the noise and \
         the bound for cells that one profile alone filled are enumerated; the last column is \
         the accountant's ε at δ = 1e-6, to which the threshold's part adds once per window.\n\n\
         | ε per window | σ | τ | δ, noise | δ, threshold | sum, at most 1e-6 | ρ | ε after 1 / \
         4 / 13 / 52 windows |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )?;
    for preset in presets {
        let after = [1.0, 4.0, 13.0, 52.0]
            .map(|windows| format!("{:.1}", zcdp::epsilon(windows * preset.rho(), DELTA)));
        writeln!(
            report,
            "| {} | {} | {} | {:.2e} | {:.2e} | {:.2e} | {:.5} | {} |",
            preset.guarantee.epsilon,
            preset.sigma,
            preset.threshold,
            preset.noise_delta,
            preset.threshold_delta,
            preset.delta(),
            preset.rho(),
            after.join(" / ")
        )?;
        if preset.delta() > 1e-6 {
            missed.push(format!("δ of {:?} is above 1e-6", preset.guarantee));
        }
    }
    Ok(())
}

fn attacks(
    report: &mut String,
    presets: &[Parameters],
    audits: &[Vec<Finding>],
    missed: &mut Vec<String>,
) -> Written {
    writeln!(
        report,
        "\n## ε, attacked\n\n{} runs of each of two neighbouring inputs in cells that others \
         filled too, {} in cells that the profile fills alone and {} in the same cells empty \
         (which draw no noise). Every lower bound is one-sided and holds with {} % confidence, \
         all events of a mechanism together. A claim is refuted where the bound is above it. At \
         δ = 1e-6 the claim is the promise; at the others it is the smallest ε that the exact \
         privacy loss allows there, so a bound just below it means that the attack sees nearly \
         all there is to see.\n\n| ε per window | δ | claimed ε | attack: ε is at least | event \
         | refuted |\n| --- | --- | --- | --- | --- | --- |",
        RUNS.shared,
        RUNS.alone,
        RUNS.empty,
        100.0 * (1.0 - ALPHA)
    )?;
    for (preset, findings) in presets.iter().zip(audits) {
        for finding in findings {
            let epsilon = preset.guarantee.epsilon;
            writeln!(
                report,
                "| {epsilon} | {:e} | {:.3} | {} | {} | {} |",
                finding.delta,
                finding.claim,
                bound(finding),
                finding.event,
                if finding.refutes() { "**yes**" } else { "no" }
            )?;
            if finding.refutes() {
                missed.push(format!("the claim ε = {epsilon} is refuted: {finding:?}"));
            }
        }
    }
    Ok(())
}

fn faults(
    report: &mut String,
    preset: &Parameters,
    audits: &[Vec<Finding>],
    missed: &mut Vec<String>,
) -> Written {
    writeln!(
        report,
        "\n## Faults, caught\n\nThe same audit, with {} runs instead, of mechanisms that are \
         broken on purpose, against what the default level (ε = {}) claims. The row shows where \
         the claim is passed by most.\n\n| fault | caught | δ | claimed ε | attack: ε is at least | event |\n| --- | --- \
         | --- | --- | --- | --- |",
        RUNS_OF_FAULTS.shared, preset.guarantee.epsilon
    )?;
    for (subject, findings) in Subject::FAULTS.into_iter().zip(audits) {
        let by_how_much = |finding: &Finding| finding.at_least - finding.claim;
        let worst = findings
            .iter()
            .max_by(|a, b| by_how_much(a).total_cmp(&by_how_much(b)))
            .ok_or("no finding")?;
        writeln!(
            report,
            "| {} | {} | {:e} | {:.3} | {} | {} |",
            subject.name(),
            if worst.refutes() { "yes" } else { "**no**" },
            worst.delta,
            worst.claim,
            bound(worst),
            worst.event
        )?;
        if !worst.refutes() {
            missed.push(format!("the fault '{}' is not caught", subject.name()));
        }
    }
    Ok(())
}

fn bound(finding: &Finding) -> String {
    if finding.at_least.is_finite() {
        format!("{:.3}", finding.at_least)
    } else {
        "nothing".into()
    }
}
