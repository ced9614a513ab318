//! A file on its way into the store: written aside, hashed, compressed, then named.

use crate::{Coding, Store, StoreError};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use vitrine_core::Digest;
use vitrine_core::manifest::{MAX_FILE_BYTES, MAX_WHOLE_BYTES};
use vitrine_durable::{Partial, remove, sync_folder};

/// Up to this length a file is compressed with brotli 11; above it with brotli 9, which is
/// about thirty times as fast and a few per cent longer. 32 MiB at level 11 is a minute.
const BROTLI_11_BYTES: u64 = 32 * 1024 * 1024;

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
            partial: create(&self.bundles())?,
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
        let mut file = self.partial.file();
        file.write_all(bytes)
            .map_err(StoreError::io("write", self.partial.path()))
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
        let folder = self.store.bundles();
        if self.store.read(self.expected).is_ok() {
            // A process that is gone may have named it and not flushed the folder.
            sync_folder(&folder).map_err(StoreError::io("flush the folder", &folder))?;
            return Ok(self.length);
        }
        let compressed = self.compressed && self.length <= MAX_WHOLE_BYTES;
        for coding in [Coding::Brotli, Coding::Gzip] {
            let sibling = self.store.file_path(self.expected, coding);
            let shorter = match compressed {
                true => compress(self.partial.path(), self.length, coding, &folder)?,
                false => None,
            };
            match shorter {
                Some(partial) => name(partial, &sibling)?,
                // An earlier, damaged copy of the file may have left one.
                None => remove(&sibling).map_err(StoreError::io("remove", &sibling))?,
            }
        }
        name(self.partial, &target)?;
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
    let partial = create(folder)?;
    let mut file = partial.file();
    let written = match coding {
        Coding::Identity => return Ok(None),
        Coding::Brotli => {
            let params = brotli::enc::BrotliEncoderParams {
                quality: if length <= BROTLI_11_BYTES { 11 } else { 9 },
                lgwin: 22,
                size_hint: usize::try_from(length).unwrap_or(0),
                ..Default::default()
            };
            brotli::BrotliCompress(&mut source, &mut file, &params).map(drop)
        }
        Coding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(&mut file, flate2::Compression::best());
            io::copy(&mut source, &mut encoder).and_then(|_| encoder.finish().map(drop))
        }
    };
    written.map_err(StoreError::io("write", partial.path()))?;
    let compressed = file
        .metadata()
        .map_err(StoreError::io("read", partial.path()))?
        .len();
    Ok((compressed < length).then_some(partial))
}

fn create(folder: &Path) -> Result<Partial, StoreError> {
    Partial::create(folder).map_err(StoreError::io("write to", folder))
}

fn name(partial: Partial, target: &Path) -> Result<(), StoreError> {
    partial
        .name(target)
        .map_err(StoreError::io("write", target))
}

/// [`vitrine_durable::replace`], with an error that names the file.
pub(crate) fn replace(target: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    vitrine_durable::replace(target, bytes).map_err(StoreError::io("write", target))
}
