//! A catalogue in blocks against the whole bundle: the same scores, to the bit, from a part of
//! the bytes; and nothing of an altered block is read.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]

use std::collections::BTreeMap;
use vitrine_core::blocks::{Blocks, Catalogue, ROWS, cut};
use vitrine_core::bundle::{Bundle, Files};
use vitrine_core::facets::{Facets, Filter, NO_BAND};
use vitrine_core::manifest::{
    FileEntry, Manifest, ModelFacts, Privacy, SCHEMA, TrainingFacts, file,
};
use vitrine_core::neighbours::WeightBits;
use vitrine_core::rank::Ranker;
use vitrine_core::session::SessionGap;
use vitrine_core::tables::{Fusion, Tables};
use vitrine_core::writer::{NewTables, write_items};
use vitrine_core::{Action, Digest};

const N: usize = 1003;
const DIM: usize = 8;

/// splitmix64.
fn numbers(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A bundle whole and in blocks.
struct Shop {
    ids: Vec<String>,
    manifest: Manifest,
    whole: Bundle,
    blocks: Blocks,
}

fn shop(dim: usize, weight_bits: WeightBits) -> Shop {
    let mut next = numbers(5);
    let mut ids: Vec<String> = (0..N)
        .map(|_| format!("{:x}", next() % 0xff_ffff_ffff))
        .collect();
    ids.sort();
    ids.dedup();
    let n = ids.len();
    let mut unit = || (next() >> 40) as f32 / (1 << 24) as f32;
    let tables = NewTables {
        neighbours: (0..n)
            .map(|_| {
                let count = (20.0 * unit()) as usize;
                let list = (0..count).map(|_| ((n as f32 * unit()) as u32, unit()));
                list.collect::<BTreeMap<u32, f32>>().into_iter().collect()
            })
            .collect(),
        weight_bits,
        popularity: (0..n)
            .map(|_| f64::from(1.0 / (unit() + 0.001)).floor())
            .collect(),
        position_decay: vec![1.0, 0.7, 0.5, 0.3],
        action_weight: [1.0, 2.0, 0.5],
        repeat: vec![0.3, 0.2, 0.1, 0.05],
        prior: (0..n).map(|_| unit() - 0.5).collect(),
        fusion: Fusion {
            encoder: if dim > 0 { 0.3 } else { 0.0 },
            neighbours: 1.0,
            repeat: 0.5,
            popularity: 0.05,
            floor: 0.02,
            repeat_growth: 0.5,
            prior: 0.0,
        },
        vectors: (0..n * dim).map(|_| unit() - 0.5).collect(),
        dim,
    };
    let facets = Facets {
        categories: vec!["mugs".into(), "lamps".into()],
        category: (0..n).map(|row| row as i32 % 3 - 1).collect(),
        price_edges: vec![10.0],
        price_band: (0..n)
            .map(|row| if row % 5 == 0 { NO_BAND } else { 0 })
            .collect(),
        in_stock: (0..n).map(|row| row % 4 > 0).collect(),
    };
    let model = ModelFacts {
        items: n as u32,
        dim: dim as u32,
        neighbours: 20,
        max_session: 4,
    };
    let tables = tables.to_bytes().unwrap();
    let parsed = Tables::parse(&model, &tables).unwrap();
    let blocks = cut(&parsed, &ids, Some(&facets)).unwrap();
    let files = Files {
        tables,
        items: write_items(ids.iter().map(String::as_str)).unwrap(),
        facets: Some(serde_json::to_vec(&facets).unwrap()),
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
            (file::INDEX.into(), entry(&blocks.index)),
            (file::BLOCKS.into(), entry(&blocks.blocks)),
        ]
        .into(),
        model,
        session_gap: SessionGap::default(),
        training: TrainingFacts::default(),
        privacy: Privacy::default(),
    };
    let whole = Bundle::load(&manifest, files).unwrap();
    Shop {
        ids,
        manifest,
        whole,
        blocks,
    }
}

impl Shop {
    fn catalogue(&self) -> Catalogue {
        Catalogue::open(&self.manifest, self.blocks.index.clone()).unwrap()
    }

    /// The bytes of a block.
    fn block(&self, catalogue: &Catalogue, block: u32) -> &[u8] {
        let place = catalogue.place(block);
        &self.blocks.blocks[place.start as usize..place.end as usize]
    }

    fn fetch(&self, catalogue: &mut Catalogue, blocks: &[u32]) {
        for &block in blocks {
            catalogue.add(block, self.block(catalogue, block)).unwrap();
        }
    }
}

#[test]
fn a_listing_has_the_scores_of_the_whole_bundle() {
    for (dim, bits) in [
        (0, WeightBits::Eight),
        (0, WeightBits::Four),
        (DIM, WeightBits::Eight),
    ] {
        let shop = shop(dim, bits);
        let mut catalogue = shop.catalogue();
        let session = [
            &shop.ids[7],
            &shop.ids[900],
            "nobody knows it",
            &shop.ids[7],
        ];
        let listing: Vec<&str> = (0..40).map(|at| shop.ids[at * 25].as_str()).collect();
        let listing = [&listing[..], &["", "zzz", "0"]].concat();

        let wanted = catalogue.missing(listing.iter().chain(&session).copied());
        assert!(wanted.len() <= 46 && wanted.is_sorted());
        shop.fetch(&mut catalogue, &wanted);
        assert!(catalogue.missing(listing.iter().copied()).is_empty());

        let query: Vec<f32> = (0..dim).map(|d| 0.3 - 0.1 * d as f32).collect();
        let rank = |bundle: Bundle| {
            let mut ranker = Ranker::new(bundle);
            for (at, item) in session.iter().enumerate() {
                ranker.track(item, Action::View, 10 + at as u64);
            }
            let input = ranker.encoder_input();
            ranker.set_query(Some(&query));
            (input, ranker.rank(&listing), ranker.explain(listing[3]))
        };
        let (input, ranked, _) = rank(catalogue.bundle());
        let (whole_input, whole_ranked, why) = rank(shop.whole);
        assert_eq!(input, whole_input);
        assert_eq!(ranked, whole_ranked);
        assert_eq!(ranked.iter().filter(|item| item.known).count(), 40);
        assert!(why.is_some());
    }
}

#[test]
fn with_every_block_the_bundle_is_the_whole_one() {
    let shop = shop(DIM, WeightBits::Eight);
    let mut catalogue = shop.catalogue();
    let all: Vec<u32> = (0..shop.ids.len().div_ceil(ROWS as usize) as u32).collect();
    shop.fetch(&mut catalogue, &all);
    let lists = [catalogue.bundle(), shop.whole].map(|bundle| {
        let mut ranker = Ranker::new(bundle);
        ranker.track(&shop.ids[3], Action::View, 10);
        let filter = Filter {
            category: Some(vec!["lamps".into()]),
            in_stock: true,
            ..Filter::default()
        };
        let plain = ranker.recommend(20, &filter, &[&shop.ids[5]]);
        ranker.set_query(Some(&[0.5; DIM]));
        let with_query = ranker.recommend_diverse(20, &Filter::default(), &[], 0.4);
        (plain, with_query)
    });
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[0].0.len(), 20);
}

#[test]
fn a_shelf_is_chosen_from_the_popular_and_the_neighbourhood() {
    let shop = shop(0, WeightBits::Eight);
    let mut catalogue = shop.catalogue();
    let mut ranker = Ranker::new(catalogue.bundle());
    ranker.track(&shop.ids[500], Action::View, 10);
    assert!(ranker.recommend(5, &Filter::default(), &[]).is_empty());

    let own = catalogue.missing([shop.ids[500].as_str()]);
    assert_eq!(own.len(), 1);
    shop.fetch(&mut catalogue, &own);
    let around = catalogue.missing_around(ranker.session());
    shop.fetch(&mut catalogue, &around);
    assert!(catalogue.missing_around(ranker.session()).is_empty());

    ranker.exchange(catalogue.bundle());
    let found = ranker.recommend(10, &Filter::default(), &[]);
    let mut whole = Ranker::new(shop.whole);
    whole.track(&shop.ids[500], Action::View, 10);
    let scores = |list: &[vitrine_core::rank::Recommended]| {
        let list = list
            .iter()
            .map(|item| (item.id.clone(), item.score.to_bits()));
        list.collect::<Vec<_>>()
    };
    // Neighbours and the popular are all that a session without an encoder can reach.
    assert_eq!(
        scores(&found),
        scores(&whole.recommend(10, &Filter::default(), &[]))
    );
}

#[test]
fn an_altered_block_is_refused_and_so_is_one_in_anothers_place() {
    let shop = shop(DIM, WeightBits::Eight);
    let mut catalogue = shop.catalogue();
    let good = shop.block(&catalogue, 3).to_vec();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let error = catalogue.add(3, &bad).unwrap_err().to_string();
        assert!(error.contains("block 3") && error.contains("fetch it again"));
    }
    assert!(catalogue.add(4, &good).is_err());
    assert!(catalogue.add(3, &good[1..]).is_err());
    let error = catalogue.add(u32::MAX, &good).unwrap_err().to_string();
    assert!(error.contains("there is no block"), "{error}");
    assert!(catalogue.place(u32::MAX).is_empty());
    assert!(catalogue.add(3, &good).is_ok());
}

#[test]
fn a_hostile_index_is_refused_and_never_panics() {
    let shop = shop(DIM, WeightBits::Eight);
    let index = &shop.blocks.index;
    let open = |bytes: Vec<u8>| Catalogue::open(&shop.manifest, bytes);
    for end in (0..index.len()).step_by(7) {
        assert!(open(index[..end].to_vec()).is_err());
    }
    // Whatever is changed, it is refused or it leads somewhere: blocks are verified one by one.
    for at in 0..index.len() {
        let mut bad = index.clone();
        bad[at] ^= 0x55;
        if let Ok(mut catalogue) = open(bad) {
            let ids = ["", "8", shop.ids[9].as_str()];
            for block in catalogue.missing(ids) {
                let place = catalogue.place(block);
                let bytes = shop
                    .blocks
                    .blocks
                    .get(place.start as usize..place.end as usize);
                let _ = catalogue.add(block, bytes.unwrap_or_default());
            }
            assert!(catalogue.bundle().items() <= 2 * ROWS);
        }
    }
    let mut short = shop.manifest.clone();
    short.files.get_mut(file::BLOCKS).unwrap().bytes -= 1;
    let error = Catalogue::open(&short, index.clone()).err().unwrap();
    assert!(error.to_string().contains("block_bytes"), "{error}");
}
