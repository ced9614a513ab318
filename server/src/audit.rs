//! The audit log: who changed what ranks, in a file that only grows and whose lines are chained.
//!
//! Each line is a JSON object that names the SHA-256 of the line before it, so a line that is
//! changed, removed or put in between breaks the chain at the next. What a chain alone cannot
//! show is a missing end, or a file written anew from the start by somebody who can write it:
//! `vitrine-server audit` therefore prints the hash of the last line, to be kept elsewhere, and
//! checks a later log against it.
//!
//! Before anything is changed, a line says that it is begun, and is on the disk; afterwards
//! another says how it ended. So a crash can leave a beginning without an end, and never a change
//! without a line. Requests without the token are not logged: whoever wanted to could fill the
//! disk with them. Neither is publishing into the store's folder, which needs no server.

use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use vitrine_core::Digest;

/// The longest log that is read, in bytes: about a million lines.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// What was done, or tried.
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
    /// Signatures of a manifest were stored.
    Sign,
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
    /// SHA-256 of the manifest's bytes.
    pub manifest: Digest,
    /// The manifest's version, once it is known.
    pub version: Option<u64>,
    /// Why a candidate was promoted past the gate, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The first eight digits of the SHA-256 of the token that was used.
    pub token: String,
    /// SHA-256 of the line before, without its line feed; of nothing at the first.
    pub previous: Digest,
}

/// Why the log cannot be used or does not hold.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The disk said no.
    #[error("cannot {doing} the audit log {}: {source}; nothing is changed without it", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system answered.
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
        /// What is wrong with it.
        reason: String,
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

/// What a log comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Lines.
    pub lines: u64,
    /// Hash of the last line.
    pub head: Digest,
    /// Bytes after the last whole line: what a crash left of a line that was never answered for.
    pub torn: usize,
}

/// Checks the chain from the first line to the last; with `known`, also that a line has that hash.
///
/// # Errors
/// When the file can't be read, and at the first line that does not follow.
pub fn verify(path: &Path, known: Option<Digest>) -> Result<Checked, AuditError> {
    let mut file = File::open(path).map_err(failed("open", path))?;
    check(path, &whole(&mut file, path)?, known)
}

/// All of the log. One that is too long is refused: cut off, its end would look torn.
fn whole(file: &mut File, path: &Path) -> Result<Vec<u8>, AuditError> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed("read", path))?;
    if bytes.len() as u64 > MAX_BYTES {
        let reason = format!("it is longer than {MAX_BYTES} bytes");
        return Err(failed("read", path)(io::Error::other(reason)));
    }
    Ok(bytes)
}

fn check(path: &Path, bytes: &[u8], known: Option<Digest>) -> Result<Checked, AuditError> {
    let mut head = Digest::of(b"");
    let mut lines = 0;
    let mut found = known.is_none_or(|known| known == head);
    let whole = bytes
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |at| at + 1);
    for line in bytes[..whole].split_inclusive(|&b| b == b'\n') {
        let line = &line[..line.len() - 1];
        lines += 1;
        let broken = |reason: String| AuditError::Broken {
            path: path.to_owned(),
            line: lines,
            reason,
        };
        let entry: Entry = serde_json::from_slice(line).map_err(|e| broken(e.to_string()))?;
        if entry.number != lines {
            return Err(broken(format!("it has the number {}", entry.number)));
        }
        if entry.previous != head {
            return Err(broken(
                "it does not name the hash of the line before, so one of the two was changed"
                    .into(),
            ));
        }
        head = Digest::of(line);
        found |= known == Some(head);
    }
    if let (Some(head), false) = (known, found) {
        return Err(AuditError::Cut {
            path: path.to_owned(),
            head,
        });
    }
    Ok(Checked {
        lines,
        head,
        torn: bytes.len() - whole,
    })
}

/// A log that is written.
pub struct AuditLog {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: File,
    checked: Checked,
    /// Length up to the last whole line, in bytes.
    length: u64,
}

impl AuditLog {
    /// Opens the log, and makes it, for its owner alone, when there is none. A line that a crash
    /// cut short is taken away: nothing was changed on its account.
    ///
    /// # Errors
    /// When the file can't be read or written, and when its chain is broken.
    pub fn open(path: &Path) -> Result<Self, AuditError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed("open", path))?;
        let bytes = whole(&mut file, path)?;
        let checked = check(path, &bytes, None)?;
        let length = (bytes.len() - checked.torn) as u64;
        if checked.torn > 0 {
            tracing::warn!(
                bytes = checked.torn,
                "took an unfinished line off the audit log"
            );
            file.set_len(length).map_err(failed("mend", path))?;
        }
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(State {
                file,
                checked,
                length,
            }),
        })
    }

    /// Adds a line and waits until it is on the disk; `number` and `previous` are filled in.
    ///
    /// # Errors
    /// When the disk says no; then the log is as it was.
    pub fn append(&self, mut entry: Entry) -> Result<(), AuditError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        entry.number = state.checked.lines + 1;
        entry.previous = state.checked.head;
        let mut line = serde_json::to_vec(&entry).unwrap_or_default();
        let head = Digest::of(&line);
        line.push(b'\n');
        let length = state.length;
        let file = &mut state.file;
        let written = file
            .seek(SeekFrom::Start(length))
            .and_then(|_| file.write_all(&line))
            .and_then(|()| file.sync_all());
        if let Err(source) = written {
            let _ = file.set_len(length);
            return Err(failed("write", &self.path)(source));
        }
        state.length += line.len() as u64;
        state.checked.lines += 1;
        state.checked.head = head;
        Ok(())
    }
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> AuditError + 'a {
    move |source| AuditError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn entry(version: u64) -> Entry {
        Entry {
            number: 0,
            at: 1_700_000_000,
            action: Action::Publish,
            stage: Stage::Done,
            manifest: Digest::of(&version.to_le_bytes()),
            version: Some(version),
            reason: None,
            token: "01234567".into(),
            previous: Digest::of(b""),
        }
    }

    fn log(lines: u64) -> (tempfile::TempDir, PathBuf) {
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

    #[test]
    fn whatever_is_changed_breaks_the_chain() {
        let (_folder, path) = log(4);
        let good = std::fs::read(&path).unwrap();
        assert_eq!(verify(&path, None).unwrap().lines, 4);
        let text = String::from_utf8(good.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let with = |lines: &[&str]| format!("{}\n", lines.join("\n"));
        let changed = text.replacen("\"version\":2", "\"version\":3", 1);
        for (wrong, line) in [
            (changed, 3),
            (with(&[lines[0], lines[2], lines[3]]), 2),
            (with(&[lines[0], lines[2], lines[1], lines[3]]), 2),
            (with(&[lines[1], lines[2]]), 1),
            (text.replacen("\"publish\"", "\"nothing\"", 1), 1),
        ] {
            std::fs::write(&path, wrong).unwrap();
            let said = verify(&path, None).unwrap_err().to_string();
            assert!(said.contains(&format!("line {line}:")), "{said}");
            assert!(AuditLog::open(&path).is_err());
        }
    }

    #[test]
    fn a_noted_head_shows_that_the_end_is_missing() {
        let (_folder, path) = log(3);
        let head = verify(&path, None).unwrap().head;
        AuditLog::open(&path).unwrap().append(entry(4)).unwrap();
        verify(&path, Some(head)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let two: Vec<&str> = text.lines().take(2).collect();
        std::fs::write(&path, format!("{}\n", two.join("\n"))).unwrap();
        assert!(verify(&path, None).is_ok());
        assert!(matches!(
            verify(&path, Some(head)),
            Err(AuditError::Cut { .. })
        ));
    }

    #[test]
    fn a_line_that_a_crash_cut_short_is_taken_away() {
        let (_folder, path) = log(2);
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&good[..], b"{\"number\":3,"].concat()).unwrap();
        assert_eq!(verify(&path, None).unwrap().torn, 12);
        let log = AuditLog::open(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), good);
        log.append(entry(3)).unwrap();
        assert_eq!(verify(&path, None).unwrap().lines, 3);
    }
}
