//! A published bundle and a server over it.

use crate::http::{Connection, get};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use vitrine_core::Digest;
use vitrine_core::manifest::{
    FileEntry, Manifest, ModelFacts, Privacy, SCHEMA, TrainingFacts, file,
};
use vitrine_core::session::SessionGap;
use vitrine_store::Store;

/// Bytes of the tables: what the README's shops ship.
const TABLES: usize = 2 << 20;
/// Opens the admin listener, where the counters are.
const TOKEN: &str = "bench";

/// A running server; stopped when it is dropped.
pub struct Shop {
    server: Child,
    address: String,
    admin: String,
    /// Path of the tables.
    pub tables: String,
    _folder: tempfile::TempDir,
}

impl Shop {
    /// Publishes a bundle and serves it, over a SQLite file or the database of a URL.
    pub fn open(server: &Path, database: Option<&str>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let tables = publish(folder.path())?;
        let file = folder.path().join("vitrine.db");
        let database = database.map_or_else(|| file.into_os_string(), Into::into);
        let mut server = Command::new(server)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--access-log",
                "false",
                "--log",
                "warn",
                "--limit-loopback",
                "false",
                "--admin-listen",
                "127.0.0.1:0",
            ])
            .arg("--admin-token-sha256")
            .arg(Digest::of(TOKEN.as_bytes()).to_string())
            .arg("--store")
            .arg(folder.path().join("store"))
            .env("VITRINE_SERVER_DATABASE", database)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", server.display()))?;
        let out = server.stdout.take().context("the server has no output")?;
        let mut lines = BufReader::new(out).lines();
        let mut address = |said: &str| {
            let line = lines
                .next()
                .context("the server did not start; see above")??;
            let address = line.strip_prefix(said).map(str::to_owned);
            address.with_context(|| format!("the server says '{line}'"))
        };
        Ok(Self {
            address: address("vitrine-server listens on http://")?,
            admin: address("vitrine-server admin listens on http://")?,
            server,
            tables: format!("/bundles/{tables}"),
            _folder: folder,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Seconds of processor time that the server has taken.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&self.server.id().to_string())
    }

    /// A counter of `/metrics`.
    pub async fn counter(&self, name: &str) -> Result<u64> {
        let token = format!("Authorization: Bearer {TOKEN}\r\n");
        let answer = Connection::open(&self.admin)
            .await?
            .ask(&get("/metrics", &token))
            .await?;
        let text = String::from_utf8(answer.body)?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        line.with_context(|| format!("/metrics has no {name}"))
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Seconds of processor time of a process, by its id or `self` (proc(5); a tick is 10 ms on Linux).
pub fn cpu_seconds(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The command's name comes second, in parentheses, and may hold anything.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

/// A bundle of bytes that hardly compress, as tables do; the hash of its tables.
fn publish(folder: &Path) -> Result<Digest> {
    let bundle = folder.join("bundle");
    std::fs::create_dir(&bundle)?;
    let blocks = (0..TABLES as u64 / 32).map(|at| *Digest::of(&at.to_le_bytes()).as_bytes());
    let tables: Vec<u8> = blocks.flatten().collect();
    let mut files = std::collections::BTreeMap::new();
    for (name, bytes) in [(file::TABLES, tables.as_slice()), (file::ITEMS, b"items")] {
        std::fs::write(bundle.join(name), bytes)?;
        let entry = FileEntry {
            sha256: Digest::of(bytes),
            bytes: bytes.len() as u64,
        };
        files.insert(name.to_owned(), entry);
    }
    let manifest = Manifest {
        schema: SCHEMA.into(),
        version: 1,
        parent: None,
        restores: None,
        created: 1_700_000_000,
        expires: 4_000_000_000,
        synthetic: true,
        files,
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
    std::fs::write(bundle.join("manifest.json"), manifest.to_bytes())?;
    Store::open(folder.join("store"))?.publish_folder(&bundle)?;
    Ok(Digest::of(&tables))
}
