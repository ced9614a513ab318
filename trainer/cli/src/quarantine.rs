//! `quarantine.json` in the folder of released windows: those that nothing is learned from.
//!
//! A released file never changes and is the only copy of what a window gave, so it is neither
//! deleted nor moved: it is named here, with the reason, and can be taken back.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vitrine_learn::files::write_atomically;

const FILE: &str = "quarantine.json";

/// The windows that are quarantined, and their file.
pub struct Quarantine {
    path: PathBuf,
    windows: BTreeMap<u64, Entry>,
}

/// Why a window is quarantined.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Why.
    pub reason: String,
    /// Since when, Unix time in seconds.
    pub since: u64,
}

impl Quarantine {
    /// Reads the file of a folder; none is quarantined where there is none.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(
            folder.is_dir(),
            "{}: is not a folder; name the one that `vitrine-server release --out` wrote",
            folder.display()
        );
        let path = folder.join(FILE);
        let windows = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!("{}: not a list of quarantined windows", path.display())
            })?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(e) => return Err(e).with_context(|| path.display().to_string()),
        };
        Ok(Self { path, windows })
    }

    /// Whether a window is quarantined.
    pub fn holds(&self, window: u64) -> bool {
        self.windows.contains_key(&window)
    }

    /// All of them, rising.
    pub fn windows(&self) -> &BTreeMap<u64, Entry> {
        &self.windows
    }

    /// Adds windows; one that is in already keeps its first reason.
    pub fn add(&mut self, windows: &[u64], reason: &str, since: u64) -> anyhow::Result<()> {
        for &window in windows {
            self.windows.entry(window).or_insert_with(|| Entry {
                reason: reason.to_owned(),
                since,
            });
        }
        self.write()
    }

    /// Takes windows out again.
    pub fn lift(&mut self, windows: &[u64]) -> anyhow::Result<()> {
        for window in windows {
            anyhow::ensure!(
                self.windows.remove(window).is_some(),
                "window {window} is not quarantined; `vitrine quarantine list` shows which are"
            );
        }
        self.write()
    }

    fn write(&self) -> anyhow::Result<()> {
        let bytes = serde_json::to_vec_pretty(&self.windows)?;
        write_atomically(&self.path, &bytes).with_context(|| self.path.display().to_string())
    }
}

/// Numbers of windows for people.
pub fn list(windows: &[u64]) -> String {
    match windows {
        [] => "none".into(),
        windows => {
            let numbers: Vec<String> = windows.iter().map(u64::to_string).collect();
            numbers.join(", ")
        }
    }
}
