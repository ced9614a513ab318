//! `vitrine publish`.

use crate::destination::{self, Destination};
use crate::output::say;
use crate::{deltas, key_file};
use anyhow::Context;
use std::path::{Path, PathBuf};
use vitrine_core::manifest::{MANIFEST_FILE, Manifest, SIGNATURE_FILE};
use vitrine_core::signature::{SecretKey, sign};
use vitrine_core::{Digest, delta};
use vitrine_learn::files::write_atomically;
use vitrine_store::Outcome;

/// Publish a bundle, by content hash, to a store's folder or to a running server.
///
/// With --key the bundle is signed first: BUNDLE/manifest.sig is written, and is published with
/// it. Publishing the current bundle again with other keys changes its signatures and nothing
/// else. Without a key, a manifest.sig that is in the folder already is published.
///
/// Where something is live, deltas from it and from the version before are added to the bundle,
/// each where it is shorter: a browser that has kept that version fetches what changed. A folder
/// that is signed already is published as it is.
///
///   vitrine publish run/bundle --to store
///   vitrine publish run/bundle --to store --key shop.pem
///   vitrine publish run/bundle --to store --key old.pem --key new.pem
///   vitrine publish run/bundle --to http://127.0.0.1:8081 --token-file token --key shop.pem
///   vitrine publish run2/bundle --to store --key shop.pem --candidate
///   VITRINE_ADMIN_TOKEN=... vitrine publish run/bundle --to http://127.0.0.1:8081
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The bundle's folder.
    bundle: PathBuf,
    #[command(flatten)]
    destination: destination::Destined,
    /// A key that signs, as `vitrine key new` writes it; several while keys change.
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Leave the bundle as the candidate: browsers see it once `vitrine promote` makes it live.
    #[arg(long)]
    candidate: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let bundle = &arguments.bundle;
    let keys = key_file::read_all(&arguments.keys)?;
    // What no browser could load is not made live: right hashes alone do not make a model.
    vitrine_learn::bundle::open(bundle)?;
    let name = arguments.destination.name();
    let destination = arguments.destination.open()?;
    // What is signed is not changed any more, but by whoever signs.
    if !keys.is_empty() || !bundle.join(SIGNATURE_FILE).is_file() {
        add_deltas(bundle, &destination)?;
    }
    if !keys.is_empty() {
        write_signature(bundle, &keys)?;
    }
    if let (Destination::Folder(store), false) = (&destination, arguments.candidate) {
        let published = store.publish_folder(bundle)?;
        match published.outcome {
            Outcome::Switched => say!("version {} is live in {name}", published.version),
            Outcome::Unchanged => say!("version {} was live already", published.version),
        }
        return Ok(());
    }
    let bytes = read(bundle, MANIFEST_FILE)?;
    let manifest = Manifest::parse(&bytes).with_context(|| bundle.display().to_string())?;
    for (name, entry) in &manifest.files {
        let whole = manifest.is_fetched_whole(name);
        destination
            .put_file(&bundle.join(name), entry, whole)
            .with_context(|| name.clone())?;
        say!("{name}: {} bytes", entry.bytes);
    }
    let digest = Digest::of(&bytes);
    if bundle.join(SIGNATURE_FILE).is_file() {
        destination
            .put_signature(digest, &read(bundle, SIGNATURE_FILE)?)
            .context(SIGNATURE_FILE)?;
    }
    let version = manifest.version;
    if arguments.candidate {
        destination.put_candidate(&bytes).context(MANIFEST_FILE)?;
        say!("version {version} is the candidate in {name}");
        say!("next: vitrine promote --to {name}");
    } else {
        destination.put_manifest(&bytes).context(MANIFEST_FILE)?;
        say!("version {version} is live at {name}");
    }
    Ok(())
}

/// Adds to the folder the deltas from what is live. They are made once: a manifest that names
/// some, or is not newer than what is live, is left as it is.
fn add_deltas(bundle: &Path, destination: &Destination) -> anyhow::Result<()> {
    let path = bundle.join(MANIFEST_FILE);
    let bytes = read(bundle, MANIFEST_FILE)?;
    let mut manifest = Manifest::parse(&bytes).with_context(|| path.display().to_string())?;
    if manifest.files.keys().any(|name| delta::is_delta(name)) {
        return Ok(());
    }
    let deltas = deltas::from_live(&mut manifest, destination, Some(bundle))?;
    for (name, bytes) in &deltas {
        let path = bundle.join(name);
        write_atomically(&path, bytes).with_context(|| path.display().to_string())?;
    }
    if !deltas.is_empty() {
        let bytes = manifest.to_bytes();
        write_atomically(&path, &bytes).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Signs the exact bytes of the folder's manifest.
fn write_signature(bundle: &Path, keys: &[SecretKey]) -> anyhow::Result<()> {
    let bytes = read(bundle, MANIFEST_FILE)?;
    let keys: Vec<&SecretKey> = keys.iter().collect();
    let path = bundle.join(SIGNATURE_FILE);
    write_atomically(&path, &sign(&bytes, &keys)).with_context(|| path.display().to_string())?;
    for key in keys {
        say!("signed by key {}", key.public().id());
    }
    Ok(())
}

fn read(bundle: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
    let path = bundle.join(name);
    std::fs::read(&path).with_context(|| path.display().to_string())
}
