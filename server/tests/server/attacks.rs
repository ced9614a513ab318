//! Whoever has the token, or stands on the way: signatures that do not verify, changes at the same
//! moment, and the attacks of The Update Framework on a repository.

use crate::admin::{put, put_files};
use crate::house::{Answer, House, Server, TOKEN};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;
use vitrine_core::Digest;
use vitrine_core::manifest::{MAX_MANIFEST_BYTES, MAX_VERSION, Manifest, file};
use vitrine_core::signature::{MAX_SIGNATURE_BYTES, SecretKey, sign, verify};
use vitrine_store::{Store, StoreError};

fn signatures(bytes: &[u8]) -> String {
    format!("/v1/admin/signatures/{}", Digest::of(bytes))
}

/// A manifest of this version, all of whose files the server has.
fn manifest(server: &Server, house: &House, version: u64) -> Vec<u8> {
    let (_, manifest) = house.bundle(version, &format!("tables {version}"), Default::default());
    put_files(server, house, &manifest);
    manifest.to_bytes()
}

fn publish(server: &Server, bytes: &[u8]) -> Answer {
    put(server, "/v1/admin/manifest", Some(TOKEN), bytes)
}

fn refused(answer: &Answer, status: u16, kind: &str, named: &str) {
    assert_eq!((answer.status, answer.problem().as_str()), (status, kind));
    let detail = answer.json()["detail"].to_string();
    assert!(detail.contains(named), "{detail}");
}

#[test]
fn where_keys_are_pinned_a_stolen_token_publishes_nothing() {
    let house = House::empty();
    let [mine, theirs] = [[1; 32], [2; 32]].map(|seed| SecretKey::from_bytes(&seed));
    let server = house.start_with_admin(&["--public-keys", &mine.public().to_string()]);
    let bytes = manifest(&server, &house, 1);
    let path = signatures(&bytes);
    let publish = || publish(&server, &bytes);
    let unsigned = |answer: Answer, named: &str| {
        refused(&answer, 422, "bad-signature", named);
        assert_eq!(server.get("/manifest.json", &[]).status, 404);
    };
    let send = |file: &[u8]| put(&server, &path, Some(TOKEN), file);
    unsigned(publish(), "manifest.sig");
    unsigned(send(b"junk"), "first line");
    for (file, named) in [
        (sign(&bytes, &[&theirs]), theirs.public().id().to_string()),
        (sign(b"another manifest", &[&mine]), "altered".into()),
        (sign(&bytes, &[&theirs, &mine]), "public_keys".into()),
    ] {
        // Its manifest is not there, so it waits, and is served to nobody.
        assert_eq!(send(&file).status, 204);
        let served = format!("/manifests/{}.sig", Digest::of(&bytes));
        assert_eq!(server.get(&served, &[]).status, 404);
        unsigned(publish(), &named);
    }
    assert_eq!(put(&server, &path, None, b"").status, 401);
    assert_eq!(send(&sign(&bytes, &[&mine])).status, 204);
    assert_eq!(publish().status, 200);
    let served = server.get("/manifest.sig", &[]).body;
    verify(&bytes, &served, &[mine.public()]).unwrap();
}

#[test]
fn no_signature_that_does_not_verify_takes_the_place_of_the_live_one() {
    let house = House::empty();
    let [old, new, theirs] = [[1; 32], [2; 32], [3; 32]].map(|seed| SecretKey::from_bytes(&seed));
    let keys = [&old, &new].map(|key| key.public().to_string()).join(",");
    let server = house.start_with_admin(&["--public-keys", &keys]);
    let bytes = manifest(&server, &house, 1);
    let path = signatures(&bytes);
    let send = |file: &[u8]| put(&server, &path, Some(TOKEN), file);
    assert_eq!(send(&sign(&bytes, &[&old, &new])).status, 204);
    assert_eq!(publish(&server, &bytes).status, 200);
    let trusted = |key: &SecretKey| {
        for path in [
            "/manifest.sig",
            &format!("/manifests/{}.sig", Digest::of(&bytes)),
        ] {
            let served = server.get(path, &[]);
            assert_eq!(served.header("cache-control"), "no-cache");
            verify(&bytes, &served.body, &[key.public()]).unwrap();
        }
    };
    for file in [
        sign(&bytes, &[&theirs]),
        sign(b"another", &[&new]),
        // Pages that pin this key too would refuse the whole for it.
        [
            sign(&bytes, &[&old]),
            sign(b"another", &[&theirs])[20..].to_vec(),
        ]
        .concat(),
    ] {
        refused(&send(&file), 422, "bad-signature", "manifest.sig");
    }
    // A good one from before the key was changed, played back.
    assert_eq!(send(&sign(&bytes, &[&old])).status, 204);
    for key in [&old, &new] {
        trusted(key);
    }
}

/// The server's process and one that works in the folder, as `vitrine promote` does.
#[test]
fn a_change_in_the_folder_and_one_through_the_server_are_one_after_the_other() {
    let house = House::empty();
    let server = house.start_with_admin(&[]);
    let store = Store::open(house.path("store")).unwrap();
    let mut live = manifest(&server, &house, 1);
    publish(&server, &live);
    for round in 1..=20 {
        let [second, third] =
            [3 * round, 3 * round + 1].map(|version| manifest(&server, &house, version));
        let answer = put(&server, "/v1/admin/candidate", Some(TOKEN), &third);
        assert_eq!(answer.status, 200);
        let start = Barrier::new(2);
        let promotion = format!("/v1/admin/promotions/{}", Digest::of(&third));
        let (promoted, published) = thread::scope(|scope| {
            let promoted = scope.spawn(|| {
                start.wait();
                put(&server, &promotion, Some(TOKEN), b"looked at")
            });
            start.wait();
            let published = store.put_manifest(&second);
            (promoted.join().unwrap(), published)
        });
        // Whichever came first, the newer is live in the end, and none was taken for another.
        assert_eq!(promoted.status, 200);
        assert!(
            matches!(published, Ok(_) | Err(StoreError::NotNewer { .. })),
            "{published:?}"
        );
        live = third;
        assert_eq!(server.get("/manifest.json", &[]).body, live);
    }
    // Three at once through the server.
    let next = manifest(&server, &house, 100);
    put(&server, "/v1/admin/candidate", Some(TOKEN), &next);
    let promotion = format!("/v1/admin/promotions/{}", Digest::of(&next));
    let switched: usize = thread::scope(|scope| {
        let promote = || {
            let answer = put(&server, &promotion, Some(TOKEN), b"looked at");
            assert_eq!(answer.status, 200);
            answer.json()["switched"].as_bool().unwrap() as usize
        };
        let running = [(); 3].map(|()| scope.spawn(promote));
        running.map(|one| one.join().unwrap()).iter().sum()
    });
    assert_eq!(switched, 1);
}

#[test]
fn tuf_rollback_an_older_manifest_is_refused_on_each_way() {
    let house = House::empty();
    let server = house.start_with_admin(&[]);
    let [first, second, third] = [1, 2, 3].map(|version| manifest(&server, &house, version));
    put(&server, "/v1/admin/candidate", Some(TOKEN), &second);
    assert_eq!(publish(&server, &third).status, 200);
    refused(&publish(&server, &first), 409, "version", "above 3");
    let candidate = put(&server, "/v1/admin/candidate", Some(TOKEN), &first);
    refused(&candidate, 409, "version", "above 3");
    let promotion = format!("/v1/admin/promotions/{}", Digest::of(&second));
    let late = put(&server, &promotion, Some(TOKEN), b"looked at");
    refused(&late, 409, "version", "above 3");
    assert_eq!(server.get("/manifest.json", &[]).body, third);
}

/// A cache on the way must ask each time, and is told by the tag that there is another manifest.
/// Whoever withholds the newest from a page all the same is stopped there, by `expires`.
#[test]
fn tuf_freeze_caches_ask_for_the_manifest_each_time() {
    let house = House::empty();
    let server = house.start_with_admin(&[]);
    let [first, second] = [1, 2].map(|version| manifest(&server, &house, version));
    publish(&server, &first);
    let answer = server.get("/manifest.json", &[]);
    assert_eq!(answer.header("cache-control"), "no-cache");
    let tag = answer.header("etag").to_owned();
    let ask = || server.get("/manifest.json", &[("if-none-match", &tag)]);
    assert_eq!(ask().status, 304);
    publish(&server, &second);
    assert_eq!((ask().status, ask().body), (200, second));
}

#[test]
fn tuf_fast_forward_a_version_far_ahead_is_refused() {
    let house = House::empty();
    let server = house.start_with_admin(&[]);
    publish(&server, &manifest(&server, &house, 7));
    for version in [1_000_008, MAX_VERSION] {
        let far = manifest(&server, &house, version);
        refused(&publish(&server, &far), 409, "version", "version 8");
        let candidate = put(&server, "/v1/admin/candidate", Some(TOKEN), &far);
        refused(&candidate, 409, "version", "version 8");
    }
    let last = manifest(&server, &house, u64::MAX);
    refused(&publish(&server, &last), 422, "bad-manifest", "version");
    assert_eq!(publish(&server, &manifest(&server, &house, 8)).status, 200);
}

#[test]
fn tuf_mix_and_match_each_manifest_keeps_its_own_signature() {
    let house = House::empty();
    let key = SecretKey::from_bytes(&[1; 32]);
    let server = house.start_with_admin(&["--public-keys", &key.public().to_string()]);
    let [first, second] = [1, 2].map(|version| manifest(&server, &house, version));
    for bytes in [&first, &second] {
        let file = sign(bytes, &[&key]);
        assert_eq!(
            put(&server, &signatures(bytes), Some(TOKEN), &file).status,
            204
        );
        assert_eq!(publish(&server, bytes).status, 200);
    }
    // A page that got the first manifest just before the second went live.
    for bytes in [&first, &second] {
        let path = format!("/manifests/{}.sig", Digest::of(bytes));
        let served = server.get(&path, &[]).body;
        verify(bytes, &served, &[key.public()]).unwrap();
    }
    for path in ["/manifests/2.sig", "/manifests/..sig"] {
        assert_eq!(server.get(path, &[]).status, 404);
    }
    let mut mixed = Manifest::parse(&second).unwrap();
    mixed.version = 3;
    mixed.files.get_mut(file::TABLES).unwrap().bytes += 1;
    let bytes = mixed.to_bytes();
    let file = sign(&bytes, &[&key]);
    assert_eq!(
        put(&server, &signatures(&bytes), Some(TOKEN), &file).status,
        204
    );
    refused(&publish(&server, &bytes), 422, "altered-file", file::TABLES);
}

#[test]
fn tuf_endless_data_a_body_is_read_up_to_its_limit() {
    let house = House::empty();
    let server = house.start_with_admin(&[]);
    let digest = Digest::of(b"x");
    for (path, limit) in [
        ("/v1/admin/manifest".to_owned(), MAX_MANIFEST_BYTES),
        ("/v1/admin/candidate".to_owned(), MAX_MANIFEST_BYTES),
        (
            format!("/v1/admin/signatures/{digest}"),
            MAX_SIGNATURE_BYTES,
        ),
        (format!("/v1/admin/promotions/{digest}"), 1024),
    ] {
        let mut stream = TcpStream::connect(server.admin.as_ref().unwrap()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let head = format!(
            "PUT {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n\
             transfer-encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let piece = format!("400\r\n{}\r\n", "x".repeat(1024));
        // The body has no end; it is cut off a little above the limit.
        for _ in 0..limit / 1024 + 2 {
            if stream.write_all(piece.as_bytes()).is_err() {
                break;
            }
        }
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413", "{path}");
    }
}

#[test]
fn tuf_slow_retrieval_a_body_that_trickles_is_given_up() {
    let house = House::empty();
    let server = house.start_with_admin(&[]);
    let digest = Digest::of(b"x");
    let trickle = |path: &str| {
        let mut stream = TcpStream::connect(server.admin.as_ref().unwrap()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(1)))
            .unwrap();
        let head = format!(
            "PUT {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n\
             content-length: 1000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A byte a second: no pause is long.
        for _ in 0..50 {
            let mut answer = [0; 12];
            if stream.read_exact(&mut answer).is_ok() {
                return answer;
            }
            let _ = stream.write_all(b"x");
        }
        panic!("{path} still waits");
    };
    let paths = [
        "/v1/admin/manifest".to_owned(),
        format!("/v1/admin/files/{digest}"),
    ];
    thread::scope(|scope| {
        let running = paths.each_ref().map(|path| scope.spawn(|| trickle(path)));
        for one in running {
            assert_eq!(&one.join().unwrap(), b"HTTP/1.1 408");
        }
    });
}
