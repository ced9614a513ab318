//! The browser's second module: runs the bundle's session encoder.
//!
//! An encoder is any ONNX file of this form, whatever trained it:
//!
//! | | name | type | shape |
//! | --- | --- | --- | --- |
//! | input | `session` | f32 | `[1, T, D + 3]`: item vector, then the action as one of three |
//! | output | `query` | f32 | `[1, D]`: scored against the item vectors by the ranker |
//!
//! `T` is the number of events and changes from call to call; batch is always one, because a
//! browser has one visitor.
//!
//! The crate takes tract-onnx's protobuf types and its recurrent layers, and writes the rest of
//! the graph onto tract's typed operators itself ([`lower`]). tract's own importer was tried
//! first. It links every operator of ONNX into the module (resize, FFT, tree ensembles, ...),
//! which costs twice the bytes, and it infers shapes under constraints, where crafted files can
//! reach a panic. A session encoder needs some twenty-five operators; each of them is checked
//! against the ranks and sizes of its inputs before it is built, so the list of operators is
//! also the list of what a file can make this module do.
//!
//! It does not apply to graphs whose shapes depend on values, to batches, or to files that keep
//! their weights elsewhere: those are refused with a sentence that says so.

mod attributes;
#[cfg(target_arch = "wasm32")]
mod binding;
mod constant;
mod encoder;
mod gru;
mod lower;
mod recurrent;

pub use encoder::{Encoder, EncoderError, MAX_ENCODER_BYTES, MAX_STEPS};
