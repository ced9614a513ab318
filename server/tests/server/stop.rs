//! Told to stop, the server ends what it began.

use crate::house::{House, JSON, view};
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn a_request_that_is_under_way_is_answered_before_the_end() {
    for name in ["TERM", "INT"] {
        let house = House::new();
        let mut server = house.start(&[]);
        assert_eq!(server.report(&view(1, "a")).status, 204);
        let body = view(2, "b").to_string();
        let (early, late) = body.split_at(20);
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let head = format!(
            "POST /v1/feedback HTTP/1.1\r\nHost: shop\r\nContent-Type: {JSON}\r\n\
             Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // The handler runs once this is answered.
        let mut answer = [0; 1024];
        let read = stream.read(&mut answer).unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 100"));
        stream.write_all(early.as_bytes()).unwrap();

        server.signal(name);
        while !server.log().contains("stopping") {
            std::thread::yield_now();
        }
        stream.write_all(late.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("HTTP/1.1 204"), "{answer}");
        assert_eq!(server.wait(), Some(0), "{}", server.log());
        assert!(server.log().contains("stopped"), "{}", server.log());
        // A closed SQLite file has no log beside it.
        assert!(!house.path("vitrine.db-wal").exists());
        assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 2);
    }
}
