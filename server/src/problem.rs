//! Errors on the wire: RFC 9457 problem documents, all of them made here.
//!
//! The parts of the server have their own error types, which say what went wrong in a sentence.
//! This file says what a client is told: the status, a stable `type` that a program can match,
//! and a detail for a person. Public answers never name a path of the server.

use crate::audit::AuditError;
use crate::decode::DecodeError;
use crate::oblivious::envelope::{RequestError, SealError};
use crate::storage::Refusal;
use crate::totals::Full;
use crate::writer::WriteError;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use std::io;
use vitrine_core::cell::MAX_REPORT_BYTES;
use vitrine_store::StoreError;

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// The kind that RFC 9458 registers, for a request under a key that is not in force.
const OHTTP_KEY: &str = "ohttp-key";

/// A problem document.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// What kind of problem it is, such as `urn:vitrine:problem:body-too-long`; stable.
    #[serde(rename = "type", serialize_with = "as_uri")]
    #[schema(value_type = String)]
    slug: &'static str,
    /// The kind in words; the same for every problem of the kind.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What went wrong this time, and what would be right.
    detail: Box<str>,
    /// JSON path of the offending member, such as `cell.action`, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<Box<str>>,
    /// Files that a manifest names and the store lacks.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    missing: Box<[String]>,
    #[serde(skip)]
    headers: Vec<(header::HeaderName, HeaderValue)>,
}

impl Problem {
    fn new(
        status: StatusCode,
        slug: &'static str,
        title: &'static str,
        detail: impl Into<Box<str>>,
    ) -> Self {
        Self {
            slug,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            missing: Box::default(),
            headers: Vec::new(),
        }
    }

    fn field(mut self, field: Option<impl Into<Box<str>>>) -> Self {
        self.field = field.map(Into::into);
        self
    }

    fn header(mut self, name: header::HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    fn retry_after(mut self, seconds: u64) -> Self {
        let seconds = HeaderValue::from(seconds);
        self.headers.push((header::RETRY_AFTER, seconds));
        self
    }

    /// Nothing is at this address.
    pub fn not_found(detail: impl Into<Box<str>>) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "Nothing is here",
            detail,
        )
    }

    /// What stands after the `?` means nothing here.
    pub fn query(understood: &'static str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "query",
            "The query is not understood",
            format!("after the ? of this address stands {understood} or nothing"),
        )
    }

    /// The address exists, and not for this method.
    pub fn method_not_allowed(method: &Method, allowed: &'static str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "This method is not for this address",
            format!("{method} is not understood here; use {allowed}"),
        )
        .header(header::ALLOW, allowed)
    }

    /// The body is longer than it may be.
    pub fn body_too_long(limit: u64) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-long",
            "The body is too long",
            format!("at most {limit} bytes are read here"),
        )
    }

    /// The body did not arrive in time.
    pub fn body_too_slow(seconds: u64) -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "body-too-slow",
            "The body did not arrive in time",
            format!("the whole body must arrive within {seconds} seconds"),
        )
        .header(header::CONNECTION, "close")
    }

    /// The body broke off or was not framed as HTTP wants it.
    pub fn body_broken() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "body-broken",
            "The body could not be read",
            "the body broke off, or its framing is not valid HTTP",
        )
    }

    /// The body is not JSON by its Content-Type.
    pub fn not_json() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            "The body is not announced as JSON",
            "send the report with Content-Type: application/json",
        )
    }

    /// The body is not an encapsulated request by its Content-Type.
    pub fn not_encapsulated(wanted: &'static str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-encapsulated",
            "The body is not announced as an encapsulated request",
            format!("send it with Content-Type: {wanted}"),
        )
    }

    /// The nonce was used for another cell.
    pub fn nonce_reused() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "nonce-reused",
            "The nonce was used for another cell",
            "a nonce is drawn for one cell and sent with no other; draw a new one",
        )
        .field(Some("nonce"))
    }

    /// The window that the report names does not take it.
    pub fn window_refused(refusal: Refusal) -> Self {
        let problem = match refusal {
            Refusal::Early(seconds) => Self::new(
                StatusCode::from_u16(425).unwrap_or(StatusCode::CONFLICT),
                "window-not-open",
                "The window is not open yet",
                format!(
                    "the window begins in {seconds} seconds by this server's clock; send the \
                     report then, with the same nonce and window"
                ),
            )
            .retry_after(seconds),
            Refusal::Closed => Self::new(
                StatusCode::GONE,
                "window-closed",
                "The window is closed",
                "the window and its grace are over, or it is released: drop the report",
            ),
            Refusal::Foreign => Self::new(
                StatusCode::GONE,
                "window-refused",
                "There is no such window",
                "no manifest that was live has windows of this length, or the window shares a \
                 moment with one of another length that has reports: drop the report",
            ),
        };
        problem.field(Some("window"))
    }

    /// The page that sent the report is not one of those that may.
    pub fn origin_refused() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "origin-refused",
            "This page may not send reports",
            "the operator lists the origins whose pages may send reports (allowed_origins), and the \
             request's Origin is none of them: drop the report",
        )
    }

    /// The sender's network sent more than it may.
    pub fn too_many(seconds: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many",
            "Too many reports",
            format!(
                "this network sends more reports than the server takes; send this one again, with \
                 the same nonce, in {seconds} seconds"
            ),
        )
        .retry_after(seconds)
    }

    /// The sender's network sent as many reports of unlisted items as it may in a day.
    pub fn too_many_unlisted(seconds: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-unlisted",
            "Too many reports of items that no bundle lists",
            format!(
                "this network sends more reports of items that are in no published bundle than the \
                 server takes in a day; send this one again, with the same nonce, in {seconds} seconds"
            ),
        )
        .retry_after(seconds)
    }

    /// The window took as many reports as it takes.
    pub fn window_full(full: Full) -> Self {
        Self::new(
            StatusCode::GONE,
            "window-full",
            "The window has no room for the report",
            match full {
                Full::Reports => "the window took as many reports as it may hold: drop the report",
                Full::Unlisted => {
                    "the window took as many reports as it may hold of items that are in no published \
                     bundle: drop the report"
                }
            },
        )
        .field(Some("window"))
    }

    /// Nothing is published.
    pub fn nothing_published() -> Self {
        Self::not_found("no bundle is published yet; publish one with `vitrine publish`")
    }

    /// The range lies outside the file.
    pub fn range(length: u64) -> Self {
        let mut problem = Self::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "range",
            "The range lies outside the file",
            format!("the file is {length} bytes long"),
        );
        if let Ok(value) = HeaderValue::from_str(&format!("bytes */{length}")) {
            problem.headers.push((header::CONTENT_RANGE, value));
        }
        problem
    }

    /// The admin listener wants its token.
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "token",
            "The token is missing or wrong",
            "send `Authorization: Bearer` with the token whose SHA-256 is in the server's \
             configuration as admin_token_sha256",
        )
        .header(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// The disk, or what is on it, failed; the log has the cause.
    pub fn unavailable(detail: impl Into<Box<str>>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The server cannot do this now",
            detail,
        )
        .retry_after(2)
    }

    /// A plain answer of the framework, such as its 400 for a path that does not decode.
    pub fn of_status(status: StatusCode) -> Self {
        Self::new(
            status,
            "http",
            status.canonical_reason().unwrap_or("Error"),
            "the request could not be served",
        )
    }

    /// The last part of the type, such as `body-too-long`: what the metrics count by.
    pub fn slug(&self) -> &'static str {
        self.slug
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The headers that it has beside its type.
    pub fn headers(&self) -> &[(header::HeaderName, HeaderValue)] {
        &self.headers
    }

    /// The answer.
    pub fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status());
        response.content_type(MEDIA_TYPE);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        response.body(self.to_bytes())
    }

    /// The document.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn as_uri<S: serde::Serializer>(slug: &&'static str, serializer: S) -> Result<S::Ok, S::Error> {
    let kinds = match *slug {
        OHTTP_KEY => "https://iana.org/assignments/http-problem-types#",
        _ => "urn:vitrine:problem:",
    };
    serializer.collect_str(&format_args!("{kinds}{slug}"))
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status, self.title, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Syntax(detail) => Self::new(
                StatusCode::BAD_REQUEST,
                "bad-json",
                "The body is not JSON",
                detail,
            ),
            DecodeError::Shape { field, reason } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad-report",
                "The body is not a report",
                reason,
            )
            .field(field),
        }
    }
}

impl From<SealError> for Problem {
    fn from(error: SealError) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            OHTTP_KEY,
            "The request cannot be opened",
            format!("{error}; encapsulate it under the newest key of this address"),
        )
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        let detail = error.to_string();
        match error {
            RequestError::Malformed => Self::new(
                StatusCode::BAD_REQUEST,
                "bad-message",
                "The message is not binary HTTP",
                detail,
            ),
            RequestError::Address => Self::not_found(detail),
            RequestError::Method => Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "This method is not for this address",
                detail,
            )
            .header(header::ALLOW, "POST"),
            RequestError::Expectation => Self::new(
                StatusCode::EXPECTATION_FAILED,
                "expectation",
                "No interim answer can be given",
                detail,
            ),
            RequestError::NotJson => Self::not_json(),
            RequestError::TooLong => Self::body_too_long(MAX_REPORT_BYTES as u64),
        }
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        Self::unavailable(error.to_string())
    }
}

/// For the admin listener: an operator may see paths.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match error {
            StoreError::Manifest { .. } | StoreError::ManifestBytes(_) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad-manifest",
                "The manifest is refused",
                detail,
            ),
            StoreError::Signature(_) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "bad-signature",
                "The signature is refused",
                detail,
            ),
            StoreError::Altered { .. } | StoreError::Length { .. } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "altered-file",
                "The file is not what was announced",
                detail,
            ),
            StoreError::Missing { files } => {
                let mut problem = Self::new(
                    StatusCode::CONFLICT,
                    "missing-files",
                    "The manifest names files that are not stored",
                    detail,
                );
                problem.missing = files.into();
                problem
            }
            StoreError::NotNewer { .. }
            | StoreError::VersionTaken { .. }
            | StoreError::TooFar { .. }
            | StoreError::FirstTooFar { .. } => Self::new(
                StatusCode::CONFLICT,
                "version",
                "The version may not follow the current one",
                detail,
            )
            .field(Some("version")),
            StoreError::NoCandidate(_) => Self::new(
                StatusCode::CONFLICT,
                "no-candidate",
                "This manifest does not wait to be promoted",
                detail,
            ),
            StoreError::Held { .. } => Self::new(
                StatusCode::CONFLICT,
                "held",
                "The candidate is too far from what is live",
                detail,
            ),
            StoreError::Privacy { .. } => Self::unavailable(detail),
            StoreError::NotFound(_) => Self::not_found(detail),
            StoreError::Io { source, .. } => {
                let status = match source.kind() {
                    io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge => StatusCode::INSUFFICIENT_STORAGE,
                    _ => StatusCode::INTERNAL_SERVER_ERROR,
                };
                Self::new(status, "disk", "The disk refused", detail)
            }
        }
    }
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "audit-log",
            "The audit log cannot be written",
            error.to_string(),
        )
    }
}

/// What is answered where no route matches.
pub async fn nothing_here(request: HttpRequest) -> Problem {
    Problem::not_found(format!("nothing is at {}", request.path()))
}

/// What is answered where the route takes GET and HEAD only.
pub async fn get_only(request: HttpRequest) -> Problem {
    Problem::method_not_allowed(request.method(), "GET, HEAD")
}

impl actix_web::Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.response()
    }
}
