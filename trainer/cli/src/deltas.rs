//! Deltas from what is live to what will be.

use crate::destination::Destination;
use crate::output::say;
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::Path;
use vitrine_core::manifest::Manifest;
use vitrine_store::add_deltas;

/// From how many versions: the live one, and for who comes more seldom the one before.
const VERSIONS: u64 = 2;

/// Adds to `manifest` the deltas from what is live, if it is newer, and returns their bytes by
/// name. Its own files are in the folder `bundle`, or published already. A delta that can't be
/// made is missed by nobody, so that is only said.
///
/// # Errors
/// When the destination does not say what is live.
pub fn from_live(
    manifest: &mut Manifest,
    destination: &Destination,
    bundle: Option<&Path>,
) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut deltas = BTreeMap::new();
    let Some((live, _)) = destination.find_published(0)? else {
        return Ok(deltas);
    };
    if manifest.version <= live.version {
        return Ok(deltas);
    }
    let oldest = live.version.saturating_sub(VERSIONS - 1).max(1);
    for version in (oldest..=live.version).rev() {
        let made = from_version(manifest, version, destination, bundle);
        match made {
            Ok(made) => deltas.extend(made),
            Err(error) => say!("no delta from version {version}: {error:#}"),
        }
    }
    for (name, bytes) in &deltas {
        say!("{name}: {} bytes", bytes.len());
    }
    Ok(deltas)
}

fn from_version(
    manifest: &mut Manifest,
    version: u64,
    destination: &Destination,
    bundle: Option<&Path>,
) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let Some((base, _)) = destination.find_published(version)? else {
        return Ok(BTreeMap::new());
    };
    let files = manifest.files.clone();
    add_deltas(manifest, &base, |name, digest| match bundle {
        Some(folder) if files[name].sha256 == digest => {
            let path = folder.join(name);
            std::fs::read(&path).with_context(|| path.display().to_string())
        }
        _ => destination.file(digest),
    })
}
