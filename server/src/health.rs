//! Alive and ready, for whoever asks; how much, for the operator alone.
//!
//! Anybody may ask whether the server is ready, so the answer says no more than that. Counters say
//! when reports came to whoever asks for them often enough, so they are on the admin listener.

use crate::live::Live;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::writer::Writer;
use actix_web::{HttpResponse, web};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A test write is not repeated within this time, so that whoever may ask cannot keep the disk
/// busy by asking.
const PROBE_HOLDS: Duration = Duration::from_secs(1);

/// What the handlers need.
#[derive(Clone)]
pub struct Health {
    /// Asked whether the database takes writes.
    pub writer: Writer,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// When a test write last succeeded.
    pub probed: Arc<Mutex<Option<Instant>>>,
}

/// The log says why.
fn not_ready() -> Problem {
    Problem::unavailable("the server is not ready")
}

/// The process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operation",
    responses((status = 200, description = "The process answers.", content_type = "text/plain"))
)]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header(("cache-control", "no-store"))
        .body("ok\n")
}

/// The database takes writes and the store can be read.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    responses(
        (status = 200, description = "A test write reached the disk and the store can be read.", content_type = "text/plain"),
        (status = 503, description = "One of them failed; the log says which and why.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn readyz(
    health: web::Data<Health>,
    live: web::Data<Live>,
) -> Result<HttpResponse, Problem> {
    let mut probed = health.probed.lock().await;
    if probed.is_none_or(|at| at.elapsed() > PROBE_HOLDS) {
        *probed = None;
        match health.writer.probe().await {
            Some(Ok(())) => *probed = Some(Instant::now()),
            Some(Err(error)) => {
                tracing::error!(%error, "not ready");
                return Err(not_ready());
            }
            None => {
                tracing::error!("not ready: too many reports wait for the disk");
                return Err(not_ready());
            }
        }
    }
    drop(probed);
    if let Err(error) = live.store().current() {
        tracing::error!(%error, "not ready");
        return Err(not_ready());
    }
    Ok(healthz().await)
}

impl Health {
    /// Every counter, in the Prometheus text format.
    pub async fn counters(&self, live: &Live) -> Result<HttpResponse, Problem> {
        let metrics = &self.metrics;
        let version = live.current().map_or(0, |current| current.manifest.version);
        metrics
            .manifest_version
            .set(i64::try_from(version).unwrap_or(i64::MAX));
        metrics
            .queued
            .set(i64::try_from(self.writer.queued()).unwrap_or(i64::MAX));
        if let Some(Ok(overdue)) = self.writer.overdue().await {
            metrics
                .windows_awaiting_release
                .set(i64::try_from(overdue).unwrap_or(i64::MAX));
        }
        let text = metrics
            .text()
            .map_err(|error| Problem::unavailable(error.to_string()))?;
        Ok(HttpResponse::Ok()
            .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
            .insert_header(("cache-control", "no-store"))
            .body(text))
    }
}
