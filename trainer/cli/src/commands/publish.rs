//! `vitrine publish`.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use vitrine_core::manifest::{MANIFEST_FILE, Manifest};
use vitrine_store::{Outcome, Store};

/// Publish a bundle, by content hash, to a store's folder or to a running server.
///
///   vitrine publish run/bundle --to store
///   VITRINE_ADMIN_TOKEN=... vitrine publish run/bundle --to http://127.0.0.1:8081
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The bundle's folder.
    bundle: PathBuf,
    /// The store's folder, or the address of a server's admin listener.
    #[arg(long)]
    to: String,
    /// Token of the admin listener.
    #[arg(long, env = "VITRINE_ADMIN_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let remote = ["http://", "https://"]
        .iter()
        .any(|scheme| arguments.to.starts_with(scheme));
    // What no browser could load is not made live: right hashes alone do not make a model.
    vitrine_learn::bundle::open(&arguments.bundle)?;
    if remote {
        return publish_to_server(&arguments.bundle, &arguments.to, arguments.token.as_deref());
    }
    let published = Store::open(&arguments.to)?.publish_folder(&arguments.bundle)?;
    match published.outcome {
        Outcome::Switched => println!("version {} is live in {}", published.version, arguments.to),
        Outcome::Unchanged => println!("version {} was live already", published.version),
    }
    Ok(())
}

fn publish_to_server(bundle: &Path, server: &str, token: Option<&str>) -> anyhow::Result<()> {
    let Some(token) = token else {
        bail!("publishing to a server needs its admin token: set VITRINE_ADMIN_TOKEN");
    };
    let read = |name: &str| {
        let path = bundle.join(name);
        std::fs::read(&path).with_context(|| path.display().to_string())
    };
    let bytes = read(MANIFEST_FILE)?;
    let manifest = Manifest::parse(&bytes).with_context(|| bundle.display().to_string())?;
    let server = server.trim_end_matches('/');
    for (name, entry) in &manifest.files {
        put(
            &format!("{server}/v1/admin/files/{}", entry.sha256),
            token,
            &read(name)?,
        )
        .with_context(|| name.clone())?;
        println!("{name}: {} bytes", entry.bytes);
    }
    put(&format!("{server}/v1/admin/manifest"), token, &bytes).context(MANIFEST_FILE)?;
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
