//! An encapsulated request opened, the report in it, and the encapsulated answer.
//!
//! Pure functions over bytes, which the fuzzer runs too. The one request that is understood is
//! `POST /v1/feedback`; nothing is forwarded, so its authority is looked at as little as the Host
//! of an ordinary report.

use bhttp::{Message, Mode, StatusCode};
use ohttp::{Server, ServerResponse};
use std::io::Cursor;
use vitrine_core::cell::MAX_REPORT_BYTES;

/// The longest encapsulated request that is read: the longest report, its head, its encapsulation
/// and its padding.
pub const MAX_BYTES: usize = MAX_REPORT_BYTES + 2048;
/// Answers are padded to a multiple of this, so that a relay does not tell them apart by length.
const PADDED_TO: usize = 1024;

/// Why a request was not opened. The answer cannot be encapsulated.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It is empty.
    #[error("the body is empty")]
    Empty,
    /// There is no key with its identifier.
    #[error("there is no key {0} here, or no longer")]
    UnknownKey(u8),
    /// The key does not open it.
    #[error("it is not encapsulated under the key that it names")]
    Sealed,
}

/// Why an opened request is not a report.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is not a request of RFC 9292.
    #[error("the encapsulated bytes are not a request in binary HTTP")]
    Malformed,
    /// It is for another address.
    #[error("nothing but /v1/feedback can be reached through the gateway")]
    Address,
    /// It has another method.
    #[error("nothing but POST is understood through the gateway")]
    Method,
    /// It expects an interim answer, which cannot be encapsulated.
    #[error("an encapsulated request may have no Expect")]
    Expectation,
    /// Its body is not announced as JSON.
    #[error("send the report with Content-Type: application/json")]
    NotJson,
    /// Its body is longer than a report's may be.
    #[error("a report has at most {MAX_REPORT_BYTES} bytes")]
    TooLong,
}

/// Opens an encapsulated request: the message in it, and what seals the answer. `key` gives the
/// key with an identifier.
///
/// # Errors
/// When the key that it names does not open it.
pub fn open<'a>(
    key: impl FnOnce(u8) -> Option<&'a Server>,
    bytes: &[u8],
) -> Result<(Vec<u8>, ServerResponse), SealError> {
    let id = *bytes.first().ok_or(SealError::Empty)?;
    let server = key(id).ok_or(SealError::UnknownKey(id))?;
    server.decapsulate(bytes).map_err(|_| SealError::Sealed)
}

/// The body of the report in an opened request.
///
/// # Errors
/// When it is another request, or none.
pub fn report(message: &[u8]) -> Result<Vec<u8>, RequestError> {
    let mut reader = Cursor::new(message);
    let request = Message::read_bhttp(&mut reader).map_err(|_| RequestError::Malformed)?;
    let padding = usize::try_from(reader.position()).ok();
    let padding = padding.and_then(|from| message.get(from..)).unwrap_or(&[]);
    if !request.control().is_request() || padding.iter().any(|byte| *byte != 0) {
        return Err(RequestError::Malformed);
    }
    if request.control().path() != Some(b"/v1/feedback") {
        return Err(RequestError::Address);
    }
    if request.control().method() != Some(b"POST") {
        return Err(RequestError::Method);
    }
    if request.header().get(b"expect").is_some() {
        return Err(RequestError::Expectation);
    }
    let content_type = request.header().get(b"content-type").unwrap_or(b"");
    if !is_type(content_type, b"application/json") {
        return Err(RequestError::NotJson);
    }
    if request.content().len() > MAX_REPORT_BYTES {
        return Err(RequestError::TooLong);
    }
    Ok(request.content().to_vec())
}

/// Whether a Content-Type is this one, whatever its parameters are.
pub fn is_type(content_type: &[u8], wanted: &[u8]) -> bool {
    let end = content_type.iter().position(|byte| *byte == b';');
    let essence = content_type.get(..end.unwrap_or(content_type.len()));
    essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(wanted))
}

/// Seals an answer.
///
/// # Errors
/// When the library refuses it.
pub fn seal(
    response: ServerResponse,
    status: u16,
    headers: &[(&str, &[u8])],
    body: &[u8],
) -> Result<Vec<u8>, ohttp::Error> {
    let status = StatusCode::try_from(status).map_err(|_| ohttp::Error::Format)?;
    let mut message = Message::response(status);
    for (name, value) in headers {
        message.put_header(*name, *value);
    }
    message.write_content(body);
    let mut bytes = Vec::new();
    let written = message.write_bhttp(Mode::KnownLength, &mut bytes);
    written.map_err(|_| ohttp::Error::Format)?;
    bytes.resize(bytes.len().next_multiple_of(PADDED_TO), 0);
    response.encapsulate(&bytes)
}
