//! Measures the server under load, with the load on the same machine: `make bench-server`.
//!
//! Every figure comes from the real binary over HTTP on the loopback interface: reports
//! acknowledged a second over SQLite and over PostgreSQL, bundles downloaded, and what slow,
//! oversized and malformed requests do to the latency of good ones.

#[path = "../../../server/tests/server/cluster.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the helper of the server's tests, which use the rest of it; a cluster that does not start ends the measurement"
)]
mod cluster;
mod hostile;
mod http;
mod load;
mod page;
mod shop;
mod sink;

use anyhow::Result;
use clap::Parser;
use load::Ingest;
use std::path::PathBuf;
use std::time::Duration;

/// Measure the server under load and write the page.
#[derive(Parser)]
struct Arguments {
    /// The vitrine-server to measure
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// The page to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Length of each measurement in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Connections that report at once
    #[arg(long, default_value_t = 256)]
    connections: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let lasting = Duration::from_secs(arguments.seconds);
    let began = page::load_average();
    let mut ingest = Vec::new();
    let cluster = cluster::Cluster::start("", "unlimited");
    for (name, database) in [
        ("SQLite, `synchronous = FULL`", None),
        (
            "PostgreSQL, `synchronous_commit = on`",
            Some(cluster.create_database()),
        ),
    ] {
        let shop = shop::Shop::open(&arguments.server, database.as_deref())?;
        let cpu = || [shop.cpu_seconds(), shop::cpu_seconds("self")];
        let before = cpu();
        let measured = load::report(shop.address(), arguments.connections, lasting, 0).await?;
        let after = cpu();
        let replayed = load::replay(shop.address(), arguments.connections, &measured).await?;
        let commits = shop.counter("vitrine_feedback_commits_total").await?;
        let stored = shop.counter("vitrine_feedback_accepted_total").await?;
        ingest.push(Ingest {
            name,
            measured,
            cpu: [after[0] - before[0], after[1] - before[1]],
            commits,
            stored,
            replayed,
        });
    }
    drop(cluster);
    let shop = shop::Shop::open(&arguments.server, None)?;
    let downloads = load::download(&shop, 32, lasting).await?;
    let hostile = hostile::measure(shop.address(), lasting).await?;
    let loads = [began, page::load_average()];
    page::write(
        &arguments.out,
        &arguments.seconds,
        arguments.connections,
        &loads,
        &ingest,
        &downloads,
        &hostile,
    )
}
