//! `POST /v1/feedback`: one report in, 204 when it is on the disk.
//!
//! The body is read under a limit and a deadline of its own, because the framework's time limit
//! covers a request's head only. Nothing of the request but its body, its length and its type
//! is looked at: no cookie, no user agent; its address by the rate limit alone ([`crate::limit`]),
//! its Origin by [`crate::cors`] where the operator lists those that may post. Every answer ends its
//! connection ([`crate::observe`]).

use crate::catalogue::Catalogue;
use crate::cors::Origins;
use crate::decode::decode;
use crate::limit::Limit;
use crate::metrics::Metrics;
use crate::network::{Network, Senders};
use crate::problem::Problem;
use crate::storage::{Recorded, Row};
use crate::totals::Totals;
use crate::writer::Writer;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use vitrine_core::cell::MAX_REPORT_BYTES;

/// Where reports are taken.
pub const PATH: &str = "/v1/feedback";

/// What the handler needs.
#[derive(Clone)]
pub struct Feedback {
    /// Where reports go.
    pub writer: Writer,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whose pages may send reports.
    pub origins: Origins,
    /// Which network a report comes from.
    pub senders: Arc<Senders>,
    /// How many reports a network may send.
    pub limit: Arc<Limit>,
    /// Which items bundles list.
    pub catalogue: Arc<Catalogue>,
    /// How many reports a window takes.
    pub totals: Arc<Totals>,
    /// How long a body may take.
    pub body_deadline: Duration,
}

/// Takes one report.
#[utoipa::path(
    post,
    path = "/v1/feedback",
    tag = "feedback",
    request_body(content = crate::openapi::Report, content_type = "application/json"),
    responses(
        (status = 204, description = "The report is on the disk, or was there already under this nonce."),
        (status = 400, description = "The body is not JSON.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The operator lists the origins that may send reports, and the request's is none of them.", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive in time.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The nonce was used for another cell.", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The window is closed or full, or there is no such window; drop the report.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is above 16 kB.", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The Content-Type is not application/json.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body is not a report; `field` says where.", body = Problem, content_type = "application/problem+json"),
        (status = 425, description = "The window is not open yet; retry with the same nonce and window after `Retry-After` seconds.", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "The sender's network sent too many, or too many of items that no bundle lists; retry with the same nonce after `Retry-After` seconds.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The disk is full or too slow, or nothing is published; retry with the same nonce.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn post(
    request: HttpRequest,
    payload: web::Payload,
    feedback: web::Data<Feedback>,
) -> Result<HttpResponse, Problem> {
    let received = feedback.receive(&request, payload).await;
    feedback.answer(received).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is answered to another method.
pub async fn post_only(request: HttpRequest) -> Problem {
    Problem::method_not_allowed(request.method(), "POST")
}

impl Feedback {
    /// Counts a refusal.
    pub(crate) fn rejected(&self, problem: Problem) -> Problem {
        self.metrics.reject(problem.slug());
        problem
    }

    /// Records the report in a body that came from this network, and counts how that ended.
    pub(crate) async fn answer(
        &self,
        received: Result<(Vec<u8>, Option<Network>), Problem>,
    ) -> Result<(), Problem> {
        let recorded = match received {
            Ok((body, sender)) => self.record(&body, sender).await,
            Err(problem) => Err(problem),
        };
        let counter = match recorded {
            Ok(Recorded::Accepted) => &self.metrics.accepted,
            Ok(Recorded::Duplicate) => &self.metrics.duplicate,
            Ok(Recorded::Conflict) => return Err(self.rejected(Problem::nonce_reused())),
            Ok(Recorded::Refused(refusal)) => {
                return Err(self.rejected(Problem::window_refused(refusal)));
            }
            Err(problem) => return Err(self.rejected(problem)),
        };
        counter.inc();
        Ok(())
    }

    async fn record(&self, body: &[u8], sender: Option<Network>) -> Result<Recorded, Problem> {
        let report = decode(body)?;
        let is_listed = self.catalogue.lists(&report.cell);
        let room = self.totals.check(report.window, is_listed);
        room.map_err(Problem::window_full)?;
        if let Some(network) = sender.filter(|_| !is_listed) {
            let taken = self.limit.check_unlisted(network);
            taken.map_err(Problem::too_many_unlisted)?;
        }
        // A report that was parsed can be written again; were it not so, the client could do
        // nothing about it.
        let row = Row::of(&report).map_err(|error| Problem::unavailable(error.to_string()))?;
        let recorded = self.writer.record(row).await?;
        if recorded == Recorded::Accepted {
            self.totals.count(report.window, is_listed);
        }
        Ok(recorded)
    }

    /// The body of an ordinary report, and the network that it comes from.
    async fn receive(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<(Vec<u8>, Option<Network>), Problem> {
        self.origins.check(request.headers())?;
        let address = self.senders.address(request);
        let sender = self.senders.limited(address);
        self.check(sender)?;
        if !is_json(request) {
            return Err(Problem::not_json());
        }
        let body = self.body(request, payload, MAX_REPORT_BYTES).await?;
        Ok((body, sender))
    }

    /// Counts a report against its sender's limits.
    pub(crate) fn check(&self, sender: Option<Network>) -> Result<(), Problem> {
        sender
            .map_or(Ok(()), |network| self.limit.check(network))
            .map_err(Problem::too_many)
    }

    /// A body of at most `limit` bytes that arrives in time.
    pub(crate) async fn body(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        limit: usize,
    ) -> Result<Vec<u8>, Problem> {
        let too_long = || Problem::body_too_long(limit as u64);
        if announced_length(request).is_some_and(|length| length > limit as u64) {
            return Err(too_long());
        }
        tokio::time::timeout(self.body_deadline, read(payload, limit))
            .await
            .map_err(|_| Problem::body_too_slow(self.body_deadline.as_secs()))?
            .map_err(|_| Problem::body_broken())?
            .ok_or_else(too_long)
    }
}

/// The whole body, or `None` as soon as it is longer than `limit`.
async fn read(
    mut payload: web::Payload,
    limit: usize,
) -> Result<Option<Vec<u8>>, actix_web::error::PayloadError> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk?;
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// The length that the request announces, where it does.
pub(crate) fn announced_length(request: &HttpRequest) -> Option<u64> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.trim().parse().ok()
}

fn is_json(request: &HttpRequest) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
