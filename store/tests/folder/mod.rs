//! A bundle's folder.

use std::fs;
use std::path::Path;
use vitrine_core::Digest;
use vitrine_core::manifest::{
    FileEntry, Manifest, ModelFacts, Privacy, SCHEMA, TrainingFacts, file,
};
use vitrine_core::session::SessionGap;

/// A bundle folder as `vitrine export` leaves it.
pub fn bundle(dir: &Path, version: u64, tables: &[u8]) -> Manifest {
    fs::create_dir_all(dir).unwrap();
    let items = b"items".as_slice();
    let entry = |bytes: &[u8]| FileEntry {
        sha256: Digest::of(bytes),
        bytes: bytes.len() as u64,
    };
    let manifest = Manifest {
        schema: SCHEMA.into(),
        version,
        parent: None,
        restores: None,
        created: 1_700_000_000,
        expires: 4_000_000_000,
        synthetic: true,
        files: [
            (file::TABLES.into(), entry(tables)),
            (file::ITEMS.into(), entry(items)),
        ]
        .into(),
        model: ModelFacts {
            items: 3,
            dim: 0,
            neighbours: 2,
            max_session: 20,
        },
        session_gap: SessionGap::default(),
        training: TrainingFacts::default(),
        privacy: Privacy::default(),
    };
    fs::write(dir.join(file::TABLES), tables).unwrap();
    fs::write(dir.join(file::ITEMS), items).unwrap();
    fs::write(dir.join("manifest.json"), manifest.to_bytes()).unwrap();
    manifest
}
