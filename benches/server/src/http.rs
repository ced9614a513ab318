//! HTTP/1.1 as a load generator needs it: a connection that stays for as long as the server keeps it, a
//! request whose bytes are made beforehand, a status and a length back.

use anyhow::{Result, bail};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vitrine_core::privacy::Privacy;

/// One connection after another, with one request under way at a time.
pub struct Connection {
    address: String,
    /// `None` after the server ended it.
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What came back.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: &str) -> Result<Self> {
        Ok(Self {
            address: address.to_owned(),
            stream: Some(connect(address).await?),
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Sends a whole request and reads its answer.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(&self.address).await?,
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let (status, head, length, ends) = loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed the connection");
            }
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut answer = httparse::Response::new(&mut headers);
            if let httparse::Status::Complete(head) = answer.parse(&self.buffer)? {
                let length = answer
                    .headers
                    .iter()
                    .find(|header| header.name.eq_ignore_ascii_case("content-length"));
                let length: usize = match length {
                    Some(header) => std::str::from_utf8(header.value)?.parse()?,
                    None => 0,
                };
                let ends = answer.headers.iter().any(|header| {
                    header.name.eq_ignore_ascii_case("connection")
                        && header.value.eq_ignore_ascii_case(b"close")
                });
                break (answer.code.unwrap_or(0), head, length, ends);
            }
        };
        let mut body = self.buffer.split_off(head);
        let missing = length.saturating_sub(body.len());
        if missing > 0 {
            let have = body.len();
            body.resize(length, 0);
            stream.read_exact(&mut body[have..]).await?;
        }
        if !ends {
            self.stream = Some(stream);
        }
        Ok(Answer { status, body })
    }
}

async fn connect(address: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A POST of JSON to the feedback address.
pub fn post(body: &str) -> Vec<u8> {
    format!(
        "POST /v1/feedback HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A GET, in brotli where the server has it, with further headers, a line each.
pub fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: shop\r\nAccept-Encoding: br\r\n{headers}\r\n")
        .into_bytes()
}

/// The report of an item view in the running window of a week: each nonce and cell once.
pub fn report(number: u64) -> Vec<u8> {
    // Scattered, as random nonces are.
    let nonce = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let window = Privacy::default().window_at(now.unwrap_or_default().as_secs());
    post(&format!(
        r#"{{"nonce":"{nonce:032x}","window":{{"number":{},"seconds":{}}},"cell":{{"table":"item","item":"item-{}","action":"view"}}}}"#,
        window.number,
        window.seconds,
        number % 10_007
    ))
}
