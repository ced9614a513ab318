//! A full disk: nothing acknowledged is lost, what is refused says why, and room is enough to go on.

use crate::house::{BINARY, House, Server, view};
use std::fs;
use std::process::Command;
use vitrine_core::Digest;

/// A limit on the size of the process's files stands in for a full disk: the same writes fail,
/// and it can be lifted while the server runs.
fn start_on_full_disk(house: &House, arguments: &[&str]) -> Server {
    let serve = house.command(arguments);
    let mut limited = Command::new("sh");
    // 400 blocks of 512 bytes; the ignored signal makes a write fail where it would kill.
    limited.args([
        "-c",
        "trap '' XFSZ; ulimit -S -f 400; exec \"$0\" \"$@\"",
        BINARY,
    ]);
    limited.args(serve.get_args());
    Server::start(limited)
}

fn make_room(server: &Server) {
    let lifted = Command::new("prlimit")
        .args(["--pid", &server.child.id().to_string()])
        .arg("--fsize=unlimited")
        .status()
        .unwrap();
    assert!(lifted.success());
}

#[test]
fn a_full_disk_refuses_reports_loses_none_and_recovers() {
    let house = House::new();
    drop(house.start(&[]));
    let server = start_on_full_disk(&house, &["--access-log", "false"]);

    // A refusal makes room once or twice, by writing the log back into the file; twenty in a row
    // mean that the file itself cannot grow. A refused report is sent again under its nonce.
    let mut stored = 0;
    let mut refused = Vec::new();
    while refused.len() < 20 {
        let answer = server.report(&view(stored, &format!("item-{stored}")));
        if answer.status == 204 {
            stored += 1;
            refused.clear();
        } else {
            refused.push(answer);
        }
        assert!(stored < 10_000, "the limit was never met");
    }
    assert!(stored > 0);
    for answer in refused {
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (503, "unavailable")
        );
        assert_eq!(answer.header("retry-after"), "2");
    }
    let ready = server.get("/readyz", &[]);
    assert_eq!(
        (ready.status, ready.problem().as_str()),
        (503, "unavailable")
    );
    assert_eq!(server.get("/healthz", &[]).status, 200);
    assert_eq!(server.get("/manifest.json", &[]).status, 200);
    let log = server.log();
    assert!(log.contains("check that its disk has room"), "{log}");

    make_room(&server);
    // The one that was refused is sent again, as a client would, and so is the one before.
    let item = format!("item-{stored}");
    assert_eq!(server.report(&view(stored, &item)).status, 204);
    let before = format!("item-{}", stored - 1);
    assert_eq!(server.report(&view(stored - 1, &before)).status, 204);
    assert_eq!(server.get("/readyz", &[]).status, 200);
    assert_eq!(
        u128::from(house.count("SELECT count(*) FROM raw_cell")),
        stored + 1
    );
    assert_eq!(house.database.query("PRAGMA integrity_check"), [["ok"]]);
}

#[test]
fn a_full_disk_refuses_a_bundle_and_keeps_the_old_one() {
    let house = House::new();
    let token = "token";
    let hash = Digest::of(token.as_bytes()).to_string();
    let admin = [
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token-sha256",
        &hash,
    ];
    let server = start_on_full_disk(&house, &admin);
    let files = || {
        let mut names: Vec<_> = fs::read_dir(house.path("store/bundles"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let before = files();
    // No pattern in it, so that its compressed siblings are as long.
    let bytes: Vec<u8> = (0..10_000_u64)
        .flat_map(|block| *Digest::of(&block.to_le_bytes()).as_bytes())
        .collect();
    let address = server.admin.as_ref().unwrap();
    let url = format!("http://{address}/v1/admin/files/{}", Digest::of(&bytes));
    let headers = [("authorization", "Bearer token")];
    let answer = server.request("PUT", &url, &headers, &bytes).unwrap();
    assert_eq!((answer.status, answer.problem().as_str()), (507, "disk"));
    let detail = answer.json()["detail"].to_string();
    assert!(
        detail.contains("store/bundles") && detail.contains("free space"),
        "{detail}"
    );
    assert_eq!(files(), before, "nothing half-written is left");
    assert_eq!(server.get("/manifest.json", &[]).status, 200);

    make_room(&server);
    assert_eq!(
        server
            .request("PUT", &url, &headers, &bytes)
            .unwrap()
            .status,
        200
    );
    let path = format!("/bundles/{}", Digest::of(&bytes));
    assert_eq!(server.get(&path, &[("accept-encoding", "br")]).body, bytes);
}
