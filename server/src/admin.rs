//! Publishing from another machine: files first, then the manifest that names them.
//!
//! It listens on an address of its own, so that a firewall can keep the world away from it, and
//! asks for a bearer token of which the server knows only the hash. A file is written to the
//! store's folder while it arrives and is named when its hash is right; the manifest is the
//! switch (see `vitrine-store`).

use crate::audit::{Action, AuditLog, Entry, Stage};
use crate::clock::Clock;
use crate::config::TokenHash;
use crate::feedback::announced_length;
use crate::problem::Problem;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use futures::StreamExt;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;
use vitrine_core::Digest;
use vitrine_core::manifest::{MAX_FILE_BYTES, MAX_MANIFEST_BYTES, Manifest};
use vitrine_core::signature::{self, MAX_SIGNATURE_BYTES, PublicKey};
use vitrine_store::{Current, Incoming, Outcome, Published, Store, StoreError};

/// How long a publisher may pause between two pieces of a body.
const PAUSE: Duration = Duration::from_secs(30);
/// The longest reason for promoting past the gate, in bytes.
const MAX_REASON_BYTES: usize = 1024;
/// Bytes gathered before they are handed to the disk's thread.
const PIECE: usize = 1024 * 1024;

/// What the handlers need.
#[derive(Clone)]
pub struct Admin {
    /// Where bundles are stored.
    pub store: Store,
    /// What the token must hash to.
    pub token: TokenHash,
    /// Where it is written who changed what.
    pub audit: Arc<AuditLog>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Whose signature a manifest needs; none of them: it needs none.
    pub public_keys: Vec<PublicKey>,
}

/// A file that was stored.
#[derive(Serialize, utoipa::ToSchema)]
pub struct StoredFile {
    /// Its SHA-256.
    #[schema(value_type = String)]
    sha256: Digest,
    /// Its length.
    bytes: u64,
}

/// A manifest that is current now.
#[derive(Serialize, utoipa::ToSchema)]
pub struct PublishedManifest {
    /// Its version.
    version: u64,
    /// SHA-256 of its bytes.
    #[schema(value_type = String)]
    sha256: Digest,
    /// False when it was the current one before.
    switched: bool,
}

/// Stores one file of a bundle under its hash.
#[utoipa::path(
    put,
    path = "/v1/admin/files/{sha256}",
    tag = "admin",
    params(("sha256" = String, Path, description = "SHA-256 of the body, 64 lower-case hexadecimal digits.")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "The file is stored; sending it again is harmless.", body = StoredFile),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The file is above 2 GiB.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body has another hash.", body = Problem, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn put_file(
    request: HttpRequest,
    name: web::Path<String>,
    payload: web::Payload,
    admin: web::Data<Admin>,
) -> Result<HttpResponse, Problem> {
    admin.authorize(&request)?;
    let digest = digest_in_address(&name)?;
    refuse_above(&request, MAX_FILE_BYTES)?;
    let store = admin.store.clone();
    let incoming = on_disk_thread(move || store.receive(digest)).await?;
    let incoming = receive(incoming, payload).await?;
    let bytes = on_disk_thread(move || incoming.finish()).await?;
    tracing::info!(sha256 = %digest, bytes, "stored a file");
    Ok(HttpResponse::Ok().json(StoredFile {
        sha256: digest,
        bytes,
    }))
}

/// Stores the signatures of a manifest, before it is published or after.
#[utoipa::path(
    put,
    path = "/v1/admin/signatures/{sha256}",
    tag = "admin",
    params(("sha256" = String, Path, description = "SHA-256 of the signed manifest, 64 lower-case hexadecimal digits.")),
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 204, description = "The signatures are stored, in place of any before."),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is longer than eight signatures.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body is not a signature file.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn put_signature(
    request: HttpRequest,
    name: web::Path<String>,
    payload: web::Payload,
    admin: web::Data<Admin>,
) -> Result<HttpResponse, Problem> {
    admin.authorize(&request)?;
    let manifest = digest_in_address(&name)?;
    let body = body_of(&request, payload, MAX_SIGNATURE_BYTES).await?;
    admin
        .logged(Action::Sign, manifest, None, move |store, _| {
            store.put_signature(manifest, &body).map(|()| None)
        })
        .await?;
    tracing::info!(sha256 = %manifest, "stored a signature");
    Ok(HttpResponse::NoContent().finish())
}

/// Makes a manifest the current one.
#[utoipa::path(
    put,
    path = "/v1/admin/manifest",
    tag = "admin",
    request_body(content = String, content_type = "application/json"),
    responses(
        (status = 200, description = "The manifest is the current one.", body = PublishedManifest),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Files are missing (`missing` names them), or the version is not above the current one.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The manifest is above 256 KiB.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The manifest is refused; `detail` names the field, or says whose signature is missing.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn put_manifest(
    request: HttpRequest,
    payload: web::Payload,
    admin: web::Data<Admin>,
) -> Result<HttpResponse, Problem> {
    admin.authorize(&request)?;
    let body = body_of(&request, payload, MAX_MANIFEST_BYTES).await?;
    let digest = Digest::of(&body);
    let action = match Manifest::parse(&body) {
        Ok(manifest) if manifest.restores.is_some() => Action::Rollback,
        _ => Action::Publish,
    };
    let work = move |store: &Store, trusted: &[PublicKey]| {
        signed(store, &body, trusted)?;
        store.put_manifest(&body).map(Some)
    };
    let published = admin.logged(action, digest, None, work).await?;
    answer(published)
}

/// Makes a manifest the candidate, which browsers do not see until it is promoted.
#[utoipa::path(
    put,
    path = "/v1/admin/candidate",
    tag = "admin",
    request_body(content = String, content_type = "application/json"),
    responses(
        (status = 200, description = "The manifest is the candidate.", body = PublishedManifest),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Files are missing (`missing` names them), or the version is not above the current one.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The manifest or its signature is refused.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn put_candidate(
    request: HttpRequest,
    payload: web::Payload,
    admin: web::Data<Admin>,
) -> Result<HttpResponse, Problem> {
    admin.authorize(&request)?;
    let body = body_of(&request, payload, MAX_MANIFEST_BYTES).await?;
    let digest = Digest::of(&body);
    let work = move |store: &Store, trusted: &[PublicKey]| {
        signed(store, &body, trusted)?;
        store.put_candidate(&body).map(Some)
    };
    let proposed = admin.logged(Action::Propose, digest, None, work).await?;
    answer(proposed)
}

/// Makes the candidate the current manifest.
#[utoipa::path(
    put,
    path = "/v1/admin/promotions/{sha256}",
    tag = "admin",
    params(("sha256" = String, Path, description = "SHA-256 of the candidate, 64 lower-case hexadecimal digits.")),
    request_body(content = String, content_type = "text/plain", description = "Empty; or why the candidate is promoted although it is too far from what is live, which goes into the audit log."),
    responses(
        (status = 200, description = "The candidate is the current manifest; promoting it again is harmless.", body = PublishedManifest),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Another manifest waits, or none; or it is too far from what is live (`held`): `detail` says what moved.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Its signature is refused.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn promote(
    request: HttpRequest,
    name: web::Path<String>,
    payload: web::Payload,
    admin: web::Data<Admin>,
) -> Result<HttpResponse, Problem> {
    admin.authorize(&request)?;
    let candidate = digest_in_address(&name)?;
    let body = body_of(&request, payload, MAX_REASON_BYTES).await?;
    let reason = String::from_utf8_lossy(&body).trim().to_owned();
    let reason = (!reason.is_empty()).then_some(reason);
    let forced = reason.is_some();
    let work = move |store: &Store, trusted: &[PublicKey]| {
        // The keys may have changed since it was proposed.
        if let Some(found) = store.candidate()?.filter(|found| found.digest == candidate) {
            signed(store, &found.bytes, trusted)?;
        }
        store.promote(candidate, forced).map(Some)
    };
    let promoted = admin
        .logged(Action::Promote, candidate, reason, work)
        .await?;
    answer(promoted)
}

/// The candidate's bytes.
#[utoipa::path(
    get,
    path = "/v1/admin/candidate",
    tag = "admin",
    responses(
        (status = 200, description = "The manifest that waits to be promoted.", content_type = "application/json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "None waits.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn candidate(
    request: HttpRequest,
    admin: web::Data<Admin>,
) -> Result<HttpResponse, Problem> {
    admin.authorize(&request)?;
    let store = admin.store.clone();
    let found = on_disk_thread(move || store.candidate()).await?;
    manifest_answer(found, "no manifest waits to be promoted")
}

/// A manifest by its version; the current one under 0.
#[utoipa::path(
    get,
    path = "/v1/admin/manifests/{version}",
    tag = "admin",
    params(("version" = u64, Path, description = "A version that was published, or 0 for the current one.")),
    responses(
        (status = 200, description = "The manifest's exact bytes.", content_type = "application/json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such version was published.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn published(
    request: HttpRequest,
    version: web::Path<u64>,
    admin: web::Data<Admin>,
) -> Result<HttpResponse, Problem> {
    admin.authorize(&request)?;
    let store = admin.store.clone();
    let found = on_disk_thread(move || match *version {
        0 => store.current(),
        version => store.published(version),
    })
    .await?;
    manifest_answer(found, "no manifest was published under this version")
}

/// A stored file by its hash: what a publisher makes the next version's deltas from.
#[utoipa::path(
    get,
    path = "/v1/admin/files/{sha256}",
    tag = "admin",
    params(("sha256" = String, Path, description = "SHA-256 of the file, 64 lower-case hexadecimal digits.")),
    responses(
        (status = 200, description = "The file.", content_type = "application/octet-stream"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such file is stored.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn file(
    request: HttpRequest,
    name: web::Path<String>,
    admin: web::Data<Admin>,
) -> Result<HttpResponse, Problem> {
    admin.authorize(&request)?;
    let digest = digest_in_address(&name)?;
    let store = admin.store.clone();
    let found = on_disk_thread(move || match store.read(digest) {
        Err(StoreError::NotFound(_)) => Ok(None),
        other => other.map(Some),
    })
    .await?;
    let bytes = found.ok_or_else(|| Problem::not_found("no file has this SHA-256"))?;
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .body(bytes))
}

fn manifest_answer(found: Option<Current>, missing: &str) -> Result<HttpResponse, Problem> {
    let found = found.ok_or_else(|| Problem::not_found(missing))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(found.bytes))
}

fn answer(published: Option<Published>) -> Result<HttpResponse, Problem> {
    let published = published.ok_or_else(|| Problem::unavailable("nothing was published"))?;
    Ok(HttpResponse::Ok().json(PublishedManifest {
        version: published.version,
        sha256: published.digest,
        switched: published.outcome == Outcome::Switched,
    }))
}

/// Refuses a manifest that no trusted key has signed, where keys are pinned.
fn signed(store: &Store, manifest: &[u8], trusted: &[PublicKey]) -> Result<(), StoreError> {
    if !trusted.is_empty() {
        let file = store.signature(Digest::of(manifest))?.unwrap_or_default();
        signature::verify(manifest, &file, trusted)?;
    }
    Ok(())
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
    async fn logged(
        &self,
        action: Action,
        manifest: Digest,
        reason: Option<String>,
        work: impl FnOnce(&Store, &[PublicKey]) -> Result<Option<Published>, StoreError>
        + Send
        + 'static,
    ) -> Result<Option<Published>, Problem> {
        let admin = self.clone();
        let done = web::block(move || {
            let line = |stage, version| {
                admin.audit.append(Entry {
                    number: 0,
                    at: admin.clock.now(),
                    action,
                    stage,
                    manifest,
                    version,
                    reason: reason.clone(),
                    token: admin.token.0.to_string().chars().take(8).collect(),
                    previous: Digest::of(b""),
                })
            };
            line(Stage::Begun, None)?;
            let done = work(&admin.store, &admin.public_keys);
            let (stage, version) = match &done {
                Ok(published) => (Stage::Done, published.as_ref().map(|p| p.version)),
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
        if let Some(done) = &done {
            tracing::info!(?action, version = done.version, "the audit log has it");
        }
        Ok(done)
    }

    fn authorize(&self, request: &HttpRequest) -> Result<(), Problem> {
        let token = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.as_bytes().split_first_chunk::<7>())
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
            .map_or(b"".as_slice(), |(_, token)| token.trim_ascii());
        // Hashes are compared, in constant time: neither how much of a guess was right nor its
        // length can be read from the clock.
        let right = Digest::of(token).as_bytes().ct_eq(self.token.0.as_bytes());
        if bool::from(right) {
            Ok(())
        } else {
            Err(Problem::unauthorized())
        }
    }
}

/// Writes a body into the store as it arrives.
async fn receive(mut incoming: Incoming, mut payload: web::Payload) -> Result<Incoming, Problem> {
    let mut piece = Vec::with_capacity(PIECE);
    let mut length = 0;
    loop {
        let chunk = next_chunk(&mut payload).await?;
        if let Some(chunk) = &chunk {
            length += chunk.len() as u64;
            if length > MAX_FILE_BYTES {
                return Err(Problem::body_too_long(MAX_FILE_BYTES));
            }
            piece.extend_from_slice(chunk);
        }
        if piece.len() >= PIECE || chunk.is_none() {
            let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE));
            incoming = on_disk_thread(move || {
                incoming.write(&full)?;
                Ok(incoming)
            })
            .await?;
        }
        if chunk.is_none() {
            return Ok(incoming);
        }
    }
}

/// A whole body, at most `limit` bytes.
async fn body_of(
    request: &HttpRequest,
    mut payload: web::Payload,
    limit: usize,
) -> Result<Vec<u8>, Problem> {
    refuse_above(request, limit as u64)?;
    let mut body = Vec::new();
    while let Some(chunk) = next_chunk(&mut payload).await? {
        if body.len() + chunk.len() > limit {
            return Err(Problem::body_too_long(limit as u64));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn digest_in_address(name: &str) -> Result<Digest, Problem> {
    name.parse()
        .map_err(|error: vitrine_core::digest::NotADigest| {
            Problem::not_found(format!("the address ends in a SHA-256; {error}"))
        })
}

async fn next_chunk(payload: &mut web::Payload) -> Result<Option<web::Bytes>, Problem> {
    tokio::time::timeout(PAUSE, payload.next())
        .await
        .map_err(|_| Problem::body_too_slow(PAUSE.as_secs()))?
        .transpose()
        .map_err(|_| Problem::body_broken())
}

fn refuse_above(request: &HttpRequest, limit: u64) -> Result<(), Problem> {
    if announced_length(request).is_some_and(|length| length > limit) {
        return Err(Problem::body_too_long(limit));
    }
    Ok(())
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
