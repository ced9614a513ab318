//! Writing a log: under its lock, after a look at the file, and to the disk.

use super::chain::{Checked, follow, from};
use super::{AuditError, Entry, failed};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use vitrine_core::Digest;
use vitrine_durable::{folder_of, sync_folder};

/// A log that is written.
pub struct AuditLog {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: File,
    checked: Checked,
    /// Offset of the last line, in bytes.
    last: u64,
    /// Length up to the end of the last whole line, in bytes.
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

/// Device and inode, which another file of the same name does not share.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(metadata: &Metadata) -> Option<std::time::SystemTime> {
    metadata.created().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::fixture::{entry, log};
    use super::super::{Known, verify};
    use super::*;

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
}
