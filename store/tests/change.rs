//! Changes that meet in one store, and the attacks of The Update Framework on a repository: whoever
//! publishes at the same moment, or sends a manifest that is older, too new or not its own.

#![allow(clippy::unwrap_used, missing_docs)]

mod folder;

use folder::bundle;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;
use vitrine_core::Digest;
use vitrine_core::manifest::{FileEntry, MAX_VERSION, Manifest, file};
use vitrine_core::provenance::{self, Bounds, Exposure, Figures, HeldOut, Provenance};
use vitrine_core::signature::{SecretKey, sign, verify};
use vitrine_store::{Outcome, Store, StoreError};

struct Desk {
    dir: tempfile::TempDir,
    store: Store,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("store")).unwrap();
        Self { dir, store }
    }

    /// A folder with a bundle of this version.
    fn folder(&self, version: u64) -> PathBuf {
        let folder = self.dir.path().join(format!("bundle-{version}"));
        bundle(&folder, version, format!("tables {version}").as_bytes());
        folder
    }

    /// A manifest of this version, all of whose files are stored.
    fn manifest(&self, version: u64) -> Vec<u8> {
        let folder = self.folder(version);
        let mut manifest = read(&folder);
        self.store_files(&mut manifest)
    }

    /// The same, compared with the current one and near to it.
    fn compared(&self, version: u64) -> Vec<u8> {
        let live = self.store.current().unwrap().unwrap();
        let folder = self.folder(version);
        let mut manifest = read(&folder);
        let provenance = Provenance {
            schema: provenance::SCHEMA.into(),
            against: live.digest,
            version: live.manifest.version,
            held_out: HeldOut {
                examples: 1,
                unseen: true,
            },
            before: Figures::default(),
            after: Figures::default(),
            exposure: Exposure {
                floor: 1.0,
                shift: 0.0,
                moved: Vec::new(),
            },
            bounds: Bounds::default(),
        };
        let bytes = provenance.to_bytes();
        fs::write(folder.join(file::PROVENANCE), &bytes).unwrap();
        let entry = FileEntry {
            sha256: Digest::of(&bytes),
            bytes: bytes.len() as u64,
        };
        manifest.files.insert(file::PROVENANCE.into(), entry);
        self.store_files(&mut manifest)
    }

    fn store_files(&self, manifest: &mut Manifest) -> Vec<u8> {
        let folder = self.dir.path().join(format!("bundle-{}", manifest.version));
        for (name, entry) in &manifest.files {
            let bytes = fs::read(folder.join(name)).unwrap();
            self.store.put_file(entry.sha256, &bytes).unwrap();
        }
        manifest.to_bytes()
    }

    fn live(&self) -> u64 {
        self.store.current().unwrap().unwrap().manifest.version
    }

    /// Another handle on the same folder, as another process has one.
    fn again(&self) -> Store {
        Store::open(self.store.root()).unwrap()
    }
}

/// A folder's manifest, whatever its version.
fn read(folder: &Path) -> Manifest {
    let bytes = fs::read(folder.join("manifest.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Runs both at the same moment.
fn at_once<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let first = scope.spawn(|| {
            start.wait();
            first()
        });
        start.wait();
        let second = second();
        (first.join().unwrap(), second)
    })
}

#[test]
fn nothing_goes_live_that_was_compared_with_what_was_live_a_moment_ago() {
    for _ in 0..60 {
        let desk = Desk::new();
        desk.store.put_manifest(&desk.manifest(1)).unwrap();
        let (second, third) = (desk.manifest(2), desk.compared(3));
        desk.store.put_candidate(&third).unwrap();
        let other = desk.again();
        let (promoted, published) = at_once(
            || desk.store.promote(Digest::of(&third), None),
            || other.put_manifest(&second),
        );
        match (promoted, published) {
            (Ok(_), Err(StoreError::NotNewer { .. })) => assert_eq!(desk.live(), 3),
            (Err(StoreError::Held { .. }), Ok(_)) => assert_eq!(desk.live(), 2),
            other => panic!("{other:?}, and version {} is live", desk.live()),
        }
    }
}

#[test]
fn a_candidate_that_was_accepted_is_there_until_it_is_promoted() {
    for _ in 0..60 {
        let desk = Desk::new();
        desk.store.put_manifest(&desk.manifest(1)).unwrap();
        let (second, third) = (desk.compared(2), desk.compared(3));
        desk.store.put_candidate(&second).unwrap();
        let other = desk.again();
        let (promoted, accepted) = at_once(
            || desk.store.promote(Digest::of(&second), None),
            || other.put_candidate(&third),
        );
        accepted.unwrap();
        assert!(
            matches!(promoted, Ok(_) | Err(StoreError::NoCandidate(_))),
            "{promoted:?}"
        );
        let waits = desk.store.candidate().unwrap().map(|found| found.bytes);
        assert_eq!(waits, Some(third));
    }
}

#[test]
fn of_promotions_at_once_one_switches_and_the_others_find_it_done() {
    for _ in 0..30 {
        let desk = Desk::new();
        desk.store.put_manifest(&desk.manifest(1)).unwrap();
        let second = desk.compared(2);
        desk.store.put_candidate(&second).unwrap();
        let stores = [desk.again(), desk.again(), desk.again()];
        let start = Barrier::new(stores.len());
        let promote = &|store: &Store| {
            start.wait();
            let promoted = store.promote(Digest::of(&second), None);
            promoted.unwrap().outcome
        };
        let outcomes = thread::scope(|scope| {
            let running = stores
                .each_ref()
                .map(|store| scope.spawn(move || promote(store)));
            running.map(|one| one.join().unwrap())
        });
        let switched = outcomes.iter().filter(|o| **o == Outcome::Switched);
        assert_eq!(switched.count(), 1);
        assert!(desk.store.candidate().unwrap().is_none());
    }
}

#[test]
fn a_candidate_that_a_lost_process_left_behind_is_taken_away() {
    let desk = Desk::new();
    desk.store.put_manifest(&desk.manifest(1)).unwrap();
    let second = desk.compared(2);
    desk.store.put_candidate(&second).unwrap();
    // The process was lost between the switch and the removal.
    desk.store.put_manifest(&second).unwrap();
    let again = desk.store.promote(Digest::of(&second), None).unwrap();
    assert_eq!(again.outcome, Outcome::Unchanged);
    assert!(desk.store.candidate().unwrap().is_none());
}

#[test]
fn a_reason_is_kept_only_of_what_went_live() {
    let desk = Desk::new();
    desk.store.put_manifest(&desk.manifest(1)).unwrap();
    let second = desk.manifest(2);
    desk.store.put_candidate(&second).unwrap();
    desk.store.put_manifest(&desk.manifest(3)).unwrap();
    let late = desk.store.promote(Digest::of(&second), Some("looked at"));
    assert!(matches!(late, Err(StoreError::NotNewer { .. })));
    assert!(!desk.store.root().join("forced").exists());
}

/// Each way by which a manifest becomes the candidate or current.
fn each_way(desk: &Desk, bytes: &[u8], folder: PathBuf) -> [Result<Outcome, StoreError>; 3] {
    fs::write(folder.join("manifest.json"), bytes).unwrap();
    [
        desk.store.put_candidate(bytes),
        desk.store.put_manifest(bytes),
        desk.store.publish_folder(&folder),
    ]
    .map(|published| published.map(|published| published.outcome))
}

#[test]
fn tuf_rollback_an_older_manifest_follows_nothing() {
    let desk = Desk::new();
    let (first, second) = (desk.manifest(1), desk.manifest(2));
    desk.store.put_candidate(&second).unwrap();
    desk.store.put_manifest(&desk.manifest(3)).unwrap();
    for way in each_way(&desk, &first, desk.folder(1)) {
        assert!(matches!(way, Err(StoreError::NotNewer { .. })), "{way:?}");
    }
    // It was the candidate before the newer one went live.
    for force in [None, Some("looked at")] {
        let late = desk.store.promote(Digest::of(&second), force);
        assert!(matches!(late, Err(StoreError::NotNewer { .. })), "{late:?}");
    }
    assert_eq!(desk.live(), 3);
}

#[test]
fn tuf_fast_forward_a_version_is_near_to_the_one_before() {
    let desk = Desk::new();
    desk.store.put_manifest(&desk.manifest(41)).unwrap();
    for version in [1_000_042, 1 << 40, MAX_VERSION] {
        for way in each_way(&desk, &desk.manifest(version), desk.folder(version)) {
            let said = way.unwrap_err().to_string();
            assert!(said.contains("Give the bundle version 42"), "{said}");
        }
    }
    for version in [MAX_VERSION + 1, u64::MAX] {
        for way in each_way(&desk, &desk.manifest(version), desk.folder(version)) {
            let said = way.unwrap_err().to_string();
            assert!(said.contains("version"), "{said}");
        }
    }
    assert_eq!(desk.live(), 41);
    desk.store.put_manifest(&desk.manifest(1_000_041)).unwrap();

    // A store that is empty begins where others can follow.
    let desk = Desk::new();
    for way in each_way(&desk, &desk.manifest(MAX_VERSION), desk.folder(MAX_VERSION)) {
        let said = way.unwrap_err().to_string();
        assert!(said.contains("give the bundle version 1"), "{said}");
    }
}

#[test]
fn tuf_fast_forward_the_last_version_of_all_does_not_panic() {
    let desk = Desk::new();
    // A store that was written by hand.
    fs::write(desk.store.manifest_path(), desk.manifest(MAX_VERSION)).unwrap();
    assert_eq!(desk.live(), MAX_VERSION);
    for version in [1, MAX_VERSION - 1] {
        for way in each_way(&desk, &desk.manifest(version), desk.folder(version)) {
            assert!(matches!(way, Err(StoreError::NotNewer { .. })), "{way:?}");
        }
    }
}

#[test]
fn tuf_fast_forward_a_shop_recovers_with_another_key() {
    let (old, new) = (
        SecretKey::from_bytes(&[1; 32]),
        SecretKey::from_bytes(&[2; 32]),
    );
    let desk = Desk::new();
    let good = desk.manifest(41);
    desk.store.put_manifest(&good).unwrap();
    let far = desk.manifest(1_000_041);
    desk.store
        .put_signature(Digest::of(&far), &sign(&far, &[&old]))
        .unwrap();
    desk.store.put_manifest(&far).unwrap();

    // As docs/server.md says it.
    let root = desk.store.root();
    fs::remove_file(root.join("manifests/1000041.json")).unwrap();
    fs::copy(root.join("manifests/41.json"), root.join("manifest.new")).unwrap();
    fs::rename(root.join("manifest.new"), root.join("manifest.json")).unwrap();
    let next = desk.manifest(42);
    let store = desk.again().trusting(&[new.public()]);
    store
        .put_signature(Digest::of(&next), &sign(&next, &[&new]))
        .unwrap();
    store.put_manifest(&next).unwrap();
    assert_eq!(desk.live(), 42);
    let promised = store.promises().unwrap();
    assert_eq!(promised.len(), 2);
    assert_eq!(promised[1].until, None);
}

#[test]
fn tuf_mix_and_match_files_and_signatures_are_of_their_manifest() {
    let key = SecretKey::from_bytes(&[1; 32]);
    let desk = Desk::new();
    let store = desk.again().trusting(&[key.public()]);
    let (first, second) = (desk.manifest(1), desk.manifest(2));
    let mut mixed = Manifest::parse(&second).unwrap();
    let other = Manifest::parse(&first).unwrap().files[file::TABLES];
    mixed.files.get_mut(file::TABLES).unwrap().sha256 = other.sha256;
    mixed.files.get_mut(file::TABLES).unwrap().bytes += 1;
    let wrong = desk.store.put_manifest(&mixed.to_bytes());
    assert!(matches!(wrong, Err(StoreError::Length { .. })), "{wrong:?}");

    // The signature of the one under the hash of the other, before the manifest comes and after.
    let (good, of_another) = (sign(&first, &[&key]), sign(&second, &[&key]));
    let digest = Digest::of(&first);
    store.put_signature(digest, &of_another).unwrap();
    assert_eq!(store.signature(digest).unwrap(), None, "it waits");
    let refused = store.put_manifest(&first);
    assert!(
        matches!(refused, Err(StoreError::Signature(_))),
        "{refused:?}"
    );
    assert!(store.current().unwrap().is_none());
    store.put_signature(digest, &good).unwrap();
    store.put_manifest(&first).unwrap();
    let refused = store.put_signature(digest, &of_another);
    assert!(
        matches!(refused, Err(StoreError::Signature(_))),
        "{refused:?}"
    );
    assert_eq!(store.signature(digest).unwrap(), Some(good));
}

#[test]
fn a_signature_is_found_under_the_hash_of_its_manifest_before_that_is_live() {
    let key = SecretKey::from_bytes(&[1; 32]);
    let desk = Desk::new();
    let store = desk.again().trusting(&[key.public()]);
    let signed = |version| {
        let bytes = desk.manifest(version);
        let file = sign(&bytes, &[&key]);
        store.put_signature(Digest::of(&bytes), &file).unwrap();
        bytes
    };
    let manifests: Vec<Vec<u8>> = (1..=40).map(signed).collect();
    let publish = || {
        for bytes in &manifests {
            store.put_manifest(bytes).unwrap();
        }
    };
    let read = || {
        let reader = desk.again();
        let mut seen = 0;
        while seen < 40 {
            let Some(current) = reader.current().unwrap() else {
                continue;
            };
            let file = reader.signature(current.digest).unwrap().unwrap();
            verify(&current.bytes, &file, &[key.public()]).unwrap();
            seen = current.manifest.version;
        }
    };
    at_once(publish, read);
    let waiting = fs::read_dir(store.root().join("waiting")).unwrap();
    assert_eq!(waiting.count(), 0);
}

#[test]
fn a_candidate_is_promoted_only_with_a_key_that_is_trusted_still() {
    let [old, new] = [[1; 32], [2; 32]].map(|seed| SecretKey::from_bytes(&seed));
    let desk = Desk::new();
    let first = desk.manifest(1);
    let store = desk.again().trusting(&[old.public()]);
    store
        .put_signature(Digest::of(&first), &sign(&first, &[&old]))
        .unwrap();
    store.put_candidate(&first).unwrap();
    let store = desk.again().trusting(&[new.public()]);
    let refused = store.promote(Digest::of(&first), None);
    assert!(
        matches!(refused, Err(StoreError::Signature(_))),
        "{refused:?}"
    );
    store
        .put_signature(Digest::of(&first), &sign(&first, &[&new]))
        .unwrap();
    store.promote(Digest::of(&first), None).unwrap();
}
