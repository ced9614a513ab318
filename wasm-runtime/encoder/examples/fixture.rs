//! Writes a small invented shop as a server would serve it: `manifest.json`, `bundles/<sha256>`
//! and `catalogue.json`; and `in-blocks.json`, a manifest of the same bundle in blocks, as a large
//! shop would have it; and `numbered.json`, the same bundle with the ids 1001, 1002, … The tests of
//! `web/` and a first look at the storefront use it.
//!
//! `cargo run -p vitrine-encoder --example fixture -- web/fixture`
//!
//! The same every time: numbers come from splitmix64.

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod support;

use std::path::Path;
use support::{DIM, Gru, encoded, numbers};
use vitrine_core::blocks;
use vitrine_core::digest::Digest;
use vitrine_core::facets::Facets;
use vitrine_core::manifest::{self, FileEntry, Manifest, ModelFacts, Privacy, TrainingFacts};
use vitrine_core::neighbours::WeightBits;
use vitrine_core::session::SessionGap;
use vitrine_core::tables::{Fusion, Tables};
use vitrine_core::writer::{NewTables, write_items};

const STYLES: [&str; 8] = [
    "Oak",
    "Indigo stripe",
    "Sea glass",
    "Terracotta",
    "Meadow",
    "Brass",
    "Charcoal",
    "Rose",
];

const THINGS: [(&str, &[&str]); 6] = [
    (
        "Kitchen",
        &[
            "mug",
            "teapot",
            "bowl",
            "dinner plate",
            "honey jar",
            "cake stand",
            "serving spoon",
        ],
    ),
    (
        "Living room",
        &[
            "cushion",
            "table lamp",
            "vase",
            "throw blanket",
            "wall clock",
            "picture frame",
        ],
    ),
    ("Garden", &["plant", "lantern", "trug basket", "door mat"]),
    ("Bath", &["soap", "hand towel", "lotion bottle"]),
    ("Desk", &["notebook", "pencil case", "card set", "gift box"]),
    (
        "To wear",
        &[
            "tote bag", "umbrella", "necklace", "slippers", "cardigan", "scarf",
        ],
    ),
];

/// A thing that the shop sells.
struct Item {
    id: String,
    title: String,
    category: usize,
    style: usize,
    kind: usize,
    price: f64,
    popularity: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = std::env::args().nth(1).ok_or("usage: fixture FOLDER")?;
    let out = Path::new(&out);
    let items = shop();
    let n = items.len();

    let tables = NewTables {
        neighbours: (0..n).map(|row| neighbours(&items, row)).collect(),
        weight_bits: WeightBits::Eight,
        popularity: items.iter().map(|item| item.popularity).collect(),
        position_decay: (0..20).map(|d| 0.72_f32.powi(d)).collect(),
        action_weight: [1.0, 1.5, 0.6],
        repeat: (0..20).map(|d| 0.5 * 0.8_f32.powi(d)).collect(),
        prior: items
            .iter()
            .map(|item| -0.1 * item.popularity.ln_1p() as f32)
            .collect(),
        fusion: Fusion {
            encoder: 0.06,
            neighbours: 1.0,
            repeat: 0.25,
            popularity: 0.12,
            floor: 0.01,
            repeat_growth: 0.5,
            prior: 0.0,
        },
        vectors: numbers(9, n * DIM),
        dim: DIM,
    };
    let facets = Facets {
        categories: THINGS.iter().map(|(name, _)| (*name).to_string()).collect(),
        category: items.iter().map(|item| item.category as i32).collect(),
        price_edges: vec![10.0, 20.0, 40.0, 80.0],
        price_band: items
            .iter()
            .map(|item| {
                [10.0, 20.0, 40.0]
                    .iter()
                    .filter(|edge| item.price >= **edge)
                    .count() as u8
            })
            .collect(),
        in_stock: items.iter().map(|item| item.popularity > 1.2).collect(),
    };
    let model = ModelFacts {
        items: n as u32,
        dim: DIM as u32,
        neighbours: 24,
        max_session: 20,
    };
    let tables = tables.to_bytes()?;
    let ids: Vec<String> = items.iter().map(|item| item.id.clone()).collect();
    let cut = blocks::cut(&Tables::parse(&model, &tables)?, &ids, Some(&facets))?;
    let files: [(&str, Vec<u8>); 6] = [
        (manifest::file::TABLES, tables),
        (
            manifest::file::ITEMS,
            write_items(items.iter().map(|item| item.id.as_str()))?,
        ),
        (manifest::file::FACETS, serde_json::to_vec(&facets)?),
        (manifest::file::ENCODER, encoded(&Gru::new(8).model())),
        (manifest::file::INDEX, cut.index),
        (manifest::file::BLOCKS, cut.blocks),
    ];

    let folder = out.join("bundles");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let mut in_blocks = Manifest {
        schema: manifest::SCHEMA.into(),
        version: 1,
        parent: None,
        restores: None,
        created: 1_760_000_000,
        expires: 4_102_444_800,
        synthetic: true,
        files: [].into(),
        model,
        session_gap: SessionGap::default(),
        training: TrainingFacts {
            dataset: "an invented shop".into(),
            sessions: 12_000,
            events: 61_000,
            seed: 1,
            ..TrainingFacts::default()
        },
        privacy: Privacy::default(),
    };
    for (name, bytes) in &files {
        in_blocks
            .files
            .insert((*name).to_string(), store(&folder, bytes)?);
    }
    std::fs::write(out.join("in-blocks.json"), in_blocks.to_bytes())?;
    let mut whole = in_blocks;
    whole.files.remove(manifest::file::INDEX);
    whole.files.remove(manifest::file::BLOCKS);
    std::fs::write(out.join(manifest::MANIFEST_FILE), whole.to_bytes())?;
    let numbers: Vec<String> = (0..n).map(|row| (1001 + row).to_string()).collect();
    let bytes = write_items(numbers.iter().map(String::as_str))?;
    let entry = store(&folder, &bytes)?;
    whole.files.insert(manifest::file::ITEMS.into(), entry);
    std::fs::write(out.join("numbered.json"), whole.to_bytes())?;
    let catalogue = serde_json::json!({
        "name": "Harbour & Finch",
        "synthetic": true,
        "currency": "EUR",
        "items": items.iter().zip(&facets.in_stock).map(|(item, in_stock)| serde_json::json!({
            "id": item.id,
            "title": item.title,
            "category": THINGS[item.category].0,
            "price": item.price,
            "in_stock": in_stock,
            "popularity": item.popularity,
        })).collect::<Vec<_>>(),
    });
    std::fs::write(out.join("catalogue.json"), serde_json::to_vec(&catalogue)?)?;
    Ok(())
}

/// Writes a file under its hash.
fn store(folder: &Path, bytes: &[u8]) -> std::io::Result<FileEntry> {
    let entry = FileEntry {
        sha256: Digest::of(bytes),
        bytes: bytes.len() as u64,
    };
    std::fs::write(folder.join(entry.sha256.to_string()), bytes)?;
    Ok(entry)
}

/// Every thing in every style, in the byte order of the ids.
fn shop() -> Vec<Item> {
    let mut items = Vec::new();
    let chance = numbers(7, 4 * 512);
    let kinds = THINGS
        .iter()
        .enumerate()
        .flat_map(|(c, (_, things))| things.iter().map(move |t| (c, *t)));
    for (kind, (category, thing)) in kinds.enumerate() {
        for (style, name) in STYLES.iter().enumerate() {
            let at = items.len();
            let cents = [0.0, 0.5, 0.9, 0.95][at % 4];
            items.push(Item {
                id: format!("hf-{:03}", at + 1),
                title: format!("{name} {thing}"),
                category,
                style,
                kind,
                price: (6.0 + 70.0 * f64::from(chance[at] + 0.5).powi(2)).floor() + cents,
                popularity: (400.0 / (1.0 + 330.0 * f64::from(chance[at + 512] + 0.5)))
                    .round()
                    .max(1.0),
            });
        }
    }
    items
}

/// The same thing in other styles, and other things in the same style.
fn neighbours(items: &[Item], row: usize) -> Vec<(u32, f32)> {
    let own = &items[row];
    let chance = numbers(100 + row as u64, items.len());
    let mut list: Vec<(u32, f32)> = items
        .iter()
        .enumerate()
        .filter(|(other, item)| *other != row && (item.kind == own.kind || item.style == own.style))
        .map(|(other, item)| {
            let near = if item.kind == own.kind { 0.5 } else { 0.3 };
            let room = if item.category == own.category {
                0.15
            } else {
                0.0
            };
            (other as u32, near + room + 0.5 * chance[other])
        })
        .filter(|(_, weight)| *weight > 0.05)
        .collect();
    list.sort_by(|a, b| b.1.total_cmp(&a.1));
    list.truncate(24);
    list
}
