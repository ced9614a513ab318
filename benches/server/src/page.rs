//! The page of results.

use crate::hostile::{GOOD, Hostile, MALFORMED, OVERSIZED, SLOW};
use crate::load::{Ingest, Measured};
use anyhow::{Context, Result};
use std::fmt::Write;
use std::path::Path;

/// The machine's load averages, over 1, 5 and 15 minutes.
pub fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(", ")
}

/// Writes the page.
pub fn write(
    out: &Path,
    seconds: &u64,
    connections: usize,
    loads: &[String; 2],
    ingest: &[Ingest],
    downloads: &Measured,
    hostile: &Hostile,
) -> Result<()> {
    let mut page = String::new();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    writeln!(
        page,
        "# The server under load\n\n\
         Written by `make bench-server` (`benches/server`). The load comes from the same machine \
         ({cores} cores), over the loopback interface, on connections that stay open; each \
         measurement takes {seconds} seconds. The load averages over 1, 5 and 15 minutes were {} \
         before the first measurement and {} after the last: of a machine that is otherwise idle, \
         the first is below 1 before.\n\n\
         ## Reports\n\n\
         {connections} connections, each sends its next report when the last is acknowledged, which \
         means flushed to the disk. Bar: 20,000 a second with SQLite, p99 at most 50 ms.\n\n\
         | database | acknowledged a second | p50, ms | p99, ms | processor time a report, server + load, µs | reports a transaction | replayed | added by the replay |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |",
        loads[0], loads[1]
    )?;
    for one in ingest {
        let sent = one.measured.latencies.len() as u64;
        writeln!(
            page,
            "| {} | {:.0} | {:.1} | {:.1} | {:.0} + {:.0} | {:.0} | {} | {} |",
            one.name,
            one.measured.rate(),
            one.measured.quantile(0.5),
            one.measured.quantile(0.99),
            1e6 * one.cpu[0] / sent.max(1) as f64,
            1e6 * one.cpu[1] / sent.max(1) as f64,
            (sent + one.replayed) as f64 / one.commits.max(1) as f64,
            one.replayed,
            one.stored as i64 - sent as i64,
        )?;
    }
    let (alone, control, beside) = (&hostile.alone, &hostile.control, &hostile.beside);
    let ratio = |one: &Measured| one.quantile(0.99) / alone.quantile(0.99);
    writeln!(
        page,
        "\n## Bundles\n\n\
         32 connections download the tables of a bundle, 2 MiB that do not compress.\n\n\
         | downloads a second | MB a second | p99, ms |\n| --- | --- | --- |\n\
         | {:.0} | {:.0} | {:.1} |\n\n\
         ## Hostile requests\n\n\
         {GOOD} good reports a second, timed from when each was due, alone and beside {SLOW} \
         connections that send their body a byte a second, {OVERSIZED} bodies of 10 MB a second and \
         {MALFORMED} malformed ones a second. Bar: p99 below twice that of good reports alone. The \
         hostile load is made on the same cores; in the row *control* it goes to a listener that \
         only cuts requests apart, so what is above *alone* there is the cost of making it.\n\n\
         | | p50, ms | p99, ms | p99, times alone |\n| --- | --- | --- | --- |\n\
         | alone | {:.1} | {:.1} | |\n| control | {:.1} | {:.1} | {:.2} |\n\
         | beside | {:.1} | {:.1} | {:.2} |\n\n\
         The server ended {} slow connections with 408 and refused {} bodies; it answered every \
         good report with 204.",
        downloads.rate(),
        downloads.bytes as f64 / downloads.seconds / 1e6,
        downloads.quantile(0.99),
        alone.quantile(0.5),
        alone.quantile(0.99),
        control.quantile(0.5),
        control.quantile(0.99),
        ratio(control),
        beside.quantile(0.5),
        beside.quantile(0.99),
        ratio(beside),
        hostile.ended,
        hostile.refused,
    )?;
    std::fs::write(out, &page).with_context(|| format!("cannot write {}", out.display()))?;
    print!("{page}");
    Ok(())
}
