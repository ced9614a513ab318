//! The files of a bundle and the signatures of a manifest: what goes up before the switch, and the
//! files again for who makes the next version's deltas.

use super::body::{body_of, chunk, deadline, refuse_above};
use super::{Admin, Subject, digest_in_address, on_disk_thread};
use crate::audit::Action;
use crate::problem::Problem;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use vitrine_core::Digest;
use vitrine_core::manifest::MAX_FILE_BYTES;
use vitrine_core::signature::MAX_SIGNATURE_BYTES;
use vitrine_store::{Incoming, Store, StoreError};

/// Bytes gathered before they are handed to the disk's thread.
const PIECE: usize = 1024 * 1024;
/// Asks for a file to be stored as it is.
const UNCOMPRESSED: &str = "compress=false";

/// A file that was stored.
#[derive(Serialize, utoipa::ToSchema)]
pub struct StoredFile {
    /// Its SHA-256.
    #[schema(value_type = String)]
    sha256: Digest,
    /// Its length.
    bytes: u64,
}

/// Stores one file of a bundle under its hash, compressed too unless it is asked not to: what
/// nobody fetches whole is only read in ranges of the file as it is.
#[utoipa::path(
    put,
    path = "/v1/admin/files/{sha256}",
    tag = "admin",
    params(
        ("sha256" = String, Path, description = "SHA-256 of the body, 64 lower-case hexadecimal digits."),
        ("compress" = Option<bool>, Query, description = "false: the file is stored as it is, because nobody fetches it whole."),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "The file is stored; sending it again is harmless.", body = StoredFile),
        (status = 400, description = "The query is not understood.", body = Problem, content_type = "application/problem+json"),
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
    let compress = match request.query_string() {
        "" => true,
        UNCOMPRESSED => false,
        _ => return Err(Problem::query(UNCOMPRESSED)),
    };
    let store = admin.store.clone();
    let mut incoming = on_disk_thread(move || store.receive(digest)).await?;
    if !compress {
        incoming = incoming.uncompressed();
    }
    let incoming = receive(incoming, payload).await?;
    let subject = Subject {
        action: Action::Upload,
        manifest: None,
        file: Some(digest),
        reason: None,
    };
    let bytes = admin
        .logged(subject, move |_| incoming.finish(), |_| None)
        .await?;
    tracing::info!(sha256 = %digest, bytes, "stored a file");
    Ok(HttpResponse::Ok().json(StoredFile {
        sha256: digest,
        bytes,
    }))
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

/// Stores the signatures of a manifest, before it is published or after.
#[utoipa::path(
    put,
    path = "/v1/admin/signatures/{sha256}",
    tag = "admin",
    params(("sha256" = String, Path, description = "SHA-256 of the signed manifest, 64 lower-case hexadecimal digits.")),
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 204, description = "The signatures are stored; those of a manifest that is not there yet wait for it."),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is longer than eight signatures.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body is not a signature file; or the manifest is there, keys are pinned, and a signature does not verify.", body = Problem, content_type = "application/problem+json"),
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
    let subject = Subject {
        action: Action::Sign,
        manifest: Some(manifest),
        file: Some(Digest::of(&body)),
        reason: None,
    };
    let work = move |store: &Store| store.put_signature(manifest, &body);
    admin.logged(subject, work, |()| None).await?;
    tracing::info!(sha256 = %manifest, "stored a signature");
    Ok(HttpResponse::NoContent().finish())
}

/// Writes a body into the store as it arrives.
async fn receive(mut incoming: Incoming, mut payload: web::Payload) -> Result<Incoming, Problem> {
    let mut piece = Vec::with_capacity(PIECE);
    let mut length = 0;
    let mut due = deadline();
    loop {
        let arrived = chunk(&mut payload, due).await?;
        if let Some(arrived) = &arrived {
            length += arrived.len() as u64;
            if length > MAX_FILE_BYTES {
                return Err(Problem::body_too_long(MAX_FILE_BYTES));
            }
            piece.extend_from_slice(arrived);
        }
        if piece.len() >= PIECE || arrived.is_none() {
            let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE));
            incoming = on_disk_thread(move || {
                incoming.write(&full)?;
                Ok(incoming)
            })
            .await?;
            due = deadline();
        }
        if arrived.is_none() {
            return Ok(incoming);
        }
    }
}
