//! Bodies of requests, under a limit on their length and on how long a publisher may take.

use crate::feedback::announced_length;
use crate::problem::Problem;
use actix_web::{HttpRequest, web};
use futures::StreamExt;
use std::time::Duration;
use tokio::time::Instant;

/// How long a publisher may take to send a body, or a MiB of a file: 35 kB/s.
const PATIENCE: Duration = Duration::from_secs(30);

/// When a body that begins now, or the next MiB of a file, has to be there.
pub(super) fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

/// A whole body, at most `limit` bytes.
pub(super) async fn body_of(
    request: &HttpRequest,
    mut payload: web::Payload,
    limit: usize,
) -> Result<Vec<u8>, Problem> {
    refuse_above(request, limit as u64)?;
    let mut body = Vec::new();
    let deadline = deadline();
    while let Some(arrived) = chunk(&mut payload, deadline).await? {
        if body.len() + arrived.len() > limit {
            return Err(Problem::body_too_long(limit as u64));
        }
        body.extend_from_slice(&arrived);
    }
    Ok(body)
}

/// The next piece of a body, `None` at its end.
pub(super) async fn chunk(
    payload: &mut web::Payload,
    deadline: Instant,
) -> Result<Option<web::Bytes>, Problem> {
    tokio::time::timeout_at(deadline, payload.next())
        .await
        .map_err(|_| Problem::body_too_slow(PATIENCE.as_secs()))?
        .transpose()
        .map_err(|_| Problem::body_broken())
}

/// Refuses a body that announces more than `limit` bytes.
pub(super) fn refuse_above(request: &HttpRequest, limit: u64) -> Result<(), Problem> {
    if announced_length(request).is_some_and(|length| length > limit) {
        return Err(Problem::body_too_long(limit));
    }
    Ok(())
}
