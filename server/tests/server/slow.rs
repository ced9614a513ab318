//! Clients that take connections and do nothing with them.

use crate::house::{House, JSON, Server, view};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A connection from an address of this machine: all of 127.0.0.0/8 is.
fn connect(server: &Server, from: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let from: SocketAddr = format!("{from}:0").parse().unwrap();
    socket.bind(&from.into()).unwrap();
    let to: SocketAddr = server.address.parse().unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}

/// Connections that began a report whose body does not come.
fn attack(server: &Server, from: &str, count: usize) -> Vec<TcpStream> {
    let head = format!(
        "POST /v1/feedback HTTP/1.1\r\nHost: shop\r\nContent-Type: {JSON}\r\n\
         Content-Length: 1000\r\n\r\n{{"
    );
    let mut streams: Vec<TcpStream> = (0..count).map(|_| connect(server, from)).collect();
    for stream in &mut streams {
        // The server may have closed it already.
        let _ = stream.write_all(head.as_bytes());
    }
    streams
}

/// How many of them the server still keeps.
fn kept(streams: &[TcpStream]) -> usize {
    let is_open = |mut stream: &TcpStream| {
        stream
            .set_read_timeout(Some(Duration::from_millis(1)))
            .unwrap();
        let read = stream.read(&mut [0]);
        read.is_err_and(|error| {
            [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut].contains(&error.kind())
        })
    };
    streams.iter().filter(|stream| is_open(stream)).count()
}

#[test]
fn a_network_that_takes_hundreds_of_connections_leaves_room_for_others() {
    let house = House::new();
    let server = house.start(&[
        "--limit-loopback",
        "true",
        "--connections",
        "300",
        "--connections-per-network",
        "100",
        "--feedback-per-minute",
        "0",
        "--feedback-body-seconds",
        "30",
    ]);
    let attacks = [
        attack(&server, "127.0.9.1", 400),
        attack(&server, "127.0.10.1", 150),
    ];
    let start = Instant::now();
    for nonce in 0..50 {
        assert_eq!(server.report(&view(nonce, "a")).status, 204);
        assert_eq!(server.get("/manifest.json", &[]).status, 200);
    }
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(attacks.each_ref().map(|streams| kept(streams)), [100, 100]);
}

#[test]
fn connections_are_bounded_in_all_and_their_places_are_free_again() {
    let house = House::new();
    let server = house.start(&["--connections", "40", "--feedback-body-seconds", "30"]);
    let streams = attack(&server, "127.0.9.1", 100);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(kept(&streams), 40);
    drop(streams);
    let start = Instant::now();
    loop {
        let mut stream = connect(&server, "127.0.0.1");
        let ask = b"GET /healthz HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        let _ = stream.write_all(ask);
        let _ = stream.read_to_string(&mut answer);
        if answer.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}

/// Neither a head nor a next request is waited for: such connections end by themselves.
#[test]
fn a_connection_that_sends_nothing_is_ended() {
    let house = House::new();
    let server = house.start(&[]);
    let mut silent = connect(&server, "127.0.9.1");
    let mut idle = connect(&server, "127.0.9.1");
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
        .unwrap();
    for stream in [&mut silent, &mut idle] {
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let mut said = Vec::new();
        assert!(stream.read_to_end(&mut said).is_ok());
    }
}
