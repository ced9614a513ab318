//! An optional static site at `/`, such as the demo's storefront.
//!
//! `actix-files` finds the file, its type and its tag, and refuses hidden files and paths that
//! leave the folder. The policy below lets a page compile WebAssembly and nothing else that is
//! dynamic: no inline script, no script from elsewhere.

use crate::problem::{get_only, nothing_here};
use actix_files::Files;
use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, guard, web};
use std::path::Path;

/// What pages of the site may do.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; \
     script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:; \
     style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; \
     frame-ancestors 'none'";

/// The site's files.
pub fn site(folder: &Path) -> impl HttpServiceFactory + use<> {
    let files = Files::new("/", folder)
        .index_file("index.html")
        .default_handler(web::to(nothing_here));
    web::scope("")
        .wrap(from_fn(protect))
        .guard(guard::Any(guard::Method(Method::GET)).or(guard::Method(Method::HEAD)))
        .service(files)
}

/// What is answered where the site does not take the method, or where there is no site.
pub fn fallback() -> actix_web::Route {
    web::to(|request: actix_web::HttpRequest| async move {
        if [Method::GET, Method::HEAD].contains(request.method()) {
            nothing_here(request).await
        } else {
            get_only(request).await
        }
    })
}

async fn protect(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(CONTENT_SECURITY_POLICY),
    );
    // Files keep their names when they change, so a copy is always asked about.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}
