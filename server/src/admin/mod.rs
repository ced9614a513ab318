//! Publishing from another machine: files first, then the manifest that names them.
//!
//! It listens on an address of its own, so that a firewall can keep the world away from it, and
//! asks for a bearer token of which the server knows only the hash. A file is written to the
//! store's folder while it arrives and is named when its hash is right; the manifest is the
//! switch (see `vitrine-store`).

mod body;
pub mod files;
pub mod manifests;

use crate::audit::{Action, AuditLog, Entry, Stage};
use crate::clock::Clock;
use crate::config::TokenHash;
use crate::health::Health;
use crate::live::Live;
use crate::problem::Problem;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use std::sync::Arc;
use subtle::ConstantTimeEq;
use vitrine_core::Digest;
use vitrine_store::{Store, StoreError};

/// What the handlers need.
#[derive(Clone)]
pub struct Admin {
    /// Where bundles are stored; it trusts the keys of `public_keys`.
    pub store: Store,
    /// What the token must hash to.
    pub token: TokenHash,
    /// What a token that reads metrics alone must hash to.
    pub metrics_token: Option<TokenHash>,
    /// Where it is written who changed what.
    pub audit: Arc<AuditLog>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// What a change is about, as the audit log has it.
struct Subject {
    action: Action,
    manifest: Option<Digest>,
    file: Option<Digest>,
    reason: Option<String>,
}

/// Counters in the Prometheus text format: for the admin token, and for one that can do nothing else,
/// because a monitoring system should not hold what publishes.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "admin",
    security(("token" = [])),
    responses(
        (status = 200, description = "Counters; no label is per visitor.", content_type = "application/openmetrics-text"),
        (status = 401, description = "Neither the admin token nor the metrics token.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn metrics(
    request: HttpRequest,
    admin: web::Data<Admin>,
    health: web::Data<Health>,
    live: web::Data<Live>,
) -> Result<HttpResponse, Problem> {
    let token = token_of(&request);
    let may_read = admin.metrics_token.is_some_and(|wanted| is(token, wanted));
    if !may_read && !is(token, admin.token) {
        return Err(Problem::unauthorized());
    }
    health.counters(&live).await
}

/// What is answered to another method.
pub async fn put_only(request: HttpRequest) -> Problem {
    Problem::method_not_allowed(request.method(), "PUT")
}

/// What is answered to another method where a manifest can be put and got.
pub async fn put_or_get(request: HttpRequest) -> Problem {
    Problem::method_not_allowed(request.method(), "GET, PUT")
}

impl Admin {
    /// Does `work` between two lines of the audit log. Where the first cannot be written, nothing
    /// is done.
    async fn logged<T: Send + 'static>(
        &self,
        subject: Subject,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
        version: impl FnOnce(&T) -> Option<u64> + Send + 'static,
    ) -> Result<T, Problem> {
        let admin = self.clone();
        let action = subject.action;
        let done = web::block(move || {
            let line = |stage, version| {
                admin.audit.append(Entry {
                    number: 0,
                    at: admin.clock.now(),
                    action: subject.action,
                    stage,
                    manifest: subject.manifest,
                    file: subject.file,
                    version,
                    reason: subject.reason.clone(),
                    token: admin.token.0.to_string().chars().take(8).collect(),
                    previous: Digest::of(b""),
                })
            };
            line(Stage::Begun, None)?;
            let done = work(&admin.store);
            let (stage, version) = match &done {
                Ok(done) => (Stage::Done, version(done)),
                Err(error) => {
                    tracing::warn!(%error, "refused to publish");
                    (Stage::Failed, None)
                }
            };
            if let Err(error) = line(stage, version) {
                // It is done: the beginning is logged, and the client is told the truth.
                tracing::error!(%error, "the end of a change is not in the audit log");
            }
            done.map_err(Problem::from)
        });
        let done = done
            .await
            .map_err(|_| Problem::unavailable("the server is stopping"))??;
        tracing::info!(?action, "the audit log has it");
        Ok(done)
    }

    fn authorize(&self, request: &HttpRequest) -> Result<(), Problem> {
        match is(token_of(request), self.token) {
            true => Ok(()),
            false => Err(Problem::unauthorized()),
        }
    }
}

/// The bearer token of a request, empty where it has none.
fn token_of(request: &HttpRequest) -> &[u8] {
    request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().split_first_chunk::<7>())
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
        .map_or(b"".as_slice(), |(_, token)| token.trim_ascii())
}

/// Whether a token is the one that is wanted. Hashes are compared, in constant time: neither how much
/// of a guess was right nor its length can be read from the clock.
fn is(token: &[u8], wanted: TokenHash) -> bool {
    let right = Digest::of(token).as_bytes().ct_eq(wanted.0.as_bytes());
    bool::from(right)
}

fn digest_in_address(name: &str) -> Result<Digest, Problem> {
    name.parse()
        .map_err(|error: vitrine_core::digest::NotADigest| {
            Problem::not_found(format!("the address ends in a SHA-256; {error}"))
        })
}

async fn on_disk_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Problem> {
    web::block(work)
        .await
        .map_err(|_| Problem::unavailable("the server is stopping"))?
        .map_err(|error| {
            tracing::warn!(%error, "refused to publish");
            Problem::from(error)
        })
}
