//! What every answer carries, and what is noted of every request: method, route or path,
//! status, time taken. No address, no query, no header of the request.
//!
//! Of reports nothing is noted but counts. A line with the time of each, beside rows that are
//! stored in the same order, would date every cell; and reports that share a connection are one
//! visitor's. So `/v1/feedback` has no line in the access log, at any status, and every answer there
//! ends its connection. What a relay passes on has no line either; a relay mixes its clients' reports
//! on connections of its own, which stay.

use crate::feedback;
use crate::metrics::{Metrics, RequestLabels, RouteLabel};
use crate::oblivious;
use crate::problem::{MEDIA_TYPE, Problem};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use std::sync::Arc;
use std::time::Instant;

/// What the middleware needs.
#[derive(Clone)]
pub struct Observed {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether a line is logged per request.
    pub access_log: bool,
}

/// Counts, logs, and finishes every answer.
pub async fn observe(
    observed: web::Data<Observed>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.path().to_owned();
    let response = next.call(request).await?.map_into_boxed_body();
    let mut response = with_problem(response);
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response.headers_mut().insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );

    let took = started.elapsed();
    let status = response.status();
    let route = match response.request().match_pattern() {
        Some(pattern) if !pattern.is_empty() && pattern != "/" => pattern,
        _ => "site".to_owned(),
    };
    // A preflight is answered before it has a route; a path may be written in more than one way.
    let is_at = |place: &str| route == place || path == place;
    let is_report = is_at(feedback::PATH);
    let is_unlogged = is_report || is_at(oblivious::PATH);
    if is_report {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    let class = match status.as_u16() {
        0..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    let latency = RouteLabel {
        route: route.clone(),
    };
    observed
        .metrics
        .latency
        .get_or_create(&latency)
        .observe(took.as_secs_f64());
    let requests = RequestLabels {
        route,
        status: class,
    };
    observed.metrics.requests.get_or_create(&requests).inc();
    if observed.access_log && !is_unlogged {
        // In quotes and escaped: a stranger chose this path.
        let path: String = path.chars().take(200).collect();
        tracing::info!(target: "access", %method, ?path, status = status.as_u16(), micros = took.as_micros() as u64);
    }
    Ok(response)
}

/// Gives the framework's own bare errors a problem document.
fn with_problem(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes() == MEDIA_TYPE.as_bytes());
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    response.map_body(|head, _| {
        head.headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        BoxBody::new(Problem::of_status(status).to_bytes())
    })
}
