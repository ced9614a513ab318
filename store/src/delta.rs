//! Deltas from what is published to what will be: made where they save something.

use std::collections::BTreeMap;
use vitrine_core::manifest::{FileEntry, Manifest, file};
use vitrine_core::{Digest, delta};

/// The files of which deltas are made. The encoder is not among them: where it was trained again,
/// all of its weights are others.
const FILES: [&str; 4] = [file::TABLES, file::ITEMS, file::FACETS, file::INDEX];
/// A delta is kept below this share of the whole file, both compressed.
const WORTH: f64 = 0.8;
/// The quality of brotli that they are compared with; what is stored is compressed better.
const QUALITY: i32 = 9;

/// Adds to `manifest` the deltas that make its files from those of `base`, where they are worth
/// it, and returns their bytes by name. `read` reads a file of either, by name and hash.
///
/// # Errors
/// What `read` says.
pub fn add_deltas<E>(
    manifest: &mut Manifest,
    base: &Manifest,
    mut read: impl FnMut(&str, Digest) -> Result<Vec<u8>, E>,
) -> Result<BTreeMap<String, Vec<u8>>, E> {
    let mut deltas = BTreeMap::new();
    for name in FILES {
        let (Some(&new), Some(&old)) = (manifest.files.get(name), base.files.get(name)) else {
            continue;
        };
        let known = manifest.files.contains_key(&delta::name(name, old.sha256));
        let whole = manifest.is_fetched_whole(name) && base.is_fetched_whole(name);
        if new == old || known || !whole {
            continue;
        }
        let new = read(name, new.sha256)?;
        let delta = delta::between(&read(name, old.sha256)?, &new);
        if (compressed(&delta) as f64) < WORTH * compressed(&new) as f64 {
            let entry = FileEntry {
                sha256: Digest::of(&delta),
                bytes: delta.len() as u64,
            };
            let name = delta::name(name, old.sha256);
            manifest.files.insert(name.clone(), entry);
            deltas.insert(name, delta);
        }
    }
    Ok(deltas)
}

/// How long these bytes are when they are compressed.
fn compressed(bytes: &[u8]) -> usize {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: QUALITY,
        size_hint: bytes.len(),
        ..Default::default()
    };
    // A vector takes whatever is written to it.
    match brotli::BrotliCompress(&mut &*bytes, &mut out, &params) {
        Ok(_) => out.len(),
        Err(_) => bytes.len(),
    }
}
