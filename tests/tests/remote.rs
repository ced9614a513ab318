//! Publishing from another machine: the real command against the real server's admin listener.

#![allow(clippy::unwrap_used)] // In a test, a panic is the report.

mod desk;

use desk::Desk;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use vitrine_core::manifest::{Manifest, file};
use vitrine_core::signature::verify;
use vitrine_core::tables::tensor;
use vitrine_core::{Digest, delta};
use vitrine_tests::command::{Ran, program, vitrine};

const TOKEN: &str = "canary-token";

/// A server with an admin listener, and what a publisher needs to reach it.
struct Shop {
    desk: Desk,
    server: Child,
    public: String,
    admin: String,
}

impl Shop {
    /// Starts a server that takes what these public keys have signed.
    fn new(desk: Desk, keys: &[&str]) -> Self {
        fs::write(desk.path("token"), TOKEN).unwrap();
        let mut command = Command::new(program("vitrine-server"));
        command
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
            ])
            .args([
                "--store",
                &desk.path("store"),
                "--database",
                &desk.path("vitrine.db"),
            ])
            .args([
                "--admin-token-sha256",
                &Digest::of(TOKEN.as_bytes()).to_string(),
            ]);
        if !keys.is_empty() {
            command.args(["--public-keys", &keys.join(",")]);
        }
        let mut server = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let mut address = || {
            let line = lines.next().unwrap().unwrap();
            line.split_once("http://").unwrap().1.to_owned()
        };
        let (public, admin) = (address(), address());
        Self {
            desk,
            server,
            public,
            admin,
        }
    }

    /// Runs a command against the admin listener.
    fn vitrine(&self, words: &[&str]) -> Ran {
        let to = format!("http://{}", self.admin);
        let token = self.desk.path("token");
        vitrine(&[words, &["--to", &to, "--token-file", &token]].concat())
    }

    /// What a browser gets.
    fn get(&self, path: &str) -> Option<Vec<u8>> {
        let mut answer = ureq::get(format!("http://{}{path}", self.public))
            .call()
            .ok()?;
        answer.body_mut().read_to_vec().ok()
    }

    fn live(&self) -> serde_json::Value {
        serde_json::from_slice(&self.get("/manifest.json").unwrap()).unwrap()
    }

    /// Whether a page that pins this key takes what is served.
    fn trusted_by(&self, public: &str) -> bool {
        let manifest = self.get("/manifest.json").unwrap();
        let path = format!("/manifests/{}.sig", Digest::of(&manifest));
        let signatures = self.get(&path).unwrap_or_default();
        verify(&manifest, &signatures, &[public.parse().unwrap()]).is_ok()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Makes the bundle a later version.
fn raise(bundle: &str, from: u64, to: u64) {
    let path = format!("{bundle}/manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let (from, to) = (format!("\"version\": {from}"), format!("\"version\": {to}"));
    assert!(text.contains(&from));
    fs::write(path, text.replacen(&from, &to, 1)).unwrap();
}

/// Where the numbers of a tensor of a safetensors file begin.
fn place_of(bytes: &[u8], tensor: &str) -> usize {
    let (length, rest) = bytes.split_first_chunk().unwrap();
    let length = u64::from_le_bytes(*length) as usize;
    let header: serde_json::Value = serde_json::from_slice(&rest[..length]).unwrap();
    let from = header[tensor]["data_offsets"][0].as_u64().unwrap();
    8 + length + from as usize
}

#[test]
fn a_bundle_is_published_proposed_promoted_and_taken_back_from_afar() {
    let shop = Shop::new(Desk::new(), &[]);
    let bundle = shop.desk.bundle();
    shop.vitrine(&["rollback", "1"])
        .refused(&["nothing is published"]);
    shop.vitrine(&["publish", &bundle]).done();
    assert_eq!(shop.live()["version"], 1);
    for file in shop.live()["files"].as_object().unwrap().values() {
        let sha256 = file["sha256"].as_str().unwrap();
        let bytes = shop.get(&format!("/bundles/{sha256}")).unwrap();
        assert_eq!(Digest::of(&bytes).to_string(), sha256);
    }

    raise(&bundle, 1, 2);
    shop.vitrine(&["publish", &bundle, "--candidate"]).done();
    assert_eq!(shop.live()["version"], 1, "a candidate is seen by nobody");
    // Nothing has compared it with the live one.
    shop.vitrine(&["promote"]).refused(&["--force"]);
    assert_eq!(shop.live()["version"], 1);
    let reason = "first bundle of the new season";
    shop.vitrine(&["promote", "--force", reason]).done();
    assert_eq!(shop.live()["version"], 2);
    shop.vitrine(&["promote"]).refused(&["--candidate"]);

    shop.vitrine(&["rollback", "1"]).done();
    let live = shop.live();
    assert_eq!(live["version"], 3);
    assert!(live["restores"].is_string());
    // What is not newer is refused by the server, and the message says which is live.
    shop.vitrine(&["publish", &bundle])
        .refused(&["version", "3"]);
    let log = fs::read_to_string(shop.desk.path("audit.jsonl")).unwrap();
    for action in ["publish", "propose", "promote", reason, "rollback"] {
        assert!(log.contains(action), "{action} is not in {log}");
    }
}

/// What was trained again differs a little: the delta from the live version goes up beside the
/// files, and makes the new one from what a browser has kept.
#[test]
fn the_next_version_is_published_from_afar_with_a_delta() {
    let shop = Shop::new(Desk::new(), &[]);
    let bundle = shop.desk.bundle();
    shop.vitrine(&["publish", &bundle]).done();
    let base = shop.live()["files"][file::TABLES]["sha256"].to_string();
    let base = base.trim_matches('"').to_owned();

    let tables = format!("{bundle}/{}", file::TABLES);
    let mut bytes = fs::read(&tables).unwrap();
    // Any number is a popularity.
    let at = place_of(&bytes, tensor::POPULARITY);
    bytes[at] ^= 1;
    fs::write(&tables, &bytes).unwrap();
    let path = format!("{bundle}/manifest.json");
    let mut manifest = Manifest::parse(&fs::read(&path).unwrap()).unwrap();
    manifest.version = 2;
    let sha256 = Digest::of(&bytes);
    manifest.files.get_mut(file::TABLES).unwrap().sha256 = sha256;
    fs::write(&path, manifest.to_bytes()).unwrap();
    shop.vitrine(&["publish", &bundle]).done();

    let live = Manifest::parse(&shop.get("/manifest.json").unwrap()).unwrap();
    assert_eq!((live.version, live.files[file::TABLES].sha256), (2, sha256));
    let (from, entry) = delta::of(&live, file::TABLES).next().unwrap();
    assert_eq!(from.to_string(), base);
    let made = shop.get(&format!("/bundles/{}", entry.sha256)).unwrap();
    let kept = shop.get(&format!("/bundles/{base}")).unwrap();
    let mut made = delta::Delta::open(made, bytes.len() as u64).unwrap();
    assert_eq!(made.apply(&kept), bytes);
}

#[test]
fn a_wrong_token_and_a_server_that_is_not_there_are_named() {
    let shop = Shop::new(Desk::new(), &[]);
    let bundle = shop.desk.bundle();
    fs::write(shop.desk.path("token"), "canary-wrong").unwrap();
    let refused = shop.vitrine(&["publish", &bundle]);
    assert!(!refused.err.contains("canary-wrong"), "{}", refused.err);
    refused.refused(&["token"]);
    assert!(shop.get("/manifest.json").is_none());

    fs::remove_file(shop.desk.path("token")).unwrap();
    shop.vitrine(&["publish", &bundle]).refused(&["token"]);
    fs::write(shop.desk.path("token"), TOKEN).unwrap();
    let nowhere = "http://127.0.0.1:1";
    let token = shop.desk.path("token");
    vitrine(&["publish", &bundle, "--to", nowhere, "--token-file", &token])
        .refused(&["127.0.0.1:1"]);
}

/// Old key alone, both, new key alone: pages of either kind are served what they trust for as long
/// as both sign and the server trusts both, and the server takes nothing that is unsigned.
#[test]
fn keys_are_changed_with_an_overlap() {
    let desk = Desk::new();
    let ((old, old_public), (new, new_public)) = (desk.key("old.pem"), desk.key("new.pem"));
    let shop = Shop::new(desk, &[&old_public, &new_public]);
    let bundle = shop.desk.bundle();
    shop.vitrine(&["publish", &bundle]).refused(&["sign"]);
    assert!(shop.get("/manifest.json").is_none());
    for (keys, old_trusts, new_trusts) in [
        (vec!["--key", &old], true, false),
        (vec!["--key", &old, "--key", &new], true, true),
        // The server trusts the old key still, so its signature stays beside the new one.
        (vec!["--key", &new], true, true),
    ] {
        shop.vitrine(&[&["publish", &bundle][..], &keys].concat())
            .done();
        assert_eq!(shop.trusted_by(&old_public), old_trusts, "{keys:?}");
        assert_eq!(shop.trusted_by(&new_public), new_trusts, "{keys:?}");
    }
    // A rollback is a new manifest, and needs a signature like any other.
    raise(&bundle, 1, 2);
    shop.vitrine(&["publish", &bundle, "--key", &new]).done();
    shop.vitrine(&["rollback", "1"]).refused(&["sign"]);
    assert_eq!(shop.live()["version"], 2);
    shop.vitrine(&["rollback", "1", "--key", &new]).done();
    assert_eq!(shop.live()["version"], 3);
    assert!(shop.trusted_by(&new_public));
}

/// The operator's key signs what the log came to; a log that was written anew shows against it.
#[test]
fn a_signed_checkpoint_shows_that_the_audit_log_was_written_anew() {
    let shop = Shop::new(Desk::new(), &[]);
    let bundle = shop.desk.bundle();
    shop.vitrine(&["publish", &bundle]).done();
    let (key, public) = shop.desk.key("audit.pem");
    let (log, checkpoint) = (shop.desk.path("audit.jsonl"), shop.desk.path("checkpoint"));
    let audit = |more: &[&str]| {
        let mut command = Command::new(program("vitrine-server"));
        let output = command.args(["audit", &log]).args(more).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (good, said) = audit(&["--out", &checkpoint]);
    assert!(good, "{said}");
    let against = ["--checkpoint", &checkpoint, "--public-key", &public];
    let (good, said) = audit(&against);
    assert!(!good && said.contains("not signed"), "{said}");
    vitrine(&["key", "sign", &checkpoint, "--key", &key]).done();
    vitrine(&["key", "sign", &log, "--key", &key]).refused(&["audit.jsonl", "not a checkpoint"]);

    raise(&bundle, 1, 2);
    shop.vitrine(&["publish", &bundle]).done();
    let (good, said) = audit(&against);
    assert!(good && said.contains("of the checkpoint"), "{said}");
    let (_, other) = shop.desk.key("other.pem");
    let (good, said) = audit(&["--checkpoint", &checkpoint, "--public-key", &other]);
    assert!(!good && said.contains("not signed with a key"), "{said}");

    // Whoever owns the server can make a log without the first line, whose chain holds.
    let nothing = Digest::of(b"");
    let line = format!(
        r#"{{"number":1,"at":1,"action":"upload","stage":"done","version":null,"token":"0","previous":"{nothing}"}}"#
    );
    fs::write(&log, line + "\n").unwrap();
    assert!(audit(&[]).0);
    let (good, said) = audit(&against);
    assert!(!good && said.contains("written anew"), "{said}");
}
