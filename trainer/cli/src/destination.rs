//! Where bundles are published to: a store's folder, or a server's admin listener.

use anyhow::{Context, bail, ensure};
use std::path::{Path, PathBuf};
use vitrine_core::Digest;
use vitrine_core::manifest::{FileEntry, MAX_MANIFEST_BYTES, MAX_WHOLE_BYTES, Manifest};
use vitrine_store::{Outcome, Store};

/// The longest manifest, in bytes.
const MANIFEST: u64 = MAX_MANIFEST_BYTES as u64;

/// How the destination is named on the command line.
#[derive(clap::Args)]
pub struct Destined {
    /// The store's folder, or the address of a server's admin listener.
    #[arg(long)]
    to: String,
    /// Token of the admin listener.
    #[arg(long, env = "VITRINE_ADMIN_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File that holds the token: unlike a flag, it does not show in the list of processes.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
}

/// A store's folder, or a server.
pub enum Destination {
    /// The folder, opened.
    Folder(Store),
    /// The server's admin listener.
    Server {
        /// Its address, such as `http://127.0.0.1:8081/v1/admin`.
        admin: String,
        /// Its token.
        token: String,
    },
}

impl Destined {
    /// Opens the destination.
    pub fn open(&self) -> anyhow::Result<Destination> {
        let remote = ["http://", "https://"]
            .iter()
            .any(|scheme| self.to.starts_with(scheme));
        if remote {
            return Ok(Destination::Server {
                admin: format!("{}/v1/admin", self.to.trim_end_matches('/')),
                token: self.token()?,
            });
        }
        Ok(Destination::Folder(Store::open(&self.to)?))
    }

    /// The destination as it was named.
    pub fn name(&self) -> &str {
        &self.to
    }

    fn token(&self) -> anyhow::Result<String> {
        let text = match (&self.token, &self.token_file) {
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
}

impl Destination {
    /// Stores the file of a bundle; browsers may fetch it `whole`.
    pub fn put_file(&self, path: &Path, entry: &FileEntry, whole: bool) -> anyhow::Result<()> {
        match self {
            Self::Folder(store) => Ok(store.copy_in(path, entry, whole)?),
            Self::Server { .. } => {
                let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
                let query = if whole { "" } else { "?compress=false" };
                self.put(&format!("files/{}{query}", entry.sha256), &bytes)
            }
        }
    }

    /// Stores bytes under their hash.
    pub fn put_bytes(&self, digest: Digest, bytes: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Folder(store) => Ok(store.put_file(digest, bytes)?),
            Self::Server { .. } => self.put(&format!("files/{digest}"), bytes),
        }
    }

    /// A file of a published bundle.
    pub fn file(&self, digest: Digest) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Folder(store) => Ok(store.read(digest)?),
            Self::Server { .. } => {
                let bytes = self.get(&format!("files/{digest}"), MAX_WHOLE_BYTES)?;
                let bytes = bytes.with_context(|| format!("there is no file {digest}"))?;
                ensure!(Digest::of(&bytes) == digest, "the file {digest} is another");
                Ok(bytes)
            }
        }
    }

    /// Stores the signatures of a manifest.
    pub fn put_signature(&self, manifest: Digest, file: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Folder(store) => Ok(store.put_signature(manifest, file)?),
            Self::Server { .. } => self.put(&format!("signatures/{manifest}"), file),
        }
    }

    /// Makes a manifest the current one; false when it was already, where that is known.
    pub fn put_manifest(&self, bytes: &[u8]) -> anyhow::Result<bool> {
        match self {
            Self::Folder(store) => Ok(store.put_manifest(bytes)?.outcome == Outcome::Switched),
            Self::Server { .. } => self.put("manifest", bytes).map(|()| true),
        }
    }

    /// Makes a manifest the candidate.
    pub fn put_candidate(&self, bytes: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Folder(store) => Ok(store.put_candidate(bytes).map(drop)?),
            Self::Server { .. } => self.put("candidate", bytes),
        }
    }

    /// Makes the candidate the current manifest, past the gate where a reason is given.
    pub fn promote(&self, candidate: Digest, force: Option<&str>) -> anyhow::Result<()> {
        match self {
            Self::Folder(store) => Ok(store.promote(candidate, force).map(drop)?),
            Self::Server { .. } => {
                let reason = force.unwrap_or_default();
                self.put(&format!("promotions/{candidate}"), reason.as_bytes())
            }
        }
    }

    /// The manifest that waits to be promoted, and its exact bytes.
    pub fn candidate(&self) -> anyhow::Result<(Manifest, Vec<u8>)> {
        let bytes = match self {
            Self::Folder(store) => store.candidate()?.map(|found| found.bytes),
            Self::Server { .. } => self.get("candidate", MANIFEST)?,
        };
        let hint =
            "no manifest waits to be promoted: propose one with `vitrine publish --candidate`";
        parsed(bytes.context(hint)?)
    }

    /// The manifest that was published under a version, 0 for the current one.
    pub fn published(&self, version: u64) -> anyhow::Result<(Manifest, Vec<u8>)> {
        let found = self.find_published(version)?;
        found.with_context(|| match version {
            0 => "nothing is published there yet".to_owned(),
            _ => format!("no manifest was published there under version {version}"),
        })
    }

    /// The same; `None` where there is none.
    pub fn find_published(&self, version: u64) -> anyhow::Result<Option<(Manifest, Vec<u8>)>> {
        let bytes = match self {
            Self::Folder(store) if version == 0 => store.current()?.map(|found| found.bytes),
            Self::Folder(store) => store.published(version)?.map(|found| found.bytes),
            Self::Server { .. } => self.get(&format!("manifests/{version}"), MANIFEST)?,
        };
        bytes.map(parsed).transpose()
    }

    fn put(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let Self::Server { admin, token } = self else {
            bail!("a folder takes no requests");
        };
        let url = format!("{admin}/{path}");
        let mut response = agent()
            .put(&url)
            .header("Authorization", format!("Bearer {token}"))
            .send(bytes)
            .with_context(|| no_answer(&url))?;
        if !response.status().is_success() {
            let problem = response.body_mut().read_to_string().unwrap_or_default();
            bail!("{url} answered {}: {problem}", response.status());
        }
        Ok(())
    }

    /// The bytes at an address, at most `limit`; `None` where nothing is.
    fn get(&self, path: &str, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
        let Self::Server { admin, token } = self else {
            bail!("a folder takes no requests");
        };
        let url = format!("{admin}/{path}");
        let mut response = agent()
            .get(&url)
            .header("Authorization", format!("Bearer {token}"))
            .call()
            .with_context(|| no_answer(&url))?;
        if response.status().as_u16() == 404 {
            return Ok(None);
        }
        let body = response.body_mut().with_config();
        let bytes = body.limit(limit + 1).read_to_vec()?;
        ensure!(
            response.status().is_success(),
            "{url} answered {}: {}",
            response.status(),
            String::from_utf8_lossy(&bytes)
        );
        Ok(Some(bytes))
    }
}

fn parsed(bytes: Vec<u8>) -> anyhow::Result<(Manifest, Vec<u8>)> {
    Ok((Manifest::parse(&bytes)?, bytes))
}

fn no_answer(url: &str) -> String {
    format!("{url} does not answer; check the address, and that the server's admin_listen is on")
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.build().into()
}
