//! `manifest.sig`: Ed25519 signatures (RFC 8032) over the exact bytes of `manifest.json`.
//!
//! ```text
//! vitrine.signature/1
//! <key id> <signature>
//! <key id> <signature>
//! ```
//!
//! A first line that names the form, then one line a signature: the id of the key that made it
//! (16 hexadecimal digits, [`PublicKey::id`]), a space, the signature (128 digits), a line feed.
//! One signature of one trusted key is enough, and keys that nobody here trusts are passed over:
//! so a shop changes its key by signing with both for as long as pages pin the old one.
//!
//! The manifest's bytes are signed as they are, without a prefix, so that any tool that knows
//! Ed25519 can check a signature. That is safe because these keys sign nothing else. Lines of
//! fixed length were preferred to JSON or to a key format of X.509: what is read before anything
//! is trusted should need no parser. The check is the strict one, which also refuses keys and
//! signatures that several messages would fit (Chalkias et al. 2020, "Taming the many EdDSAs").

use crate::Digest;
use crate::digest::unhex;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// The first line of a signature file.
pub const FORM: &str = "vitrine.signature/1";
/// The most signatures that one file may hold.
pub const MAX_SIGNATURES: usize = 8;
/// The longest signature file, in bytes: the first line and [`MAX_SIGNATURES`] of 146 bytes.
pub const MAX_SIGNATURE_BYTES: usize = FORM.len() + 1 + MAX_SIGNATURES * LINE;
/// A line's length in bytes: key id, space, signature, line feed.
const LINE: usize = 16 + 1 + 128 + 1;

/// Why a manifest is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A pinned key is not one.
    #[error(
        "'{0}' is not a public key: one is 64 hexadecimal digits, as `vitrine key show` prints it"
    )]
    Key(String),
    /// The signature file does not have the form.
    #[error("manifest.sig is not a signature file: {0}; sign the bundle again")]
    Form(&'static str),
    /// No trusted key has signed.
    #[error(
        "manifest.sig is not signed with a key that is trusted here (signed with {signed}, \
         trusted {trusted}): sign with a trusted key, or pin the key that signed"
    )]
    Untrusted {
        /// Ids of the keys that signed, as the file says.
        signed: String,
        /// Ids of the keys that are trusted.
        trusted: String,
    },
    /// A signature by a key that is not trusted stands beside those that are.
    #[error(
        "manifest.sig has a signature of key {0} too, which cannot be verified here: add its \
         public key to `public_keys`, or sign without it"
    )]
    Unverified(KeyId),
    /// A trusted key's signature is of other bytes.
    #[error(
        "manifest.sig does not fit manifest.json (key {0}): one of them was altered; sign and \
         publish the bundle again"
    )]
    Forged(KeyId),
}

/// The first eight bytes of the SHA-256 of a public key: names it, and proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A public key that is trusted to sign manifests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Its id.
    pub fn id(&self) -> KeyId {
        let digest = Digest::of(self.0.as_bytes());
        let mut id = [0; 8];
        id.copy_from_slice(&digest.as_bytes()[..8]);
        KeyId(id)
    }
}

impl std::str::FromStr for PublicKey {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        let fail = || SignatureError::Key(text.chars().take(80).collect());
        let bytes = unhex(text.as_bytes()).ok_or_else(fail)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| fail())?;
        if key.is_weak() {
            return Err(fail());
        }
        Ok(Self(key))
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.as_bytes();
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key that signs. Its secret is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// From the 32 secret bytes (RFC 8032, section 5.1.5), which must come from a source of
    /// random numbers that nobody can guess.
    pub fn from_bytes(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<secret of {}>", self.public().id())
    }
}

/// The signature file of `manifest` by `keys`, of which there are 1 to [`MAX_SIGNATURES`].
///
/// ```
/// use vitrine_core::signature::{SecretKey, sign, verify};
///
/// let old = SecretKey::from_bytes(&[1; 32]);
/// let new = SecretKey::from_bytes(&[2; 32]);
/// let file = sign(b"manifest", &[&old, &new]);
/// // A page that pins the old key and one that pins the new key both accept it.
/// assert!(verify(b"manifest", &file, &[old.public()]).is_ok());
/// assert!(verify(b"manifest", &file, &[new.public()]).is_ok());
/// assert!(verify(b"another", &file, &[new.public()]).is_err());
/// ```
pub fn sign(manifest: &[u8], keys: &[&SecretKey]) -> Vec<u8> {
    let lines = keys.iter().map(|key| {
        let signature = key.0.sign(manifest);
        (key.public().id(), signature.to_bytes())
    });
    written(lines)
}

fn written(lines: impl IntoIterator<Item = Line>) -> Vec<u8> {
    let mut text = format!("{FORM}\n");
    for (id, signature) in lines {
        text += &format!("{id} ");
        for byte in signature {
            text += &format!("{byte:02x}");
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// Checks that one of `trusted` has signed `manifest`; which one.
///
/// # Errors
/// When the file has another form, when none of its keys is trusted, and when the signature of a
/// trusted key is wrong, even beside a right one: nobody would publish that.
pub fn verify(
    manifest: &[u8],
    file: &[u8],
    trusted: &[PublicKey],
) -> Result<KeyId, SignatureError> {
    let mut found = None;
    let lines = lines(file)?;
    for (id, signature) in &lines {
        let Some(key) = trusted.iter().find(|key| key.id() == *id) else {
            continue;
        };
        let signature = Signature::from_bytes(signature);
        if key.0.verify_strict(manifest, &signature).is_err() {
            return Err(SignatureError::Forged(*id));
        }
        found.get_or_insert(*id);
    }
    found.ok_or_else(|| SignatureError::Untrusted {
        signed: joined(lines.iter().map(|line| line.0)),
        trusted: joined(trusted.iter().map(PublicKey::id)),
    })
}

/// The signature file to keep of `manifest` when `file` is to take the place of `stored`: every
/// signature in it is of a trusted key and verifies. Good ones that only `stored` has are kept, so
/// that an older file, played back, takes no signature away.
///
/// # Errors
/// Those of [`verify`], and when `file` has a signature of a key that is not trusted.
pub fn join(
    manifest: &[u8],
    file: &[u8],
    stored: &[u8],
    trusted: &[PublicKey],
) -> Result<Vec<u8>, SignatureError> {
    verify(manifest, file, trusted)?;
    let mut kept: Vec<Line> = Vec::new();
    for line in lines(file)? {
        if !trusted.iter().any(|key| key.id() == line.0) {
            return Err(SignatureError::Unverified(line.0));
        }
        if !kept.contains(&line) {
            kept.push(line);
        }
    }
    for line in lines(stored).unwrap_or_default() {
        let new = kept.iter().all(|(id, _)| *id != line.0);
        let good = verify(manifest, &written([line]), trusted).is_ok();
        if new && good && kept.len() < MAX_SIGNATURES {
            kept.push(line);
        }
    }
    Ok(written(kept))
}

/// The ids of the keys that a signature file names; they prove nothing.
///
/// # Errors
/// When the file has another form.
pub fn signers(file: &[u8]) -> Result<Vec<KeyId>, SignatureError> {
    Ok(lines(file)?.into_iter().map(|line| line.0).collect())
}

/// The key that signed, and its signature.
type Line = (KeyId, [u8; 64]);

fn lines(file: &[u8]) -> Result<Vec<Line>, SignatureError> {
    let form = |reason| SignatureError::Form(reason);
    if file.len() > MAX_SIGNATURE_BYTES {
        return Err(form("it is longer than eight signatures"));
    }
    if file.is_empty() {
        return Err(form(
            "it is empty or missing, so the manifest is not signed",
        ));
    }
    let rest = file
        .strip_prefix(FORM.as_bytes())
        .and_then(|rest| rest.strip_prefix(b"\n"))
        .ok_or_else(|| form("its first line is not 'vitrine.signature/1'"))?;
    let lines = rest.chunks(LINE);
    lines
        .map(|line| {
            let fields = line
                .split_first_chunk::<16>()
                .and_then(|(id, rest)| Some((id, rest.strip_prefix(b" ")?.strip_suffix(b"\n")?)));
            let (id, signature) = fields
                .and_then(|(id, signature)| Some((KeyId(unhex(id)?), unhex(signature)?)))
                .ok_or_else(|| form("a line is not a key id and a signature in hexadecimal"))?;
            Ok((id, signature))
        })
        .collect()
}

fn joined(ids: impl Iterator<Item = KeyId>) -> String {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    if ids.is_empty() {
        return "none".into();
    }
    ids.join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_bytes(&[seed; 32])
    }

    #[test]
    fn the_second_vector_of_rfc_8032() {
        // RFC 8032, section 7.1, TEST 2: the message is the one byte 0x72.
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        let secret = SecretKey::from_bytes(&unhex(seed.as_bytes()).unwrap());
        assert_eq!(secret.public().to_string(), public);
        let file = String::from_utf8(sign(&[0x72], &[&secret])).unwrap();
        let id = secret.public().id();
        assert_eq!(file, format!("{FORM}\n{id} {signature}\n"));
        let trusted = public.parse().unwrap();
        assert_eq!(verify(&[0x72], file.as_bytes(), &[trusted]), Ok(id));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let manifest = b"{\"schema\": \"vitrine.bundle/1\"}\n";
        let file = sign(manifest, &[&key(1)]);
        let trusted = [key(1).public()];
        verify(manifest, &file, &trusted).unwrap();
        for at in 0..manifest.len() {
            let mut changed = manifest.to_vec();
            changed[at] ^= 1;
            assert!(verify(&changed, &file, &trusted).is_err());
        }
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(verify(manifest, &changed, &trusted).is_err(), "byte {at}");
            assert!(
                verify(manifest, &file[..at], &trusted).is_err(),
                "cut at {at}"
            );
        }
    }

    #[test]
    fn keys_may_overlap_and_a_wrong_signature_beside_a_right_one_is_refused() {
        let manifest = b"manifest";
        let both = sign(manifest, &[&key(1), &key(2)]);
        assert_eq!(
            signers(&both).unwrap(),
            [1, 2].map(|k| key(k).public().id())
        );
        for pinned in [1, 2] {
            let trusted = [key(9).public(), key(pinned).public()];
            assert_eq!(
                verify(manifest, &both, &trusted),
                Ok(key(pinned).public().id())
            );
        }
        let said = verify(manifest, &both, &[key(3).public()]).unwrap_err();
        assert!(
            said.to_string().contains(&key(1).public().id().to_string()),
            "{said}"
        );

        // Key 2's line with key 1's signature in it.
        let mut mixed = both.clone();
        let signature = FORM.len() + 1 + 17;
        mixed.copy_within(signature..signature + 128, signature + LINE);
        let trusted = [key(1).public(), key(2).public()];
        let refused = Err(SignatureError::Forged(key(2).public().id()));
        assert_eq!(verify(manifest, &mixed, &trusted), refused);
        // Who does not trust key 2 does not look at its line.
        verify(manifest, &mixed, &trusted[..1]).unwrap();
    }

    #[test]
    fn what_is_kept_verifies_and_a_good_signature_is_not_lost() {
        let manifest = b"manifest";
        let trusted = [1, 2].map(|seed| key(seed).public());
        let of = |seeds: &[u8]| {
            let keys: Vec<SecretKey> = seeds.iter().copied().map(key).collect();
            sign(manifest, &keys.iter().collect::<Vec<_>>())
        };
        let join = |file: &[u8], stored: &[u8]| join(manifest, file, stored, &trusted);
        let both = of(&[1, 2]);
        assert_eq!(join(&of(&[1]), &both).unwrap(), both);
        assert_eq!(join(&of(&[1; 8]), &of(&[2])).unwrap(), both);
        // A key that is trusted no longer, a signature of other bytes and junk are not kept.
        for stored in [of(&[3]), sign(b"another", &[&key(2)]), b"junk".to_vec()] {
            assert_eq!(join(&of(&[1]), &stored).unwrap(), of(&[1]));
        }
        let id = key(3).public().id();
        assert_eq!(join(&of(&[1, 3]), &[]), Err(SignatureError::Unverified(id)));
        assert!(join(&sign(b"another", &[&key(1)]), &both).is_err());
    }

    #[test]
    fn what_has_another_form_is_refused() {
        let good = sign(b"m", &[&key(1)]);
        let text = String::from_utf8(good.clone()).unwrap();
        let nine = sign(b"m", &[&key(1); 9]);
        for wrong in [
            "",
            "vitrine.signature/1",
            &text.replace("/1", "/2"),
            &text.to_uppercase(),
            &text.replace('\n', "\r\n"),
            &format!("{text}\n"),
            &format!("{text} "),
        ] {
            assert!(
                matches!(
                    verify(b"m", wrong.as_bytes(), &[key(1).public()]),
                    Err(SignatureError::Form(_))
                ),
                "{wrong:?}"
            );
        }
        assert!(verify(b"m", &nine, &[key(1).public()]).is_err());
        let eight = sign(b"m", &[&key(1); 8]);
        assert_eq!(eight.len(), MAX_SIGNATURE_BYTES);
        verify(b"m", &eight, &[key(1).public()]).unwrap();
        let nobody = verify(b"m", b"vitrine.signature/1\n", &[key(1).public()]);
        assert!(matches!(nobody, Err(SignatureError::Untrusted { .. })));
        assert!(verify(b"m", &good, &[]).is_err());
    }

    #[test]
    fn weak_and_misspelt_keys_are_refused() {
        let identity = format!("01{}", "0".repeat(62));
        let upper = key(1).public().to_string().to_uppercase();
        for wrong in [
            "",
            "abc",
            &"zz".repeat(32),
            &"00".repeat(32),
            &identity,
            &upper,
        ] {
            assert!(wrong.parse::<PublicKey>().is_err(), "{wrong}");
        }
        let public = key(1).public();
        assert_eq!(public.to_string().parse::<PublicKey>(), Ok(public));
        assert!(!format!("{:?}", key(1)).contains("0101"));
    }
}
