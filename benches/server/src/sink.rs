//! The control of the hostile load: a listener that refuses what it is sent with as little work as
//! can be, on a thread of its own.
//!
//! It ends a body that takes ten seconds with 408 and closes, refuses one above 16 kB with 413 by
//! its announced length and closes, and answers any other with 400. Nothing is parsed but the
//! head's end and its length.

use anyhow::Result;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LIMIT: usize = 16 * 1024;
const DEADLINE: Duration = Duration::from_secs(10);

/// Starts it; where it listens. It ends with the process.
pub fn start() -> Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?.to_string();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                tokio::spawn(refuse(stream));
            }
            #[allow(unreachable_code, reason = "names the type of the block")]
            Ok::<(), std::io::Error>(())
        })
    });
    Ok(address)
}

/// Refuses the requests of one connection until it is closed.
async fn refuse(mut stream: TcpStream) -> Option<()> {
    let mut buffer = Vec::with_capacity(LIMIT);
    loop {
        let Ok(body) = tokio::time::timeout(DEADLINE, body(&mut stream, &mut buffer)).await else {
            return answer(&mut stream, "408 Request Timeout").await;
        };
        if !body? {
            return answer(&mut stream, "413 Payload Too Large").await;
        }
        answer(&mut stream, "400 Bad Request").await?;
    }
}

/// Takes one request out of `buffer`; false when its body is too long, `None` when the connection
/// is closed.
async fn body(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<bool> {
    let mut whole = None;
    loop {
        if whole.is_none() {
            whole = announced(buffer);
        }
        if let Some((head, length)) = whole {
            if length > LIMIT {
                return Some(false);
            }
            if buffer.len() >= head + length {
                buffer.drain(..head + length);
                return Some(true);
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// Bytes of the head, and of the body that it announces, once the head is there.
fn announced(buffer: &[u8]) -> Option<(usize, usize)> {
    let end = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&buffer[..end]).ok()?;
    let (_, length) = head.split_once("Content-Length: ")?;
    Some((end, length.split("\r\n").next()?.parse().ok()?))
}

async fn answer(stream: &mut TcpStream, status: &str) -> Option<()> {
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.ok()
}
