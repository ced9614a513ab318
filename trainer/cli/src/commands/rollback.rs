//! `vitrine rollback`.

use crate::{destination, key_file};
use anyhow::ensure;
use std::path::PathBuf;
use vitrine_core::Digest;
use vitrine_core::manifest::Manifest;
use vitrine_core::signature::{SecretKey, sign};

/// Make an older bundle live again, under a new version: a browser never goes back.
///
/// The new manifest names the files of the older one, and in `restores` that manifest's SHA-256.
/// It is a manifest like any other, so where pages pin a key it has to be signed.
///
///   vitrine rollback 7 --to store --key shop.pem
///   vitrine rollback 7 --to http://127.0.0.1:8081 --token-file token --key shop.pem
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The version whose files are to be live again.
    version: u64,
    #[command(flatten)]
    destination: destination::Destined,
    /// A key that signs, as `vitrine key new` writes it; several while keys change.
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    ensure!(arguments.version > 0, "versions count from 1");
    let keys = key_file::read_all(&arguments.keys)?;
    let destination = arguments.destination.open()?;
    let (current, _) = destination.published(0)?;
    let (older, bytes) = destination.published(arguments.version)?;
    ensure!(
        older.version == arguments.version && older.version < current.version,
        "version {} is not older than version {}, which is live",
        arguments.version,
        current.version
    );
    let now = super::now()?;
    let restored = Manifest {
        version: current.version + 1,
        restores: Some(Digest::of(&bytes)),
        created: now,
        expires: now + (older.expires - older.created),
        // What was promised since is not taken back with the bundle.
        privacy: current.privacy,
        ..older
    };
    let version = restored.version;
    let bytes = restored.to_bytes();
    if !keys.is_empty() {
        let keys: Vec<&SecretKey> = keys.iter().collect();
        destination.put_signature(Digest::of(&bytes), &sign(&bytes, &keys))?;
    }
    destination.put_manifest(&bytes)?;
    println!(
        "version {version} is live in {}: it has the files of version {}",
        arguments.destination.name(),
        arguments.version
    );
    Ok(())
}
