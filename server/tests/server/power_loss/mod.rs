//! A loss of power: what was acknowledged is there, a bundle is whole, and the server starts.
//!
//! A killed process does not show a missing flush, because the kernel writes its pages all the
//! same. So the real server is recorded, call by call, while bundles are published and reports
//! come in. The record is replayed on a disk that keeps only what was flushed, and the store and
//! the database are opened as they lay after every event.
//!
//! `VITRINE_POWER_LOSS=all` opens the states after every event, with three draws of what else
//! survives, starts the server over each tenth, and leaves out every flush in turn; `--
//! --nocapture` prints how many there were (docs/results/power-loss.md).

mod disk;
mod record;

use crate::admin::put;
use crate::house::{House, Server, TOKEN, WINDOW_SECONDS, view};
use disk::{Disk, Survives, Tree, read_tree, write_tree};
use record::Event;
use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use vitrine_core::Digest;
use vitrine_core::manifest::Privacy;
use vitrine_server::audit::{self, Entry, Known, Stage};
use vitrine_store::{Coding, Store};

const BUNDLES: u64 = 4;
const REPORTS: u128 = 60;

/// What a client asked for and was told is done.
#[derive(Clone, Debug, PartialEq)]
enum Asked {
    File(Digest),
    Manifest(u64),
    Report(String),
}

/// What the real server did, from its first start to its end.
struct Recorded {
    root: PathBuf,
    events: Vec<Event>,
    asked: Vec<Asked>,
}

/// Publishes and reports to a server that is recorded, one request after the other.
static RECORDED: LazyLock<Recorded> = LazyLock::new(|| {
    let house = House::empty();
    let root = fs::canonicalize(house.dir.path()).unwrap().join("disk");
    fs::create_dir(&root).unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();

    let mut serve = std::process::Command::new(crate::house::BINARY);
    let token = Digest::of(TOKEN.as_bytes()).to_string();
    serve
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--limit-loopback",
            "false",
        ])
        .args([
            "--admin-listen",
            "127.0.0.1:0",
            "--admin-token-sha256",
            &token,
        ])
        .args(["--access-log", "false", "--store"])
        .arg(root.join("store"))
        .arg("--database")
        .arg(root.join("vitrine.db"));
    let mut server = Server::start(record::recorded(&serve, log.path()));
    let mut asked = Vec::new();
    for version in 1..=BUNDLES {
        let privacy = Privacy {
            window_seconds: WINDOW_SECONDS,
            ..Privacy::default()
        };
        let tables = format!("tables of {version} ").repeat(400);
        let (folder, manifest) = house.bundle(version, &tables, privacy);
        for (name, entry) in &manifest.files {
            let bytes = fs::read(folder.join(name)).unwrap();
            let path = format!("/v1/admin/files/{}", entry.sha256);
            let answer = put(&server, &path, Some(TOKEN), &bytes);
            assert!(answer.status < 300, "{}", answer.status);
            asked.push(Asked::File(entry.sha256));
        }
        let answer = put(
            &server,
            "/v1/admin/manifest",
            Some(TOKEN),
            &manifest.to_bytes(),
        );
        assert!(answer.status < 300, "{}", answer.status);
        asked.push(Asked::Manifest(version));
    }
    for nonce in 0..REPORTS {
        let item = format!("item-{nonce}");
        assert_eq!(server.report(&view(nonce, &item)).status, 204);
        asked.push(Asked::Report(item));
    }
    let process = server.child.id();
    server.signal("TERM");
    server.wait();
    let events = record::read(log.path(), process, &root);
    let answers = events.iter().filter(|event| **event == Event::Answer);
    assert_eq!(answers.count(), asked.len(), "an answer is not recorded");

    // The record is complete: replayed, it gives the very files.
    let mut disk = Disk::default();
    for (at, event) in events.iter().enumerate() {
        disk.apply(at, event);
    }
    let mapped = |path: &Path| path.to_string_lossy().ends_with("-shm");
    let of = |tree: Tree| -> Tree { tree.into_iter().filter(|(path, _)| !mapped(path)).collect() };
    let replayed = of(disk.lose_power(&root, Survives::Everything));
    let real = of(read_tree(&root));
    let names = |tree: &Tree| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&replayed), names(&real));
    for (path, bytes) in &real {
        assert!(replayed[path] == *bytes, "{} differs", path.display());
    }
    Recorded {
        root,
        events,
        asked,
    }
});

/// Which states are opened.
struct Plan {
    /// Each so manieth event.
    step: usize,
    survives: Vec<Survives>,
    /// The server is started over each so manieth state.
    start: usize,
    /// The flush that the disk ignores, as its event.
    ignored: Option<usize>,
}

fn all() -> bool {
    std::env::var("VITRINE_POWER_LOSS").is_ok_and(|value| value == "all")
}

/// Opens the states of a plan; how many there were, and the first fault.
fn explore(plan: &Plan, events: std::ops::Range<usize>) -> (usize, Result<(), String>) {
    let Recorded {
        root,
        events: all,
        asked,
    } = &*RECORDED;
    let mut disk = Disk::default();
    let mut answers = 0;
    let mut states = 0;
    for (at, event) in all[..events.end].iter().enumerate() {
        if plan.ignored != Some(at) {
            disk.apply(at, event);
        }
        answers += usize::from(*event == Event::Answer);
        // An answer is a state of its own: from here on the client relies on it.
        let chosen = at % plan.step == 0 || *event == Event::Answer;
        if at < events.start || !chosen {
            continue;
        }
        for survives in &plan.survives {
            let survives = match survives {
                Survives::Some { seed } => Survives::Some {
                    seed: seed ^ (at as u64) << 8,
                },
                other => *other,
            };
            let tree = disk.lose_power(root, survives);
            states += 1;
            let start = states % plan.start == 0;
            if let Err(fault) = check(&tree, root, &asked[..answers], start) {
                let fault = format!("after event {at}, {event:.80?}, {survives:?}: {fault}");
                return (states, Err(fault));
            }
        }
    }
    (states, Ok(()))
}

/// Opens what a loss of power left.
fn check(tree: &Tree, root: &Path, told: &[Asked], start: bool) -> Result<(), String> {
    let house = House::empty();
    write_tree(tree, root, house.dir.path());
    check_store(&house, told)?;
    check_database(&house, told)?;
    check_audit(&house, told)?;
    if start {
        // The real server starts over it, and takes what was reported before as known.
        let server = house.start(&["--access-log", "false"]);
        if told.iter().any(|asked| matches!(asked, Asked::Report(_))) {
            let before = house.raw_items();
            if server.report(&view(0, "item-0")).status != 204 {
                return Err("a report that is sent again is refused".into());
            }
            if house.raw_items() != before {
                return Err("a report that is sent again counts twice".into());
            }
        }
    }
    Ok(())
}

fn check_store(house: &House, told: &[Asked]) -> Result<(), String> {
    let said = |error: vitrine_store::StoreError| error.to_string();
    let store = Store::open(house.path("store")).map_err(said)?;
    let mut newest = 0;
    for asked in told {
        match asked {
            Asked::File(digest) => drop(store.read(*digest).map_err(said)?),
            Asked::Manifest(version) => newest = *version,
            Asked::Report(_) => {}
        }
    }
    let current = store.current().map_err(said)?;
    let version = current
        .as_ref()
        .map_or(0, |current| current.manifest.version);
    if version < newest {
        return Err(format!(
            "version {newest} was published, and {version} is live"
        ));
    }
    for version in 1..=version {
        let manifest = store.published(version).map_err(said)?;
        let Some(manifest) = manifest else {
            return Err(format!("manifest {version} is not kept"));
        };
        for (name, entry) in &manifest.manifest.files {
            let bytes = store.read(entry.sha256).map_err(said)?;
            for coding in [Coding::Brotli, Coding::Gzip] {
                let Ok(packed) = fs::read(store.file_path(entry.sha256, coding)) else {
                    continue;
                };
                let mut unpacked = Vec::new();
                let read = match coding {
                    Coding::Brotli => brotli::Decompressor::new(packed.as_slice(), 4096)
                        .read_to_end(&mut unpacked),
                    _ => flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut unpacked),
                };
                if read.is_err() || unpacked != bytes {
                    return Err(format!(
                        "{name} of version {version}: {coding:?} is not whole"
                    ));
                }
            }
        }
    }
    Ok(())
}

fn check_database(house: &House, told: &[Asked]) -> Result<(), String> {
    let reported: BTreeSet<&String> = told
        .iter()
        .filter_map(|asked| match asked {
            Asked::Report(item) => Some(item),
            _ => None,
        })
        .collect();
    if reported.is_empty() {
        return Ok(());
    }
    if !house.path("vitrine.db").is_file() {
        return Err("the database is gone".into());
    }
    if house
        .database
        .query("SELECT name FROM sqlite_master WHERE name = 'raw_cell'")
        .is_empty()
    {
        return Err("the database is empty".into());
    }
    let sound = house.database.query("PRAGMA integrity_check");
    if sound != [["ok"]] {
        return Err(format!("the database is damaged: {sound:?}"));
    }
    let stored = house.raw_items();
    let distinct: BTreeSet<&String> = stored.iter().collect();
    if distinct.len() != stored.len() {
        return Err("a report is stored twice".into());
    }
    match reported.difference(&distinct).next() {
        Some(lost) => Err(format!("{lost} was acknowledged and is lost")),
        None => Ok(()),
    }
}

/// The log of changes is unbroken, and has a line for each that was acknowledged.
fn check_audit(house: &House, told: &[Asked]) -> Result<(), String> {
    let changes: Vec<_> = told
        .iter()
        .filter(|asked| !matches!(asked, Asked::Report(_)))
        .collect();
    if changes.is_empty() {
        return Ok(());
    }
    let path = house.path("audit.jsonl");
    audit::verify(&path, Known::default()).map_err(|error| error.to_string())?;
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let done: Vec<Entry> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|entry: &Entry| entry.stage == Stage::Done)
        .collect();
    let logged = |asked: &Asked| match asked {
        Asked::File(digest) => done.iter().any(|entry| entry.file == Some(*digest)),
        Asked::Manifest(version) => done.iter().any(|entry| entry.version == Some(*version)),
        Asked::Report(_) => true,
    };
    match changes.iter().find(|asked| !logged(asked)) {
        Some(lost) => Err(format!(
            "{lost:?} was acknowledged and is not in the audit log"
        )),
        None => Ok(()),
    }
}

/// The first event of the first report: before it everything is set-up and publishing.
fn first_report() -> usize {
    let published = RECORDED
        .asked
        .iter()
        .filter(|asked| !matches!(asked, Asked::Report(_)));
    let answers = RECORDED.events.iter().enumerate();
    let mut answers = answers.filter(|(_, event)| **event == Event::Answer);
    answers.nth(published.count() - 1).unwrap().0 + 1
}

fn lose_power_in(name: &str, events: std::ops::Range<usize>) {
    let plan = Plan {
        step: if all() { 1 } else { 8 },
        survives: match all() {
            false => vec![Survives::Nothing, Survives::Some { seed: 1 }],
            true => [Survives::Nothing, Survives::Everything]
                .into_iter()
                .chain((1..=3).map(|seed| Survives::Some { seed }))
                .collect(),
        },
        start: if all() { 10 } else { 40 },
        ignored: None,
    };
    let (states, result) = explore(&plan, events.clone());
    println!("{name}: {} events, {states} states opened", events.len());
    assert_eq!(result, Ok(()));
}

#[test]
fn a_published_bundle_outlasts_a_loss_of_power_at_any_moment() {
    lose_power_in("publishing", 0..first_report());
}

#[test]
fn an_acknowledged_report_outlasts_a_loss_of_power_at_any_moment() {
    lose_power_in("reports", first_report()..RECORDED.events.len());
}

/// The check sees a missing flush: of a file, of a manifest, of their folders, of either log.
#[test]
fn a_flush_that_is_left_out_is_found() {
    let flushes: Vec<(usize, &PathBuf)> = RECORDED
        .events
        .iter()
        .enumerate()
        .filter_map(|(at, event)| match event {
            Event::Flush { path, .. } => Some((at, path)),
            _ => None,
        })
        .collect();
    let found = |at: usize| {
        let plan = Plan {
            step: 1,
            survives: vec![Survives::Nothing],
            start: usize::MAX,
            ignored: Some(at),
        };
        let end = RECORDED.events.len().min(at + 60);
        explore(&plan, at..end).1.err()
    };
    let kind = |path: &Path| {
        let name = path.strip_prefix(&RECORDED.root).unwrap();
        let name = name.to_string_lossy().into_owned();
        match name.split_once(".incoming-") {
            Some((folder, _)) => format!("a file in '{folder}'"),
            None => name,
        }
    };
    let mut kinds: std::collections::BTreeMap<String, (usize, usize)> = Default::default();
    for (at, path) in flushes {
        let (tried, noticed) = kinds.entry(kind(path)).or_default();
        // One that is found is enough, and set-up flushes much that nobody relies on.
        if !all() && *noticed > 0 {
            continue;
        }
        *tried += 1;
        *noticed += usize::from(found(at).is_some());
    }
    println!("flushes left out, one at a time: (tried, found) {kinds:?}");
    for needed in [
        "a file in 'store/bundles/'",
        "a file in 'store/'",
        "store/bundles",
        "store",
        "audit.jsonl",
        "vitrine.db-wal",
    ] {
        let (_, noticed) = kinds.get(needed).copied().unwrap_or_default();
        assert!(noticed > 0, "a flush of {needed} is left out and not found");
    }
}
