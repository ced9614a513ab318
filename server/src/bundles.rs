//! What browsers fetch: the manifest, its signature, and files by content hash.
//!
//! A file never changes under its hash, so it may be kept for ever; the manifest is asked for
//! again each time, and its tag is its hash. Every visitor gets the same bytes and the same
//! tags for the same request headers: a tag that differed by visitor would be a cookie.

use crate::live::Live;
use crate::negotiate::{Bytes as ByteRange, byte_range, encoding_weight, matches_tag};
use crate::problem::Problem;
use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures::stream;
use std::io::SeekFrom;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use vitrine_core::Digest;
use vitrine_store::Coding;

/// Files are read in pieces of this many bytes: few trips to the disk's threads, and a slow
/// client holds no more than one piece.
const PIECE: usize = 256 * 1024;
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The current manifest.
#[utoipa::path(
    get,
    path = "/manifest.json",
    tag = "bundles",
    responses(
        (status = 200, description = "The current manifest, the same for every visitor; its ETag is its SHA-256.", content_type = "application/json"),
        (status = 304, description = "The copy that If-None-Match names is current."),
        (status = 404, description = "Nothing is published yet.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn manifest(
    request: HttpRequest,
    live: web::Data<Live>,
) -> Result<HttpResponse, Problem> {
    let current = live.current().ok_or_else(Problem::nothing_published)?;
    let tag = format!("\"{}\"", current.digest);
    Ok(small(&request, &tag, "application/json", &current.bytes))
}

/// The signatures over the current manifest's bytes.
#[utoipa::path(
    get,
    path = "/manifest.sig",
    tag = "bundles",
    responses(
        (status = 200, description = "The signatures of the manifest that is current now. Another request may have got another manifest: /manifests/{sha256}.sig has those of a certain one.", content_type = "application/octet-stream"),
        (status = 304, description = "The copy that If-None-Match names is current."),
        (status = 404, description = "The current manifest was published without one.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn signature(
    request: HttpRequest,
    live: web::Data<Live>,
) -> Result<HttpResponse, Problem> {
    let current = live.current().ok_or_else(Problem::nothing_published)?;
    signatures(&request, &live, current.digest)
}

/// The signatures over a certain manifest's bytes.
#[utoipa::path(
    get,
    path = "/manifests/{sha256}.sig",
    tag = "bundles",
    params(("sha256" = String, Path, description = "SHA-256 of the manifest, 64 lower-case hexadecimal digits.")),
    responses(
        (status = 200, description = "The signatures of this very manifest, whichever is current by now.", content_type = "application/octet-stream"),
        (status = 304, description = "The copy that If-None-Match names is current."),
        (status = 404, description = "No such manifest was published, or it is unsigned.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn signature_of(
    request: HttpRequest,
    name: web::Path<String>,
    live: web::Data<Live>,
) -> Result<HttpResponse, Problem> {
    let digest = name.parse();
    let digest = digest.map_err(|_| Problem::not_found("no manifest has this SHA-256"))?;
    signatures(&request, &live, digest)
}

fn signatures(
    request: &HttpRequest,
    live: &Live,
    manifest: Digest,
) -> Result<HttpResponse, Problem> {
    let signature = live.store().signature(manifest).map_err(unreadable)?;
    let signature =
        signature.ok_or_else(|| Problem::not_found("no signature of this manifest is stored"))?;
    let tag = format!("\"{}\"", Digest::of(&signature));
    let media_type = "application/octet-stream";
    Ok(small(request, &tag, media_type, &signature))
}

/// A file of a bundle.
#[utoipa::path(
    get,
    path = "/bundles/{sha256}",
    tag = "bundles",
    params(("sha256" = String, Path, description = "SHA-256 of the file, 64 lower-case hexadecimal digits, as the manifest names it.")),
    responses(
        (status = 200, description = "The file, as brotli or gzip where Accept-Encoding allows; may be kept for ever.", content_type = "application/octet-stream"),
        (status = 206, description = "The bytes that Range asked for, of the file as it is.", content_type = "application/octet-stream"),
        (status = 304, description = "The copy that If-None-Match names is current."),
        (status = 404, description = "No such file.", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "The range lies outside the file.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn file(
    request: HttpRequest,
    name: web::Path<String>,
    live: web::Data<Live>,
) -> Result<HttpResponse, Problem> {
    let unknown = || Problem::not_found("no file of a bundle has this SHA-256");
    let digest: Digest = name.parse().map_err(|_| unknown())?;
    let range = text_of(&request, header::RANGE).filter(|_| {
        // A range of another copy than the client has would be spliced into it.
        text_of(&request, header::IF_RANGE)
            .is_none_or(|tag| tag == entity_tag(digest, Coding::Identity))
    });
    let codings: &[Coding] = match range {
        Some(_) => &[Coding::Identity],
        None => &preferred(text_of(&request, header::ACCEPT_ENCODING).unwrap_or("")),
    };
    let (mut file, length, coding) = open(&live, digest, codings).await?.ok_or_else(unknown)?;

    let tag = entity_tag(digest, coding);
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::ETAG, tag.clone()))
        .insert_header((header::CACHE_CONTROL, FOR_EVER))
        .insert_header((header::VARY, "Accept-Encoding"));
    if text_of(&request, header::IF_NONE_MATCH).is_some_and(|tags| matches_tag(tags, &tag)) {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    response
        .content_type("application/octet-stream")
        .insert_header((header::ACCEPT_RANGES, "bytes"));
    match coding {
        Coding::Identity => {}
        Coding::Brotli => drop(response.insert_header((header::CONTENT_ENCODING, "br"))),
        Coding::Gzip => drop(response.insert_header((header::CONTENT_ENCODING, "gzip"))),
    }
    let mut wanted = 0..length;
    match range.map_or(ByteRange::All, |range| byte_range(range, length)) {
        ByteRange::All => {}
        ByteRange::Unsatisfiable => return Err(Problem::range(length)),
        ByteRange::Some(part) => {
            file.seek(SeekFrom::Start(part.start))
                .await
                .map_err(unreadable)?;
            response.status(StatusCode::PARTIAL_CONTENT).insert_header((
                header::CONTENT_RANGE,
                format!("bytes {}-{}/{length}", part.start, part.end - 1),
            ));
            wanted = part;
        }
    }
    let length = wanted.end - wanted.start;
    if request.method() == Method::HEAD {
        let nothing = stream::empty::<Result<Bytes, std::io::Error>>();
        return Ok(response.body(SizedStream::new(length, nothing)));
    }
    Ok(response.body(SizedStream::new(length, pieces(file, length))))
}

fn entity_tag(digest: Digest, coding: Coding) -> String {
    match coding {
        Coding::Identity => format!("\"{digest}\""),
        Coding::Brotli => format!("\"{digest}-br\""),
        Coding::Gzip => format!("\"{digest}-gzip\""),
    }
}

/// The codings that a client takes, the best first. At equal weights the shorter one; the file
/// as it is comes last and is never refused.
fn preferred(accept: &str) -> Vec<Coding> {
    let mut weighted: Vec<_> = [
        (Coding::Brotli, encoding_weight(accept, "br")),
        (Coding::Gzip, encoding_weight(accept, "gzip")),
    ]
    .into_iter()
    .filter(|(_, weight)| *weight > 0)
    .collect();
    weighted.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    weighted
        .into_iter()
        .map(|(coding, _)| coding)
        .chain([Coding::Identity])
        .collect()
}

/// Opens the file in the first coding that is stored.
async fn open(
    live: &Live,
    digest: Digest,
    codings: &[Coding],
) -> Result<Option<(File, u64, Coding)>, Problem> {
    for coding in codings {
        match File::open(live.store().file_path(digest, *coding)).await {
            Ok(file) => {
                let length = file.metadata().await.map_err(unreadable)?.len();
                return Ok(Some((file, length, *coding)));
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(unreadable(e)),
        }
    }
    Ok(None)
}

/// The next `length` bytes of a file, piece by piece.
fn pieces(file: File, length: u64) -> impl stream::Stream<Item = Result<Bytes, std::io::Error>> {
    stream::try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let size = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; size];
        file.read_exact(&mut piece).await?;
        Ok(Some((Bytes::from(piece), (file, left - size as u64))))
    })
}

/// A short document that is asked for again each time.
fn small(request: &HttpRequest, tag: &str, media_type: &str, bytes: &[u8]) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    if text_of(request, header::IF_NONE_MATCH).is_some_and(|tags| matches_tag(tags, tag)) {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    response.content_type(media_type).body(bytes.to_vec())
}

fn text_of(request: &HttpRequest, name: HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

/// The log has the path; the client does not need it.
fn unreadable(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "the store cannot be read");
    Problem::unavailable("the store cannot be read")
}
