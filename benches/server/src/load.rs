//! Good requests: as many as go, or at a steady pace.

use crate::http::{Connection, get, report as report_of};
use crate::shop::Shop;
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What one measurement found.
#[derive(Default)]
pub struct Measured {
    /// How long it took.
    pub seconds: f64,
    /// Microseconds of each request, in ascending order.
    pub latencies: Vec<u32>,
    /// Bytes of bodies.
    pub bytes: u64,
}

impl Measured {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }

    /// Milliseconds that a share of the requests stays below.
    pub fn quantile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = (share * last as f64).round() as usize;
        f64::from(self.latencies.get(at).copied().unwrap_or(0)) / 1000.0
    }
}

/// Reports over one database.
pub struct Ingest {
    /// The database.
    pub name: &'static str,
    /// Reports that were acknowledged.
    pub measured: Measured,
    /// Seconds of processor time that the server and the load took.
    pub cpu: [f64; 2],
    /// Transactions that they took.
    pub commits: u64,
    /// Reports that the server counts as stored, after the replay too.
    pub stored: u64,
    /// Reports that were sent a second time.
    pub replayed: u64,
}

/// The numbers of reports that a connection sends: its own, so that no nonce comes twice.
fn numbers(connection: usize, first: u64) -> impl Iterator<Item = u64> {
    (0..).map(move |at| first + ((connection as u64) << 32 | at))
}

/// Reports from many connections, each as fast as it is answered.
pub async fn report(
    address: &str,
    connections: usize,
    lasting: Duration,
    first: u64,
) -> Result<Measured> {
    let end = Instant::now() + lasting;
    let mut tasks = JoinSet::new();
    for at in 0..connections {
        let mut connection = Connection::open(address).await?;
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            for number in numbers(at, first) {
                let sent = Instant::now();
                if sent >= end {
                    break;
                }
                let answer = connection.ask(&report_of(number)).await?;
                ensure!(
                    answer.status == 204,
                    "a good report was answered with {}",
                    answer.status
                );
                latencies.push(sent.elapsed().as_micros() as u32);
            }
            Ok((latencies, 0))
        });
    }
    gather(tasks, lasting).await
}

/// Sends the first reports of every connection once more, about 100,000 in all; how many.
pub async fn replay(address: &str, connections: usize, measured: &Measured) -> Result<u64> {
    // No connection sent fewer than half of the mean: they take turns in batches.
    let each = 100_000
        .min(measured.latencies.len() / 2)
        .div_ceil(connections) as u64;
    let mut tasks = JoinSet::new();
    for at in 0..connections {
        let mut connection = Connection::open(address).await?;
        tasks.spawn(async move {
            for number in numbers(at, 0).take(each as usize) {
                let answer = connection.ask(&report_of(number)).await?;
                ensure!(
                    answer.status == 204,
                    "a retry was answered with {}",
                    answer.status
                );
            }
            Ok((Vec::new(), 0))
        });
    }
    gather(tasks, Duration::ZERO).await?;
    Ok(each * connections as u64)
}

/// Downloads of the tables, each connection as fast as it is served.
pub async fn download(shop: &Shop, connections: usize, lasting: Duration) -> Result<Measured> {
    let end = Instant::now() + lasting;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let mut connection = Connection::open(shop.address()).await?;
        let request = get(&shop.tables, "");
        tasks.spawn(async move {
            let (mut latencies, mut bytes) = (Vec::new(), 0);
            while Instant::now() < end {
                let sent = Instant::now();
                let answer = connection.ask(&request).await?;
                ensure!(
                    answer.status == 200,
                    "a file was answered with {}",
                    answer.status
                );
                latencies.push(sent.elapsed().as_micros() as u32);
                bytes += answer.body.len() as u64;
            }
            Ok((latencies, bytes))
        });
    }
    gather(tasks, lasting).await
}

/// Reports at a steady pace. The time of each runs from when it was due, so that a request that
/// had to wait for the one before it counts its wait.
pub async fn paced(
    address: &str,
    connections: usize,
    every: Duration,
    lasting: Duration,
    first: u64,
) -> Result<Measured> {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for at in 0..connections {
        let mut connection = Connection::open(address).await?;
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            // Spread over the interval, so that connections do not send in step.
            let mut due = start + every.mul_f64(at as f64 / connections as f64);
            for number in numbers(at, first) {
                if due >= start + lasting {
                    break;
                }
                tokio::time::sleep_until(due.into()).await;
                let answer = connection.ask(&report_of(number)).await?;
                ensure!(
                    answer.status == 204,
                    "a good report was answered with {}",
                    answer.status
                );
                latencies.push(due.elapsed().as_micros() as u32);
                due += every;
            }
            Ok((latencies, 0))
        });
    }
    gather(tasks, lasting).await
}

async fn gather(
    mut tasks: JoinSet<Result<(Vec<u32>, u64)>>,
    lasting: Duration,
) -> Result<Measured> {
    let mut all = Measured {
        seconds: lasting.as_secs_f64(),
        ..Measured::default()
    };
    while let Some(done) = tasks.join_next().await {
        let (latencies, bytes) = done??;
        all.latencies.extend(latencies);
        all.bytes += bytes;
    }
    all.latencies.sort_unstable();
    Ok(all)
}
