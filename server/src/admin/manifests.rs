//! Manifests: which one is current, which one waits to be, and what was published before.

use super::body::body_of;
use super::{Admin, Subject, digest_in_address, on_disk_thread};
use crate::audit::Action;
use crate::problem::Problem;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use vitrine_core::Digest;
use vitrine_core::manifest::{MAX_MANIFEST_BYTES, Manifest};
use vitrine_store::{Current, Outcome, Published, Store, StoreError};

/// The longest reason for promoting past the gate, in bytes.
const MAX_REASON_BYTES: usize = 1024;

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

/// Makes a manifest the current one.
#[utoipa::path(
    put,
    path = "/v1/admin/manifest",
    tag = "admin",
    request_body(content = String, content_type = "application/json"),
    responses(
        (status = 200, description = "The manifest is the current one.", body = PublishedManifest),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Files are missing (`missing` names them), or the version is not above the current one, or too far above it.", body = Problem, content_type = "application/problem+json"),
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
    let work = move |store: &Store| store.put_manifest(&body);
    change(&admin, action, digest, None, work).await
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
        (status = 409, description = "Files are missing (`missing` names them), or the version is not above the current one, or too far above it.", body = Problem, content_type = "application/problem+json"),
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
    let work = move |store: &Store| store.put_candidate(&body);
    change(&admin, Action::Propose, digest, None, work).await
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
    let force = reason.clone();
    let work = move |store: &Store| store.promote(candidate, force.as_deref());
    change(&admin, Action::Promote, candidate, reason, work).await
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

fn manifest_answer(found: Option<Current>, missing: &str) -> Result<HttpResponse, Problem> {
    let found = found.ok_or_else(|| Problem::not_found(missing))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(found.bytes))
}

/// Changes which manifest is current or the candidate, between two lines of the audit log.
async fn change(
    admin: &Admin,
    action: Action,
    manifest: Digest,
    reason: Option<String>,
    work: impl FnOnce(&Store) -> Result<Published, StoreError> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let subject = Subject {
        action,
        manifest: Some(manifest),
        file: None,
        reason,
    };
    let published = admin
        .logged(subject, work, |done| Some(done.version))
        .await?;
    Ok(HttpResponse::Ok().json(PublishedManifest {
        version: published.version,
        sha256: published.digest,
        switched: published.outcome == Outcome::Switched,
    }))
}
