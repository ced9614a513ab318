//! The gateway's keys and the file that holds them.
//!
//! A line of the file is a key: its identifier, a space, and 32 random bytes in hexadecimal from
//! which the key pair is derived (RFC 9180, `DeriveKeyPair`). The newest key stands first. All of
//! them open requests; so a new key goes into the file, then into the pages, and only when no page
//! with the old one is open any more is the old line deleted. Several servers share the keys by
//! having the same file.
//!
//! Every key has one algorithm: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and AES-128-GCM, because
//! every browser's Web Cryptography has them, and because a choice would tell visitors apart.

use ohttp::hpke::{Aead, Kdf, Kem};
use ohttp::{KeyConfig, Server, SymmetricSuite};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The most keys that a file may hold. Requests are told apart by their key, so there are few.
pub const MAX_KEYS: usize = 8;
const MAX_FILE_BYTES: u64 = 4096;
const SEED_BYTES: usize = 32;

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error(
        "cannot read the keys in {}: {source}; make the file with `vitrine-server oblivious-key \
         new FILE`", path.display()
    )]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Others than the owner may read the file.
    #[error(
        "others may read the keys in {} (mode {mode:03o}): run `chmod 600` on it, and make a new \
         key if somebody has read it", path.display()
    )]
    Exposed {
        /// Its path.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A line is not a key, or not one that can stand there.
    #[error(
        "line {line} of {} {reason}; a line is a key's identifier from 0 to 255, a space, and 64 \
         hexadecimal digits", path.display()
    )]
    Line {
        /// The file's path.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The fault.
        reason: &'static str,
    },
    /// The file holds none or too many.
    #[error(
        "{} holds {count} keys; a file holds 1 to {MAX_KEYS}: delete the lines of the oldest, \
         which are the last, or make a key with `vitrine-server oblivious-key new FILE`",
        path.display()
    )]
    Count {
        /// The file's path.
        path: PathBuf,
        /// The keys in it.
        count: usize,
    },
    /// The file cannot be written.
    #[error("cannot write the keys to {}: {source}", path.display())]
    Unwritable {
        /// Its path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers for a key: {0}")]
    Random(getrandom::Error),
    /// The library refuses the key.
    #[error("a key pair cannot be derived: {0}")]
    Derive(#[from] ohttp::Error),
}

struct Key {
    id: u8,
    seed: [u8; SEED_BYTES],
}

impl Key {
    fn config(&self) -> Result<KeyConfig, ohttp::Error> {
        let suite = SymmetricSuite::new(Kdf::HkdfSha256, Aead::Aes128Gcm);
        KeyConfig::derive(self.id, Kem::P256Sha256, vec![suite], &self.seed)
    }
}

/// The keys in force, the newest first.
pub struct Keys {
    servers: Vec<(u8, Server)>,
}

impl Keys {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, others may read it, or it does not hold 1 to [`MAX_KEYS`] keys.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        Self::of(&read(path)?)
    }

    fn of(keys: &[Key]) -> Result<Self, KeyError> {
        let servers = keys
            .iter()
            .map(|key| Ok((key.id, Server::new(key.config()?)?)));
        Ok(Self {
            servers: servers.collect::<Result<_, ohttp::Error>>()?,
        })
    }

    /// The identifier of the newest key.
    pub fn newest_id(&self) -> Option<u8> {
        self.servers.first().map(|(id, _)| *id)
    }

    /// The key with this identifier.
    pub fn by_id(&self, id: u8) -> Option<&Server> {
        let mut servers = self.servers.iter();
        servers
            .find(|(own, _)| *own == id)
            .map(|(_, server)| server)
    }

    /// The public halves of all keys, as `application/ohttp-keys`.
    ///
    /// # Errors
    /// When the library cannot write them.
    pub fn configurations(&self) -> Result<Vec<u8>, KeyError> {
        self.encoded(self.servers.len())
    }

    /// The public half of the newest key, which pages are to use.
    ///
    /// # Errors
    /// When the library cannot write it.
    pub fn newest(&self) -> Result<Vec<u8>, KeyError> {
        self.encoded(1)
    }

    fn encoded(&self, count: usize) -> Result<Vec<u8>, KeyError> {
        let servers = self.servers.iter().take(count);
        let configurations: Vec<_> = servers.map(|(_, server)| server.config()).collect();
        Ok(KeyConfig::encode_list(&configurations)?)
    }
}

/// Draws a key and puts it before the others of the file, which is made when there is none; all of
/// them then.
///
/// # Errors
/// When the file is full, cannot be read or cannot be written.
pub fn add(path: &Path) -> Result<Keys, KeyError> {
    let mut keys = if path.exists() { read(path)? } else { vec![] };
    if keys.len() == MAX_KEYS {
        return Err(KeyError::Count {
            path: path.to_owned(),
            count: keys.len() + 1,
        });
    }
    let mut id = keys.first().map_or(1, |newest| newest.id.wrapping_add(1));
    while keys.iter().any(|key| key.id == id) {
        id = id.wrapping_add(1);
    }
    let mut seed = [0; SEED_BYTES];
    getrandom::fill(&mut seed).map_err(KeyError::Random)?;
    keys.insert(0, Key { id, seed });
    let made = Keys::of(&keys)?;
    write(path, &keys).map_err(|source| KeyError::Unwritable {
        path: path.to_owned(),
        source,
    })?;
    Ok(made)
}

fn read(path: &Path) -> Result<Vec<Key>, KeyError> {
    let unreadable = |source| KeyError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
    }
    if metadata.len() > MAX_FILE_BYTES {
        let source = io::Error::other(format!("it is longer than {MAX_FILE_BYTES} bytes"));
        return Err(unreadable(source));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let mut keys: Vec<Key> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let wrong = |reason| KeyError::Line {
            path: path.to_owned(),
            line: number + 1,
            reason,
        };
        let key = parse(line).ok_or_else(|| wrong("is not a key"))?;
        if keys.iter().any(|other| other.id == key.id) {
            return Err(wrong("has the identifier of an earlier line"));
        }
        keys.push(key);
    }
    if !(1..=MAX_KEYS).contains(&keys.len()) {
        return Err(KeyError::Count {
            path: path.to_owned(),
            count: keys.len(),
        });
    }
    Ok(keys)
}

fn parse(line: &str) -> Option<Key> {
    let (id, digits) = line.split_once(' ')?;
    if digits.len() != 2 * SEED_BYTES || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut seed = [0; SEED_BYTES];
    for (byte, at) in seed.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
    }
    Some(Key {
        id: id.parse().ok()?,
        seed,
    })
}

/// Replaces the file as a whole; its owner alone may read it.
fn write(path: &Path, keys: &[Key]) -> io::Result<()> {
    let mut text = String::new();
    for Key { id, seed } in keys {
        let _ = write!(text, "{id} ");
        for byte in seed {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    vitrine_durable::replace_private(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn ids(keys: &Keys) -> Vec<u8> {
        keys.servers.iter().map(|(id, _)| *id).collect()
    }

    #[test]
    fn a_new_key_stands_before_the_others_and_the_file_is_the_owners_alone() {
        let folder = folder();
        let path = folder.path().join("oblivious.keys");
        let first = add(&path).unwrap();
        let second = add(&path).unwrap();
        assert_eq!((ids(&first), ids(&second)), (vec![1], vec![2, 1]));
        let read = Keys::read(&path).unwrap();
        assert_eq!(
            read.configurations().unwrap(),
            second.configurations().unwrap()
        );
        assert!(
            read.configurations()
                .unwrap()
                .starts_with(&read.newest().unwrap())
        );
        assert!(read.by_id(1).is_some() && read.by_id(2).is_some() && read.by_id(3).is_none());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            let error = Keys::read(&path).err().unwrap().to_string();
            assert!(
                error.contains("640") && error.contains("chmod 600"),
                "{error}"
            );
        }
    }

    #[test]
    fn identifiers_go_round_and_a_full_file_takes_no_more() {
        let folder = folder();
        let path = folder.path().join("keys");
        let line = |id| format!("{id} {}\n", "ab".repeat(SEED_BYTES));
        let put = |text: String| {
            fs::write(&path, text).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .unwrap();
        };
        put(line(255) + &line(0));
        assert_eq!(ids(&add(&path).unwrap()), [1, 255, 0]);
        put((0..MAX_KEYS).map(line).collect());
        let error = add(&path).err().unwrap().to_string();
        assert!(error.contains("9 keys"), "{error}");
        for (text, named) in [
            (String::new(), "0 keys"),
            (line(1) + &line(1), "line 2"),
            (line(256), "line 1"),
            (line(1).replace('a', "g"), "line 1"),
            (line(1) + "\n", "line 2"),
            (format!("1 {}\n", "é".repeat(SEED_BYTES)), "line 1"),
        ] {
            put(text);
            let error = Keys::read(&path).err().unwrap().to_string();
            assert!(error.contains(named), "{error}");
            assert!(!error.contains("abab"), "{error}");
        }
        let error = Keys::read(&folder.path().join("none")).err().unwrap();
        assert!(error.to_string().contains("oblivious-key new"), "{error}");
    }
}
