//! The browser's module that checks a manifest's signature: `vitrine_core::signature` behind
//! wasm-bindgen.
//!
//! It is a module of its own because only pages that pin a key need it: curve arithmetic and
//! SHA-512 would make the ranker a third larger for everybody. The browser's own Ed25519
//! (`crypto.subtle`) was rejected: it came to all engines only in 2025, is absent from pages that
//! are not served over HTTPS, and accepts keys and signatures that the strict check refuses.

use vitrine_core::signature::{self, PublicKey};
use wasm_bindgen::prelude::*;

/// Checks that one of `keys`, one per line, has signed the bytes of `manifest.json`; `file` holds
/// the bytes of `manifest.sig`. Returns the id of the key that has.
#[wasm_bindgen]
pub fn verify(manifest: &[u8], file: &[u8], keys: &str) -> Result<String, JsError> {
    let keys: Vec<PublicKey> = keys.lines().map(str::parse).collect::<Result<_, _>>()?;
    Ok(signature::verify(manifest, file, &keys)?.to_string())
}

/// The longest signature file that is read, in bytes: what a page should stop a download at.
#[wasm_bindgen(js_name = maxSignatureBytes)]
pub fn max_signature_bytes() -> usize {
    signature::MAX_SIGNATURE_BYTES
}
