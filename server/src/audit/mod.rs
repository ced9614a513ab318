//! The audit log: who changed what ranks, in a file that only grows and whose lines are chained.
//!
//! Each line is a JSON object that names the SHA-256 of the line before it, so a line that is
//! changed, removed or put in between breaks the chain at the next. What a chain alone cannot
//! show is a missing end, or a file written anew from the start by somebody who can write it:
//! `vitrine-server audit` therefore writes checkpoints, to be signed and kept elsewhere, and
//! checks a later log against them.
//!
//! Several servers may write one log. The file is locked while a line is written, and the lines
//! that others added are read and checked before. A log that was deleted, replaced or cut since
//! the last line takes no other: nothing is changed until somebody has looked.
//!
//! Before anything is changed, a line says that it is begun, and is on the disk; afterwards
//! another says how it ended. So a crash can leave a beginning without an end, and never a change
//! without a line. Requests without the token are not logged: whoever wanted to could fill the
//! disk with them. Neither is publishing into the store's folder, which needs no server.

mod chain;
mod log;

pub use chain::{Checked, Known, verify};
pub use log::AuditLog;

use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use vitrine_core::Digest;

/// Operation of the admin listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A manifest became the current one.
    Publish,
    /// A manifest became the candidate.
    Propose,
    /// The candidate became the current one.
    Promote,
    /// A manifest that names an older one's files became the current one.
    Rollback,
    /// Signatures of a manifest were stored, or wait for it.
    Sign,
    /// A file was stored.
    Upload,
}

/// How far it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is about to be done.
    Begun,
    /// It is done.
    Done,
    /// It was refused, or the disk failed.
    Failed,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number, from 1.
    pub number: u64,
    /// When, Unix time in seconds.
    pub at: u64,
    /// What.
    pub action: Action,
    /// How far it went.
    pub stage: Stage,
    /// SHA-256 of the manifest's bytes, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
    /// SHA-256 of the file that was sent: of a bundle, or with signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Digest>,
    /// The manifest's version, once it is known.
    pub version: Option<u64>,
    /// Reason given for a promotion past the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The first eight digits of the SHA-256 of the token that was used.
    pub token: String,
    /// SHA-256 of the line before, without its line feed; of nothing at the first.
    pub previous: Digest,
}

/// Errors of an audit log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The disk said no.
    #[error("cannot {doing} the audit log {}: {source}; nothing is changed without it", path.display())]
    Io {
        /// The operation, as a verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A line does not follow from the one before.
    #[error(
        "the audit log {} is broken at line {line}: {reason}; keep the file, find out who could \
         write it, and start a new one under another name with `audit_log`", path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The fault, as a sentence.
        reason: String,
    },
    /// The file is not the one that was written to before.
    #[error(
        "the audit log {} {reason} since this server wrote to it; keep what is there, find out who \
         could do that, and start the server again with a log that holds", path.display()
    )]
    Disturbed {
        /// The file.
        path: PathBuf,
        /// The disturbance, as the rest of a sentence.
        reason: &'static str,
    },
    /// A checkpoint is not of this log.
    #[error(
        "the audit log {} does not have the hash of the checkpoint at line {line}: it was cut, or \
         written anew, after the checkpoint was taken", path.display()
    )]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// The checkpoint's last line.
        line: u64,
    },
    /// An earlier last line is not in the log.
    #[error(
        "no line of the audit log {} has the hash {head}: it was cut, or written anew, after that \
         hash was noted", path.display()
    )]
    Cut {
        /// The file.
        path: PathBuf,
        /// The hash that was looked for.
        head: Digest,
    },
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> AuditError + 'a {
    move |source| AuditError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod fixture {
    #![allow(clippy::unwrap_used)]

    use super::*;

    pub(super) fn entry(version: u64) -> Entry {
        Entry {
            number: 0,
            at: 1_700_000_000,
            action: Action::Publish,
            stage: Stage::Done,
            manifest: Some(Digest::of(&version.to_le_bytes())),
            file: None,
            version: Some(version),
            reason: None,
            token: "01234567".into(),
            previous: Digest::of(b""),
        }
    }

    pub(super) fn log(lines: u64) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        for version in 1..=lines {
            // Opened anew for each line: the chain goes on.
            AuditLog::open(&path)
                .unwrap()
                .append(entry(version))
                .unwrap();
        }
        (folder, path)
    }
}
