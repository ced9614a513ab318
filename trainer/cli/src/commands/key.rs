//! `vitrine key`.

use crate::key_file;
use crate::output::say;
use anyhow::Context;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use vitrine_core::Digest;
use vitrine_core::checkpoint::{Checkpoint, MAX_CHECKPOINT_BYTES};
use vitrine_core::manifest::{MANIFEST_FILE, SIGNATURE_FILE};
use vitrine_core::signature::{PublicKey, SecretKey, signers, verify};
use vitrine_learn::files::write_atomically;

/// Make and look at the offline keys that sign bundles.
///
/// Pages that pin a public key take no bundle that its private half has not signed: neither the
/// server nor whoever has its token can then change what ranks. Keep the file off the server. To
/// change a key, sign with both (`--key old.pem --key new.pem`) until every page pins the new one.
///
///   vitrine key new shop.pem
///   vitrine publish run/bundle --to store --key shop.pem
///   vitrine key show shop.pem
///   vitrine key check store --public-key 3d40…660c
///   vitrine key sign checkpoint --key audit.pem
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Draw a new key and write it to FILE, which must not exist; only its owner may read it
    New {
        /// The new file.
        file: PathBuf,
    },
    /// Print the public key of FILE, and how a page pins it
    Show {
        /// The key's file.
        file: PathBuf,
    },
    /// Sign a checkpoint of the server's audit log, as `vitrine-server audit --out` writes it
    Sign {
        /// The checkpoint; the signature is added to it.
        checkpoint: PathBuf,
        /// The key's file; not the one that signs bundles.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Check the signature of a bundle's folder or a store
    Check {
        /// A bundle's folder, with manifest.json and manifest.sig, or a store.
        folder: PathBuf,
        /// A trusted public key, as `vitrine key show` prints it; may be given several times.
        #[arg(long = "public-key", required = true)]
        public_keys: Vec<PublicKey>,
    },
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::New { file } => {
            let key = key_file::create(file)?;
            say!(
                "{}: keep it off the server, and keep a copy",
                file.display()
            );
            print(&key);
        }
        Command::Show { file } => print(&key_file::read(file)?),
        Command::Sign { checkpoint, key } => {
            let key = key_file::read(key)?;
            let name = || checkpoint.display().to_string();
            let mut file = Vec::new();
            File::open(checkpoint)
                .and_then(|open| open.take(MAX_CHECKPOINT_BYTES).read_to_end(&mut file))
                .with_context(name)?;
            let parsed = Checkpoint::parse(&file).with_context(name)?;
            write_atomically(checkpoint, &parsed.signed(&key)).with_context(name)?;
            say!(
                "{} lines of the audit log, signed by key {}",
                parsed.lines,
                key.public().id()
            );
        }
        Command::Check {
            folder,
            public_keys,
        } => {
            let read = |name: &str| {
                let path = folder.join(name);
                std::fs::read(&path).with_context(|| path.display().to_string())
            };
            let manifest = read(MANIFEST_FILE)?;
            let of_store = format!("manifests/{}.sig", Digest::of(&manifest));
            let file = match folder.join(&of_store).is_file() {
                true => read(&of_store),
                false => read(SIGNATURE_FILE)
                    .context("not signed, or altered since it was: publish it with --key"),
            }?;
            let id = verify(&manifest, &file, public_keys)
                .with_context(|| folder.display().to_string())?;
            say!(
                "signed by key {id}, of {} signatures",
                signers(&file)?.len()
            );
        }
    }
    Ok(())
}

fn print(key: &SecretKey) {
    let public = key.public();
    say!("key id      {}", public.id());
    say!("public key  {public}");
    say!("pin it      createVitrine({{ publicKeys: ['{public}'] }})");
}
