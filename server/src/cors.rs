//! Which shops' pages may fetch bundles and send reports, always without credentials.
//!
//! Bundles are for any page, and so are reports where the operator lists no origins: the answer is a
//! constant `*`, which does not depend on the Origin, so nothing needs to vary by it, and browsers
//! refuse to send cookies along with it. Where origins are listed (`allowed_origins`), no other page
//! can send reports through its visitors: browsers ask first, because of the report's type, and are
//! told no; what comes all the same is refused before its body is read. That binds browsers alone:
//! other programs write any Origin.

use crate::config::Origin;
use crate::feedback;
use crate::oblivious;
use crate::problem::Problem;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use std::sync::Arc;

/// The origins whose pages may send reports.
#[derive(Clone, Debug)]
pub struct Origins(Option<Arc<[Origin]>>);

impl Origins {
    /// Those of the list, or any.
    pub fn new(allowed: Option<Vec<Origin>>) -> Self {
        Self(allowed.map(Into::into))
    }

    /// # Errors
    /// Where origins are listed, and the request has no Origin that is one of them.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match self.answer(headers) {
            Some(_) => Ok(()),
            None => Err(Problem::origin_refused()),
        }
    }

    /// The value of `Access-Control-Allow-Origin` for a report; `None` where it is refused.
    fn answer(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let Some(allowed) = &self.0 else {
            return Some(HeaderValue::from_static("*"));
        };
        let mut sent = headers.get_all(header::ORIGIN);
        let (Some(origin), None) = (sent.next(), sent.next()) else {
            return None;
        };
        let is_allowed = |allowed: &Origin| allowed.as_str().as_bytes() == origin.as_bytes();
        allowed.iter().any(is_allowed).then(|| origin.clone())
    }
}

/// Answers preflights and marks shared answers.
pub async fn share(
    origins: web::Data<Origins>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_report = request.path() == feedback::PATH;
    if !is_report && !is_for_all(request.path()) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let varies = is_report && origins.0.is_some();
    let answer = match is_report {
        true => origins.answer(request.headers()),
        false => Some(HeaderValue::from_static("*")),
    };
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (is_preflight, &answer) {
        (true, Some(_)) => {
            let allowed = HttpResponse::NoContent()
                .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST"))
                .insert_header((
                    header::ACCESS_CONTROL_ALLOW_HEADERS,
                    "content-type, if-none-match, range",
                ))
                .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
                .finish();
            request.into_response(allowed)
        }
        (true, None) => request.into_response(Problem::origin_refused().response()),
        (false, _) => next.call(request).await?.map_into_boxed_body(),
    };
    let headers = response.headers_mut();
    if varies {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    if let Some(answer) = answer {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, answer);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("etag, retry-after"),
        );
        headers.insert(
            header::CROSS_ORIGIN_RESOURCE_POLICY,
            HeaderValue::from_static("cross-origin"),
        );
    }
    Ok(response)
}

/// A relay's answers go to any page as well: the relay decides whose reports it passes on.
fn is_for_all(path: &str) -> bool {
    path.starts_with("/bundles/")
        || ["/manifest.json", "/manifest.sig", oblivious::PATH].contains(&path)
}
