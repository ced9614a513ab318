//! From a key's file to a signed bundle in a store, by the commands that a person uses.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

mod desk;

use desk::Desk;
use std::fs;
use std::path::Path;
use std::process::Command;
use vitrine_tests::command::vitrine;

#[test]
fn a_key_is_private_and_is_never_overwritten() {
    let desk = Desk::new();
    let (file, public) = desk.key("shop.pem");
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        !vitrine(&["key", "show", &file])
            .done()
            .contains(text.lines().nth(1).unwrap())
    );
    assert!(vitrine(&["key", "show", &file]).done().contains(&public));
    vitrine(&["key", "new", &file]).refused(&["shop.pem", "never overwritten"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);

    use std::os::unix::fs::PermissionsExt;
    let mode = |file: &str| fs::metadata(file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    vitrine(&["key", "show", &file]).refused(&["shop.pem", "chmod 600"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();

    let cut = text.replace(&text.lines().nth(1).unwrap()[20..], "\n");
    for (wrong, named) in [
        ("", "PEM"),
        (cut.as_str(), "Ed25519"),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "Ed25519",
        ),
    ] {
        fs::write(&file, wrong).unwrap();
        vitrine(&["key", "show", &file]).refused(&["shop.pem", named, "vitrine key new"]);
    }
    vitrine(&["key", "show", &desk.path("none.pem")]).refused(&["none.pem", "vitrine key new"]);
}

#[test]
fn a_published_bundle_is_signed_and_its_keys_can_be_changed() {
    let desk = Desk::new();
    let (bundle, store) = (desk.bundle(), desk.path("store"));
    let ((old, old_public), (new, new_public)) = (desk.key("old.pem"), desk.key("new.pem"));
    let check = |public: &str| vitrine(&["key", "check", &store, "--public-key", public]);

    vitrine(&["publish", &bundle, "--to", &store]).done();
    check(&old_public).refused(&["manifest.sig", "--key"]);
    let publish = |keys: &[&str]| {
        vitrine(&[&["publish", &bundle, "--to", &store][..], keys].concat()).done();
    };
    publish(&["--key", &old]);
    check(&old_public).done();
    check(&new_public).refused(&["not signed with a key that is trusted here"]);
    // Both for as long as pages pin the old one, then the new one alone.
    publish(&["--key", &old, "--key", &new]);
    check(&old_public).done();
    check(&new_public).done();
    publish(&["--key", &new]);
    check(&old_public).refused(&["not signed with a key that is trusted here"]);
    check(&new_public).done();

    let manifest = format!("{store}/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
    check(&new_public).refused(&["altered"]);
    check("abc").refused(&["abc", "64 hexadecimal digits"]);
}

#[test]
fn openssl_makes_and_checks_the_same_signatures() {
    let Ok(version) = Command::new("openssl").arg("version").output() else {
        eprintln!("skipped: openssl is not installed");
        return;
    };
    assert!(version.status.success());
    let desk = Desk::new();
    let (bundle, key) = (desk.bundle(), desk.path("openssl.pem"));
    let openssl = |arguments: &[&str]| {
        let made = Command::new("openssl").args(arguments).output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
    };
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", &key]);
    Command::new("chmod").args(["600", &key]).status().unwrap();
    vitrine(&[
        "publish",
        &bundle,
        "--to",
        &desk.path("store"),
        "--key",
        &key,
    ])
    .done();
    let file = fs::read_to_string(format!("{bundle}/manifest.sig")).unwrap();
    let digits = file.lines().nth(1).unwrap().split(' ').nth(1).unwrap();
    let signature: Vec<u8> = (0..64)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    fs::write(desk.path("raw"), signature).unwrap();
    openssl(&[
        "pkeyutl",
        "-verify",
        "-rawin",
        "-inkey",
        &key,
        "-sigfile",
        &desk.path("raw"),
        "-in",
        &format!("{bundle}/manifest.json"),
    ]);
}

#[test]
fn a_bundle_is_proposed_promoted_and_taken_back_under_a_new_version() {
    let desk = Desk::new();
    let (bundle, store) = (desk.bundle(), desk.path("store"));
    let (key, public) = desk.key("shop.pem");
    let to = ["--to", &store];
    let signed = ["--to", &store, "--key", &key];
    let live = || -> serde_json::Value {
        serde_json::from_slice(&fs::read(format!("{store}/manifest.json")).unwrap()).unwrap()
    };
    vitrine(&[&["promote"][..], &to].concat()).refused(&["--candidate"]);
    vitrine(&[&["rollback", "1"][..], &to].concat()).refused(&["nothing is published"]);
    vitrine(&[&["publish", &bundle, "--candidate"][..], &signed].concat()).done();
    assert!(!Path::new(&store).join("manifest.json").exists());
    vitrine(&[&["promote"][..], &to].concat()).done();
    assert_eq!(live()["version"], 1);
    vitrine(&[&["promote"][..], &to].concat()).refused(&["--candidate"]);
    vitrine(&[&["rollback", "1"][..], &to].concat()).refused(&["not older"]);

    // A second version with other privacy facts, as a later recipe would give it.
    let first = fs::read(format!("{store}/manifest.json")).unwrap();
    let text = String::from_utf8(first.clone()).unwrap();
    let second = text.replacen("\"version\": 1", "\"version\": 2", 1);
    let second = second.replacen("\"k\": 2", "\"k\": 3", 1);
    fs::write(format!("{bundle}/manifest.json"), second).unwrap();
    vitrine(&[&["publish", &bundle][..], &signed].concat()).done();
    vitrine(&[&["rollback", "9"][..], &to].concat()).refused(&["version 9"]);
    vitrine(&[&["rollback", "1"][..], &signed].concat()).done();
    let now = live();
    assert_eq!(now["version"], 3);
    assert_eq!(
        now["files"],
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["files"]
    );
    assert_eq!(
        now["restores"],
        vitrine_core::Digest::of(&first).to_string()
    );
    assert_eq!(
        now["privacy"]["k"], 3,
        "a promise is not taken back with a bundle"
    );
    vitrine(&["key", "check", &store, "--public-key", &public]).done();
}
