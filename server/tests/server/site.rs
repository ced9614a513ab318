//! A storefront beside the interface.

use crate::house::{House, view};
use std::fs;

fn house_with_site() -> House {
    let house = House::new();
    let site = house.path("site");
    fs::create_dir_all(site.join("assets")).unwrap();
    fs::write(
        site.join("index.html"),
        "<!doctype html><title>shop</title>",
    )
    .unwrap();
    fs::write(site.join("assets/ranker.wasm"), b"\0asm").unwrap();
    fs::write(site.join("assets/app.js"), "export {}").unwrap();
    fs::write(site.join(".hidden"), "canary").unwrap();
    fs::write(site.join("manifest.json"), "the site's own").unwrap();
    house
}

#[test]
fn pages_are_served_with_their_types_and_a_policy() {
    let house = house_with_site();
    let server = house.start(&["--site", house.path("site").to_str().unwrap()]);
    for (path, media_type) in [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/assets/ranker.wasm", "application/wasm"),
        ("/assets/app.js", "text/javascript"),
    ] {
        let answer = server.get(path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.header("content-type").starts_with(media_type),
            "{path}: {}",
            answer.header("content-type")
        );
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self' 'wasm-unsafe-eval'"),
            "{policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-cache");
        let tag = answer.header("etag").to_owned();
        assert!(!tag.is_empty());
        assert_eq!(server.get(path, &[("if-none-match", &tag)]).status, 304);
        assert_eq!(server.send("HEAD", path, &[], b"").status, 200);
    }
}

#[test]
fn nothing_outside_the_folder_is_served_and_the_interface_wins() {
    let house = house_with_site();
    let server = house.start(&["--site", house.path("site").to_str().unwrap()]);
    for path in [
        "/../vitrine.db",
        "/..%2fvitrine.db",
        "/%2e%2e/vitrine.db",
        "/assets/..%2f..%2fvitrine.db",
        "/.hidden",
        "/assets/",
        "/nowhere",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
        let answer = server.raw(request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        assert!(
            answer.contains("application/problem+json"),
            "{path}: {answer}"
        );
        assert!(
            !answer.contains("canary") && !answer.contains("SQLite"),
            "{path}"
        );
    }
    assert_eq!(server.get("/manifest.json", &[]).json()["version"], 1);
    assert_eq!(server.report(&view(1, "a")).status, 204);
    let answer = server.send("POST", "/index.html", &[], b"");
    assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"));
    assert_eq!(server.send("GET", "/v1/feedback", &[], b"").status, 405);
}
