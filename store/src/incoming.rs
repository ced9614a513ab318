//! A file on its way into the store: written aside, hashed, compressed, then named.

use crate::{Coding, Store, StoreError};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use vitrine_core::Digest;
use vitrine_core::manifest::{MAX_FILE_BYTES, MAX_WHOLE_BYTES};

/// Up to this length a file is compressed with brotli 11; above it with brotli 9, which is
/// about thirty times as fast and a few per cent longer. 32 MiB at level 11 is a minute.
const BROTLI_11_BYTES: u64 = 32 * 1024 * 1024;
/// Temporary names begin with a dot, which no hash and no manifest version does.
const PARTIAL: (&str, &str) = (".incoming-", ".part");
/// What was cut off is swept away when it is this old.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// A file on its way into the store. Dropped before [`Incoming::finish`], it leaves nothing.
#[derive(Debug)]
pub struct Incoming {
    store: Store,
    expected: Digest,
    partial: Partial,
    hash: Sha256,
    length: u64,
    compressed: bool,
}

impl Store {
    /// Starts to receive the file whose SHA-256 is `digest`.
    pub fn receive(&self, digest: Digest) -> Result<Incoming, StoreError> {
        Ok(Incoming {
            store: self.clone(),
            expected: digest,
            partial: Partial::create(&self.bundles())?,
            hash: Sha256::new(),
            length: 0,
            compressed: true,
        })
    }

    /// Stores `bytes` under their hash. Storing them again is harmless, and mends a stored file
    /// that was damaged.
    pub fn put_file(&self, digest: Digest, bytes: &[u8]) -> Result<(), StoreError> {
        let mut incoming = self.receive(digest)?;
        incoming.write(bytes)?;
        incoming.finish()?;
        Ok(())
    }
}

impl Incoming {
    /// Stores the file as it is: nobody fetches it whole.
    pub fn uncompressed(mut self) -> Self {
        self.compressed = false;
        self
    }

    /// Adds the next bytes. Refuses more than a manifest may name.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.length += bytes.len() as u64;
        if self.length > MAX_FILE_BYTES {
            return Err(StoreError::Length {
                what: format!("the file {}", self.expected),
                expected: MAX_FILE_BYTES,
                found: self.length,
            });
        }
        self.hash.update(bytes);
        self.partial.write(bytes)
    }

    /// Checks the hash, compresses, and gives the file its name. Returns its length in bytes.
    ///
    /// The compressed siblings are named first: once the file itself is there, all of it is.
    pub fn finish(self) -> Result<u64, StoreError> {
        let found: [u8; 32] = self.hash.finalize().into();
        if found != *self.expected.as_bytes() {
            return Err(StoreError::Altered {
                what: "what arrived".into(),
                expected: self.expected,
                found: found.iter().map(|byte| format!("{byte:02x}")).collect(),
            });
        }
        let target = self.store.file_path(self.expected, Coding::Identity);
        if self.store.read(self.expected).is_ok() {
            return Ok(self.length);
        }
        let compressed = self.compressed && self.length <= MAX_WHOLE_BYTES;
        for coding in [Coding::Brotli, Coding::Gzip] {
            let sibling = self.store.file_path(self.expected, coding);
            let folder = self.store.bundles();
            let shorter = match compressed {
                true => compress(&self.partial.path, self.length, coding, &folder)?,
                false => None,
            };
            shorter.map_or_else(
                || remove_if_there(&sibling),
                |partial| partial.name(&sibling),
            )?;
        }
        self.partial.name(&target)?;
        Ok(self.length)
    }
}

/// Compresses the file at `path` into a temporary file beside it; `None` when that is no
/// shorter.
fn compress(
    path: &Path,
    length: u64,
    coding: Coding,
    folder: &Path,
) -> Result<Option<Partial>, StoreError> {
    let mut source = File::open(path).map_err(StoreError::io("open", path))?;
    let mut partial = Partial::create(folder)?;
    let written = match coding {
        Coding::Identity => return Ok(None),
        Coding::Brotli => {
            let params = brotli::enc::BrotliEncoderParams {
                quality: if length <= BROTLI_11_BYTES { 11 } else { 9 },
                lgwin: 22,
                size_hint: usize::try_from(length).unwrap_or(0),
                ..Default::default()
            };
            brotli::BrotliCompress(&mut source, &mut partial.file, &params).map(drop)
        }
        Coding::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(&mut partial.file, flate2::Compression::best());
            io::copy(&mut source, &mut encoder).and_then(|_| encoder.finish().map(drop))
        }
    };
    written.map_err(StoreError::io("write", &partial.path))?;
    let compressed = partial
        .file
        .metadata()
        .map_err(StoreError::io("read", &partial.path))?
        .len();
    Ok((compressed < length).then_some(partial))
}

/// A sibling that an earlier, damaged copy of the file may have left.
fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// Removes what a lost process left half written in `folder`, once it is a day old: a younger
/// one may still be at work. Nothing depends on it, so a failure is not worth a word.
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

/// Writes `bytes` to `target` so that a reader, or whoever looks after a crash, sees the old
/// content or the new, whole. For files beside a store too, such as released tables.
pub fn replace(target: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let mut partial = Partial::create(folder)?;
    partial.write(bytes)?;
    partial.name(target)
}

/// A temporary file that is removed unless it is named.
#[derive(Debug)]
struct Partial {
    file: File,
    path: PathBuf,
    named: bool,
}

impl Partial {
    fn create(folder: &Path) -> Result<Self, StoreError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let path = folder.join(format!(
                "{}{}-{}{}",
                PARTIAL.0,
                std::process::id(),
                NEXT.fetch_add(1, Ordering::Relaxed),
                PARTIAL.1
            ));
            match File::create_new(&path) {
                Ok(file) => {
                    return Ok(Self {
                        file,
                        path,
                        named: false,
                    });
                }
                // Left by a process that had this number before.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(e) => return Err(StoreError::io("write", &path)(e)),
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file
            .write_all(bytes)
            .map_err(StoreError::io("write", &self.path))
    }

    /// Flushes the file, gives it its name, and flushes the folder, so that the name is as
    /// durable as the bytes.
    fn name(mut self, target: &Path) -> Result<(), StoreError> {
        self.file
            .sync_all()
            .map_err(StoreError::io("write", &self.path))?;
        fs::rename(&self.path, target).map_err(StoreError::io("write", target))?;
        self.named = true;
        let folder = target.parent().unwrap_or(Path::new("."));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(StoreError::io("flush the folder", folder))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.named {
            let _ = fs::remove_file(&self.path);
        }
    }
}
