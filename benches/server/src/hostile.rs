//! What slow, oversized and malformed requests do to good ones.
//!
//! The hostile load has a thread of its own: were it on the thread that times the good reports,
//! their times would hold its work. It still has to share the cores with the server. How much of
//! what good reports wait is that, the control shows: the same load, sent to a listener that does
//! next to nothing ([`crate::sink`]).

use crate::http::{Connection, post};
use crate::load::{self, Measured};
use crate::sink;
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Connections that send a byte of their body each second.
pub const SLOW: usize = 1000;
/// Bodies of ten megabytes, each second.
pub const OVERSIZED: u64 = 10;
/// Malformed bodies, each second.
pub const MALFORMED: u64 = 200;
/// Good reports, each second, on [`GOOD_CONNECTIONS`].
pub const GOOD: u64 = 400;
const GOOD_CONNECTIONS: usize = 16;

/// The latency of good reports.
pub struct Hostile {
    /// When nothing else goes on.
    pub alone: Measured,
    /// While the hostile load goes to the control.
    pub control: Measured,
    /// While it goes to the server.
    pub beside: Measured,
    /// Slow connections that the server ended with 408, as it should.
    pub ended: u64,
    /// Oversized bodies that were answered with 413, and the malformed with 400 or 422.
    pub refused: u64,
}

/// Measures good reports alone, then beside hostile ones that go elsewhere, then beside hostile
/// ones.
pub async fn measure(address: &str, lasting: Duration) -> Result<Hostile> {
    let every = Duration::from_secs(1).mul_f64(GOOD_CONNECTIONS as f64 / GOOD as f64);
    let good = |first| load::paced(address, GOOD_CONNECTIONS, every, lasting, first);
    let alone = good(1 << 48).await?;
    let control = {
        let sink = sink::start()?;
        let attack = Attack::start(sink, lasting)?;
        let control = good(2 << 48).await?;
        attack.end()?;
        control
    };
    let attack = Attack::start(address.to_owned(), lasting)?;
    let beside = good(3 << 48).await?;
    let (ended, refused) = attack.end()?;
    Ok(Hostile {
        alone,
        control,
        beside,
        ended,
        refused,
    })
}

/// The hostile load, under way.
struct Attack(std::thread::JoinHandle<Result<(u64, u64)>>);

impl Attack {
    fn start(address: String, lasting: Duration) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let attack = attack(address, Instant::now() + lasting);
        let thread = std::thread::spawn(move || runtime.block_on(attack));
        Ok(Self(thread))
    }

    /// How many slow connections were ended with 408, and how many bodies were refused.
    fn end(self) -> Result<(u64, u64)> {
        let ended = self.0.join();
        ended.ok().context("the hostile load's thread panicked")?
    }
}

async fn attack(address: String, end: Instant) -> Result<(u64, u64)> {
    let mut slow = JoinSet::new();
    for _ in 0..SLOW {
        slow.spawn(trickle(address.clone(), end));
    }
    let mut wrong = JoinSet::new();
    wrong.spawn(oversized(address.clone(), end));
    wrong.spawn(malformed(address, end));
    let (mut ended, mut refused) = (0, 0);
    while let Some(done) = slow.join_next().await {
        ended += done??;
    }
    while let Some(done) = wrong.join_next().await {
        refused += done??;
    }
    Ok((ended, refused))
}

/// Sends a byte a second until the server ends it, then starts again.
async fn trickle(address: String, end: Instant) -> Result<u64> {
    let mut ended = 0;
    while Instant::now() < end {
        let mut stream = TcpStream::connect(&address).await?;
        let head = "POST /v1/feedback HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n\
                    Content-Length: 1000\r\n\r\n";
        stream.write_all(head.as_bytes()).await?;
        let mut answer = [0; 512];
        loop {
            if Instant::now() >= end {
                return Ok(ended);
            }
            let second = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut answer));
            match second.await {
                Ok(Ok(read)) if answer[..read].starts_with(b"HTTP/1.1 408") => {
                    ended += 1;
                    break;
                }
                Ok(_) => break,
                Err(_) => {
                    if stream.write_all(b" ").await.is_err() {
                        break;
                    }
                }
            }
        }
    }
    Ok(ended)
}

/// Sends bodies of ten megabytes, whether they are read or not.
async fn oversized(address: String, end: Instant) -> Result<u64> {
    let body = vec![b'x'; 10 << 20];
    let mut refused = 0;
    while Instant::now() < end {
        let mut stream = TcpStream::connect(&address).await?;
        let head = format!(
            "POST /v1/feedback HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        // The server answers and closes before it has all of it: that ends the write.
        let (mut reads, mut writes) = stream.split();
        let mut answer = [0; 64];
        let (read, _) = tokio::join!(reads.read(&mut answer), writes.write_all(&body));
        if answer[..read.unwrap_or(0)].starts_with(b"HTTP/1.1 413") {
            refused += 1;
        }
        tokio::time::sleep(Duration::from_secs(1).mul_f64(1.0 / OVERSIZED as f64)).await;
    }
    Ok(refused)
}

/// Sends what is no report, of several kinds.
async fn malformed(address: String, end: Instant) -> Result<u64> {
    let nested = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
    let kinds = [
        "",
        "{",
        "\u{fffd}",
        "[]",
        r#"{"nonce":1,"window":{},"cell":{}}"#,
        &nested,
    ]
    .map(post);
    let mut connection = Connection::open(&address).await?;
    let mut refused = 0;
    for request in kinds.iter().cycle() {
        if Instant::now() >= end {
            break;
        }
        let status = connection.ask(request).await?.status;
        ensure!(
            [400, 422].contains(&status),
            "a malformed report was answered with {status}"
        );
        refused += 1;
        tokio::time::sleep(Duration::from_secs(1).mul_f64(1.0 / MALFORMED as f64)).await;
    }
    Ok(refused)
}
