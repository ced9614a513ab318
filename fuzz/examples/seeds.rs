//! Writes the inputs that fuzzing starts from: `cargo run --example seeds -- corpus`.

#[path = "../../wasm-runtime/encoder/tests/support/mod.rs"]
#[allow(dead_code, reason = "the encoder's tests use the rest of it")]
mod support;

use bhttp::{Message, Mode};
use ohttp::ClientRequest;
use std::path::Path;
use support::{DIM, Gru, encoded, numbers};
use vitrine_core::Digest;
use vitrine_core::delta::between;
use vitrine_core::facets::Facets;
use vitrine_core::manifest::{FileEntry, Manifest, ModelFacts, file};
use vitrine_core::neighbours::WeightBits;
use vitrine_core::tables::Fusion;
use vitrine_core::writer::{NewTables, write_items};
use vitrine_fuzz::targets::{gateway, naming};

const IDS: [&str; 3] = ["bowl", "mug", "teapot"];
const NONCE: &str = "0123456789abcdef0123456789abcdef";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name the corpus's folder")?;
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = Path::new(&folder).join(target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("seed-{name}")), bytes)
    };
    for (name, cell) in [
        ("item", r#"{"table":"item","item":"a","action":"buy"}"#),
        ("metric", r#"{"table":"metric","arm":"shop","rank":"2-4"}"#),
        (
            "impression",
            r#"{"table":"impression","item":"a","position":"1","clicked":true}"#,
        ),
        (
            "transition",
            r#"{"table":"transition","from":"a","to":"b","action":"view"}"#,
        ),
    ] {
        let window = r#"{"number":2948,"seconds":604800}"#;
        let report = format!(r#"{{"nonce":"{NONCE}","window":{window},"cell":{cell}}}"#);
        write("feedback", name, report.as_bytes())?;
    }
    let budget = "0 2948 604800 8 1 1 0 0 12345678901234567890 42 2949 604800 8 0 0 0 1 7";
    write("budget", "two-windows", budget.as_bytes())?;
    for (name, mode) in [
        ("known", Mode::KnownLength),
        ("indeterminate", Mode::IndeterminateLength),
    ] {
        write("oblivious", name, &message(mode)?)?;
    }
    let client = ClientRequest::from_encoded_config(&gateway()?.config().encode()?)?;
    let (request, _) = client.encapsulate(&message(Mode::KnownLength)?)?;
    write("oblivious", "encapsulated", &request)?;
    write("manifest", "plain", &manifest().to_bytes())?;
    let signature = format!(
        "vitrine.signature/1\n0123456789abcdef {}\n",
        "ab".repeat(64)
    );
    write("manifest", "signature", signature.as_bytes())?;
    for (name, bits) in [("eight", WeightBits::Eight), ("four", WeightBits::Four)] {
        write("bundle", name, &bundle(bits)?)?;
    }
    let (old, new) = (bundle(WeightBits::Eight)?, bundle(WeightBits::Four)?);
    let delta = between(&old, &new);
    let lengths = [new.len(), delta.len()].map(|length| (length as u16).to_le_bytes());
    write("delta", "tables", &[lengths.concat(), delta, old].concat())?;
    write("encoder", "gru", &encoded(&Gru::new(2).model()))?;
    Ok(())
}

/// A report's request in binary HTTP.
fn message(mode: Mode) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let [method, scheme, authority, path] =
        ["POST", "https", "shop.example", "/v1/feedback"].map(|part| part.as_bytes().to_vec());
    let mut message = Message::request(method, scheme, authority, path);
    message.put_header("content-type", "application/json");
    message.write_content(format!(r#"{{"nonce":"{NONCE}"}}"#));
    let mut bytes = Vec::new();
    message.write_bhttp(mode, &mut bytes)?;
    bytes.resize(bytes.len().next_multiple_of(256), 0);
    Ok(bytes)
}

fn manifest() -> Manifest {
    let entry = FileEntry {
        sha256: Digest::of(b""),
        bytes: 1,
    };
    let model = ModelFacts {
        items: 3,
        dim: 4,
        neighbours: 2,
        max_session: 2,
    };
    let named = [file::TABLES, file::ITEMS].map(|name| (name.to_owned(), entry));
    naming(named.into(), model)
}

/// A shop of three items, in the form that the target takes apart.
fn bundle(weight_bits: WeightBits) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let rows = IDS.len();
    let tables = NewTables {
        neighbours: vec![vec![(1, 1.0), (2, 0.5)], vec![(0, 1.0)], vec![]],
        weight_bits,
        popularity: vec![3.0, 2.0, 1.0],
        position_decay: vec![1.0, 0.5],
        action_weight: [1.0, 1.5, 0.5],
        repeat: vec![0.5, 0.25],
        prior: vec![-0.1, 0.2, 0.0],
        fusion: Fusion {
            encoder: 0.1,
            neighbours: 1.0,
            repeat: 0.2,
            popularity: 0.1,
            floor: 0.01,
            repeat_growth: 0.5,
            prior: 0.0,
        },
        vectors: numbers(9, rows * DIM),
        dim: DIM,
    }
    .to_bytes()?;
    let items = write_items(IDS)?;
    let facets = serde_json::to_vec(&Facets {
        categories: vec!["kitchen".into()],
        category: vec![0, 0, -1],
        price_edges: vec![10.0, 20.0],
        price_band: vec![0, 1, 255],
        in_stock: vec![true, false, true],
    })?;
    let mut bytes = vec![rows as u8, DIM as u8, 2, 2];
    bytes.extend((tables.len() as u16).to_le_bytes());
    bytes.extend((items.len() as u16).to_le_bytes());
    for file in [tables, items, facets] {
        bytes.extend(file);
    }
    Ok(bytes)
}
