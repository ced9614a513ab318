//! Reports through a relay: a real gateway, a relay of the tests' own, and the client of the
//! `ohttp` library. `web/vitrine/test/oblivious.test.js` has the package's own client.

use crate::house::{Answer, BINARY, House, JSON, Server, holds, read, refused, report_in, view};
use bhttp::{Message, Mode};
use ohttp::{ClientRequest, ClientResponse};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const GATEWAY: &str = "/.well-known/ohttp-gateway";
const REQUEST: &str = "message/ohttp-req";
/// Inner requests are padded to it.
const PADDED: usize = 1024;

/// Runs `oblivious-key new` on the house's file; what it printed.
fn new_key(house: &House) -> String {
    key_command(house, "new")
}

fn key_command(house: &House, part: &str) -> String {
    let output = Command::new(BINARY)
        .args(["oblivious-key", part])
        .arg(house.path("oblivious.keys"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn start(house: &House, arguments: &[&str]) -> Server {
    let keys = house.path("oblivious.keys");
    let keys = ["--oblivious-keys", keys.to_str().unwrap()];
    house.start_with_admin(&[&keys, arguments].concat())
}

/// A house with a key, and the gateway over it.
fn gateway(arguments: &[&str]) -> (House, Server) {
    let house = House::new();
    new_key(&house);
    let server = start(&house, arguments);
    (house, server)
}

/// The newest key configuration that the gateway publishes.
fn configuration(server: &Server) -> Vec<u8> {
    let list = server.get(GATEWAY, &[]).body;
    let length = usize::from(u16::from_be_bytes([list[0], list[1]]));
    list[2..2 + length].to_vec()
}

/// A request in binary HTTP, padded.
fn inner(method: &str, path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let (https, host) = (b"https".to_vec(), b"shop.example".to_vec());
    let mut message = Message::request(method.into(), https, host, path.into());
    message.put_header("content-type", content_type);
    message.write_content(body);
    let mut bytes = Vec::new();
    message.write_bhttp(Mode::KnownLength, &mut bytes).unwrap();
    bytes.resize(bytes.len().next_multiple_of(PADDED), 0);
    bytes
}

fn inner_report(report: &Value) -> Vec<u8> {
    inner("POST", "/v1/feedback", JSON, report.to_string().as_bytes())
}

fn encapsulated(configuration: &[u8], inner: &[u8]) -> (Vec<u8>, ClientResponse) {
    let client = ClientRequest::from_encoded_config(configuration).unwrap();
    client.encapsulate(inner).unwrap()
}

fn post(server: &Server, body: &[u8]) -> Answer {
    server.send("POST", GATEWAY, &[("content-type", REQUEST)], body)
}

/// The answer inside an encapsulated one, and its bytes with the padding.
fn opened(answer: &Answer, response: ClientResponse) -> (Message, Vec<u8>) {
    assert_eq!(
        answer.status,
        200,
        "{:?}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(answer.header("content-type"), "message/ohttp-res");
    assert_eq!(answer.header("cache-control"), "no-store");
    let bytes = response.decapsulate(&answer.body).unwrap();
    let message = Message::read_bhttp(&mut std::io::Cursor::new(&bytes[..])).unwrap();
    (message, bytes)
}

fn status(message: &Message) -> u16 {
    message.control().status().unwrap().code()
}

/// The inner answer to an inner request that goes to the gateway directly.
fn exchange(server: &Server, inner: &[u8]) -> Message {
    let (request, response) = encapsulated(&configuration(server), inner);
    opened(&post(server, &request), response).0
}

fn problem(message: &Message) -> Value {
    assert_eq!(
        message.header().get(b"content-type"),
        Some(&b"application/problem+json"[..])
    );
    let problem: Value = serde_json::from_slice(message.content()).unwrap();
    assert_eq!(problem["status"], status(message));
    problem
}

fn assert_key_problem(answer: &Answer) {
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(
        answer.json()["type"],
        "https://iana.org/assignments/http-problem-types#ohttp-key"
    );
}

/// A relay: passes a body on in a connection of its own, with its type and nothing else, and
/// notes all that it sees.
struct Relay {
    address: String,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Relay {
    fn before(gateway: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (notes, gateway) = (Arc::clone(&seen), gateway.address.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (head, body) = received(&mut stream.as_ref().unwrap());
                notes.lock().unwrap().push([head, body.clone()].concat());
                let mut onward = TcpStream::connect(&gateway).unwrap();
                write!(
                    onward,
                    "POST {GATEWAY} HTTP/1.1\r\nHost: gateway\r\nContent-Type: {REQUEST}\r\n\
                     Content-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                )
                .unwrap();
                onward.write_all(&body).unwrap();
                let mut answer = Vec::new();
                onward.read_to_end(&mut answer).unwrap();
                notes.lock().unwrap().push(answer.clone());
                stream.unwrap().write_all(&answer).unwrap();
            }
        });
        Self { address, seen }
    }
}

/// A request's head and its body.
fn received(stream: &mut &TcpStream) -> (Vec<u8>, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        head.extend(line.as_bytes());
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, body)
}

#[test]
fn a_report_through_a_relay_counts_and_the_relay_learns_nothing_of_it() {
    let (house, server) = gateway(&[]);
    let relay = Relay::before(&server);
    let keys = configuration(&server);
    let url = format!("http://{}/relay", relay.address);
    for (nonce, item, expected) in [
        (1, "canary-mug", 204),
        (2, "canary-a-longer-teapot", 204),
        (3, "", 422),
    ] {
        let (request, response) = encapsulated(&keys, &inner_report(&view(nonce, item)));
        let answer = server
            .request("POST", &url, &[("content-type", REQUEST)], &request)
            .unwrap();
        assert_eq!(status(&opened(&answer, response).0), expected);
    }
    let mut items = house.raw_items();
    items.sort();
    assert_eq!(items, ["canary-a-longer-teapot", "canary-mug"]);
    let seen = relay.seen.lock().unwrap();
    assert_eq!(seen.len(), 6);
    for bytes in seen.iter() {
        for trace in [
            "canary",
            "nonce",
            "feedback",
            "bad-report",
            &format!("{:032x}", 1),
        ] {
            assert!(!holds(bytes, trace.as_bytes()), "{trace}");
        }
    }
    // Neither what is reported nor how it was answered shows in a length.
    for (at, length) in [(0, seen[0].len()), (1, seen[1].len())] {
        assert!(
            seen.iter()
                .skip(at)
                .step_by(2)
                .all(|bytes| bytes.len() == length)
        );
    }
}

#[test]
fn the_gateway_publishes_its_keys_and_the_command_prints_the_newest() {
    let (house, server) = gateway(&[]);
    let answer = server.get(GATEWAY, &[]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/ohttp-keys");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(server.get(GATEWAY, &[("cookie", "a=1")]).body, answer.body);
    let printed = key_command(&house, "show");
    let keys = printed
        .lines()
        .find_map(|line| line.strip_prefix("keys    "));
    use base64::Engine;
    let decoded = base64::engine::general_purpose::STANDARD.decode(keys.unwrap());
    assert_eq!(decoded.unwrap(), answer.body);
    assert!(
        printed.contains(&format!("keys: '{}'", keys.unwrap())),
        "{printed}"
    );
    let other = server.send("PUT", GATEWAY, &[], b"x");
    assert_eq!(
        (other.status, other.header("allow")),
        (405, "GET, HEAD, POST")
    );
}

#[test]
fn without_keys_there_is_no_gateway() {
    let house = House::new();
    let server = house.start(&[]);
    assert_eq!(server.get(GATEWAY, &[]).status, 404);
    assert_eq!(post(&server, b"anything").status, 405);
}

#[test]
fn every_other_request_inside_is_refused_inside() {
    let (house, server) = gateway(&[]);
    let good = view(1, "a").to_string();
    let feedback = |content_type, body: &[u8]| inner("POST", "/v1/feedback", content_type, body);
    let late = report_in(
        0,
        9,
        json!({"table": "item", "item": "a", "action": "view"}),
    );
    let mut late = late;
    late["window"]["number"] = json!(3);
    let mut torn = inner_report(&view(1, "a"));
    torn.truncate(20);
    let mut noisy = inner_report(&view(1, "a"));
    *noisy.last_mut().unwrap() = 1;
    let mut answer = Vec::new();
    let mut response = Message::response(bhttp::StatusCode::OK);
    response.write_content(&good);
    response
        .write_bhttp(Mode::KnownLength, &mut answer)
        .unwrap();
    let mut expecting = Message::request(
        b"POST".to_vec(),
        b"https".to_vec(),
        b"shop".to_vec(),
        b"/v1/feedback".to_vec(),
    );
    expecting.put_header("content-type", JSON);
    expecting.put_header("expect", "100-continue");
    expecting.write_content(&good);
    let mut expects = Vec::new();
    expecting
        .write_bhttp(Mode::KnownLength, &mut expects)
        .unwrap();
    let long = format!("{good}{}", " ".repeat(16 * 1024));
    for (expected, kind, message) in [
        (
            405,
            "method-not-allowed",
            inner("GET", "/v1/feedback", JSON, b""),
        ),
        (404, "not-found", inner("GET", "/manifest.json", JSON, b"")),
        (
            404,
            "not-found",
            inner(
                "POST",
                "https://shop.example/v1/feedback",
                JSON,
                good.as_bytes(),
            ),
        ),
        (
            404,
            "not-found",
            inner("POST", "/v1/feedback?a=b", JSON, good.as_bytes()),
        ),
        (
            404,
            "not-found",
            inner("POST", "/v1/admin/manifest", JSON, good.as_bytes()),
        ),
        (
            404,
            "not-found",
            inner("POST", GATEWAY, REQUEST, good.as_bytes()),
        ),
        (415, "not-json", feedback("text/plain", good.as_bytes())),
        (413, "body-too-long", feedback(JSON, long.as_bytes())),
        (400, "bad-json", feedback(JSON, b"junk")),
        (422, "bad-report", feedback(JSON, b"{}")),
        (410, "window-closed", inner_report(&late)),
        (417, "expectation", expects),
        (400, "bad-message", answer),
        (400, "bad-message", torn),
        (400, "bad-message", noisy),
        (400, "bad-message", b"\x00".to_vec()),
        (
            400,
            "bad-message",
            b"\x00\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        ),
    ] {
        let message = exchange(&server, &message);
        let problem = problem(&message);
        assert_eq!(status(&message), expected, "{kind}: {problem}");
        assert_eq!(problem["type"], format!("urn:vitrine:problem:{kind}"));
    }
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 0);
    let metrics = server.metrics();
    let refused = "vitrine_feedback_rejected_total{reason=\"bad-message\"} 5";
    assert!(metrics.contains(refused), "{metrics}");
    // The longest report that may be sent arrives.
    let longest = format!("{good}{}", " ".repeat(16 * 1024 - good.len()));
    let taken = exchange(&server, &feedback(JSON, longest.as_bytes()));
    assert_eq!(status(&taken), 204);
}

#[test]
fn what_cannot_be_opened_is_refused_in_the_open() {
    let (house, server) = gateway(&["--feedback-body-seconds", "1"]);
    let keys = configuration(&server);
    let (request, _) = encapsulated(&keys, &inner_report(&view(1, "a")));
    for length in [0, 1, 6, 7, 8, 71, 72, 73, 88, request.len() - 1] {
        assert_key_problem(&post(&server, &request[..length]));
    }
    for at in 0..request.len() {
        if at % 37 == 0 || at < 75 {
            let mut altered = request.clone();
            altered[at] ^= 1;
            assert_key_problem(&post(&server, &altered));
        }
    }
    // Another gateway's key with the same identifier.
    let (_other, stranger) = gateway(&[]);
    let (foreign, _) = encapsulated(&configuration(&stranger), &inner_report(&view(1, "a")));
    assert_key_problem(&post(&server, &foreign));

    let answer = server.send("POST", GATEWAY, &[("content-type", JSON)], &request);
    assert_eq!(
        (answer.status, answer.problem()),
        (415, "not-encapsulated".into())
    );
    let head = format!(
        "POST {GATEWAY} HTTP/1.1\r\nHost: a\r\nContent-Type: {REQUEST}\r\nConnection: close\r\n"
    );
    let huge = server.raw(format!("{head}Content-Length: 1000000\r\n\r\n").as_bytes());
    assert!(huge.starts_with("HTTP/1.1 413"), "{huge}");
    // Without an announced length the limit is met while reading.
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096)).repeat(5);
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n");
    let huge = server.raw(chunked.as_bytes());
    assert!(huge.starts_with("HTTP/1.1 413"), "{huge}");
    let slow = server.raw(format!("{head}Content-Length: 1000\r\n\r\nabc").as_bytes());
    assert!(slow.starts_with("HTTP/1.1 408"), "{slow}");
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 0);
    assert_eq!(
        status(&exchange(&server, &inner_report(&view(1, "a")))),
        204
    );
}

#[test]
fn a_replay_counts_once() {
    let (house, server) = gateway(&[]);
    let (request, _) = encapsulated(&configuration(&server), &inner_report(&view(1, "a")));
    for _ in 0..3 {
        assert_eq!(post(&server, &request).status, 200);
    }
    // Nor does the same report in the open count again.
    assert_eq!(server.report(&view(1, "a")).status, 204);
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 1);
    let metrics = server.metrics();
    assert!(
        metrics.contains("vitrine_feedback_duplicate_total 3"),
        "{metrics}"
    );
}

#[test]
fn an_old_key_opens_requests_until_its_line_is_deleted() {
    let (house, server) = gateway(&[]);
    let old = configuration(&server);
    drop(server);
    new_key(&house);
    let server = start(&house, &[]);
    let new = configuration(&server);
    assert_ne!(old, new);
    let (request, response) = encapsulated(&old, &inner_report(&view(1, "a")));
    assert_eq!(status(&opened(&post(&server, &request), response).0), 204);
    assert_eq!(
        status(&exchange(&server, &inner_report(&view(2, "a")))),
        204
    );
    drop(server);

    let file = house.path("oblivious.keys");
    let text = read(&file);
    let newest = text.lines().next().unwrap();
    // Over the file itself, so that it stays its owner's alone.
    fs::write(&file, format!("{newest}\n")).unwrap();
    let server = start(&house, &[]);
    let (request, _) = encapsulated(&old, &inner_report(&view(3, "a")));
    assert_key_problem(&post(&server, &request));
    assert_eq!(
        status(&exchange(&server, &inner_report(&view(4, "a")))),
        204
    );
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 3);
}

#[test]
fn servers_with_the_same_file_open_each_others_requests() {
    let (house, first) = gateway(&[]);
    let other = House::new();
    fs::copy(house.path("oblivious.keys"), other.path("oblivious.keys")).unwrap();
    let second = start(&other, &[]);
    assert_eq!(configuration(&first), configuration(&second));
    let (request, response) = encapsulated(&configuration(&first), &inner_report(&view(1, "a")));
    assert_eq!(status(&opened(&post(&second, &request), response).0), 204);
}

/// Behind a proxy, which names the sender's address, so that the test can have several.
#[test]
fn named_relays_have_a_quota_and_others_the_limit_of_a_network() {
    let (house, server) = gateway(&[
        "--feedback-per-minute",
        "2",
        "--behind-proxy",
        "true",
        "--oblivious-relays",
        "203.0.113.0/28,2001:db8::/64",
        "--oblivious-per-minute",
        "5",
    ]);
    let keys = configuration(&server);
    let send = |nonce, address: &str| {
        let (request, _) = encapsulated(&keys, &inner_report(&view(nonce, "a")));
        let headers = [("content-type", REQUEST), ("x-forwarded-for", address)];
        server.send("POST", GATEWAY, &headers, &request)
    };
    for (nonce, address) in [
        "203.0.113.1",
        "203.0.113.2",
        "2001:db8::7",
        "203.0.113.1",
        "203.0.113.1",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(send(nonce as u128, address).status, 200);
    }
    let answer = send(9, "203.0.113.9");
    assert_eq!((answer.status, answer.problem()), (429, "too-many".into()));
    assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 13);
    // Who is not named has the limit that ordinary reports have, in one count with them.
    assert_eq!(send(10, "198.51.100.1").status, 200);
    let body = view(11, "a").to_string();
    let headers = [("content-type", JSON), ("x-forwarded-for", "198.51.100.2")];
    let ordinary = server.send("POST", "/v1/feedback", &headers, body.as_bytes());
    assert_eq!(ordinary.status, 204);
    assert_eq!(send(12, "198.51.100.3").status, 429);
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 7);
}

/// A relay's clients have no Origin that could be checked; everybody else has.
#[test]
fn the_gateway_leads_nobody_but_a_relay_around_the_listed_origins() {
    let (house, server) = gateway(&[
        "--allowed-origins",
        "https://shop.example",
        "--behind-proxy",
        "true",
        "--oblivious-relays",
        "203.0.113.0/28",
    ]);
    let keys = configuration(&server);
    let send = |nonce, address: &str, origin: &str| {
        let (request, _) = encapsulated(&keys, &inner_report(&view(nonce, "a")));
        let headers = [
            ("content-type", REQUEST),
            ("x-forwarded-for", address),
            ("origin", origin),
        ];
        server.send("POST", GATEWAY, &headers, &request)
    };
    assert_eq!(send(1, "203.0.113.1", "https://evil.example").status, 200);
    assert_eq!(send(2, "198.51.100.1", "https://shop.example").status, 200);
    let answer = send(3, "198.51.100.1", "https://evil.example");
    assert_eq!(answer.status, 403);
    assert_eq!(answer.problem(), "origin-refused");
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 2);
}

#[test]
fn keys_that_cannot_be_used_stop_the_start_by_name() {
    let house = House::new();
    let file = house.path("oblivious.keys");
    let keys = ["--oblivious-keys", file.to_str().unwrap()];
    let said = refused(house.command(&keys));
    assert!(
        said.contains("oblivious_keys") && said.contains("oblivious-key new"),
        "{said}"
    );
    new_key(&house);
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let said = refused(house.command(&keys));
    assert!(said.contains("chmod 600"), "{said}");
    let secret = read(&file);
    let secret = secret.trim().split(' ').next_back().unwrap();
    assert!(!said.contains(secret), "{said}");
}

#[test]
fn a_preflight_is_answered_and_the_log_names_no_sender() {
    let (_house, mut server) = gateway(&["--log", "debug"]);
    let answer = server.send(
        "OPTIONS",
        GATEWAY,
        &[
            ("origin", "https://shop.example"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
        ],
        b"",
    );
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let port = stream.local_addr().unwrap().port();
    let (request, _) = encapsulated(&configuration(&server), &inner_report(&view(1, "canary")));
    write!(
        stream,
        "POST {GATEWAY} HTTP/1.1\r\nHost: a\r\nContent-Type: {REQUEST}\r\nConnection: close\r\n\
         User-Agent: canary\r\nContent-Length: {}\r\n\r\n",
        request.len()
    )
    .unwrap();
    stream.write_all(&request).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let log = server.log();
    // A line with the time of each would date the row that is stored with it.
    assert!(!log.contains(GATEWAY), "{log}");
    for trace in ["canary", &format!(":{port}")] {
        assert!(!log.contains(trace), "{trace} in {log}");
    }
}
