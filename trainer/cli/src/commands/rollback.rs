//! `vitrine rollback`.

use crate::output::say;
use crate::quarantine::{self, Quarantine};
use crate::{deltas, destination, key_file};
use anyhow::ensure;
use std::path::PathBuf;
use vitrine_core::manifest::{MAX_VERSION, Manifest};
use vitrine_core::signature::{SecretKey, sign};
use vitrine_core::{Digest, delta};

/// Make an older bundle live again, under a new version: a browser never goes back.
///
/// The new manifest names the files of the older one, and in `restores` that manifest's SHA-256.
/// It is a manifest like any other, so where pages pin a key it has to be signed.
///
/// Whatever was wrong with the bundle may be in the windows that it was learned from: those that
/// the older one was not learned from are quarantined.
///
///   vitrine rollback 7 --to store --key shop.pem --released released
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
    /// Folder of the released windows: those that only the bundle that is taken back was learned
    /// from are quarantined there, so that `vitrine retrain` leaves them out.
    #[arg(long, value_name = "DIR")]
    released: Option<PathBuf>,
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
    ensure!(
        current.version < MAX_VERSION,
        "version {} is live, and no version may follow it: put the last good manifest back by hand, \
         as docs/server.md says under \"Recovering from a fast-forward\"",
        current.version
    );
    let now = super::now()?;
    let suspects: Vec<u64> = current
        .training
        .windows
        .iter()
        .copied()
        .filter(|window| !older.training.windows.contains(window))
        .collect();
    // Before anything is changed: a folder that cannot be used stops the whole.
    let quarantine = arguments
        .released
        .as_deref()
        .map(Quarantine::read)
        .transpose()?;
    let mut restored = Manifest {
        version: current.version + 1,
        restores: Some(Digest::of(&bytes)),
        created: now,
        expires: now.saturating_add(older.expires - older.created),
        // What was promised since is not taken back with the bundle.
        privacy: current.privacy,
        ..older
    };
    restored.files.retain(|name, _| !delta::is_delta(name));
    for bytes in deltas::from_live(&mut restored, &destination, None)?.values() {
        destination.put_bytes(Digest::of(bytes), bytes)?;
    }
    let version = restored.version;
    let bytes = restored.to_bytes();
    if !keys.is_empty() {
        let keys: Vec<&SecretKey> = keys.iter().collect();
        destination.put_signature(Digest::of(&bytes), &sign(&bytes, &keys))?;
    }
    destination.put_manifest(&bytes)?;
    say!(
        "version {version} is live in {}: it has the files of version {}",
        arguments.destination.name(),
        arguments.version
    );
    match (quarantine, suspects.is_empty()) {
        (_, true) => {}
        (Some(mut quarantine), false) => {
            let reason = format!("version {} was taken back", current.version);
            quarantine.add(&suspects, &reason, now)?;
            say!("quarantined: windows {}", quarantine::list(&suspects));
        }
        (None, false) => say!(
            "learned from windows {0}, and version {1} was not: keep them out of the next bundle \
             with\n  vitrine quarantine add {2} --released released",
            quarantine::list(&suspects),
            arguments.version,
            quarantine::list(&suspects).replace(',', "")
        ),
    }
    Ok(())
}
