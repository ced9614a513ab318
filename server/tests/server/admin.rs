//! Publishing from another machine.

use crate::house::{Answer, BINARY, House, METRICS_TOKEN, Server, TOKEN, read};
use std::fs;
use std::process::Command;
use vitrine_core::Digest;
use vitrine_core::manifest::{Manifest, file};

fn start(house: &House) -> Server {
    house.start_with_admin(&[])
}

pub fn put(server: &Server, path: &str, token: Option<&str>, body: &[u8]) -> Answer {
    let url = format!("http://{}{path}", server.admin.as_ref().unwrap());
    let authorization = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = authorization
        .iter()
        .map(|value| ("authorization", value.as_str()))
        .collect();
    server.request("PUT", &url, &headers, body).unwrap()
}

pub fn put_files(server: &Server, house: &House, manifest: &Manifest) {
    let folder = house.path(&format!("bundle-{}", manifest.version));
    for (name, entry) in &manifest.files {
        let bytes = fs::read(folder.join(name)).unwrap();
        let path = format!("/v1/admin/files/{}", entry.sha256);
        let answer = put(server, &path, Some(TOKEN), &bytes);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["bytes"], entry.bytes);
    }
}

#[test]
fn a_bundle_arrives_file_by_file_and_is_switched_on_by_its_manifest() {
    let house = House::empty();
    let server = start(&house);
    let (_, first) = house.bundle(1, &"compressible ".repeat(2000), Default::default());
    let manifest = first.to_bytes();

    let early = put(&server, "/v1/admin/manifest", Some(TOKEN), &manifest);
    assert_eq!(
        (early.status, early.problem().as_str()),
        (409, "missing-files")
    );
    let missing = early.json()["missing"].to_string();
    assert!(
        missing.contains(file::TABLES) && missing.contains(file::ITEMS),
        "{missing}"
    );
    assert_eq!(server.get("/manifest.json", &[]).status, 404);

    put_files(&server, &house, &first);
    let answer = put(&server, "/v1/admin/manifest", Some(TOKEN), &manifest);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["switched"], true);
    assert_eq!(server.get("/manifest.json", &[]).body, manifest);
    let path = format!("/bundles/{}", first.files[file::TABLES].sha256);
    let served = server.get(&path, &[("accept-encoding", "br")]);
    assert_eq!(
        (served.status, served.header("content-encoding")),
        (200, "br")
    );

    let again = put(&server, "/v1/admin/manifest", Some(TOKEN), &manifest);
    assert_eq!(
        (again.status, again.json()["switched"].as_bool()),
        (200, Some(false))
    );
    let (_, second) = house.bundle(2, "second", Default::default());
    put_files(&server, &house, &second);
    put(
        &server,
        "/v1/admin/manifest",
        Some(TOKEN),
        &second.to_bytes(),
    );
    let older = put(&server, "/v1/admin/manifest", Some(TOKEN), &manifest);
    assert_eq!((older.status, older.problem().as_str()), (409, "version"));
    assert_eq!(server.get("/manifest.json", &[]).json()["version"], 2);
}

#[test]
fn what_nobody_fetches_whole_is_stored_as_it_is() {
    let house = House::empty();
    let server = start(&house);
    let siblings = |bytes: &[u8]| {
        let hash = Digest::of(bytes).to_string();
        fs::read_dir(house.path("store/bundles"))
            .unwrap()
            .filter(|entry| {
                let name = entry.as_ref().unwrap().file_name();
                name.to_str().unwrap().starts_with(&hash)
            })
            .count()
    };
    for (query, bytes, files) in [
        ("", "fetched whole ".repeat(500), 3),
        ("?compress=false", "in ranges ".repeat(500), 1),
    ] {
        let path = format!("/v1/admin/files/{}{query}", Digest::of(bytes.as_bytes()));
        let answer = put(&server, &path, Some(TOKEN), bytes.as_bytes());
        assert_eq!(answer.status, 200);
        assert_eq!(siblings(bytes.as_bytes()), files, "{query}");
    }
    for query in ["?compress=no", "?compres=false", "?compress=false&x=1"] {
        let path = format!("/v1/admin/files/{}{query}", Digest::of(b"bytes"));
        let answer = put(&server, &path, Some(TOKEN), b"bytes");
        assert_eq!((answer.status, answer.problem().as_str()), (400, "query"));
        assert_eq!(siblings(b"bytes"), 0);
    }
}

#[test]
fn without_the_token_nothing_is_stored() {
    let house = House::empty();
    let server = start(&house);
    let path = format!("/v1/admin/files/{}", Digest::of(b"bytes"));
    for token in [
        None,
        Some(""),
        Some("wrong"),
        Some("a token that nobody guesse"),
    ] {
        for path in [path.as_str(), "/v1/admin/manifest"] {
            let answer = put(&server, path, token, b"bytes");
            assert_eq!((answer.status, answer.problem().as_str()), (401, "token"));
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    assert_eq!(
        fs::read_dir(house.path("store/bundles")).unwrap().count(),
        0
    );
    assert_eq!(put(&server, &path, Some(TOKEN), b"bytes").status, 200);
    assert!(!server.log().contains(TOKEN));
}

#[test]
fn what_is_not_as_announced_is_refused() {
    let house = House::empty();
    let server = start(&house);
    let path = format!("/v1/admin/files/{}", Digest::of(b"right"));
    let wrong = put(&server, &path, Some(TOKEN), b"wrong");
    assert_eq!(
        (wrong.status, wrong.problem().as_str()),
        (422, "altered-file")
    );
    assert_eq!(
        fs::read_dir(house.path("store/bundles")).unwrap().count(),
        0
    );
    let name = put(&server, "/v1/admin/files/short", Some(TOKEN), b"right");
    assert_eq!((name.status, name.problem().as_str()), (404, "not-found"));

    let (_, manifest) = house.bundle(1, "tables", Default::default());
    let text = String::from_utf8(manifest.to_bytes()).unwrap();
    for (body, named) in [
        ("junk".to_owned(), "manifest"),
        (text.replace("\"version\": 1", "\"version\": 0"), "version"),
        (
            text.replacen("\"version\"", "\"track\": 1, \"version\"", 1),
            "track",
        ),
    ] {
        let answer = put(&server, "/v1/admin/manifest", Some(TOKEN), body.as_bytes());
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (422, "bad-manifest")
        );
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains(named), "{detail}");
    }
    let long = put(
        &server,
        "/v1/admin/manifest",
        Some(TOKEN),
        &vec![b' '; 300 * 1024],
    );
    assert_eq!(
        (long.status, long.problem().as_str()),
        (413, "body-too-long")
    );

    // The same hash, another length in the manifest.
    put_files(&server, &house, &manifest);
    let mut lying = manifest.clone();
    lying.files.get_mut(file::TABLES).unwrap().bytes += 1;
    let answer = put(
        &server,
        "/v1/admin/manifest",
        Some(TOKEN),
        &lying.to_bytes(),
    );
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (422, "altered-file")
    );

    let url = format!(
        "http://{}/v1/admin/manifest",
        server.admin.as_ref().unwrap()
    );
    let answer = server.request("GET", &url, &[], b"").unwrap();
    assert_eq!((answer.status, answer.header("allow")), (405, "PUT"));
    // The public listener's addresses are not on this one.
    let url = format!("http://{}/readyz", server.admin.as_ref().unwrap());
    assert_eq!(server.request("GET", &url, &[], b"").unwrap().status, 404);
}

/// Asked for often enough, counters tell when each report came.
#[test]
fn counters_are_for_the_operator_and_a_monitors_token_reads_nothing_else() {
    let house = House::new();
    let server = start(&house);
    let answer = server.get("/metrics", &[]);
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (404, "not-found")
    );

    let accepted = "vitrine_feedback_accepted_total 0";
    for token in [TOKEN, METRICS_TOKEN] {
        let answer = server.ask_admin("GET", "/metrics", token);
        assert_eq!(answer.status, 200);
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.contains(accepted), "{text}");
    }
    for token in ["", "a guess"] {
        let answer = server.ask_admin("GET", "/metrics", token);
        assert_eq!((answer.status, answer.problem().as_str()), (401, "token"));
    }
    let answer = server.ask_admin("GET", "/v1/admin/manifests/0", METRICS_TOKEN);
    assert_eq!((answer.status, answer.problem().as_str()), (401, "token"));
}

fn get(server: &Server, path: &str, token: &str) -> Answer {
    let url = format!("http://{}{path}", server.admin.as_ref().unwrap());
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str())];
    server.request("GET", &url, &headers, b"").unwrap()
}

#[test]
fn a_candidate_is_seen_by_nobody_until_it_is_promoted() {
    let house = House::empty();
    let server = start(&house);
    let [first, second, third] = [1, 2, 3].map(|version| {
        let (_, manifest) = house.bundle(version, &format!("tables {version}"), Default::default());
        put_files(&server, &house, &manifest);
        manifest.to_bytes()
    });
    put(&server, "/v1/admin/manifest", Some(TOKEN), &first);
    let live = || server.get("/manifest.json", &[]).body;
    let promotion = |bytes: &[u8]| format!("/v1/admin/promotions/{}", Digest::of(bytes));
    assert_eq!(get(&server, "/v1/admin/candidate", TOKEN).status, 404);

    for bytes in [&second, &third] {
        let answer = put(&server, "/v1/admin/candidate", Some(TOKEN), bytes);
        assert_eq!(answer.status, 200);
    }
    assert_eq!(live(), first);
    assert_eq!(get(&server, "/v1/admin/candidate", TOKEN).body, third);
    // Another than the one that was looked at is not promoted.
    let other = put(&server, &promotion(&second), Some(TOKEN), b"");
    assert_eq!(
        (other.status, other.problem().as_str()),
        (409, "no-candidate")
    );
    assert_eq!(put(&server, &promotion(&third), None, b"").status, 401);
    assert_eq!(live(), first);
    // It was never compared with what is live, so somebody has to say why it may follow.
    let held = put(&server, &promotion(&third), Some(TOKEN), b"");
    assert_eq!((held.status, held.problem().as_str()), (409, "held"));
    assert_eq!(live(), first);
    let endless = put(&server, &promotion(&third), Some(TOKEN), &[b'x'; 2000]);
    assert_eq!(endless.status, 413);
    let done = put(&server, &promotion(&third), Some(TOKEN), b"looked at by M.");
    let log = std::fs::read_to_string(house.path("audit.jsonl")).unwrap();
    assert!(log.contains(r#""reason":"looked at by M.""#), "{log}");
    assert_eq!(
        (done.status, done.json()["version"].as_u64()),
        (200, Some(3))
    );
    assert_eq!(live(), third);
    let again = put(&server, &promotion(&third), Some(TOKEN), b"");
    assert_eq!(
        (again.status, again.json()["switched"].as_bool()),
        (200, Some(false))
    );
    // What is older than the current one is no candidate.
    let late = put(&server, "/v1/admin/candidate", Some(TOKEN), &second);
    assert_eq!((late.status, late.problem().as_str()), (409, "version"));

    assert_eq!(get(&server, "/v1/admin/manifests/1", TOKEN).body, first);
    assert_eq!(get(&server, "/v1/admin/manifests/0", TOKEN).body, third);
    assert_eq!(get(&server, "/v1/admin/manifests/2", TOKEN).status, 404);
    let stored: Manifest = serde_json::from_slice(&first).unwrap();
    let sha256 = stored.files[file::TABLES].sha256;
    let path = format!("/v1/admin/files/{sha256}");
    assert_eq!(Digest::of(&get(&server, &path, TOKEN).body), sha256);
    let unknown = format!("/v1/admin/files/{}", Digest::of(b"unknown"));
    assert_eq!(get(&server, &unknown, TOKEN).status, 404);
    for path in ["/v1/admin/candidate", "/v1/admin/manifests/1", &path] {
        assert_eq!(get(&server, path, "wrong").status, 401);
    }
}

#[test]
fn every_change_is_in_a_log_that_cannot_be_changed_unnoticed() {
    let house = House::empty();
    let audit = |more: &[&str]| {
        let mut command = Command::new(BINARY);
        command
            .arg("audit")
            .arg(house.path("audit.jsonl"))
            .args(more);
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (_, manifest) = house.bundle(1, "tables", Default::default());
    let bytes = manifest.to_bytes();
    {
        let server = start(&house);
        let publish = |token| put(&server, "/v1/admin/manifest", Some(token), &bytes).status;
        assert_eq!(publish("wrong"), 401);
        assert_eq!(publish(TOKEN), 409);
    }
    let head = audit(&[]).1.lines().last().unwrap().replace("head ", "");
    {
        let server = start(&house);
        put_files(&server, &house, &manifest);
        assert_eq!(
            put(&server, "/v1/admin/manifest", Some(TOKEN), &bytes).status,
            200
        );
    }
    let (good, said) = audit(&["--head", &head]);
    assert!(good && said.contains("8 lines"), "{said}");
    let text = read(&house.path("audit.jsonl"));
    let entries: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let stages: Vec<&str> = entries
        .iter()
        .map(|e| e["stage"].as_str().unwrap())
        .collect();
    let once = ["begun", "done"];
    assert_eq!(stages[..2], ["begun", "failed"]);
    assert_eq!(stages[2..], [once; 3].concat());
    // The files that were sent are there too.
    let uploads: Vec<&str> = entries
        .iter()
        .filter(|e| e["action"] == "upload" && e["stage"] == "done")
        .map(|e| e["file"].as_str().unwrap())
        .collect();
    let files = manifest.files.values();
    let files: Vec<String> = files.map(|entry| entry.sha256.to_string()).collect();
    assert_eq!(uploads, files);
    let last = &entries[7];
    assert_eq!(
        (last["action"].as_str(), last["version"].as_u64()),
        (Some("publish"), Some(1))
    );
    assert_eq!(last["manifest"], Digest::of(&bytes).to_string());
    assert!(!text.contains(TOKEN) && !text.contains(&Digest::of(TOKEN.as_bytes()).to_string()));

    fs::write(
        house.path("audit.jsonl"),
        text.replacen("failed", "done", 1),
    )
    .unwrap();
    let (good, said) = audit(&[]);
    assert!(!good && said.contains("line 3"), "{said}");
    // A broken log is looked into before anything else is changed.
    let hash = Digest::of(TOKEN.as_bytes()).to_string();
    let listen = [
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token-sha256",
        &hash,
    ];
    let said = crate::house::refused(house.command(&listen));
    assert!(
        said.contains("audit log") && said.contains("line 3"),
        "{said}"
    );
    fs::write(house.path("audit.jsonl"), "").unwrap();
    let (good, said) = audit(&["--head", &head]);
    assert!(!good && said.contains("cut"), "{said}");
}

#[test]
fn a_log_that_cannot_be_opened_stops_the_start() {
    let house = House::empty();
    let hash = Digest::of(TOKEN.as_bytes()).to_string();
    let folder = house.dir.path().display().to_string();
    let said = crate::house::refused(house.command(&[
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token-sha256",
        &hash,
        "--audit-log",
        &folder,
    ]));
    assert!(
        said.contains("audit log") && said.contains(&folder),
        "{said}"
    );
}

#[test]
fn two_servers_write_one_audit_log_and_a_deleted_one_stops_changes() {
    let house = House::empty();
    let log = house.path("audit.jsonl").display().to_string();
    let servers = [(); 2].map(|()| house.start_with_admin(&["--audit-log", &log]));
    std::thread::scope(|scope| {
        for (of, server) in servers.iter().enumerate() {
            scope.spawn(move || {
                for number in 0..15 {
                    let bytes = format!("{of} {number}");
                    let path = format!("/v1/admin/files/{}", Digest::of(bytes.as_bytes()));
                    let answer = put(server, &path, Some(TOKEN), bytes.as_bytes());
                    assert_eq!(answer.status, 200);
                }
            });
        }
    });
    let known = vitrine_server::audit::Known::default();
    let checked = vitrine_server::audit::verify(&house.path("audit.jsonl"), known).unwrap();
    assert_eq!(checked.lines, 2 * 15 * 2);

    fs::remove_file(&log).unwrap();
    let (_, manifest) = house.bundle(1, "tables", Default::default());
    let bytes = fs::read(house.path("bundle-1").join(file::TABLES)).unwrap();
    let path = format!("/v1/admin/files/{}", manifest.files[file::TABLES].sha256);
    for server in &servers {
        let answer = put(server, &path, Some(TOKEN), &bytes);
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (507, "audit-log")
        );
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains("was deleted"), "{detail}");
    }
    let stored = house
        .path("store/bundles")
        .join(Digest::of(&bytes).to_string());
    assert!(!stored.exists());
    assert!(!house.path("audit.jsonl").exists());
}
