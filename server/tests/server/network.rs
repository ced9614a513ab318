//! What a report tells by the way it comes, and who may send one.

use crate::house::{Answer, House, JSON, Server, view};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A POST as a client that would keep its connection writes it.
fn posting(nonce: u128, headers: &str) -> String {
    let body = view(nonce, "a").to_string();
    format!(
        "POST /v1/feedback HTTP/1.1\r\nHost: shop\r\nContent-Type: {JSON}\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn report_with(server: &Server, nonce: u128, headers: &[(&str, &str)]) -> Answer {
    let body = view(nonce, "a").to_string();
    let headers = [&[("content-type", JSON)], headers].concat();
    server.send("POST", "/v1/feedback", &headers, body.as_bytes())
}

/// Reports on one connection are one visitor's.
#[test]
fn reports_share_no_connection() {
    let house = House::new();
    let server = house.start(&[]);
    let get = "GET /manifest.json HTTP/1.1\r\nHost: shop\r\n\r\n";
    let preflight = "OPTIONS /v1/feedback HTTP/1.1\r\nHost: shop\r\n\
                     Access-Control-Request-Method: POST\r\n\r\n";
    let refused = "POST /v1/feedback HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\r\n";
    for (request, status) in [
        (posting(1, "Connection: keep-alive\r\n"), "204"),
        (preflight.to_owned(), "204"),
        (refused.to_owned(), "415"),
        (get.replace("/manifest.json", "/v1/feedback"), "405"),
    ] {
        // A connection that fetched a bundle before is ended all the same.
        for before in ["", get] {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(4)))
                .unwrap();
            stream
                .write_all(format!("{before}{request}").as_bytes())
                .unwrap();
            let mut answers = Vec::new();
            // A connection that is kept is given up after five seconds.
            let ended = stream.read_to_end(&mut answers);
            let answers = String::from_utf8_lossy(&answers).to_lowercase();
            assert!(ended.is_ok(), "{request}\n{answers}");
            let expected = 1 + usize::from(!before.is_empty());
            assert_eq!(answers.matches("http/1.1 ").count(), expected, "{answers}");
            let (_, last) = answers.rsplit_once("http/1.1 ").unwrap();
            assert!(last.starts_with(status), "{answers}");
            assert!(last.contains("connection: close"), "{answers}");
        }
    }
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 1);
}

/// A line with its time would date the row that is stored with it.
#[test]
fn no_line_tells_of_a_report_at_any_status() {
    let house = House::new();
    let mut server = house.start(&["--log", "trace", "--feedback-per-minute", "3"]);
    assert_eq!(server.get("/manifest.json", &[]).status, 200);
    assert_eq!(server.get("/nowhere", &[]).status, 404);
    assert_eq!(server.report(&view(1, "a")).status, 204);
    assert_eq!(server.report(&view(1, "b")).status, 409);
    assert_eq!(server.report(&serde_json::json!({"nonce": 1})).status, 422);
    assert_eq!(server.get("/v1/feedback", &[]).status, 405);
    assert_eq!(server.get("/v1/%66eedback", &[]).status, 405);
    assert!(server.raw(b"OPTIONS /v1/feedback HTTP/1.1\r\nHost: shop\r\nAccess-Control-Request-Method: POST\r\n\r\n").starts_with("HTTP/1.1 204"));
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let start = Instant::now();
    while !server.log().contains("stopped") {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    let log = server.log();
    let told: Vec<_> = log
        .lines()
        .skip_while(|line| !line.contains("/nowhere"))
        .skip(1)
        .filter(|line| !line.contains("actix_server") && !line.contains("stop"))
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// HAProxy adds a line where nginx appends to the sender's.
#[test]
fn the_last_address_of_the_last_line_counts() {
    let house = House::new();
    let server = house.start(&["--feedback-per-minute", "2", "--behind-proxy", "true"]);
    let mut statuses = Vec::new();
    for nonce in 0..4_u128 {
        let forged =
            format!("X-Forwarded-For: 203.0.{nonce}.1\r\nX-Forwarded-For: 198.51.100.7\r\n");
        let answer = server.raw(posting(nonce, &forged).as_bytes());
        statuses.push(answer[9..12].to_owned());
    }
    assert_eq!(statuses, ["204", "204", "429", "429"]);
}

#[test]
fn a_forwarded_address_that_is_not_believed_is_warned_of_once() {
    let house = House::new();
    let server = house.start(&[]);
    for nonce in 0..3 {
        let forwarded = [("x-forwarded-for", "203.0.113.7")];
        assert_eq!(report_with(&server, nonce, &forwarded).status, 204);
    }
    let log = server.log();
    assert_eq!(log.matches("behind_proxy = true").count(), 1, "{log}");
    assert!(!log.contains("203.0.113"), "{log}");
}

#[test]
fn the_machine_itself_is_limited_unless_told_otherwise() {
    let house = House::new();
    for (limited, statuses) in [("true", [204, 204, 429]), ("false", [204, 204, 204])] {
        let server = house.start(&["--limit-loopback", limited, "--feedback-per-minute", "2"]);
        let sent = [1, 2, 3].map(|nonce| report_with(&server, nonce, &[]).status);
        assert_eq!(sent, statuses, "{limited}");
    }
}

#[test]
fn a_network_sends_so_many_reports_a_day_however_slowly() {
    let house = House::new();
    let server = house.start(&[
        "--feedback-per-minute",
        "0",
        "--feedback-per-day",
        "3",
        "--behind-proxy",
        "true",
    ]);
    let from = |nonce, address| report_with(&server, nonce, &[("x-forwarded-for", address)]);
    for nonce in 0..3 {
        assert_eq!(from(nonce, "203.0.113.7").status, 204);
    }
    let answer = from(3, "203.0.113.8");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (429, "too-many")
    );
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=24 * 3600).contains(&seconds), "{seconds}");
    assert_eq!(from(3, "203.0.114.8").status, 204);
}

/// Any page can send reports through its visitors' browsers, unless the operator says which may.
#[test]
fn where_origins_are_listed_no_other_page_may_report() {
    let house = House::new();
    let server = house.start(&[
        "--allowed-origins",
        "https://shop.example,https://www.shop.example:8443",
    ]);
    let asks = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    for origin in ["https://shop.example", "https://www.shop.example:8443"] {
        let headers = [&[("origin", origin)], &asks[..]].concat();
        let preflight = server.send("OPTIONS", "/v1/feedback", &headers, b"");
        assert_eq!(preflight.status, 204);
        assert_eq!(preflight.header("access-control-allow-origin"), origin);
        assert_eq!(preflight.header("vary"), "origin");
        let answer = report_with(&server, 1, &[("origin", origin)]);
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("vary"), "origin");
    }
    for origin in [
        "https://evil.example",
        "https://shop.example.evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://Shop.example",
        "null",
        "",
    ] {
        let headers = [&[("origin", origin)], &asks[..]].concat();
        let preflight = server.send("OPTIONS", "/v1/feedback", &headers, b"");
        assert_eq!(preflight.status, 403, "{origin}");
        assert_eq!(preflight.header("access-control-allow-origin"), "");
        // No longer path than the plain one leads around it.
        for path in ["/v1/feedback", "/v1/%66eedback"] {
            let body = view(2, "a").to_string();
            let headers = [("content-type", JSON), ("origin", origin)];
            let answer = server.send("POST", path, &headers, body.as_bytes());
            assert_eq!(answer.status, 403, "{origin}");
            assert_eq!(answer.problem(), "origin-refused");
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
    }
    assert_eq!(report_with(&server, 2, &[]).status, 403);
    // The body is not waited for.
    let head = "POST /v1/feedback HTTP/1.1\r\nHost: shop\r\nOrigin: https://evil.example\r\n\
                Content-Type: application/json\r\nContent-Length: 200\r\n\r\n";
    let answer = server.raw(head.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(!server.log().contains("example"), "{}", server.log());
    // Bundles are for any page still.
    let manifest = server.get("/manifest.json", &[("origin", "https://evil.example")]);
    assert_eq!(manifest.header("access-control-allow-origin"), "*");
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 1);
}

/// The write-ahead log holds reports in the order in which they came, also after it was written back.
#[test]
fn sqlites_log_is_cut_in_a_pause() {
    let house = House::new();
    let server = house.start(&[]);
    for nonce in 0..10 {
        assert_eq!(server.report(&view(nonce, "a")).status, 204);
    }
    let log = house.path("vitrine.db-wal");
    let start = Instant::now();
    while std::fs::metadata(&log).unwrap().len() > 0 {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 10);
}
