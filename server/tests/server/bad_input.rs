//! Reports that are wrong: each gets its own 4xx, and the next good one is taken.

use crate::house::{House, JSON, Server, view};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

const NONCE: &str = "0123456789abcdef0123456789abcdef";

fn post(server: &Server, content_type: &str, body: &[u8]) -> crate::house::Answer {
    server.send(
        "POST",
        "/v1/feedback",
        &[("content-type", content_type)],
        body,
    )
}

#[test]
fn every_wrong_report_is_refused_by_field_and_the_server_lives_on() {
    let house = House::new();
    let server = house.start(&[]);
    let window = json!({"number": 1, "seconds": 1_000_000});
    for (status, problem, field, body) in [
        (400, "bad-json", None, "junk".to_owned()),
        (400, "bad-json", None, "{\"nonce\":".to_owned()),
        (400, "bad-json", None, "\u{0}\u{0}\u{0}".to_owned()),
        (422, "bad-report", None, "[1, 2]".to_owned()),
        (422, "bad-report", None, "[".repeat(100) + &"]".repeat(100)),
        (
            422,
            "bad-report",
            Some("session"),
            json!({"nonce": NONCE, "window": window, "session": "s", "cell": {"table": "item", "item": "a", "action": "view"}}).to_string(),
        ),
        (
            422,
            "bad-report",
            Some("window"),
            json!({"nonce": NONCE, "cell": {"table": "item", "item": "a", "action": "view"}}).to_string(),
        ),
        (
            422,
            "bad-report",
            Some("window.number"),
            json!({"nonce": NONCE, "window": {"number": "1", "seconds": 1}, "cell": {"table": "item", "item": "a", "action": "view"}}).to_string(),
        ),
        (
            422,
            "bad-report",
            Some("cell.at"),
            json!({"nonce": NONCE, "window": window, "cell": {"table": "item", "item": "a", "action": "view", "at": 1}}).to_string(),
        ),
        (
            422,
            "bad-report",
            Some("cell.action"),
            json!({"nonce": NONCE, "window": window, "cell": {"table": "item", "item": "a", "action": "smell"}}).to_string(),
        ),
        (
            422,
            "bad-report",
            Some("cell.action"),
            json!({"nonce": NONCE, "window": window, "cell": {"table": "transition", "from": "a", "to": "b", "action": "buy"}}).to_string(),
        ),
        (
            422,
            "bad-report",
            Some("cell.item"),
            json!({"nonce": NONCE, "window": window, "cell": {"table": "item", "item": "x".repeat(129), "action": "view"}}).to_string(),
        ),
        (
            422,
            "bad-report",
            Some("nonce"),
            json!({"nonce": "short", "window": window, "cell": {"table": "item", "item": "a", "action": "view"}}).to_string(),
        ),
    ] {
        let answer = post(&server, JSON, body.as_bytes());
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(answer.problem(), problem, "{body}");
        assert_eq!(answer.json()["field"].as_str(), field, "{body}");
    }
    // Brackets beyond the parser's depth, and bytes that are no text at all.
    assert_eq!(
        post(&server, JSON, "[".repeat(10_000).as_bytes()).status,
        400
    );
    assert_eq!(post(&server, JSON, &[0xff, 0xfe, 0x00]).status, 400);

    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 0);
    assert_eq!(server.report(&view(1, "a")).status, 204);
}

#[test]
fn only_json_is_read() {
    let house = House::new();
    let server = house.start(&[]);
    let body = view(1, "a").to_string();
    for other in [
        "text/plain",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "",
    ] {
        let answer = post(&server, other, body.as_bytes());
        assert_eq!(answer.status, 415, "{other}");
        assert_eq!(answer.problem(), "not-json");
    }
    let with_charset = post(&server, "Application/JSON; charset=utf-8", body.as_bytes());
    assert_eq!(with_charset.status, 204);
}

#[test]
fn ten_megabytes_are_not_read_to_their_end() {
    let house = House::new();
    let server = house.start(&[]);
    const LENGTH: usize = 10 * 1024 * 1024;
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let mut sender = stream.try_clone().unwrap();
    let sent = std::thread::spawn(move || {
        let head = format!(
            "POST /v1/feedback HTTP/1.1\r\nHost: shop\r\nContent-Type: {JSON}\r\n\
             Content-Length: {LENGTH}\r\n\r\n"
        );
        sender.write_all(head.as_bytes())?;
        sender.write_all(&vec![b'x'; LENGTH])
    });
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("body-too-long"), "{answer}");
    // Whether all of it could be pushed into the sockets' buffers is not ours to say.
    drop(sent.join().unwrap());

    // Without an announced length the limit is met while reading.
    let mut chunked = format!(
        "POST /v1/feedback HTTP/1.1\r\nHost: shop\r\nContent-Type: {JSON}\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    );
    for _ in 0..5 {
        chunked.push_str(&format!("1000\r\n{}\r\n", "x".repeat(4096)));
    }
    chunked.push_str("0\r\n\r\n");
    let answer = server.raw(chunked.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");

    // One byte below the limit is read, and is no JSON.
    assert_eq!(post(&server, JSON, &vec![b'x'; 16 * 1024]).status, 400);
    assert_eq!(post(&server, JSON, &vec![b'x'; 16 * 1024 + 1]).status, 413);
    assert_eq!(server.report(&view(1, "a")).status, 204);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let house = House::new();
    let server = house.start(&["--feedback-body-seconds", "1"]);
    let answer = server.raw(
        format!(
            "POST /v1/feedback HTTP/1.1\r\nHost: shop\r\nContent-Type: {JSON}\r\n\
             Content-Length: 100\r\n\r\n{{\"nonce\":"
        )
        .as_bytes(),
    );
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("body-too-slow"), "{answer}");
    assert_eq!(server.report(&view(1, "a")).status, 204);
}

#[test]
fn wrong_addresses_and_methods_are_problems_too() {
    let house = House::new();
    let server = house.start(&[]);
    let answer = server.get("/nowhere", &[]);
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (404, "not-found")
    );
    for (method, path, allowed) in [
        ("GET", "/v1/feedback", "POST"),
        ("DELETE", "/v1/feedback", "POST"),
        ("POST", "/manifest.json", "GET, HEAD"),
        ("PUT", "/bundles/abc", "GET, HEAD"),
        ("POST", "/readyz", "GET, HEAD"),
    ] {
        let answer = server.send(method, path, &[], b"");
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.problem(), "method-not-allowed");
        assert_eq!(answer.header("allow"), allowed);
    }
    // The admin interface is not here.
    assert_eq!(
        server.send("PUT", "/v1/admin/manifest", &[], b"{}").status,
        405
    );
    assert!(server.raw(b"GARBAGE\r\n\r\n").starts_with("HTTP/1.1 400"));
    assert_eq!(server.report(&view(1, "a")).status, 204);
}
