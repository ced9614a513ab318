//! Writes a large invented catalogue as `vitrine train` would publish it, and what the native
//! ranker answers for a visit to it. Nothing is learned: what the numbers say does not matter to
//! bytes and to bits.
//!
//! Ids, neighbours and the listing are drawn at random from everywhere, which is the worst case:
//! no two items of a page lie in one block but by chance.

use clap::Parser;
use rand::seq::index::sample;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::path::PathBuf;
use vitrine_core::Action;
use vitrine_core::facets::Facets;
use vitrine_core::manifest::{ModelFacts, Privacy, TrainingFacts};
use vitrine_core::neighbours::WeightBits;
use vitrine_core::rank::Ranker;
use vitrine_core::session::SessionGap;
use vitrine_core::tables::Fusion;
use vitrine_core::writer::NewTables;
use vitrine_learn::bundle::{self, NewBundle};

const DIM: usize = 64;
const NEIGHBOURS: usize = 20;
const SESSION: usize = 20;

/// Writes `bundle/` and `visit.json`.
#[derive(Parser)]
struct Arguments {
    /// How many items the shop has.
    #[arg(long)]
    items: usize,
    /// How many of them the page lists.
    #[arg(long, default_value_t = 500)]
    listing: usize,
    /// From 1.
    #[arg(long, default_value_t = 1)]
    version: u64,
    /// Folder to write to.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let ids = ids(arguments.items, &mut random);
    let model = ModelFacts {
        items: ids.len() as u32,
        dim: DIM as u32,
        neighbours: NEIGHBOURS as u32,
        max_session: SESSION as u32,
    };
    let folder = arguments.out.join("bundle");
    std::fs::create_dir_all(&arguments.out)?;
    let facets = facets(ids.len(), &mut random);
    bundle::write(
        &folder,
        NewBundle {
            tables: tables(ids.len(), &mut random).to_bytes()?,
            ids: &ids,
            facets: &facets,
            encoder: None,
            model,
            session_gap: SessionGap::default(),
            version: arguments.version,
            parent: None,
            created: 1_760_000_000,
            expires: 4_102_444_800,
            synthetic: true,
            training: TrainingFacts {
                dataset: "an invented catalogue".into(),
                ..TrainingFacts::default()
            },
            privacy: Privacy::default(),
        },
    )?;

    let mut drawn = |count: usize| -> Vec<&str> {
        let rows = sample(&mut random, ids.len(), count.min(ids.len()));
        rows.into_iter().map(|row| ids[row].as_str()).collect()
    };
    let (session, listing) = (drawn(SESSION), drawn(arguments.listing));
    let mut ranker = Ranker::new(bundle::open(&folder)?.bundle);
    for id in &session {
        ranker.track(id, Action::View, 1_760_000_000);
    }
    let ranked = ranker.rank(&listing);
    let ranked: Vec<(u32, u32)> = ranked
        .iter()
        .map(|item| (item.index, item.score.to_bits()))
        .collect();
    let visit = serde_json::json!({ "session": session, "listing": listing, "ranked": ranked });
    std::fs::write(
        arguments.out.join("visit.json"),
        serde_json::to_vec(&visit)?,
    )?;
    Ok(())
}

/// Ids such as shops have, in byte order.
fn ids(items: usize, random: &mut impl Rng) -> Vec<String> {
    let mut ids = BTreeSet::new();
    while ids.len() < items {
        ids.insert(format!("p{:08}", random.random_range(0..100_000_000)));
    }
    ids.into_iter().collect()
}

fn tables(items: usize, random: &mut impl Rng) -> NewTables {
    let neighbours = (0..items)
        .map(|_| {
            let rows = sample(random, items, NEIGHBOURS.min(items));
            let weighed = |row: usize| (row as u32, random.random_range(0.01..1.0));
            rows.into_iter().map(weighed).collect()
        })
        .collect();
    NewTables {
        neighbours,
        weight_bits: WeightBits::Eight,
        popularity: (0..items)
            .map(|_| (1.0 / random.random_range(0.001..1.0_f64)).floor())
            .collect(),
        position_decay: (0..SESSION).map(|d| 0.8_f32.powi(d as i32)).collect(),
        action_weight: [1.0, 1.5, 0.6],
        repeat: (0..SESSION).map(|d| 0.5 * 0.8_f32.powi(d as i32)).collect(),
        prior: (0..items).map(|_| random.random_range(-1.0..1.0)).collect(),
        fusion: Fusion {
            encoder: 0.5,
            neighbours: 1.0,
            repeat: 0.25,
            popularity: 0.1,
            floor: 0.01,
            repeat_growth: 0.5,
            prior: 0.0,
        },
        vectors: (0..items * DIM)
            .map(|_| random.random_range(-1.0..1.0))
            .collect(),
        dim: DIM,
    }
}

fn facets(items: usize, random: &mut impl Rng) -> Facets {
    Facets {
        categories: (0..200).map(|at| format!("Category {at}")).collect(),
        category: (0..items).map(|_| random.random_range(0..200)).collect(),
        price_edges: vec![10.0, 20.0, 50.0, 100.0],
        price_band: (0..items).map(|_| random.random_range(0..5)).collect(),
        in_stock: (0..items).map(|_| random.random_bool(0.9)).collect(),
    }
}
