//! Reports that are right: stored before they are answered, once, and with nothing else.

use crate::house::{House, JSON, later, report, view};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;

#[test]
fn a_report_is_stored_as_the_privacy_document_says() {
    let house = House::new();
    let server = house.start(&[]);
    for (nonce, cell) in (0..).zip([
        json!({"table": "transition", "from": "a", "to": "b", "action": "view"}),
        json!({"table": "item", "item": "a", "action": "buy"}),
        json!({"table": "impression", "item": "ü", "position": "2-4", "clicked": true}),
        json!({"table": "metric", "arm": "vitrine", "rank": "21+"}),
    ]) {
        let answer = server.report(&report(nonce, cell));
        assert_eq!(answer.status, 204);
        assert!(answer.body.is_empty());
    }
    let mut tables: Vec<_> = house
        .database
        .query(r#"SELECT "table", cell FROM raw_cell ORDER BY "table""#)
        .into_iter()
        .map(|row| row.join(" "))
        .collect();
    tables.sort();
    assert_eq!(
        tables,
        [
            r#"impression {"table":"impression","item":"ü","position":"2-4","clicked":true}"#,
            r#"item {"table":"item","item":"a","action":"buy"}"#,
            r#"metric {"table":"metric","arm":"vitrine","rank":"21+"}"#,
            r#"transition {"table":"transition","from":"a","to":"b","action":"view"}"#,
        ]
    );
    // Six columns, and none that could hold an address, a time of day or an order.
    assert_eq!(
        house.database.columns("raw_cell"),
        ["nonce", "binding", "window", "day", "table", "cell"]
    );
    assert_eq!(
        house.count(r#"SELECT count(DISTINCT "window") FROM raw_cell"#),
        1
    );
}

#[test]
fn nothing_of_the_visitor_is_kept_or_logged() {
    let house = House::new();
    let mut server = house.start_with_admin(&["--log", "debug"]);
    let body = view(1, "a").to_string();
    let request = format!(
        "POST /v1/feedback?canary-query=1 HTTP/1.1\r\nHost: shop\r\nContent-Type: {JSON}\r\n\
         User-Agent: canary-agent\r\nCookie: canary-cookie=1\r\nOrigin: https://canary-origin\r\n\
         Referer: https://canary-referer/\r\nX-Forwarded-For: 203.0.113.77\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let port = stream.local_addr().unwrap().port();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(!answer.to_lowercase().contains("set-cookie"), "{answer}");

    let metrics = server.metrics();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let log = server.log();
    assert!(!log.contains("/v1/feedback"), "{log}");
    for trace in ["canary", "203.0.113.77", &format!(":{port}")] {
        assert!(!log.contains(trace), "{trace} in {log}");
        assert!(!metrics.contains(trace), "{trace} in {metrics}");
        assert!(!house.database.holds(trace), "{trace}");
    }
    assert!(!house.database.holds("127.0.0.1"));
    // Not even the nonce itself.
    assert!(!house.database.holds(&format!("{:032x}", 1)));
}

#[test]
fn a_retry_counts_once_and_a_nonce_serves_one_cell() {
    let house = House::new();
    let server = house.start_with_admin(&[]);
    for _ in 0..3 {
        assert_eq!(server.report(&view(1, "a")).status, 204);
    }
    let answer = server.report(&view(1, "b"));
    assert_eq!(answer.status, 409);
    assert_eq!(answer.problem(), "nonce-reused");
    assert_eq!(answer.json()["field"], "nonce");
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 1);
    let metrics = server.metrics();
    for line in [
        "vitrine_feedback_accepted_total 1",
        "vitrine_feedback_duplicate_total 2",
        "vitrine_feedback_rejected_total{reason=\"nonce-reused\"} 1",
        "vitrine_manifest_version 1",
        "vitrine_windows_awaiting_release 0",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[test]
fn the_same_nonce_from_many_connections_at_once_counts_once() {
    let house = House::new();
    let server = house.start(&[]);
    let statuses = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for client in 0..16 {
            let (server, statuses) = (&server, &statuses);
            scope.spawn(move || {
                for nonce in 0..20 {
                    // Two clients in sixteen claim another cell for the same nonce.
                    let item = if client < 2 { "other" } else { "same" };
                    let status = server.report(&view(nonce, item)).status;
                    statuses.lock().unwrap().push(status);
                }
            });
        }
    });
    let statuses = statuses.into_inner().unwrap();
    assert!(
        statuses.iter().all(|s| [204, 409].contains(s)),
        "{statuses:?}"
    );
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 20);
}

#[test]
fn a_retry_after_the_release_still_counts_once_until_the_next_window_ends() {
    let house = House::new();
    let server = house.start(&[]);
    assert_eq!(server.report(&view(1, "a")).status, 204);
    drop(server);
    assert!(house.release(1, &[]).status.success());
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 0);
    assert_eq!(house.count("SELECT count(*) FROM spent_nonce"), 1);

    let server = house.start(&["--clock-offset-seconds", &later(1)]);
    assert_eq!(server.report(&view(1, "a")).status, 204);
    assert_eq!(server.report(&view(1, "b")).status, 409);
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 0);
    drop(server);

    assert!(house.release(2, &[]).status.success());
    assert_eq!(house.count("SELECT count(*) FROM spent_nonce"), 0);
}

#[test]
fn reports_wait_for_the_first_bundle() {
    let house = House::empty();
    let server = house.start(&[]);
    let answer = server.report(&view(1, "a"));
    assert_eq!(answer.status, 503);
    assert_eq!(answer.problem(), "unavailable");
    assert_eq!(answer.header("retry-after"), "2");
    // Published into the folder while the server runs.
    house.publish(1, "tables");
    assert_eq!(server.report(&view(1, "a")).status, 204);
}

#[test]
fn any_shops_page_may_report_without_credentials() {
    let house = House::new();
    let server = house.start(&[]);
    let answer = server.send(
        "OPTIONS",
        "/v1/feedback",
        &[
            ("origin", "https://shop.example"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
        ],
        b"",
    );
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(
        answer
            .header("access-control-allow-methods")
            .contains("POST")
    );
    assert!(
        answer
            .header("access-control-allow-headers")
            .contains("content-type")
    );
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    let answer = server.report(&view(1, "a"));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("vary"), "");
}

/// Behind a proxy, which names the sender's address, so that the test can have several.
#[test]
fn a_network_that_sends_too_much_is_told_when_to_come_back() {
    let house = House::new();
    let server = house.start_with_admin(&["--feedback-per-minute", "5", "--behind-proxy", "true"]);
    let report = |nonce, address| {
        let body = view(nonce, "a").to_string();
        let headers = [("content-type", JSON), ("x-forwarded-for", address)];
        server.send("POST", "/v1/feedback", &headers, body.as_bytes())
    };
    for nonce in 0..5 {
        assert_eq!(report(nonce, "203.0.113.7").status, 204);
    }
    let answer = report(5, "203.0.113.99");
    assert_eq!(answer.status, 429);
    assert_eq!(answer.problem(), "too-many");
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=13).contains(&seconds), "{seconds}");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(report(5, "198.51.100.7").status, 204);
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 6);
    // Nothing else is limited, and no address is written down anywhere.
    assert_eq!(server.get("/manifest.json", &[]).status, 200);
    let metrics = server.metrics();
    let refused = "vitrine_feedback_rejected_total{reason=\"too-many\"} 1";
    assert!(metrics.contains(refused), "{metrics}");
    for trace in ["203.0.113", "198.51.100"] {
        assert!(!server.log().contains(trace) && !metrics.contains(trace));
        assert!(!house.database.holds(trace));
    }
}
