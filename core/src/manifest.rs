//! `manifest.json`: names every file of a bundle by content hash and length.
//!
//! The manifest is the root of trust. It is parsed under a size limit, refused when a field is
//! unknown, and checked as a whole before any file that it names is fetched. A detached
//! signature over its exact bytes stands beside it under [`SIGNATURE_FILE`].

use crate::Digest;
use crate::delta::is_delta;
pub use crate::privacy::{Guarantee, Level, Privacy};
use crate::session::{Limits, SessionGap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The schema that this build reads and writes.
pub const SCHEMA: &str = "vitrine.bundle/1";
/// The manifest's own file name.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The signatures over the manifest's bytes, in a bundle's folder and at the server's address of
/// the current one; a store keeps them under the manifest's hash.
pub const SIGNATURE_FILE: &str = "manifest.sig";
/// Names of the files of a bundle.
pub mod file {
    /// Item vectors, neighbours, popularity, fusion weights (safetensors).
    pub const TABLES: &str = "tables.safetensors";
    /// The shop's item id → row (fst map).
    pub const ITEMS: &str = "items.fst";
    /// Session encoder (ONNX); a bundle without one still ranks.
    pub const ENCODER: &str = "encoder.onnx";
    /// Category, price band, stock: what filters need (JSON).
    pub const FACETS: &str = "facets.json";
    /// How the bundle differs from the one before (JSON); read by whoever promotes it and by no
    /// browser.
    pub const PROVENANCE: &str = "provenance.json";
    /// Where each block of a large catalogue is, and what it hashes to (safetensors).
    pub const INDEX: &str = "index.safetensors";
    /// The blocks themselves, fetched in ranges; see [`crate::blocks`].
    pub const BLOCKS: &str = "blocks.bin";
}

/// The longest manifest that is read, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 256 * 1024;
/// The longest file that a manifest may name, in bytes: the blocks of [`MAX_ITEMS`] items with
/// vectors of 256 numbers.
pub const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// The longest file that a browser fetches whole, in bytes.
pub const MAX_WHOLE_BYTES: u64 = 256 * 1024 * 1024;
/// The most items a bundle may hold.
pub const MAX_ITEMS: u32 = 4_000_000;

/// The highest version, and the latest time: the largest whole number that every reader of JSON
/// keeps exactly (RFC 8259, section 6).
pub const MAX_VERSION: u64 = (1 << 53) - 1;

/// The manifest of one bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Rises by one with each bundle of this shop; a browser never goes back.
    pub version: u64,
    /// SHA-256 of the manifest that this bundle was trained after, if there was one.
    pub parent: Option<Digest>,
    /// SHA-256 of the older manifest whose files this one names again, where it takes a bundle
    /// back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<Digest>,
    /// When the bundle was made, Unix time in seconds.
    pub created: u64,
    /// When it must no longer be used, Unix time in seconds.
    pub expires: u64,
    /// True if the history behind it was simulated; said wherever the bundle is shown.
    pub synthetic: bool,
    /// Every file, by name.
    pub files: BTreeMap<String, FileEntry>,
    /// Shape of the tables.
    pub model: ModelFacts,
    /// Seconds without an event after which a session is over, on the device as in the history
    /// that the bundle was trained from; 1800 where it is left out.
    #[serde(
        default,
        rename = "session_gap_seconds",
        skip_serializing_if = "SessionGap::is_default"
    )]
    pub session_gap: SessionGap,
    /// What the bundle was trained from.
    pub training: TrainingFacts,
    /// What a client must follow when it reports.
    pub privacy: Privacy,
}

/// One file: content hash and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Shape of the tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFacts {
    /// Items, N.
    pub items: u32,
    /// Width of an item vector, D; 0 when there is no encoder.
    pub dim: u32,
    /// The most neighbours that one item has.
    pub neighbours: u32,
    /// How many of the session's latest events the score looks at, T.
    pub max_session: u32,
}

/// What the bundle was trained from: for people to read, never used to rank.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingFacts {
    /// Name of the data set.
    pub dataset: String,
    /// First event, Unix time in seconds, when the history has times.
    pub from: Option<u64>,
    /// Last event, Unix time in seconds, when the history has times.
    pub to: Option<u64>,
    /// Sessions learned from.
    pub sessions: u64,
    /// Events learned from.
    pub events: u64,
    /// Released cells that were added to the history.
    pub released_cells: u64,
    /// The windows that they were released for, rising.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<u64>,
    /// Seed of the run.
    pub seed: u64,
    /// Figures on validation, such as `p@20`.
    pub metrics: BTreeMap<String, f64>,
}

/// Why a manifest is refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Longer than [`MAX_MANIFEST_BYTES`].
    #[error("manifest.json is {0} bytes long; at most {MAX_MANIFEST_BYTES} are read")]
    TooLong(usize),
    /// Not JSON, or not of the schema's form.
    #[error("manifest.json is not a Vitrine manifest: {0}")]
    Malformed(String),
    /// Another schema.
    #[error("manifest.json has schema '{0}'; this build reads '{SCHEMA}': update Vitrine")]
    Schema(String),
    /// A field holds what it may not.
    #[error("manifest.json: {field} {reason}")]
    Field {
        /// Path of the field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Manifest {
    /// Parses and checks a manifest.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLong(bytes.len()));
        }
        // The schema first: a later schema may have fields that this build does not know, and
        // the message should then ask for an update.
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let malformed = |e: serde_json::Error| ManifestError::Malformed(e.to_string());
        let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
        if head.schema != SCHEMA {
            return Err(ManifestError::Schema(
                head.schema.chars().take(40).collect(),
            ));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The manifest as it is published: indented JSON with a final newline.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The entry of a file, or an error that names it.
    pub fn entry(&self, name: &str) -> Result<&FileEntry, ManifestError> {
        self.files.get(name).ok_or_else(|| ManifestError::Field {
            field: format!("files.{name}"),
            reason: "is missing".into(),
        })
    }

    /// The limits of a client's session.
    pub fn session_limits(&self) -> Limits {
        Limits {
            events: self.model.max_session as usize,
            gap: self.session_gap,
        }
    }

    /// The files that together are the bundle: all but its provenance, its deltas and the blocks of
    /// a large catalogue, which hold the same as its tables.
    pub fn whole_files(&self) -> impl Iterator<Item = (&String, &FileEntry)> {
        let beside = [file::INDEX, file::BLOCKS, file::PROVENANCE];
        let files = self.files.iter();
        files.filter(move |(name, _)| !beside.contains(&name.as_str()) && !is_delta(name))
    }

    /// True if browsers fetch this file whole: of a large catalogue they fetch its index, and
    /// its blocks in ranges.
    pub fn is_fetched_whole(&self, name: &str) -> bool {
        match name {
            file::BLOCKS | file::PROVENANCE => false,
            file::TABLES | file::ITEMS | file::FACETS => !self.files.contains_key(file::INDEX),
            _ => true,
        }
    }

    /// Those files together, in bytes.
    pub fn total_bytes(&self) -> u64 {
        self.whole_files().map(|(_, file)| file.bytes).sum()
    }

    fn check(&self) -> Result<(), ManifestError> {
        let fail = |field: &str, reason: &str| {
            Err(ManifestError::Field {
                field: field.into(),
                reason: reason.into(),
            })
        };
        for name in [file::TABLES, file::ITEMS] {
            self.entry(name)?;
        }
        for (name, entry) in &self.files {
            let safe = !name.is_empty()
                && name.len() <= 96
                && !name.starts_with('.')
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
            if !safe {
                return fail(
                    "files",
                    "has a name that is not plain letters, digits, '.', '_', '-'",
                );
            }
            let (most, reason) = if self.is_fetched_whole(name) {
                (MAX_WHOLE_BYTES, "is above 256 MiB")
            } else {
                (MAX_FILE_BYTES, "is above 2 GiB")
            };
            if entry.bytes > most {
                return fail(&format!("files.{name}.bytes"), reason);
            }
        }
        if self.version == 0 {
            return fail("version", "counts from 1");
        }
        if self.version > MAX_VERSION {
            return fail("version", "is above 9,007,199,254,740,991 (2^53 - 1)");
        }
        if self.expires > MAX_VERSION {
            return fail("expires", "is above 9,007,199,254,740,991 (2^53 - 1)");
        }
        if self.expires <= self.created {
            return fail("expires", "is not after created");
        }
        if self.model.items == 0 || self.model.items > MAX_ITEMS {
            return fail("model.items", "is not between 1 and 4,000,000");
        }
        if self.model.dim > 1024 {
            return fail("model.dim", "is above 1024");
        }
        if self.model.max_session == 0 || self.model.max_session > 1024 {
            return fail("model.max_session", "is not between 1 and 1024");
        }
        if let Err(error) = self.privacy.check() {
            return fail(&format!("privacy{}", error.field), error.reason);
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn example() -> Manifest {
        let entry = FileEntry {
            sha256: Digest::of(b"x"),
            bytes: 1,
        };
        Manifest {
            schema: SCHEMA.into(),
            version: 1,
            parent: None,
            restores: None,
            created: 1_700_000_000,
            expires: 4_000_000_000,
            synthetic: true,
            files: [(file::TABLES.into(), entry), (file::ITEMS.into(), entry)].into(),
            model: ModelFacts {
                items: 3,
                dim: 0,
                neighbours: 2,
                max_session: 20,
            },
            session_gap: SessionGap::default(),
            training: TrainingFacts::default(),
            privacy: Privacy::default(),
        }
    }

    #[test]
    fn a_manifest_survives_its_own_bytes() {
        let manifest = example();
        assert_eq!(Manifest::parse(&manifest.to_bytes()).unwrap(), manifest);
        assert_eq!(manifest.privacy.budget(), 8);
    }

    #[test]
    fn the_session_gap_travels_and_old_manifests_mean_half_an_hour() {
        let text = String::from_utf8(example().to_bytes()).unwrap();
        assert!(!text.contains("session_gap"), "{text}");
        let with = |seconds: &str| {
            let field = format!("\"session_gap_seconds\": {seconds}, \"training\"");
            Manifest::parse(text.replacen("\"training\"", &field, 1).as_bytes())
        };
        let manifest = with("3600").unwrap();
        assert_eq!(manifest.session_gap.seconds(), 3600);
        assert_eq!(Manifest::parse(&manifest.to_bytes()).unwrap(), manifest);
        for wrong in ["59", "86401", "0", "-1", "1e9", "\"1800\"", "null"] {
            assert!(with(wrong).is_err(), "{wrong}");
        }
        let error = with("59").unwrap_err().to_string();
        assert!(error.contains("session gap of 59 seconds"), "{error}");
    }

    #[test]
    fn what_is_not_fetched_whole_may_be_longer() {
        let mut manifest = example();
        let entry = manifest.files[file::TABLES];
        manifest.files.insert(file::INDEX.into(), entry);
        let bytes = MAX_FILE_BYTES;
        for name in [file::TABLES, file::BLOCKS] {
            let long = FileEntry { bytes, ..entry };
            manifest.files.insert(name.into(), long);
        }
        assert_eq!(Manifest::parse(&manifest.to_bytes()).unwrap(), manifest);
        manifest.files.get_mut(file::BLOCKS).unwrap().bytes += 1;
        let error = Manifest::parse(&manifest.to_bytes()).unwrap_err();
        assert!(error.to_string().contains("2 GiB"), "{error}");
    }

    #[test]
    fn hostile_manifests_are_refused_by_field() {
        let change = |f: &dyn Fn(&mut Manifest)| {
            let mut manifest = example();
            f(&mut manifest);
            Manifest::parse(&manifest.to_bytes())
                .unwrap_err()
                .to_string()
        };
        assert!(change(&|m| m.schema = "vitrine.bundle/9".into()).contains("update Vitrine"));
        assert!(change(&|m| m.version = 0).contains("version"));
        for version in [MAX_VERSION + 1, u64::MAX] {
            assert!(change(&|m| m.version = version).contains("version"));
            assert!(change(&|m| m.expires = version).contains("expires"));
        }
        assert!(change(&|m| m.model.items = 0).contains("model.items"));
        assert!(change(&|m| m.privacy.transitions = 100).contains("privacy"));
        assert!(change(&|m| m.privacy.k = 0).contains("privacy.k"));
        assert!(change(&|m| m.privacy.level = Level::Private).contains("privacy.guarantee"));
        assert!(
            change(&|m| {
                m.files.remove(file::TABLES);
            })
            .contains("tables.safetensors")
        );
        assert!(
            change(&|m| {
                let entry = m.files[file::TABLES];
                m.files.insert("../../etc/passwd".into(), entry);
            })
            .contains("files")
        );
        let long = |m: &mut Manifest| {
            m.files.get_mut(file::TABLES).unwrap().bytes = MAX_WHOLE_BYTES + 1;
        };
        assert!(change(&long).contains("256 MiB"));
        let text = String::from_utf8(example().to_bytes()).unwrap();
        let unknown = text.replacen("\"version\"", "\"track\": true, \"version\"", 1);
        assert!(
            Manifest::parse(unknown.as_bytes())
                .unwrap_err()
                .to_string()
                .contains("track")
        );
        assert!(Manifest::parse(&vec![b' '; MAX_MANIFEST_BYTES + 1]).is_err());
        assert!(Manifest::parse(&text.as_bytes()[..100]).is_err());
    }
}
