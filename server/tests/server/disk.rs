//! A killed process and a full disk: what was acknowledged is there, and nothing twice.

use crate::house::{BINARY, House, Server, view};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use vitrine_core::Digest;

/// Several clients report, each its own items; returns what was acknowledged before the server
/// was gone.
fn report_until_killed(server: &mut Server, round: u64) -> BTreeSet<String> {
    let acknowledged = Mutex::new(BTreeSet::new());
    let gone = AtomicBool::new(false);
    let count = AtomicU64::new(0);
    let pid = server.child.id().to_string();
    std::thread::scope(|scope| {
        for client in 0..8_u64 {
            let (server, gone, count, acknowledged) = (&*server, &gone, &count, &acknowledged);
            scope.spawn(move || {
                let url = format!("http://{}/v1/feedback", server.address);
                for at in 0.. {
                    if gone.load(Ordering::Relaxed) {
                        return;
                    }
                    let item = format!("item-{round}-{client}-{at}");
                    let nonce = u128::from(round) << 96 | u128::from(client) << 64 | at;
                    let body = view(nonce, &item).to_string();
                    let headers = [("content-type", "application/json")];
                    match server.request("POST", &url, &headers, body.as_bytes()) {
                        Ok(answer) => {
                            assert_eq!(answer.status, 204);
                            acknowledged.lock().unwrap().insert(item);
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(_) => return,
                    }
                }
            });
        }
        while count.load(Ordering::Relaxed) < 50 + 17 * round {
            std::thread::yield_now();
        }
        Command::new("kill").args(["-9", &pid]).status().unwrap();
        gone.store(true, Ordering::Relaxed);
    });
    acknowledged.into_inner().unwrap()
}

#[test]
fn a_killed_server_has_every_acknowledged_report_once() {
    let house = House::new();
    let mut acknowledged = BTreeSet::new();
    for round in 0..5 {
        let mut server = house.start(&["--access-log", "false"]);
        acknowledged.extend(report_until_killed(&mut server, round));
        server.wait();
        // The next start recovers the log; here it is read by another process before that.
        let stored: Vec<String> = house.query("SELECT cell ->> 'item' FROM raw_cell").concat();
        let distinct: BTreeSet<_> = stored.iter().cloned().collect();
        assert_eq!(stored.len(), distinct.len(), "a report is stored twice");
        let lost: Vec<_> = acknowledged.difference(&distinct).collect();
        assert!(
            lost.is_empty(),
            "round {round}: acknowledged and lost: {lost:?}"
        );
    }
    // Retries of acknowledged reports after all that still count once.
    let server = house.start(&[]);
    let before = house.count("SELECT count(*) FROM raw_cell");
    assert_eq!(server.report(&view(0, "item-0-0-0")).status, 204);
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), before);
}

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
    assert_eq!(house.query("PRAGMA integrity_check"), [["ok"]]);
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
