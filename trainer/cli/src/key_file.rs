//! The file of an offline signing key: PKCS #8 in PEM (RFC 8410), as `openssl genpkey -algorithm
//! ed25519` writes it too, so that a key can be kept and used by other tools.
//!
//! The file is readable by its owner alone and is never overwritten: a lost key cannot be made
//! again, and pages that pin it would refuse every later bundle.

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Write;
use std::path::{Path, PathBuf};
use vitrine_core::signature::{MAX_SIGNATURES, SecretKey};
use vitrine_durable::{folder_of, sync_folder};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// DER of a PKCS #8 v1 key of Ed25519 up to its 32 secret bytes (RFC 8410, section 7).
const PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// The longest key file that is read, in bytes; a key has about 120.
const MAX_BYTES: u64 = 4096;

/// Draws a key from the operating system's random numbers and writes it to a new file.
///
/// # Errors
/// When the file is there already or can't be written, and when there are no random numbers.
pub fn create(path: &Path) -> anyhow::Result<SecretKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| {
        anyhow::anyhow!("the operating system gives no random numbers: {error}")
    })?;
    let der = [PREFIX.as_slice(), &seed].concat();
    let text = format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                ": a key is never overwritten; name another file, or delete this one yourself"
            }
            std::io::ErrorKind::NotFound => ": make its folder first",
            _ => "",
        };
        anyhow::anyhow!("{}: {error}{hint}", path.display())
    })?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_folder(folder_of(path)));
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written.with_context(|| path.display().to_string())?;
    Ok(SecretKey::from_bytes(&seed))
}

/// Reads the keys that sign together, at most [`MAX_SIGNATURES`].
///
/// # Errors
/// Those of [`read`], and when there are more.
pub fn read_all(paths: &[PathBuf]) -> anyhow::Result<Vec<SecretKey>> {
    ensure!(
        paths.len() <= MAX_SIGNATURES,
        "--key: at most {MAX_SIGNATURES} keys sign a bundle"
    );
    paths.iter().map(|path| read(path)).collect()
}

/// Reads a key's file.
///
/// # Errors
/// When others may read the file, and when it holds no Ed25519 key. What it holds is never said.
pub fn read(path: &Path) -> anyhow::Result<SecretKey> {
    let name = path.display();
    let hint = "make one with `vitrine key new FILE`";
    let metadata = std::fs::metadata(path).with_context(|| format!("{name}: {hint}"))?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        ensure!(
            mode & 0o077 == 0,
            "{name}: others may read this key (mode {:03o}): run `chmod 600 {name}`, and make a \
             new key if somebody has read it",
            mode & 0o777
        );
    }
    ensure!(
        metadata.is_file() && metadata.len() <= MAX_BYTES,
        "{name}: not a key file: {hint}"
    );
    let text = std::fs::read_to_string(path).with_context(|| name.to_string())?;
    let body = text.trim().strip_prefix(BEGIN);
    let Some(body) = body.and_then(|body| body.strip_suffix(END)) else {
        bail!("{name}: not a private key in PEM ('{BEGIN}'): {hint}");
    };
    let body: String = body.split_ascii_whitespace().collect();
    let seed = STANDARD.decode(body).ok().and_then(|der| {
        let seed = der.strip_prefix(PREFIX.as_slice())?;
        <[u8; 32]>::try_from(seed).ok()
    });
    let Some(seed) = seed else {
        bail!("{name}: not an Ed25519 key in PKCS #8: {hint}");
    };
    Ok(SecretKey::from_bytes(&seed))
}
