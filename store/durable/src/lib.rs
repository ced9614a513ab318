//! Files and folders that are whole after a crash or a loss of power.
//!
//! A disk keeps the bytes of a file once the file is flushed, and a name in a folder once that
//! folder is flushed; until then either may be there without the other. So a file is written
//! under a random name in its own folder, flushed and renamed, and the folder is flushed last.
//! The random names are never guessed and never opened through a link, so nobody who may write
//! to the folder can turn a write elsewhere.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::Duration;
use tempfile::{Builder, NamedTempFile};

/// Temporary names begin with a dot, which no file that is read does.
const PARTIAL: (&str, &str) = (".incoming-", ".part");
/// A temporary file of this age was left by a process that is gone.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// Who may read a file, before the user's mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readers {
    Everyone,
    Owner,
}

/// A temporary file, removed unless it is named.
#[derive(Debug)]
pub struct Partial(NamedTempFile);

impl Partial {
    /// Makes one in the folder where it will get its name.
    pub fn create(folder: &Path) -> io::Result<Self> {
        Self::with_readers(folder, Readers::Everyone)
    }

    fn with_readers(folder: &Path, readers: Readers) -> io::Result<Self> {
        let mut builder = Builder::new();
        builder.prefix(PARTIAL.0).suffix(PARTIAL.1);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(
            match readers {
                Readers::Everyone => 0o666,
                Readers::Owner => 0o600,
            },
        ));
        #[cfg(not(unix))]
        let _ = readers;
        builder.tempfile_in(folder).map(Self)
    }

    /// Its path until it is named.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The open file.
    pub fn file(&self) -> &File {
        self.0.as_file()
    }

    /// Flushes the file, gives it its name, in place of any other file or link of that name, and
    /// flushes the folder.
    pub fn name(self, target: &Path) -> io::Result<()> {
        self.file().sync_all()?;
        self.0.persist(target).map_err(|error| error.error)?;
        sync_folder(folder_of(target))
    }
}

/// Writes `bytes` to `target` so that a reader, or whoever looks after a loss of power, sees the
/// old content or the new, whole. A link at `target` is replaced, not followed.
pub fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_for(target, bytes, Readers::Everyone)
}

/// [`replace`], for a secret: its owner alone may read the file.
pub fn replace_private(target: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_for(target, bytes, Readers::Owner)
}

fn replace_for(target: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let partial = Partial::with_readers(folder_of(target), readers)?;
    partial.file().write_all(bytes)?;
    partial.name(target)
}

/// Removes a file, where there is one, and flushes its folder.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(folder_of(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes a folder and those above it, and flushes each folder that one was made in.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = folder_of(path);
    if above != path {
        create_folder(above)?;
    }
    match fs::create_dir(path) {
        Ok(()) => sync_folder(above),
        // Another process made it at the same time, or a `..` leads back to it.
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Flushes a folder: the names in it are as durable as the bytes of its files.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder can't be opened as a file, and there is nothing to flush.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The folder that a path's last name stands in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != OsStr::new("") => folder,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// Opens the file of a lock, and makes it when there is none. It is never emptied, and a link in
/// its place is refused.
pub fn lock_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
    options.open(path).map_err(|error| {
        if path.is_symlink() {
            let reason = "it is a symbolic link, and a lock must be a file of its own: remove it";
            return io::Error::new(ErrorKind::InvalidInput, reason);
        }
        error
    })
}

/// Takes the lock of the file at `path`, until what is returned is dropped; `None` when another
/// process holds it.
pub fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes the temporary files that lost processes left in `folder`, once they are a day old: a
/// younger one may still be written. Nothing depends on it, so a failure is not worth a word.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let partial = name
            .to_str()
            .is_some_and(|name| name.starts_with(PARTIAL.0) && name.ends_with(PARTIAL.1));
        let stale = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > STALE));
        if partial && stale {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_link_at_the_target_is_replaced_and_where_it_leads_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let target = folder.path().join("run.json");
        symlink(&victim, &target).unwrap();
        replace(&target, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert!(!target.is_symlink());
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }

    #[test]
    fn a_temporary_name_differs_each_time_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let names: std::collections::BTreeSet<_> = (0..8)
            .map(|_| Partial::create(folder.path()).unwrap().path().to_owned())
            .collect();
        assert_eq!(names.len(), 8);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn served_files_are_for_everyone_and_secrets_for_their_owner() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let metadata = fs::metadata(folder.path().join(name)).unwrap();
            metadata.permissions().mode() & 0o777
        };
        fs::write(folder.path().join("plain"), "").unwrap();
        replace(&folder.path().join("served"), b"x").unwrap();
        assert_eq!(mode("served"), mode("plain"));
        replace_private(&folder.path().join("secret"), b"x").unwrap();
        assert_eq!(mode("secret"), 0o600);
    }

    #[test]
    fn a_lock_is_never_emptied_and_never_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        fs::write(&path, "kept").unwrap();
        let held = try_lock(&path).unwrap();
        assert!(held.is_some());
        assert!(try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(try_lock(&path).unwrap().is_some());
        assert_eq!(fs::read(&path).unwrap(), b"kept");

        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        let said = lock_file(&link).unwrap_err().to_string();
        assert!(said.contains("symbolic link"), "{said}");
    }

    #[test]
    fn folders_are_made_as_deep_as_they_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/../c");
        create_folder(&deep).unwrap();
        assert!(folder.path().join("a/c").is_dir());
        create_folder(&deep).unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(create_folder(&folder.path().join("file/x")).is_err());
    }
}
