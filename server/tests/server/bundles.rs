//! The manifest and the files, as a browser's cache and a CDN see them.

use crate::house::{House, Server};
use std::io::Read;
use vitrine_core::Digest;
use vitrine_core::manifest::file;
use vitrine_core::signature::{SecretKey, sign, verify};

fn tables() -> String {
    "compressible ".repeat(2000)
}

fn path(server: &Server) -> (String, String) {
    let manifest = server.get("/manifest.json", &[]).json();
    let digest = manifest["files"][file::TABLES]["sha256"].as_str().unwrap();
    (format!("/bundles/{digest}"), digest.to_owned())
}

#[test]
fn the_manifest_is_the_same_for_everybody_and_asked_for_each_time() {
    let house = House::new();
    let server = house.start(&[]);
    let answer = server.get("/manifest.json", &[]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(answer.header("vary"), "");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let tag = format!("\"{}\"", Digest::of(&answer.body));
    assert_eq!(answer.header("etag"), tag);

    let other = server.get(
        "/manifest.json",
        &[
            ("cookie", "id=7"),
            ("user-agent", "other"),
            ("origin", "https://other.example"),
        ],
    );
    assert_eq!(other.body, answer.body);
    assert_eq!(other.header("etag"), tag);

    let fresh = server.get("/manifest.json", &[("if-none-match", &tag)]);
    assert_eq!((fresh.status, fresh.body.len()), (304, 0));
    assert_eq!(fresh.header("etag"), tag);

    let head = server.send("HEAD", "/manifest.json", &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), answer.body.len().to_string());

    house.publish(2, "other tables");
    let newer = server.get("/manifest.json", &[("if-none-match", &tag)]);
    assert_eq!(newer.status, 200);
    assert_eq!(newer.json()["version"], 2);
}

#[test]
fn before_the_first_bundle_there_is_a_problem_and_the_server_is_ready() {
    let house = House::empty();
    let server = house.start(&[]);
    let answer = server.get("/manifest.json", &[]);
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (404, "not-found")
    );
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("vitrine publish")
    );
    assert_eq!(server.get("/healthz", &[]).status, 200);
    assert_eq!(server.get("/readyz", &[]).status, 200);
}

#[test]
fn a_signature_is_served_where_there_is_one() {
    let house = House::new();
    let server = house.start(&[]);
    assert_eq!(server.get("/manifest.sig", &[]).status, 404);
    let (folder, manifest) = house.bundle(2, "tables", Default::default());
    let (old, new) = ([1; 32], [2; 32]);
    let [old, new] = [old, new].map(|seed| SecretKey::from_bytes(&seed));
    let bytes = manifest.to_bytes();
    let store = vitrine_store::Store::open(house.path("store")).unwrap();
    // The second time nothing is published, and the new key's signature is served at once.
    for keys in [vec![&old], vec![&old, &new]] {
        let file = sign(&bytes, &keys);
        std::fs::write(folder.join("manifest.sig"), &file).unwrap();
        store.publish_folder(&folder).unwrap();
        let answer = server.get("/manifest.sig", &[]);
        assert_eq!((answer.status, &answer.body), (200, &file));
        assert_eq!(answer.header("cache-control"), "no-cache");
        let trusted = [keys[keys.len() - 1].public()];
        verify(
            &server.get("/manifest.json", &[]).body,
            &answer.body,
            &trusted,
        )
        .unwrap();
        // Under the manifest's hash too, there and where the store is served as files.
        let path = format!("/manifests/{}.sig", Digest::of(&bytes));
        assert_eq!(server.get(&path, &[]).body, file);
        let path = house.path("store").join(&path[1..]);
        assert_eq!(std::fs::read(path).unwrap(), file);
    }
    // An unsigned bundle has no signature, least of all its predecessor's.
    house.publish(3, "tables");
    assert_eq!(server.get("/manifest.sig", &[]).status, 404);
}

#[test]
fn a_file_may_be_kept_for_ever_in_each_encoding() {
    let house = House::new();
    let server = house.start(&[]);
    let (path, digest) = path(&server);
    for (accept, coding, tag) in [
        ("", "", format!("\"{digest}\"")),
        ("identity", "", format!("\"{digest}\"")),
        ("gzip", "gzip", format!("\"{digest}-gzip\"")),
        ("gzip, deflate, br", "br", format!("\"{digest}-br\"")),
        ("br;q=0.5, gzip", "gzip", format!("\"{digest}-gzip\"")),
        ("br;q=0, *;q=0.1", "gzip", format!("\"{digest}-gzip\"")),
    ] {
        let answer = server.get(&path, &[("accept-encoding", accept)]);
        assert_eq!(answer.status, 200, "{accept}");
        assert_eq!(answer.header("content-encoding"), coding, "{accept}");
        assert_eq!(answer.header("etag"), tag);
        assert_eq!(answer.header("vary"), "Accept-Encoding");
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(
            answer.header("content-length"),
            answer.body.len().to_string()
        );
        let mut plain = Vec::new();
        match coding {
            "br" => drop(brotli::Decompressor::new(&*answer.body, 4096).read_to_end(&mut plain)),
            "gzip" => drop(flate2::read::GzDecoder::new(&*answer.body).read_to_end(&mut plain)),
            _ => plain = answer.body.clone(),
        }
        assert_eq!(plain, tables().as_bytes(), "{accept}");

        let headers = [("accept-encoding", accept), ("if-none-match", tag.as_str())];
        let fresh = server.get(&path, &headers);
        assert_eq!((fresh.status, fresh.body.len()), (304, 0));
        let head = server.send("HEAD", &path, &[("accept-encoding", accept)], b"");
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), answer.body.len().to_string());
        assert_eq!(head.header("etag"), tag);
    }
}

#[test]
fn a_range_is_cut_from_the_file_as_it_is() {
    let house = House::new();
    let server = house.start(&[]);
    let (path, digest) = path(&server);
    let tables = tables();
    let length = tables.len();
    for (range, from, to) in [
        ("bytes=0-9", 0, 10),
        ("bytes=5-5", 5, 6),
        ("bytes=-7", length - 7, length),
        (&format!("bytes={}-", length - 3), length - 3, length),
    ] {
        let answer = server.get(&path, &[("range", range), ("accept-encoding", "br")]);
        assert_eq!(answer.status, 206, "{range}");
        assert_eq!(answer.body, &tables.as_bytes()[from..to]);
        assert_eq!(
            answer.header("content-range"),
            format!("bytes {from}-{}/{length}", to - 1)
        );
        assert_eq!(answer.header("content-encoding"), "");
        assert_eq!(answer.header("etag"), format!("\"{digest}\""));
    }
    let past = server.get(&path, &[("range", &format!("bytes={length}-"))]);
    assert_eq!((past.status, past.problem().as_str()), (416, "range"));
    assert_eq!(past.header("content-range"), format!("bytes */{length}"));
    let two = server.get(&path, &[("range", "bytes=0-1,4-5")]);
    assert_eq!((two.status, two.body.len()), (200, length));
    let other_copy = server.get(&path, &[("range", "bytes=0-9"), ("if-range", "\"other\"")]);
    assert_eq!((other_copy.status, other_copy.body.len()), (200, length));
    let same_copy = server.get(
        &path,
        &[
            ("range", "bytes=0-9"),
            ("if-range", &format!("\"{digest}\"")),
        ],
    );
    assert_eq!((same_copy.status, same_copy.body.len()), (206, 10));
}

#[test]
fn only_hashes_lead_to_files() {
    let house = House::new();
    let server = house.start(&[]);
    for name in [
        "0".repeat(64),
        "short".into(),
        "..%2fmanifest.json".into(),
        "%2e%2e%2f%2e%2e%2fvitrine.db".into(),
        format!("{}.br", path(&server).1),
        path(&server).1.to_uppercase(),
    ] {
        let answer = server.get(&format!("/bundles/{name}"), &[]);
        assert_eq!(answer.status, 404, "{name}");
        answer.problem();
    }
}

#[test]
fn the_interface_describes_itself() {
    let house = House::new();
    let server = house.start_with_admin(&[]);
    let document = server.get("/openapi.json", &[]).json();
    for path in [
        "/manifest.json",
        "/manifest.sig",
        "/manifests/{sha256}.sig",
        "/bundles/{sha256}",
        "/v1/feedback",
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/admin/files/{sha256}",
        "/v1/admin/signatures/{sha256}",
        "/v1/admin/manifest",
        "/v1/admin/manifests/{version}",
        "/v1/admin/candidate",
        "/v1/admin/promotions/{sha256}",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let text = server.metrics();
    assert!(
        text.contains("vitrine_http_requests_total{route=\"/openapi.json\",status=\"2xx\"} 1"),
        "{text}"
    );
}
