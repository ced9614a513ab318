//! A checkpoint of the server's audit log: how many lines it had and the hash of the last, signed
//! by a key that the server never sees.
//!
//! ```text
//! vitrine.checkpoint/1
//! at 1700000000
//! lines 42
//! head <SHA-256 of the last line>
//! vitrine.signature/1
//! <key id> <signature>
//! ```
//!
//! The signature is that of [`crate::signature`], over the lines before it. No manifest begins like
//! a checkpoint, so neither can be taken for the other; still, use a key of its own.

use crate::Digest;
use crate::signature::{self, FORM as SIGNATURE, KeyId, PublicKey, SecretKey, SignatureError};

/// The first line.
pub const FORM: &str = "vitrine.checkpoint/1";
/// The longest checkpoint that is read, in bytes.
pub const MAX_CHECKPOINT_BYTES: u64 = 4096;

/// The state of the log after a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// When it was taken, Unix time in seconds.
    pub at: u64,
    /// Lines.
    pub lines: u64,
    /// Hash of the last line.
    pub head: Digest,
}

/// Why a checkpoint is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It has another form.
    #[error(
        "not a checkpoint of an audit log: {0}; `vitrine-server audit LOG --out FILE` writes one"
    )]
    Form(&'static str),
    /// It has no signature.
    #[error("the checkpoint is not signed: sign it with `vitrine key sign FILE --key KEY`")]
    Unsigned,
    /// Its signature is refused.
    #[error("the checkpoint was altered, or another key signed it: {0}")]
    Signature(SignatureError),
}

impl Checkpoint {
    /// The lines that are signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { at, lines, head } = self;
        format!("{FORM}\nat {at}\nlines {lines}\nhead {head}\n").into_bytes()
    }

    /// The checkpoint with the signature of a key.
    pub fn signed(&self, key: &SecretKey) -> Vec<u8> {
        let bytes = self.to_bytes();
        let signature = signature::sign(&bytes, &[key]);
        [bytes, signature].concat()
    }

    /// Reads a checkpoint, signed or not; its signature is not looked at.
    ///
    /// # Errors
    /// When it has another form.
    pub fn parse(file: &[u8]) -> Result<Self, CheckpointError> {
        let (body, _) = parts(file);
        let form = CheckpointError::Form;
        let text = std::str::from_utf8(body).map_err(|_| form("it is not text"))?;
        let mut lines = text.lines();
        if lines.next() != Some(FORM) {
            return Err(form("its first line is not 'vitrine.checkpoint/1'"));
        }
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let [at, count, head] = ["at", "lines", "head"].map(&mut field);
        let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
        let found = Self {
            at: number(at).ok_or(form("it does not say when"))?,
            lines: number(count).ok_or(form("it does not say how many lines"))?,
            head: head
                .and_then(|head| head.parse().ok())
                .ok_or(form("it does not say the last hash"))?,
        };
        match found.to_bytes() == body {
            true => Ok(found),
            false => Err(form("something else is in it")),
        }
    }

    /// Reads a checkpoint that one of `trusted` has signed; which one.
    ///
    /// # Errors
    /// When it has another form, is unsigned, or its signature does not verify.
    pub fn verified(file: &[u8], trusted: &[PublicKey]) -> Result<(Self, KeyId), CheckpointError> {
        let (body, signature) = parts(file);
        let signature = signature.ok_or(CheckpointError::Unsigned)?;
        let key =
            signature::verify(body, signature, trusted).map_err(CheckpointError::Signature)?;
        Ok((Self::parse(file)?, key))
    }
}

/// The signed text, with its signature where there is one.
fn parts(file: &[u8]) -> (&[u8], Option<&[u8]>) {
    let begins = |at: &usize| file[*at..].starts_with(SIGNATURE.as_bytes());
    match (0..file.len()).find(begins) {
        Some(at) => (&file[..at], Some(&file[at..])),
        None => (file, None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_checkpoint_is_believed_as_it_was_signed_and_no_other() {
        let [mine, theirs] = [[1; 32], [2; 32]].map(|seed| SecretKey::from_bytes(&seed));
        let checkpoint = Checkpoint {
            at: 1_700_000_000,
            lines: 42,
            head: Digest::of(b"line"),
        };
        let trusted = [mine.public()];
        let file = checkpoint.signed(&mine);
        let id = mine.public().id();
        assert_eq!(Checkpoint::verified(&file, &trusted), Ok((checkpoint, id)));
        assert_eq!(Checkpoint::parse(&file), Ok(checkpoint));
        assert_eq!(Checkpoint::parse(&checkpoint.to_bytes()), Ok(checkpoint));

        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(Checkpoint::verified(&changed, &trusted).is_err(), "{at}");
            assert!(Checkpoint::verified(&file[..at], &trusted).is_err(), "{at}");
        }
        let unsigned = Checkpoint::verified(&checkpoint.to_bytes(), &trusted);
        assert_eq!(unsigned, Err(CheckpointError::Unsigned));
        assert!(Checkpoint::verified(&checkpoint.signed(&theirs), &trusted).is_err());
    }

    #[test]
    fn what_has_another_form_is_refused() {
        let good = Checkpoint {
            at: 1,
            lines: 2,
            head: Digest::of(b"line"),
        };
        let text = String::from_utf8(good.to_bytes()).unwrap();
        for wrong in [
            "",
            "{\"schema\": \"vitrine.bundle/1\"}",
            &text.replace("lines 2", "lines 02"),
            &text.replace("lines 2", "lines 99999999999999999999"),
            &text.replace("at 1\n", ""),
            &text.replace('\n', "\r\n"),
            &format!("{text}more\n"),
            &text[..text.len() - 1],
        ] {
            let refused = Checkpoint::parse(wrong.as_bytes());
            assert!(
                matches!(refused, Err(CheckpointError::Form(_))),
                "{wrong:?}"
            );
        }
        assert!(Checkpoint::parse(&[0xff; 9]).is_err());
    }
}
