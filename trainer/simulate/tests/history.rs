//! What a first run and a closed-loop test rely on.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use vitrine_core::Action;
use vitrine_simulate::{Field, Options, SimulateError, World, picture, simulate};

fn small(out: &Path) -> Options {
    Options {
        items: 120,
        shoppers: 1500,
        days: 20,
        ..Options::new(out)
    }
}

/// Hash of every file of a folder, by name.
fn hashes(dir: &Path) -> BTreeMap<String, String> {
    let mut hashes = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            for (inner, hash) in self::hashes(&path) {
                hashes.insert(format!("{name}/{inner}"), hash);
            }
        } else {
            let hash = Sha256::digest(std::fs::read(&path).unwrap());
            hashes.insert(name, format!("{hash:x}"));
        }
    }
    hashes
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut runs = Vec::new();
    for (name, seed) in [("a", 7), ("b", 7), ("c", 8)] {
        let mut options = small(&dir.path().join(name));
        options.seed = seed;
        simulate(&options).unwrap();
        runs.push(hashes(&options.out));
    }
    assert_eq!(runs[0].len(), 4 + 120);
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0]["events.csv"], runs[2]["events.csv"]);
}

#[test]
fn the_files_say_that_they_are_synthetic_and_hold_a_whole_funnel() {
    let dir = tempfile::tempdir().unwrap();
    let options = small(dir.path());
    let summary = simulate(&options).unwrap();
    let mark = std::fs::read_to_string(dir.path().join("synthetic.json")).unwrap();
    let mark: serde_json::Value = serde_json::from_str(&mark).unwrap();
    assert_eq!(mark["synthetic"], true);
    assert_eq!(mark["options"]["seed"], 1);

    let events = std::fs::read_to_string(dir.path().join("events.csv")).unwrap();
    let mut lines = events.lines();
    assert_eq!(
        lines.next(),
        Some("user_id,item_id,timestamp,action,rating")
    );
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len() as u64, summary.events);
    assert!(rows.iter().all(|row| row.len() == 5));
    assert!(
        rows.is_sorted_by_key(|row| row[2]),
        "not in the order of time"
    );
    let mut actions: HashMap<&str, u64> = HashMap::new();
    rows.iter()
        .for_each(|row| *actions.entry(row[3]).or_default() += 1);
    assert_eq!(actions.len(), 3);
    assert!(actions["view"] > 4 * actions["add_to_cart"]);
    assert!(
        actions["add_to_cart"] > actions["buy"] && actions["buy"] > 20,
        "{actions:?}"
    );
    let doubled = rows.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(doubled > 0, "no doubled event to clean");

    let orders = std::fs::read_to_string(dir.path().join("orders.csv")).unwrap();
    assert_eq!(orders.lines().count() as u64, summary.order_lines + 1);
    assert!(
        summary.order_lines >= actions["buy"],
        "purchases without an order line"
    );

    // Bots click faster than once a second; people never do.
    let mut per_minute: HashMap<(&str, &str), u64> = HashMap::new();
    rows.iter()
        .for_each(|row| *per_minute.entry((row[0], &row[2][..16])).or_default() += 1);
    let fast: HashSet<_> = per_minute
        .iter()
        .filter(|(_, n)| **n > 60)
        .map(|(k, _)| k.0)
        .collect();
    assert_eq!(fast.len() as u64, summary.bots);
    assert_eq!(summary.bots, 3);
}

#[test]
fn pictures_are_small_well_formed_and_differ() {
    let world = World::new(&small(Path::new("unused"))).unwrap();
    let pictures: HashSet<String> = world.items().iter().map(picture).collect();
    assert_eq!(pictures.len(), world.items().len());
    for picture in &pictures {
        assert!(picture.len() < 1200, "{} bytes", picture.len());
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
        assert_eq!(picture.matches('<').count(), picture.matches('>').count());
        assert!(!picture.contains("NaN") && !picture.contains("{}"));
    }
}

/// Share of next clicks that are among an item's most common followers in the history: what a
/// table of item pairs can know.
fn hits(world: &World, history: std::ops::Range<i64>, test_day: i64) -> f64 {
    let mut followers: HashMap<usize, HashMap<usize, u32>> = HashMap::new();
    let views = |day, seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let steps = world.visit(&mut rng, day);
        let views = steps.into_iter().filter(|s| s.action == Action::View);
        views.map(|s| s.item).collect::<Vec<_>>()
    };
    for day in history {
        for seed in 0..400 {
            for pair in views(day, (day as u64) << 32 | seed).windows(2) {
                *followers
                    .entry(pair[0])
                    .or_default()
                    .entry(pair[1])
                    .or_default() += 1;
            }
        }
    }
    let (mut hit, mut all) = (0, 0);
    for seed in 0..3000 {
        for pair in views(test_day, 1 << 60 | seed).windows(2) {
            all += 1;
            let Some(known) = followers.get(&pair[0]) else {
                continue;
            };
            let mut ranked: Vec<_> = known.iter().collect();
            ranked.sort_by_key(|(item, n)| (std::cmp::Reverse(**n), **item));
            hit += usize::from(ranked.iter().take(10).any(|(item, _)| **item == pair[1]));
        }
    }
    f64::from(hit as u32) / f64::from(all)
}

#[test]
fn item_pairs_can_be_learned_and_the_field_can_make_them_stale() {
    let mut options = small(Path::new("unused"));
    options.items = 600;
    let same = World::new(&options).unwrap();
    let known = hits(&same, 0..20, 21);
    // Ten random items of 600 would be hit in 2 of 100 cases.
    assert!(known > 0.35, "{known}");
    options.field = Field {
        new_items: 120,
        drift: 0.7,
    };
    let changed = World::new(&options).unwrap();
    let stale = hits(&changed, 0..20, 40);
    assert!(stale < known - 0.1, "{stale} is not below {known}");
    let relearned = hits(&changed, 21..41, 41);
    assert!(relearned > stale + 0.1, "{relearned} is not above {stale}");
}

#[test]
fn items_of_the_field_are_listed_but_not_sold_during_the_history() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = small(dir.path());
    options.field.new_items = 24;
    simulate(&options).unwrap();
    let items = std::fs::read_to_string(dir.path().join("items.csv")).unwrap();
    assert_eq!(items.lines().count(), 1 + 144);
    let events = std::fs::read_to_string(dir.path().join("events.csv")).unwrap();
    let orders = std::fs::read_to_string(dir.path().join("orders.csv")).unwrap();
    assert!(!events.contains("i000120") && !orders.contains("i000143"));
    let world = World::new(&options).unwrap();
    let later = world.held_out(2000, 3, 55);
    let new = later
        .iter()
        .flatten()
        .filter(|event| *event.item >= *"i000120")
        .count();
    assert!(new > 50, "{new} events on new items after the history");
}

#[test]
fn a_visitor_prefers_what_suits_and_what_is_shown_first() {
    let world = World::new(&small(Path::new("unused"))).unwrap();
    let shelf: Vec<usize> = (0..20).collect();
    let mut clicks = [0u32; 20];
    for seed in 0..20_000 {
        let mut visitor = world.visitor(&mut ChaCha8Rng::seed_from_u64(seed), 10);
        if visitor.search().is_some()
            && let Some(item) = visitor.choose(&shelf)
        {
            clicks[item] += 1;
        }
    }
    let (left, right): (u32, u32) = (clicks[..10].iter().sum(), clicks[10..].iter().sum());
    assert!(left > right && right > 0, "{clicks:?}");
    let mut visitor = world.visitor(&mut ChaCha8Rng::seed_from_u64(1), 10);
    assert_eq!(visitor.choose(&[]), None);
    assert_eq!(visitor.choose(&[usize::MAX]), None);
}

#[test]
fn held_out_visits_are_reproducible_and_not_the_history() {
    let world = World::new(&small(Path::new("unused"))).unwrap();
    assert_eq!(world.held_out(50, 3, 21), world.held_out(50, 3, 21));
    assert_ne!(world.held_out(50, 3, 21), world.held_out(50, 4, 21));
}

#[test]
fn a_folder_with_other_things_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("events.csv"), "a real shop's").unwrap();
    let error = simulate(&small(dir.path())).unwrap_err();
    assert!(matches!(error, SimulateError::Occupied { .. }), "{error}");
    let kept = std::fs::read_to_string(dir.path().join("events.csv")).unwrap();
    assert_eq!(kept, "a real shop's");
}

#[test]
fn options_that_make_no_sense_are_refused_by_name() {
    let ask = |change: fn(&mut Options)| {
        let mut options = small(Path::new("unused"));
        change(&mut options);
        simulate(&options).unwrap_err().to_string()
    };
    assert!(ask(|o| o.items = 3).contains("--items"));
    assert!(ask(|o| o.shoppers = 0).contains("--shoppers"));
    assert!(ask(|o| o.start = "yesterday".into()).contains("--start"));
    assert!(ask(|o| o.field.drift = f64::NAN).contains("drift"));
    assert!(!Path::new("unused").exists());
}
