//! The gateway of Oblivious HTTP (RFC 9458): reports that come through a relay.
//!
//! A page encrypts a report to this server's key and gives it to a relay of somebody else, which
//! passes it on from its own address. The relay sees who sends and not what; this server sees what
//! and not who, neither by address nor by what a connection, HTTP/2 or a resumed TLS session would
//! tell. Inside is an ordinary `POST /v1/feedback` in binary HTTP (RFC 9292), which is decoded and
//! recorded by the code of an ordinary report ([`crate::feedback`]). A replay is a report with a
//! nonce that was used, and counts once like any other.
//!
//! The gateway is at the well-known address of RFC 9540 and exists only where keys are set.
//! Everything that goes wrong before a request is opened is answered in the open, everything after
//! it encapsulated and padded.

pub mod envelope;
pub mod keys;
pub mod relays;

use crate::feedback::Feedback;
use crate::network::Network;
use crate::problem::{MEDIA_TYPE, Problem};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use keys::{KeyError, Keys};
use relays::Relays;

/// Where the gateway is.
pub const PATH: &str = "/.well-known/ohttp-gateway";
const REQUEST_TYPE: &str = "message/ohttp-req";
const RESPONSE_TYPE: &str = "message/ohttp-res";
const KEYS_TYPE: &str = "application/ohttp-keys";

/// What the handlers need.
pub struct Gateway {
    keys: Keys,
    configurations: web::Bytes,
    relays: Relays,
}

impl Gateway {
    /// A gateway with these keys, for these relays.
    ///
    /// # Errors
    /// When the keys' public halves cannot be written.
    pub fn new(keys: Keys, relays: Relays) -> Result<Self, KeyError> {
        let configurations = keys.configurations()?.into();
        Ok(Self {
            keys,
            configurations,
            relays,
        })
    }

    /// The body of an encapsulated request, and the network that it comes from where that is no
    /// relay. A relay's clients cannot be told apart, by network or by the origin of their page.
    async fn receive(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        feedback: &Feedback,
    ) -> Result<(Vec<u8>, Option<Network>), Problem> {
        let address = feedback.senders.address(request);
        let sender = if address.is_some_and(|address| self.relays.are_at(address)) {
            self.relays.check().map_err(Problem::too_many)?;
            None
        } else {
            feedback.origins.check(request.headers())?;
            let sender = feedback.senders.limited(address);
            feedback.check(sender)?;
            sender
        };
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.map_or(&b""[..], |value| value.as_bytes());
        if !envelope::is_type(content_type, REQUEST_TYPE.as_bytes()) {
            return Err(Problem::not_encapsulated(REQUEST_TYPE));
        }
        let body = feedback.body(request, payload, envelope::MAX_BYTES).await?;
        Ok((body, sender))
    }
}

/// The gateway's keys, for whoever sets up a page and for whoever checks that everybody gets the
/// same ones.
#[utoipa::path(
    get,
    path = "/.well-known/ohttp-gateway",
    tag = "feedback",
    responses(
        (status = 200, description = "The key configurations of RFC 9458, the newest first.", content_type = "application/ohttp-keys"),
        (status = 404, description = "Reports are not taken through relays: `oblivious_keys` is not set.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn configurations(gateway: web::Data<Gateway>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(KEYS_TYPE)
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(gateway.configurations.clone())
}

/// Takes one report that a relay passes on.
#[utoipa::path(
    post,
    path = "/.well-known/ohttp-gateway",
    tag = "feedback",
    request_body(content = Vec<u8>, content_type = "message/ohttp-req", description = "`POST /v1/feedback` in binary HTTP (RFC 9292), encapsulated (RFC 9458)."),
    responses(
        (status = 200, description = "The encapsulated answer of `POST /v1/feedback`, or an encapsulated 4xx where another request was inside.", content_type = "message/ohttp-res"),
        (status = 403, description = "The operator lists the origins that may send reports; this one comes from no relay, and its Origin is none of them.", body = Problem, content_type = "application/problem+json"),
        (status = 400, description = "It cannot be opened: another key (`https://iana.org/assignments/http-problem-types#ohttp-key`), or the body broke off.", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive in time.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is above 18 kB.", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The Content-Type is not message/ohttp-req.", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "The relays together, or a sender that is no named relay, sent too many.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn post(
    request: HttpRequest,
    payload: web::Payload,
    gateway: web::Data<Gateway>,
    feedback: web::Data<Feedback>,
) -> Result<HttpResponse, Problem> {
    let refused = |problem| feedback.rejected(problem);
    let received = gateway.receive(&request, payload, &feedback).await;
    let (body, sender) = received.map_err(refused)?;
    let (message, response) = envelope::open(|id| gateway.keys.by_id(id), &body)
        .map_err(|error| refused(error.into()))?;
    let report = envelope::report(&message).map_err(Problem::from);
    let received = report.map(|report| (report, sender));
    let sealed = match feedback.answer(received).await {
        Ok(()) => envelope::seal(response, 204, &[], b""),
        Err(problem) => {
            let mut headers = vec![("content-type", MEDIA_TYPE.as_bytes())];
            let more = problem.headers().iter();
            headers.extend(more.map(|(name, value)| (name.as_str(), value.as_bytes())));
            let status = problem.status().as_u16();
            envelope::seal(response, status, &headers, &problem.to_bytes())
        }
    };
    let sealed = sealed.map_err(|error| Problem::unavailable(error.to_string()))?;
    Ok(HttpResponse::Ok()
        .content_type(RESPONSE_TYPE)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(sealed))
}

/// Another method's answer.
pub async fn get_or_post(request: HttpRequest) -> Problem {
    Problem::method_not_allowed(request.method(), "GET, HEAD, POST")
}
