//! A store in a real folder: what is published is whole, and what is refused leaves no trace.

#![allow(clippy::unwrap_used, missing_docs)]

mod folder;

use folder::bundle;
use std::fs;
use std::io::Read;
use std::path::Path;
use vitrine_core::manifest::{FileEntry, file};
use vitrine_core::{Digest, delta};
use vitrine_store::{Coding, Outcome, Store, StoreError, add_deltas};

/// Every file below a folder, so that a test can say that nothing was left behind.
fn listing(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(listing(&path));
        } else {
            names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    names.sort();
    names
}

#[test]
fn a_bundle_is_published_whole_with_its_compressed_siblings() {
    let house = tempfile::tempdir().unwrap();
    let tables = "compressible ".repeat(2000);
    let manifest = bundle(&house.path().join("bundle"), 1, tables.as_bytes());
    let store = Store::open(house.path().join("store")).unwrap();
    assert!(store.current().unwrap().is_none());

    let published = store.publish_folder(&house.path().join("bundle")).unwrap();
    assert_eq!(published.outcome, Outcome::Switched);
    let current = store.current().unwrap().unwrap();
    assert_eq!(current.manifest, manifest);
    assert_eq!(current.digest, published.digest);

    let digest = manifest.files[file::TABLES].sha256;
    assert_eq!(store.read(digest).unwrap(), tables.as_bytes());
    let mut text = Vec::new();
    brotli::Decompressor::new(
        fs::File::open(store.file_path(digest, Coding::Brotli)).unwrap(),
        4096,
    )
    .read_to_end(&mut text)
    .unwrap();
    assert_eq!(text, tables.as_bytes());
    text.clear();
    flate2::read::GzDecoder::new(fs::File::open(store.file_path(digest, Coding::Gzip)).unwrap())
        .read_to_end(&mut text)
        .unwrap();
    assert_eq!(text, tables.as_bytes());
    // Five bytes do not become shorter, so nobody is offered them longer.
    let items = manifest.files[file::ITEMS].sha256;
    assert!(!store.file_path(items, Coding::Brotli).exists());

    let before = listing(store.root());
    let again = store.publish_folder(&house.path().join("bundle")).unwrap();
    assert_eq!(again.outcome, Outcome::Unchanged);
    assert_eq!(listing(store.root()), before);
}

#[test]
fn versions_rise_and_are_used_once() {
    let house = tempfile::tempdir().unwrap();
    let store = Store::open(house.path().join("store")).unwrap();
    let folder = |name: &str| house.path().join(name);
    bundle(&folder("second"), 2, b"two");
    bundle(&folder("other"), 2, b"another two");
    bundle(&folder("first"), 1, b"one");
    bundle(&folder("third"), 3, b"three");

    store.publish_folder(&folder("second")).unwrap();
    let older = store.publish_folder(&folder("first")).unwrap_err();
    assert!(matches!(
        older,
        StoreError::NotNewer {
            current: 2,
            offered: 1
        }
    ));
    let taken = store.publish_folder(&folder("other")).unwrap_err();
    assert!(matches!(taken, StoreError::VersionTaken { version: 2 }));
    assert_eq!(store.current().unwrap().unwrap().manifest.version, 2);
    store.publish_folder(&folder("third")).unwrap();
    assert_eq!(store.current().unwrap().unwrap().manifest.version, 3);
    assert!(listing(store.root()).contains(&"2.json".to_owned()));
}

#[test]
fn an_altered_bundle_is_refused_by_name_and_the_old_one_stays() {
    let house = tempfile::tempdir().unwrap();
    let store = Store::open(house.path().join("store")).unwrap();
    bundle(&house.path().join("first"), 1, b"one");
    store.publish_folder(&house.path().join("first")).unwrap();
    let before = listing(store.root());

    let second = house.path().join("second");
    bundle(&second, 2, b"two");
    for altered in ["twO", "tw", "two and more"] {
        fs::write(second.join(file::TABLES), altered).unwrap();
        let error = store.publish_folder(&second).unwrap_err().to_string();
        assert!(error.contains(file::TABLES), "{error}");
        assert!(error.contains("export the bundle again"), "{error}");
    }
    fs::remove_file(second.join(file::TABLES)).unwrap();
    let error = store.publish_folder(&second).unwrap_err().to_string();
    assert!(error.contains(file::TABLES), "{error}");

    let text = fs::read_to_string(second.join("manifest.json")).unwrap();
    fs::write(second.join("manifest.json"), &text[..text.len() / 2]).unwrap();
    let error = store.publish_folder(&second).unwrap_err().to_string();
    assert!(error.contains("manifest.json"), "{error}");

    // The one file that was whole is kept under its hash; no name leads to it.
    assert_eq!(store.current().unwrap().unwrap().manifest.version, 1);
    assert_eq!(listing(store.root()), before);
}

#[test]
fn a_manifest_waits_for_its_files() {
    let house = tempfile::tempdir().unwrap();
    let store = Store::open(house.path().join("store")).unwrap();
    let manifest = bundle(&house.path().join("bundle"), 1, b"one");
    store.put_file(Digest::of(b"items"), b"items").unwrap();
    match store.put_manifest(&manifest.to_bytes()).unwrap_err() {
        StoreError::Missing { files } => {
            assert_eq!(files.len(), 1);
            assert!(files[0].starts_with(file::TABLES));
        }
        other => panic!("{other}"),
    }
    assert!(store.current().unwrap().is_none());
    store.put_file(Digest::of(b"one"), b"one").unwrap();
    store.put_manifest(&manifest.to_bytes()).unwrap();
    assert_eq!(store.current().unwrap().unwrap().manifest.version, 1);
}

#[test]
fn a_hash_names_its_own_bytes_only() {
    let house = tempfile::tempdir().unwrap();
    let store = Store::open(house.path().join("store")).unwrap();
    let digest = Digest::of(b"right");
    let error = store.put_file(digest, b"wrong").unwrap_err();
    assert!(matches!(error, StoreError::Altered { .. }), "{error}");
    assert!(listing(store.root()).is_empty());
    assert!(matches!(
        store.read(digest).unwrap_err(),
        StoreError::NotFound(_)
    ));

    // Damage on the disk is seen by whoever reads, and mended by publishing again.
    store.put_file(digest, b"right").unwrap();
    fs::write(store.file_path(digest, Coding::Identity), b"rot").unwrap();
    assert!(matches!(
        store.read(digest).unwrap_err(),
        StoreError::Altered { .. }
    ));
    store.put_file(digest, b"right").unwrap();
    assert_eq!(store.read(digest).unwrap(), b"right");
}

#[test]
fn a_path_that_cannot_be_a_store_is_named() {
    let house = tempfile::tempdir().unwrap();
    let file = house.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = Store::open(&file).unwrap_err().to_string();
    assert!(error.contains(&file.display().to_string()), "{error}");
    assert!(error.contains("a folder is needed there"), "{error}");
}

/// Numbers that look random and do not compress, the same in each run.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    (0..count).map(next).collect()
}

#[test]
fn a_delta_is_added_where_it_is_shorter_and_makes_the_file() {
    let house = tempfile::tempdir().unwrap();
    let store = Store::open(house.path().join("store")).unwrap();
    let folder = |version: u64| house.path().join(format!("bundle-{version}"));
    let tables = noise(1, 20_000);
    let mut changed = tables.clone();
    changed.splice(700..700, noise(2, 50));
    let first = bundle(&folder(1), 1, &tables);
    store.publish_folder(&folder(1)).unwrap();

    let mut second = bundle(&folder(2), 2, &changed);
    let read = |name: &str, digest: Digest| {
        let own = fs::read(folder(2).join(name)).unwrap();
        match Digest::of(&own) == digest {
            true => Ok(own),
            false => store.read(digest),
        }
    };
    let deltas = add_deltas(&mut second, &first, read).unwrap();
    // The ids are the same, so there is nothing to fetch of them.
    let name = delta::name(file::TABLES, first.files[file::TABLES].sha256);
    assert_eq!(deltas.keys().collect::<Vec<_>>(), [&name]);
    assert!(deltas[&name].len() < 100, "{}", deltas[&name].len());
    fs::write(folder(2).join(&name), &deltas[&name]).unwrap();
    fs::write(folder(2).join("manifest.json"), second.to_bytes()).unwrap();
    store.publish_folder(&folder(2)).unwrap();

    let live = store.current().unwrap().unwrap().manifest;
    let (base, entry) = delta::of(&live, file::TABLES).next().unwrap();
    let bytes = store.read(entry.sha256).unwrap();
    let mut made = Vec::new();
    let mut delta = delta::Delta::open(bytes, live.files[file::TABLES].bytes).unwrap();
    made.extend(delta.apply(&store.read(base).unwrap()));
    assert_eq!(Digest::of(&made), live.files[file::TABLES].sha256);
    assert_eq!(live.total_bytes(), second.total_bytes());

    // Asked again, it is made once; and a file that is another has none.
    assert!(add_deltas(&mut second, &first, read).unwrap().is_empty());
    let mut other = bundle(&folder(2), 2, &noise(3, 20_000));
    assert!(add_deltas(&mut other, &first, read).unwrap().is_empty());
    assert!(!other.files.keys().any(|name| delta::is_delta(name)));
}

/// Of a large catalogue browsers fetch the index whole, and blocks in ranges: only the index has
/// deltas.
#[test]
fn of_a_bundle_in_blocks_the_index_has_a_delta() {
    let house = tempfile::tempdir().unwrap();
    let index = noise(1, 20_000);
    let mut changed = index.clone();
    changed[10_000] ^= 1;
    let version = |version: u64, index: &[u8]| {
        let folder = house.path().join(version.to_string());
        let mut manifest = bundle(&folder, version, &noise(version, 5_000));
        for (name, bytes) in [(file::INDEX, index), (file::BLOCKS, &noise(version, 9_000))] {
            fs::write(folder.join(name), bytes).unwrap();
            let entry = FileEntry {
                sha256: Digest::of(bytes),
                bytes: bytes.len() as u64,
            };
            manifest.files.insert(name.into(), entry);
        }
        manifest
    };
    let (first, mut second) = (version(1, &index), version(2, &changed));
    let read = |name: &str, digest: Digest| {
        let of = |version: &str| fs::read(house.path().join(version).join(name)).unwrap();
        let found = ["1", "2"].map(of);
        let found = found.into_iter().find(|bytes| Digest::of(bytes) == digest);
        found.ok_or("no such file")
    };
    let deltas = add_deltas(&mut second, &first, read).unwrap();
    let name = delta::name(file::INDEX, first.files[file::INDEX].sha256);
    assert_eq!(deltas.keys().collect::<Vec<_>>(), [&name]);
    assert_eq!(second.files[&name].sha256, Digest::of(&deltas[&name]));
    let mut delta = delta::Delta::open(deltas[&name].clone(), changed.len() as u64).unwrap();
    assert_eq!(delta.apply(&index), changed);
}

#[test]
fn what_nobody_fetches_whole_is_not_compressed() {
    let house = tempfile::tempdir().unwrap();
    let store = Store::open(house.path().join("store")).unwrap();
    let folder = house.path().join("bundle");
    let mut manifest = bundle(&folder, 1, "tables ".repeat(500).as_bytes());
    for name in [file::BLOCKS, file::INDEX] {
        let bytes = name.repeat(500);
        let entry = FileEntry {
            sha256: Digest::of(bytes.as_bytes()),
            bytes: bytes.len() as u64,
        };
        fs::write(folder.join(name), bytes).unwrap();
        manifest.files.insert(name.into(), entry);
    }
    fs::write(folder.join("manifest.json"), manifest.to_bytes()).unwrap();
    store.publish_folder(&folder).unwrap();
    let compressed: Vec<&str> = manifest
        .files
        .iter()
        .filter(|(_, entry)| store.file_path(entry.sha256, Coding::Brotli).exists())
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(compressed, [file::INDEX]);
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_a_link_is_refused_and_never_emptied() {
    let dir = tempfile::tempdir().unwrap();
    bundle(&dir.path().join("bundle"), 1, b"tables");
    let store = Store::open(dir.path().join("store")).unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, store.root().join("store.lock")).unwrap();
    let refused = store.publish_folder(&dir.path().join("bundle"));
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("symbolic link"), "{said}");
}
