//! What is fuzzed: each target a function over bytes.
//!
//! `tests/tests/corpus.rs` runs the same functions over the committed corpus, so that what was
//! found once stays found.

#[path = "../../server/src/decode.rs"]
pub mod decode;
#[path = "../../server/src/oblivious/envelope.rs"]
pub mod envelope;
pub mod targets;
