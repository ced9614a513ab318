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

use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use vitrine_core::Digest;
use vitrine_core::checkpoint::Checkpoint;
use vitrine_durable::{folder_of, sync_folder};

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
    /// The file is not the one that was written to before.
    #[error(
        "the audit log {} {reason} since this server wrote to it; keep what is there, find out who \
         could do that, and start the server again with a log that holds", path.display()
    )]
    Disturbed {
        /// The file.
        path: PathBuf,
        /// What happened to it.
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

impl Default for Checked {
    fn default() -> Self {
        Self {
            lines: 0,
            head: Digest::of(b""),
            torn: 0,
        }
    }
}

/// What a log is checked against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// A hash that some line has.
    pub head: Option<Digest>,
    /// A checkpoint, whose signature was verified.
    pub checkpoint: Option<Checkpoint>,
}

/// Checks the chain from the first line to the last, and that it has what is known of it.
///
/// # Errors
/// When the file can't be read, and at the first line that does not follow.
pub fn verify(path: &Path, known: Known) -> Result<Checked, AuditError> {
    let mut file = File::open(path).map_err(failed("open", path))?;
    file.lock_shared().map_err(failed("lock", path))?;
    let bytes = from(&mut file, path, 0)?;
    let mut hashes = vec![Digest::of(b"")];
    let (checked, _) = follow(path, Checked::default(), &bytes, |head| hashes.push(head))?;
    if let Some(head) = known.head.filter(|head| !hashes.contains(head)) {
        return Err(AuditError::Cut {
            path: path.to_owned(),
            head,
        });
    }
    if let Some(Checkpoint { lines, head, .. }) = known.checkpoint {
        let found = usize::try_from(lines).ok().and_then(|at| hashes.get(at));
        if found != Some(&head) {
            return Err(AuditError::Checkpoint {
                path: path.to_owned(),
                line: lines,
            });
        }
    }
    Ok(checked)
}

/// The log from a byte on. One that is too long is refused: cut off, its end would look torn.
fn from(file: &mut File, path: &Path, start: u64) -> Result<Vec<u8>, AuditError> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))
        .and_then(|_| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(failed("read", path))?;
    if start + bytes.len() as u64 > MAX_BYTES {
        let reason = format!("it is longer than {MAX_BYTES} bytes");
        return Err(failed("read", path)(io::Error::other(reason)));
    }
    Ok(bytes)
}

/// Follows the chain from what was checked before through the whole lines of `bytes`; also where
/// the last of them begins, in `bytes`.
fn follow(
    path: &Path,
    checked: Checked,
    bytes: &[u8],
    mut each: impl FnMut(Digest),
) -> Result<(Checked, Option<usize>), AuditError> {
    let Checked {
        mut lines,
        mut head,
        ..
    } = checked;
    let whole = bytes
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |at| at + 1);
    let (mut at, mut last) = (0, None);
    for line in bytes[..whole].split_inclusive(|&b| b == b'\n') {
        last = Some(at);
        at += line.len();
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
        each(head);
    }
    let checked = Checked {
        lines,
        head,
        torn: bytes.len() - whole,
    };
    Ok((checked, last))
}

/// A log that is written.
pub struct AuditLog {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: File,
    checked: Checked,
    /// Where the last line begins, in bytes.
    last: u64,
    /// Where the last whole line ends, in bytes.
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
        let file = options.open(path).map_err(failed("open", path))?;
        // A log that was made just now must still have its name after a loss of power.
        sync_folder(folder_of(path)).map_err(failed("flush the folder of", path))?;
        let mut state = State {
            file,
            checked: Checked::default(),
            last: 0,
            length: 0,
        };
        let file = state.file.try_clone().map_err(failed("open", path))?;
        file.lock().map_err(failed("lock", path))?;
        let caught_up = state.catch_up(path);
        file.unlock().map_err(failed("unlock", path))?;
        caught_up?;
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(state),
        })
    }

    /// Adds a line and waits until it is on the disk; `number` and `previous` are filled in.
    ///
    /// # Errors
    /// When the disk says no, and when the file is not the one that was written to before; then
    /// the log is as it was.
    pub fn append(&self, entry: Entry) -> Result<(), AuditError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.file.lock().map_err(failed("lock", &self.path))?;
        let written = state
            .undisturbed(&self.path)
            .and_then(|()| state.catch_up(&self.path))
            .and_then(|()| state.write(&self.path, entry));
        let unlocked = state.file.unlock().map_err(failed("unlock", &self.path));
        written.and(unlocked)
    }
}

impl State {
    /// Refuses a file that was deleted, replaced, cut or written over since the last line.
    fn undisturbed(&mut self, path: &Path) -> Result<(), AuditError> {
        let disturbed = |reason| AuditError::Disturbed {
            path: path.to_owned(),
            reason,
        };
        let named = match std::fs::metadata(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(disturbed("was deleted"));
            }
            named => named.map_err(failed("read", path))?,
        };
        let opened = self.file.metadata().map_err(failed("read", path))?;
        if identity(&named) != identity(&opened) {
            return Err(disturbed("was replaced by another file"));
        }
        if opened.len() < self.length {
            return Err(disturbed("was cut"));
        }
        if self.checked.lines > 0 {
            let mut line = Vec::new();
            let ours = (self.length - self.last).saturating_sub(1);
            self.file
                .seek(SeekFrom::Start(self.last))
                .and_then(|_| (&self.file).take(ours).read_to_end(&mut line))
                .map_err(failed("read", path))?;
            if Digest::of(&line) != self.checked.head {
                return Err(disturbed("was written over"));
            }
        }
        Ok(())
    }

    /// Reads the lines that others have added, and takes away one that a crash cut short.
    fn catch_up(&mut self, path: &Path) -> Result<(), AuditError> {
        let bytes = from(&mut self.file, path, self.length)?;
        let (checked, last) = follow(path, self.checked, &bytes, drop)?;
        let end = self.length + (bytes.len() - checked.torn) as u64;
        if checked.torn > 0 {
            tracing::warn!(
                bytes = checked.torn,
                "took an unfinished line off the audit log"
            );
            self.file.set_len(end).map_err(failed("mend", path))?;
        }
        if let Some(last) = last {
            self.last = self.length + last as u64;
        }
        self.checked = checked;
        self.length = end;
        Ok(())
    }

    fn write(&mut self, path: &Path, mut entry: Entry) -> Result<(), AuditError> {
        entry.number = self.checked.lines + 1;
        entry.previous = self.checked.head;
        let mut line = serde_json::to_vec(&entry).unwrap_or_default();
        let head = Digest::of(&line);
        line.push(b'\n');
        let length = self.length;
        let file = &mut self.file;
        let written = file
            .seek(SeekFrom::Start(length))
            .and_then(|_| file.write_all(&line))
            .and_then(|()| file.sync_all());
        if let Err(source) = written {
            let _ = file.set_len(length);
            return Err(failed("write", path)(source));
        }
        self.last = length;
        self.length += line.len() as u64;
        self.checked.lines += 1;
        self.checked.head = head;
        Ok(())
    }
}

/// What tells a file from another of the same name.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(metadata: &Metadata) -> Option<std::time::SystemTime> {
    metadata.created().ok()
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
            manifest: Some(Digest::of(&version.to_le_bytes())),
            file: None,
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
        assert_eq!(verify(&path, Known::default()).unwrap().lines, 4);
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
            let said = verify(&path, Known::default()).unwrap_err().to_string();
            assert!(said.contains(&format!("line {line}:")), "{said}");
            assert!(AuditLog::open(&path).is_err());
        }
    }

    #[test]
    fn a_noted_head_shows_that_the_end_is_missing() {
        let (_folder, path) = log(3);
        let head = verify(&path, Known::default()).unwrap().head;
        let noted = Known {
            head: Some(head),
            ..Known::default()
        };
        AuditLog::open(&path).unwrap().append(entry(4)).unwrap();
        verify(&path, noted).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let two: Vec<&str> = text.lines().take(2).collect();
        std::fs::write(&path, format!("{}\n", two.join("\n"))).unwrap();
        assert!(verify(&path, Known::default()).is_ok());
        assert!(matches!(verify(&path, noted), Err(AuditError::Cut { .. })));
    }

    #[test]
    fn a_line_that_a_crash_cut_short_is_taken_away() {
        let (_folder, path) = log(2);
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&good[..], b"{\"number\":3,"].concat()).unwrap();
        assert_eq!(verify(&path, Known::default()).unwrap().torn, 12);
        let log = AuditLog::open(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), good);
        log.append(entry(3)).unwrap();
        assert_eq!(verify(&path, Known::default()).unwrap().lines, 3);
    }

    #[test]
    fn two_servers_write_one_chain() {
        let (_folder, path) = log(1);
        let logs = [(); 3].map(|()| AuditLog::open(&path).unwrap());
        std::thread::scope(|scope| {
            for log in &logs {
                scope.spawn(move || (0..40).for_each(|at| log.append(entry(at)).unwrap()));
            }
            // One that starts meanwhile takes no line for a torn one.
            (0..20).for_each(|_| drop(AuditLog::open(&path).unwrap()));
        });
        let checked = verify(&path, Known::default()).unwrap();
        assert_eq!((checked.lines, checked.torn), (121, 0));
    }

    #[test]
    fn a_log_that_was_deleted_replaced_or_cut_takes_no_other_line() {
        type Disturb = fn(&Path, &[u8]);
        let disturb: [(&str, Disturb); 5] = [
            ("deleted", |path, _| std::fs::remove_file(path).unwrap()),
            ("another file", |path, bytes| {
                std::fs::remove_file(path).unwrap();
                std::fs::write(path, bytes).unwrap();
            }),
            ("cut", |path, bytes| {
                std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            }),
            ("cut", |path, _| std::fs::write(path, b"").unwrap()),
            ("written over", |path, bytes| {
                std::fs::write(path, vec![b' '; bytes.len()]).unwrap();
            }),
        ];
        for (named, disturb) in disturb {
            let (_folder, path) = log(2);
            let log = AuditLog::open(&path).unwrap();
            log.append(entry(3)).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            disturb(&path, &bytes);
            let before = std::fs::read(&path).ok();
            for _ in 0..2 {
                let said = log.append(entry(4)).unwrap_err().to_string();
                assert!(said.contains(named), "{said}");
            }
            assert_eq!(std::fs::read(&path).ok(), before, "{named}");
        }
    }

    #[test]
    fn what_another_adds_has_to_follow() {
        let (_folder, path) = log(2);
        let log = AuditLog::open(&path).unwrap();
        let line = std::fs::read_to_string(&path).unwrap();
        let first = line.lines().next().unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        writeln!(file, "{first}").unwrap();
        let said = log.append(entry(3)).unwrap_err().to_string();
        assert!(said.contains("line 3:"), "{said}");
    }

    #[test]
    fn a_checkpoint_shows_that_the_end_is_missing_or_another() {
        let (_folder, path) = log(3);
        let Checked { lines, head, .. } = verify(&path, Known::default()).unwrap();
        let known = |lines| Known {
            checkpoint: Some(Checkpoint { at: 0, lines, head }),
            ..Known::default()
        };
        AuditLog::open(&path).unwrap().append(entry(4)).unwrap();
        verify(&path, known(lines)).unwrap();
        for wrong in [0, lines - 1, lines + 1, u64::MAX] {
            assert!(verify(&path, known(wrong)).is_err());
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let two: Vec<&str> = text.lines().take(2).collect();
        std::fs::write(&path, format!("{}\n", two.join("\n"))).unwrap();
        let cut = verify(&path, known(lines));
        assert!(matches!(cut, Err(AuditError::Checkpoint { line: 3, .. })));
    }

    #[test]
    fn lines_of_before_uploads_were_logged_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let nothing = Digest::of(b"");
        let line = format!(
            r#"{{"number":1,"at":1,"action":"publish","stage":"begun","manifest":"{nothing}","version":null,"token":"01234567","previous":"{nothing}"}}"#
        );
        std::fs::write(&path, format!("{line}\n")).unwrap();
        assert_eq!(verify(&path, Known::default()).unwrap().lines, 1);
    }
}
