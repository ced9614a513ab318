//! From a key's file to a signed bundle in a store, by the commands that a person uses.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use vitrine_tests::command::vitrine;

const RECIPE: &str = "[table]
cooccurrence = 0.8
gap_decay = 2.0
age_decay = 1.0
shrinkage = 1.0
popularity_power = -0.1
position_decay = 2.0
repeat_last = 0.2
repeat_session = 0.7
repeat_decay = 2.0
popularity = 0.001
[encoder]
enabled = false
";

/// A finished run, made once.
static MADE: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("signing");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    let at = |name: &str| root.join(name).display().to_string();
    fs::write(at("recipe.toml"), RECIPE).unwrap();
    let sizes = ["--items", "60", "--shoppers", "200", "--days", "10"];
    vitrine(&[&["simulate", "--out", &at("shop")][..], &sizes].concat()).done();
    let (shop, data, run) = (at("shop"), at("data"), at("run"));
    vitrine(&[
        "prepare",
        "--events",
        &shop,
        "--preset",
        "behaviour",
        "--out",
        &data,
    ])
    .done();
    let recipe = at("recipe.toml");
    vitrine(&["train", "--data", &data, "--recipe", &recipe, "--out", &run]).done();
    root
});

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// A new key; its file and its public half.
    fn key(&self, name: &str) -> (String, String) {
        let file = self.path(name);
        let said = vitrine(&["key", "new", &file]).done();
        let public = said
            .lines()
            .find_map(|line| line.strip_prefix("public key  "));
        (file, public.unwrap().to_owned())
    }

    fn bundle(&self) -> String {
        let bundle = self.path("bundle");
        let run = MADE.join("run").display().to_string();
        vitrine(&["export", "--run", &run, "--out", &bundle]).done();
        bundle
    }
}

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
