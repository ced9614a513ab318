//! A full disk: nothing acknowledged is lost, what is refused says why, and room is enough to go on.

use crate::house::{BINARY, House, Server, view};
use crate::release::{files, report_many, said};
use std::fs;
use std::path::Path;
use std::process::Command;
use vitrine_core::Digest;
use vitrine_server::audit::{self, Action, AuditLog, Entry, Known, Stage};

/// The limit, in blocks of 512 bytes.
const BLOCKS: u64 = 400;

/// A limit on the size of the process's files stands in for a full disk: the same writes fail,
/// and it can be lifted while the server runs.
fn start_on_full_disk(house: &House, arguments: &[&str]) -> Server {
    let serve = house.command(arguments);
    let mut limited = Command::new("sh");
    // The ignored signal makes a write fail where it would kill.
    let shell = format!("trap '' XFSZ; ulimit -S -f {BLOCKS}; exec \"$0\" \"$@\"");
    limited.args(["-c", &shell, BINARY]);
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
    // Stopped in order, so that what made the tables is written back and leaves room in the log.
    let mut first = house.start(&[]);
    first.signal("TERM");
    assert_eq!(first.wait(), Some(0));
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

/// Fills the audit log until so many bytes are left below the limit; how many lines it has.
fn fill(log: &Path, left: u64) -> u64 {
    let lines = AuditLog::open(log).unwrap();
    let mut number = 0;
    let mut line = |reason: usize| {
        number += 1;
        let entry = Entry {
            number: 0,
            at: 1_700_000_000,
            action: Action::Promote,
            stage: Stage::Done,
            manifest: Some(Digest::of(b"a manifest")),
            file: None,
            version: Some(1),
            reason: Some("x".repeat(reason)),
            token: "01234567".into(),
            previous: Digest::of(b""),
        };
        lines.append(entry).unwrap();
        let length = fs::metadata(log).unwrap().len();
        (BLOCKS * 512 - left).saturating_sub(length)
    };
    let whole = BLOCKS * 512 - left;
    let mut missing = whole;
    while missing > 8192 {
        missing = line(4096);
    }
    // What a line takes beside its reason, by one with a short one.
    let taken = missing - line(1) - 1;
    // Numbers of the same count of digits: the length is that of the reason and the rest.
    assert_eq!(line((missing - 2 * taken - 1) as usize), 0);
    assert_eq!(fs::metadata(log).unwrap().len(), whole);
    number
}

#[test]
fn a_full_disk_refuses_a_change_that_the_audit_log_cannot_hold() {
    let house = House::new();
    let log = house.path("audit.jsonl");
    // Room for the first of a change's two lines, which are some 300 bytes each.
    let filled = fill(&log, 400);
    let token = "token";
    let hash = Digest::of(token.as_bytes()).to_string();
    let admin = [
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token-sha256",
        &hash,
    ];
    let server = start_on_full_disk(&house, &admin);
    let address = server.admin.as_ref().unwrap();
    let url = format!("http://{address}/v1/admin/manifest");
    let headers = [("authorization", "Bearer token")];
    // The files are those of version 1.
    let tables = "compressible ".repeat(2000);
    let publish = |version| {
        let (_, manifest) = house.bundle(version, &tables, Default::default());
        server
            .request("PUT", &url, &headers, &manifest.to_bytes())
            .unwrap()
    };
    let live = || server.get("/manifest.json", &[]).json()["version"].clone();

    // It is begun, so it may be done; that its end is missing from the log is said there.
    assert_eq!(publish(2).status, 200);
    assert_eq!(live(), 2);
    assert!(
        server
            .log()
            .contains("the end of a change is not in the audit log")
    );
    let begun = audit::verify(&log, Known::default()).unwrap();
    let noted = Known {
        head: Some(begun.head),
        ..Known::default()
    };
    assert_eq!((begun.lines, begun.torn), (filled + 1, 0));

    // What cannot even be begun is not done.
    let refused = publish(3);
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (507, "audit-log")
    );
    let detail = refused.json()["detail"].to_string();
    assert!(
        detail.contains("audit.jsonl") && detail.contains("nothing is changed"),
        "{detail}"
    );
    assert_eq!(live(), 2);
    assert_eq!(audit::verify(&log, noted).unwrap(), begun);

    make_room(&server);
    assert_eq!(publish(3).status, 200);
    assert_eq!(live(), 3);
    let after = audit::verify(&log, noted).unwrap();
    assert_eq!((after.lines, after.torn), (filled + 3, 0));
}

/// A reader that holds the file open keeps the write-ahead log, and with it the raw cells.
#[test]
fn a_release_that_cannot_overwrite_raw_cells_says_so_and_a_second_one_does() {
    let house = House::new();
    let server = house.start(&["--access-log", "false"]);
    report_many(&server, "canary", 200);
    drop(server);
    let reader = house.database.hold_open();

    let output = house.release(1, &[]);
    let text = said(&output);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("deleted, but not overwritten"), "{text}");
    assert!(text.contains("run this again"), "{text}");
    assert!(house.database.holds("canary-7-"));
    // The window is released all the same, and its file is there.
    assert_eq!(files(&house).len(), 1);

    drop(reader);
    let output = house.release(1, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(!house.database.holds("canary-"));
}
