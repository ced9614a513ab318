//! A bundle from its writer through its reader to a ranked list.
//!
//! Four items, T = 3. Neighbours of `a`: b 1.0, c 0.5; of `b`: d 1.0; of `c` and `d`: none.
//! Decay 1, 0.5, 0.25; repeat 0.2, 0.1, 0; popularity counts a 0, b 1, c 3, d 3.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]

use vitrine_core::bundle::{Bundle, BundleError, Files};
use vitrine_core::facets::{Facets, Filter, NO_BAND};
use vitrine_core::manifest::{
    FileEntry, Manifest, ModelFacts, Privacy, SCHEMA, TrainingFacts, file,
};
use vitrine_core::neighbours::WeightBits;
use vitrine_core::opening::{Opened, Opening};
use vitrine_core::rank::Ranker;
use vitrine_core::session::SessionGap;
use vitrine_core::tables::Fusion;
use vitrine_core::writer::{NewTables, write_items};
use vitrine_core::{Action, Digest};

fn tables() -> NewTables {
    NewTables {
        neighbours: vec![vec![(2, 0.5), (1, 1.0)], vec![(3, 1.0)], vec![], vec![]],
        weight_bits: WeightBits::Eight,
        popularity: vec![0.0, 1.0, 3.0, 3.0],
        position_decay: vec![1.0, 0.5, 0.25],
        action_weight: [1.0, 2.0, 1.0],
        repeat: vec![0.2, 0.1, 0.0],
        prior: vec![],
        fusion: Fusion {
            encoder: 0.0,
            neighbours: 1.0,
            repeat: 1.0,
            popularity: 0.01,
            floor: 0.5,
            repeat_growth: 0.0,
            prior: 0.0,
        },
        vectors: vec![],
        dim: 0,
    }
}

fn facets() -> Facets {
    Facets {
        categories: vec!["mugs".into(), "lamps".into()],
        category: vec![0, 0, 1, -1],
        price_edges: vec![10.0],
        price_band: vec![0, 1, 1, NO_BAND],
        in_stock: vec![true, false, true, true],
    }
}

fn pack(tables: &NewTables) -> (Manifest, Files) {
    let files = Files {
        tables: tables.to_bytes().unwrap(),
        items: write_items(["a", "b", "c", "d"]).unwrap(),
        facets: Some(serde_json::to_vec(&facets()).unwrap()),
    };
    let entry = |bytes: &[u8]| FileEntry {
        sha256: Digest::of(bytes),
        bytes: bytes.len() as u64,
    };
    let manifest = Manifest {
        schema: SCHEMA.into(),
        version: 1,
        parent: None,
        restores: None,
        created: 1,
        expires: 2,
        synthetic: true,
        files: [
            (file::TABLES.into(), entry(&files.tables)),
            (file::ITEMS.into(), entry(&files.items)),
            (file::FACETS.into(), entry(files.facets.as_ref().unwrap())),
        ]
        .into(),
        model: ModelFacts {
            items: 4,
            dim: tables.dim as u32,
            neighbours: 2,
            max_session: 3,
        },
        session_gap: SessionGap::default(),
        training: TrainingFacts::default(),
        privacy: Privacy::default(),
    };
    (manifest, files)
}

fn ranker(tables: &NewTables) -> Ranker {
    let (manifest, files) = pack(tables);
    Ranker::new(Bundle::load(&manifest, files).unwrap())
}

#[test]
fn scores_are_those_worked_out_by_hand() {
    let mut ranker = ranker(&tables());
    ranker.track("a", Action::View, 10);
    ranker.track("b", Action::View, 20);
    // b is latest: d gets 1.0; a is one before: b gets 0.5 × 1.0, c gets 0.5 × 0.5.
    // Repeat: b 0.2, a 0.1. Popularity: ln(1 + count) / ln 4 × 0.01: b 0.005, c and d 0.01.
    let best = ranker.recommend(10, &Filter::default(), &[]);
    let expected = [("d", 1.01), ("b", 0.705), ("c", 0.26), ("a", 0.1)];
    assert_eq!(best.len(), 4);
    for (found, (id, score)) in best.iter().zip(expected) {
        assert_eq!(found.id, id);
        // u8 weights are within half a unit of 1/255.
        assert!((found.score - score).abs() < 0.002, "{found:?}");
    }
    let why = ranker.explain("c").unwrap();
    assert_eq!(why.because[0].item, "a");
    assert_eq!(why.because.len(), 1);
    assert!((why.terms.neighbours + why.terms.popularity - why.score).abs() < 1e-6);
    assert!(ranker.explain("nothing").is_none());
}

#[test]
fn an_added_item_weighs_by_its_action() {
    let mut tables = tables();
    // A unit of 1/256, which a bfloat16 holds exactly.
    tables.neighbours[0] = vec![(2, 0.5), (1, 255.0 / 256.0)];
    let mut ranker = ranker(&tables);
    ranker.track("a", Action::AddToCart, 10);
    let best = ranker.recommend(1, &Filter::default(), &[]);
    assert_eq!(best[0].id, "b");
    let weight = 2.0 * 255.0 / 256.0;
    assert!((best[0].score - (weight + 0.005)).abs() < 1e-5);
}

#[test]
fn a_callers_list_comes_back_as_a_permutation() {
    let mut ranker = ranker(&tables());
    ranker.track("a", Action::View, 10);
    let ids = ["new", "d", "c", "b", "newer"];
    let order: Vec<_> = ranker
        .rank(&ids)
        .iter()
        .map(|r| ids[r.index as usize])
        .collect();
    assert_eq!(order, ["b", "c", "d", "new", "newer"]);
    ranker.clear();
    let order: Vec<_> = ranker
        .rank(&ids)
        .iter()
        .map(|r| ids[r.index as usize])
        .collect();
    assert_eq!(order, ["d", "c", "b", "new", "newer"]);
}

#[test]
fn filters_and_exclusions_hold() {
    let mut ranker = ranker(&tables());
    ranker.track("a", Action::View, 10);
    let ids = |ranker: &mut Ranker, filter: &str, exclude: &[&str]| -> Vec<String> {
        let filter = serde_json::from_str(filter).unwrap();
        let best = ranker.recommend(10, &filter, exclude);
        best.into_iter().map(|r| r.id).collect()
    };
    assert_eq!(
        ids(&mut ranker, r#"{"in_stock":true}"#, &[]),
        ["c", "a", "d"]
    );
    assert_eq!(ids(&mut ranker, r#"{"category":["mugs"]}"#, &["a"]), ["b"]);
    assert_eq!(ids(&mut ranker, r#"{"price_band":[1]}"#, &[]), ["b", "c"]);
    assert!(ids(&mut ranker, r#"{"category":["hats"]}"#, &[]).is_empty());
}

#[test]
fn the_walk_by_popularity_equals_the_whole_scan() {
    let mut ranker = ranker(&tables());
    ranker.track("b", Action::View, 10);
    let all = ranker.recommend(4, &Filter::default(), &[]);
    for n in 0..4 {
        assert_eq!(ranker.recommend(n, &Filter::default(), &[]), all[..n]);
    }
}

/// Worked out by hand: without an encoder, and with `a` viewed, the order is b, c, d, a: scores
/// b 1.005, c 0.51, d 0.01 (to two places: repeat puts a at 0.2, before d).
///
/// Circles: a {a, b, c}, b {b, d}, c {c}, d {d}. Likeness to b: of a 1/√6 = 0.41, in the mean with
/// one category 0.70; of c 0, of another category, so 0; of d, which has no category, 1/√2 = 0.71.
/// To c: of a 1/√3 = 0.58, of another category, so 0.29; of d 0.
#[test]
fn a_diverse_list_is_the_one_worked_out_by_hand() {
    let mut ranker = ranker(&tables());
    ranker.track("a", Action::View, 10);
    let ids = |ranker: &mut Ranker, n, diversity| -> String {
        let best = ranker.recommend_diverse(n, &Filter::default(), &[], diversity);
        best.into_iter().map(|r| r.id).collect()
    };
    assert_eq!(ids(&mut ranker, 4, 0.0), "bcad");
    assert_eq!(ids(&mut ranker, 4, f32::NAN), "bcad");
    // Relevance over all four: c (0.51 − 0.01) / 0.995 = 0.5, a 0.19, d 0. At 0.5 c is the next,
    // then a (0.19 − 0.70) before d (0 − 0.71).
    assert_eq!(ids(&mut ranker, 4, 0.5), "bcad");
    assert_eq!(ids(&mut ranker, 4, 1.0), "bcad");
    assert_eq!(ids(&mut ranker, 2, 0.5), "bc");
    assert_eq!(ids(&mut ranker, 0, 0.5), "");
    // With b viewed: d 1.01, b 0.205, c 0.01, a 0. To d: b 0.71, the others 0. At 0.3 relevance
    // no longer keeps b second (0.7 × 0.2 − 0.3 × 0.71 = −0.07 is below c's 0.007): c is. Then b
    // is before a, which is 0.29 like c: −0.09.
    ranker.clear();
    ranker.track("b", Action::View, 10);
    assert_eq!(ids(&mut ranker, 4, 0.0), "dbca");
    assert_eq!(ids(&mut ranker, 4, 0.3), "dcba");
    assert_eq!(ids(&mut ranker, 4, 0.1), "dbca");
}

#[test]
fn with_an_encoder_alike_are_items_of_like_vectors() {
    let mut tables = tables();
    tables.dim = 2;
    let one = 127.0 / 128.0;
    // a and b point the same way, c the other way, d aside.
    tables.vectors = vec![one, 0.0, one, 0.0, -one, 0.0, 0.0, one];
    tables.fusion = Fusion {
        encoder: 1.0,
        neighbours: 0.0,
        repeat: 0.0,
        popularity: 0.0,
        floor: 0.5,
        repeat_growth: 0.0,
        prior: 0.0,
    };
    let mut ranker = ranker(&tables);
    ranker.track("a", Action::View, 10);
    ranker.set_query(Some(&[1.0, 0.5]));
    let ids = |ranker: &mut Ranker, diversity| -> String {
        let best = ranker.recommend_diverse(3, &Filter::default(), &[], diversity);
        best.into_iter().map(|r| r.id).collect()
    };
    assert_eq!(ids(&mut ranker, 0.0), "abd");
    // b has relevance 1 and likeness 1: it is last of the three as soon as 1 − 2·d is below d's
    // 0.75·(1 − d), and behind c from 1 − 2·d < 0.
    assert_eq!(ids(&mut ranker, 0.1), "abd");
    assert_eq!(ids(&mut ranker, 0.4), "adb");
    assert_eq!(ids(&mut ranker, 0.9), "adc");
}

#[test]
fn a_session_that_grew_event_by_event_is_the_restored_one() {
    let mut grown = ranker(&tables());
    // T = 3, so the first two leave; then a pause ends the session.
    for (item, now) in [("a", 1), ("new", 2), ("b", 3), ("a", 4), ("d", 5)] {
        grown.track(item, Action::View, now);
        let mut restored = ranker(&tables());
        restored.restore(grown.session().clone(), now);
        let all = |ranker: &mut Ranker| ranker.recommend(4, &Filter::default(), &[]);
        assert_eq!(all(&mut grown), all(&mut restored));
    }
    grown.track("b", Action::View, 5_000);
    assert_eq!(grown.recommend(1, &Filter::default(), &[])[0].id, "d");
    assert_eq!(grown.explain("d").unwrap().because.len(), 1);
}

#[test]
fn an_encoders_answer_changes_the_order_until_the_next_event() {
    let mut tables = tables();
    tables.dim = 2;
    // A unit of 1/128, which a bfloat16 holds exactly.
    let one = 127.0 / 128.0;
    tables.vectors = vec![one, 0.0, 0.0, one, -one, 0.0, 0.0, -one];
    tables.fusion.encoder = 1.0;
    let mut ranker = ranker(&tables);
    ranker.track("b", Action::View, 10);
    assert_eq!(ranker.encoder_input(), [0.0, one, 1.0, 0.0, 0.0]);
    ranker.set_query(Some(&[-3.0, 0.0]));
    let first = |ranker: &mut Ranker| ranker.recommend(1, &Filter::default(), &[])[0].id.clone();
    assert_eq!(first(&mut ranker), "c");
    assert!((ranker.explain("c").unwrap().terms.encoder - 3.0 * one).abs() < 1e-4);
    ranker.set_query(Some(&[f32::NAN, 0.0]));
    assert_eq!(first(&mut ranker), "d");
    ranker.set_query(Some(&[-3.0, 0.0, 0.0]));
    assert_eq!(first(&mut ranker), "d");
    ranker.set_query(Some(&[-3.0, 0.0]));
    ranker.track("b", Action::View, 11);
    assert_eq!(first(&mut ranker), "d");
}

#[test]
fn every_flipped_byte_and_every_truncation_is_refused_by_name() {
    let (manifest, good) = pack(&tables());
    let load = |tables: Vec<u8>, items: Vec<u8>| {
        let files = Files {
            tables,
            items,
            facets: None,
        };
        Bundle::load(&manifest, files).err().map(|e| e.to_string())
    };
    assert!(load(good.tables.clone(), good.items.clone()).is_none());
    for at in 0..good.tables.len() {
        let mut bytes = good.tables.clone();
        bytes[at] ^= 1;
        let error = load(bytes, good.items.clone()).unwrap();
        assert!(error.contains("tables.safetensors has SHA-256"), "{error}");
        let error = load(good.tables[..at].to_vec(), good.items.clone()).unwrap();
        assert!(error.contains("tables.safetensors is"), "{error}");
    }
    let error = load(good.tables, good.items[1..].to_vec()).unwrap();
    assert!(error.contains("items.fst"), "{error}");
}

const NAMES: [&str; 3] = [file::TABLES, file::ITEMS, file::FACETS];

/// Reads all files, which have arrived.
fn read_all(opening: &mut Opening) -> Result<(), String> {
    for name in NAMES {
        while !opening.read(name).map_err(|e| e.to_string())? {}
    }
    Ok(())
}

#[test]
fn files_that_arrive_in_pieces_side_by_side_open_the_same_bundle() {
    let (manifest, files) = pack(&tables());
    let facets = files.facets.clone().unwrap();
    let mut opening = Opening::new(&manifest).unwrap();
    let longest = files.tables.len().max(files.items.len()).max(facets.len());
    for at in 0..longest {
        for (name, bytes) in [
            (file::TABLES, &files.tables),
            (file::ITEMS, &files.items),
            (file::FACETS, &facets),
            (file::ENCODER, &facets),
        ] {
            opening.push(name, bytes.get(at..=at).unwrap_or_default());
        }
    }
    read_all(&mut opening).unwrap();
    let Some(Opened::Whole(pieced)) = opening.finish() else {
        panic!("a bundle without blocks is opened whole");
    };
    let mut pieced = Ranker::new(*pieced);
    let mut whole = Ranker::new(Bundle::load(&manifest, files).unwrap());
    let filter: Filter = serde_json::from_str(r#"{"in_stock":true}"#).unwrap();
    for ranker in [&mut pieced, &mut whole] {
        ranker.track("a", Action::View, 10);
    }
    let found = pieced.recommend(10, &filter, &[]);
    assert_eq!(found, whole.recommend(10, &filter, &[]));
    assert_eq!(found.len(), 3);
}

#[test]
fn a_file_that_was_put_together_wrongly_is_expected_anew() {
    let (manifest, files) = pack(&tables());
    let mut opening = Opening::new(&manifest).unwrap();
    assert!(!opening.arrived(file::TABLES) && !opening.arrived("another.file"));
    let mut altered = files.tables.clone();
    altered[100] ^= 1;
    let longer = [&files.tables[..], b"x"].concat();
    for wrong in [&altered, &longer, &files.tables[1..].to_vec()] {
        opening.push(file::TABLES, wrong);
        assert!(!opening.arrived(file::TABLES));
    }
    opening.push(file::TABLES, &files.tables);
    assert!(opening.arrived(file::TABLES));
    opening.push(file::ITEMS, &files.items);
    read_all(&mut opening).unwrap();
    assert!(opening.finish().is_some());
}

#[test]
fn a_file_that_was_hashed_elsewhere_is_held_to_its_hash_and_length() {
    let (manifest, files) = pack(&tables());
    let altered = [b"x", &files.tables[1..]].concat();
    let open = |come: &dyn Fn(&mut Opening)| {
        let mut opening = Opening::new(&manifest).unwrap();
        opening.push(file::ITEMS, &files.items);
        opening.push(file::TABLES, b"what is forgotten");
        opening.unhashed(file::TABLES);
        come(&mut opening);
        read_all(&mut opening)
    };
    let hash = |opening: &mut Opening| {
        let sha256 = Digest::of(opening.bytes(file::TABLES));
        opening.hashed(file::TABLES, sha256);
    };
    open(&|opening| {
        for piece in files.tables.chunks(100) {
            opening.push(file::TABLES, piece);
        }
        assert_eq!(opening.bytes(file::TABLES), files.tables);
        assert!(opening.bytes("another.file").is_empty());
        hash(opening);
    })
    .unwrap();
    let refused = |pieces: &[&[u8]], what: &str| {
        let error = open(&|opening| {
            for piece in pieces {
                opening.push(file::TABLES, piece);
            }
            hash(opening);
        });
        let error = error.unwrap_err();
        assert!(error.contains(what), "{error}");
    };
    refused(&[&altered], "tables.safetensors has SHA-256");
    refused(&[&files.tables[1..]], "tables.safetensors is");
    refused(&[&files.tables, b"x"], "tables.safetensors is");
    let (first, last) = files.tables.split_at(100);
    for early in [false, true] {
        let error = open(&|opening| {
            opening.push(file::TABLES, first);
            if early {
                opening.hashed(file::TABLES, Digest::of(&files.tables));
            }
            opening.push(file::TABLES, last);
        });
        assert_eq!(error.unwrap_err(), "tables.safetensors was not hashed");
    }

    // One that was put together wrongly is expected anew.
    let mut opening = Opening::new(&manifest).unwrap();
    opening.unhashed(file::TABLES);
    opening.push(file::TABLES, &altered);
    hash(&mut opening);
    assert!(!opening.arrived(file::TABLES));
    opening.push(file::TABLES, &files.tables);
    assert!(opening.arrived(file::TABLES));
}

#[test]
fn a_bundle_is_not_opened_before_all_of_it_is_verified() {
    let (manifest, files) = pack(&tables());
    let refused = |change: &dyn Fn(&mut Opening)| {
        let mut opening = Opening::new(&manifest).unwrap();
        opening.push(file::TABLES, &files.tables);
        change(&mut opening);
        let error = read_all(&mut opening).unwrap_err();
        // What was refused stays so.
        let named = NAMES.iter().filter(|&&name| error.contains(name));
        assert_eq!(named.clone().count(), 1, "{error}");
        named.for_each(|name| assert!(!opening.read(name).unwrap()));
        assert!(opening.finish().is_none());
        error
    };
    assert!(refused(&|_| ()).contains("items.fst is 0 bytes"));
    assert!(refused(&|opening| opening.push(file::TABLES, b"x")).contains("tables.safetensors is"));
    let altered = refused(&|opening| {
        opening.push(file::ITEMS, &files.items);
        opening.push(
            file::FACETS,
            &vec![b' '; files.facets.as_ref().unwrap().len()],
        );
    });
    assert!(altered.contains("facets.json has SHA-256"), "{altered}");
    let never = Opening::new(&manifest).unwrap();
    assert!(never.finish().is_none());
}

#[test]
fn a_file_is_read_while_others_are_on_their_way() {
    let (manifest, files) = pack(&tables());
    let facets = files.facets.clone().unwrap();
    let mut opening = Opening::new(&manifest).unwrap();
    let read = |opening: &mut Opening, name: &str| while !opening.read(name).unwrap() {};
    opening.push(file::TABLES, &files.tables[..100]);
    opening.push(file::ITEMS, &files.items);
    read(&mut opening, file::ITEMS);
    // What comes after its first step is ignored.
    opening.push(file::ITEMS, b"x");
    opening.push(file::FACETS, &facets);
    read(&mut opening, file::FACETS);
    opening.push(file::TABLES, &files.tables[100..]);
    read(&mut opening, file::TABLES);
    let Some(Opened::Whole(bundle)) = opening.finish() else {
        panic!("a bundle without blocks is opened whole");
    };
    assert!(bundle.facets().is_some());

    // Facets that came and were not read are not left out.
    let mut opening = Opening::new(&manifest).unwrap();
    opening.push(file::TABLES, &files.tables);
    opening.push(file::ITEMS, &files.items);
    opening.push(file::FACETS, &facets[1..]);
    read(&mut opening, file::TABLES);
    read(&mut opening, file::ITEMS);
    assert!(opening.finish().is_none());
}

/// A hostile publisher can put any bytes under a right hash: the parsers must refuse them too.
#[test]
fn wrong_content_under_a_right_hash_is_refused_by_tensor() {
    let refused = |change: &dyn Fn(&mut Vec<u8>, &mut Manifest)| -> String {
        let (mut manifest, mut files) = pack(&tables());
        change(&mut files.tables, &mut manifest);
        let entry = FileEntry {
            sha256: Digest::of(&files.tables),
            bytes: files.tables.len() as u64,
        };
        manifest.files.insert(file::TABLES.into(), entry);
        match Bundle::load(&manifest, files).err() {
            Some(BundleError::Content { name, reason }) => format!("{name}: {reason}"),
            other => panic!("{other:?}"),
        }
    };
    let replace = |bytes: &mut Vec<u8>, from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|w| w == from).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to);
    };
    let nan = refused(&|bytes, _| replace(bytes, &0.25_f32.to_le_bytes(), &f32::NAN.to_le_bytes()));
    assert!(
        nan.contains("position_decay") && nan.contains("NaN"),
        "{nan}"
    );
    let name = refused(&|bytes, _| replace(bytes, b"fusion", b"fusoin"));
    assert!(name.contains("'fusion' is missing"), "{name}");
    assert!(refused(&|bytes, _| bytes.truncate(20)).contains("not safetensors"));
    assert!(refused(&|_, manifest| manifest.model.items = 5).contains("[5]"));
    assert!(refused(&|_, manifest| manifest.model.neighbours = 1).contains("neighbour_count"));
    let row = refused(&|bytes, _| {
        // The counts 2, 1, 0, 0; then the gaps: row 0 has rows 1 and 2, row 1 has row 3.
        replace(bytes, &[2, 1, 0, 0, 1, 0, 3], &[2, 1, 0, 0, 1, 9, 3]);
    });
    assert!(row.contains("neighbour_gap"), "{row}");
}

#[test]
fn tables_with_a_nan_are_not_written() {
    let mut nan = tables();
    nan.neighbours[0][0].1 = f32::NAN;
    assert!(
        nan.to_bytes()
            .unwrap_err()
            .to_string()
            .contains("neighbour table")
    );
    assert!(write_items(["b", "a"]).is_err());
}

#[test]
fn an_item_that_is_seen_again_counts_for_more_and_a_prior_beside_the_encoder_only() {
    let mut tables = tables();
    tables.fusion.repeat_growth = 2.0;
    tables.fusion.popularity = 0.0;
    tables.fusion.encoder = 0.5;
    tables.dim = 1;
    tables.vectors = vec![127.0 / 128.0; 4];
    tables.prior = vec![-127.0 / 128.0, 0.0, 0.0, 127.0 / 256.0];
    let mut ranker = ranker(&tables);
    for at in 0..3 {
        ranker.track("d", Action::View, at);
    }
    let d = ranker.explain("d").unwrap().terms;
    // Seen three times, last just now: 0.2 · (1 + 2·ln 3). d has no neighbours.
    let repeat = 0.2 * (1.0 + 2.0 * 3.0_f32.ln());
    assert!((d.repeat - repeat).abs() < 1e-6, "{d:?}");
    assert_eq!(d.popularity, 0.0);
    ranker.set_query(Some(&[1.0]));
    let explained = ranker.explain("d").unwrap();
    // 64 of 127 units of the prior, which is the nearest to a half of the largest.
    assert!((explained.terms.popularity - 64.0 / 128.0).abs() < 1e-6);
    let product = 0.5 * 127.0 / 128.0;
    let whole = (1.0 + repeat / 0.5).ln() + product + 0.5;
    assert!((explained.score - whole).abs() < 1e-5, "{explained:?}");
    assert_eq!(
        ranker.explain("a").unwrap().terms.popularity,
        -127.0 / 128.0
    );
}

#[test]
fn hostile_priors_are_refused() {
    let mut tables = tables();
    tables.prior = vec![0.5; 3];
    assert!(tables.to_bytes().is_err());
    tables.prior = vec![f32::NAN; 4];
    assert!(tables.to_bytes().is_err());
}
