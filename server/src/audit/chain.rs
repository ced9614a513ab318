//! Reading and checking a log: each line has to name the hash of the one before.

use super::{AuditError, Entry, failed};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use vitrine_core::Digest;
use vitrine_core::checkpoint::Checkpoint;

/// The longest log that is read, in bytes: about a million lines.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// Length and head of a checked log.
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

/// Facts noted earlier, against which a log is checked.
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
pub(super) fn from(file: &mut File, path: &Path, start: u64) -> Result<Vec<u8>, AuditError> {
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
pub(super) fn follow(
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::AuditLog;
    use super::super::fixture::{entry, log};
    use super::*;

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
