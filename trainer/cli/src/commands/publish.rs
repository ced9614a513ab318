//! `vitrine publish`.

use crate::key_file;
use anyhow::{Context, bail, ensure};
use std::path::{Path, PathBuf};
use vitrine_core::Digest;
use vitrine_core::manifest::{MANIFEST_FILE, Manifest, SIGNATURE_FILE};
use vitrine_core::signature::{MAX_SIGNATURES, SecretKey, sign};
use vitrine_learn::files::write_atomically;
use vitrine_store::{Outcome, Store};

/// Publish a bundle, by content hash, to a store's folder or to a running server.
///
/// With --key the bundle is signed first: BUNDLE/manifest.sig is written, and is published with
/// it. Publishing the current bundle again with other keys changes its signatures and nothing
/// else. Without a key, a manifest.sig that is in the folder already is published.
///
///   vitrine publish run/bundle --to store
///   vitrine publish run/bundle --to store --key shop.pem
///   vitrine publish run/bundle --to store --key old.pem --key new.pem
///   vitrine publish run/bundle --to http://127.0.0.1:8081 --token-file token --key shop.pem
///   VITRINE_ADMIN_TOKEN=... vitrine publish run/bundle --to http://127.0.0.1:8081
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The bundle's folder.
    bundle: PathBuf,
    /// The store's folder, or the address of a server's admin listener.
    #[arg(long)]
    to: String,
    /// A key that signs, as `vitrine key new` writes it; several while keys change.
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Token of the admin listener.
    #[arg(long, env = "VITRINE_ADMIN_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File that holds the token: unlike a flag, it does not show in the list of processes.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let bundle = &arguments.bundle;
    let remote = ["http://", "https://"]
        .iter()
        .any(|scheme| arguments.to.starts_with(scheme));
    let keys: Vec<SecretKey> = arguments
        .keys
        .iter()
        .map(|path| key_file::read(path))
        .collect::<anyhow::Result<_>>()?;
    ensure!(
        keys.len() <= MAX_SIGNATURES,
        "--key: at most {MAX_SIGNATURES} keys sign a bundle"
    );
    // What no browser could load is not made live: right hashes alone do not make a model.
    vitrine_learn::bundle::open(bundle)?;
    if !keys.is_empty() {
        write_signature(bundle, &keys)?;
    }
    if remote {
        return publish_to_server(bundle, &arguments.to, &token(arguments)?);
    }
    let published = Store::open(&arguments.to)?.publish_folder(bundle)?;
    match published.outcome {
        Outcome::Switched => println!("version {} is live in {}", published.version, arguments.to),
        Outcome::Unchanged => println!("version {} was live already", published.version),
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
        println!("signed by key {}", key.public().id());
    }
    Ok(())
}

fn token(arguments: &Arguments) -> anyhow::Result<String> {
    let text = match (&arguments.token, &arguments.token_file) {
        (Some(token), _) => token.clone(),
        (None, Some(path)) => {
            std::fs::read_to_string(path).with_context(|| path.display().to_string())?
        }
        (None, None) => bail!(
            "publishing to a server needs its admin token: name --token-file, or set \
             VITRINE_ADMIN_TOKEN"
        ),
    };
    Ok(text.trim().to_owned())
}

fn read(bundle: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
    let path = bundle.join(name);
    std::fs::read(&path).with_context(|| path.display().to_string())
}

fn publish_to_server(bundle: &Path, server: &str, token: &str) -> anyhow::Result<()> {
    let bytes = read(bundle, MANIFEST_FILE)?;
    let manifest = Manifest::parse(&bytes).with_context(|| bundle.display().to_string())?;
    let admin = format!("{}/v1/admin", server.trim_end_matches('/'));
    for (name, entry) in &manifest.files {
        let url = format!("{admin}/files/{}", entry.sha256);
        put(&url, token, &read(bundle, name)?).with_context(|| name.clone())?;
        println!("{name}: {} bytes", entry.bytes);
    }
    if bundle.join(SIGNATURE_FILE).is_file() {
        let url = format!("{admin}/signatures/{}", Digest::of(&bytes));
        put(&url, token, &read(bundle, SIGNATURE_FILE)?).context(SIGNATURE_FILE)?;
    }
    put(&format!("{admin}/manifest"), token, &bytes).context(MANIFEST_FILE)?;
    println!("version {} is live at {server}", manifest.version);
    Ok(())
}

fn put(url: &str, token: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut response = agent
        .put(url)
        .header("Authorization", format!("Bearer {token}"))
        .send(bytes)?;
    if !response.status().is_success() {
        let problem = response.body_mut().read_to_string().unwrap_or_default();
        bail!("{url} answered {}: {problem}", response.status());
    }
    Ok(())
}
