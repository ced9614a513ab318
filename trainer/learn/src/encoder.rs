//! The session encoder: what the table's pairs can't say.
//!
//! A network reads the vectors of the items seen, with what was done with them, and answers with
//! a query vector; an item's score is its inner product with the query. Input and output share
//! one table of item vectors. The loss is cross-entropy over the catalogue, or over a large
//! sample of it with the sampling corrected for (sampled softmax: Bengio & Senécal, 2008).
//!
//! The item table stays in main memory and a step moves only the rows that it touches, so that a
//! step's cost depends on the batch and not on the catalogue.

pub mod backbone;
pub mod batches;
pub mod checkpoint;
pub mod device;
pub mod features;
pub mod items;
pub mod loss;
pub mod low_rank;
pub mod network;
pub mod onnx;
mod step;
pub mod train;
pub mod weights;

use backbone::BackboneKind;
use serde::{Deserialize, Serialize};

/// How the encoder is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EncoderParameters {
    /// Whether there is an encoder at all.
    pub enabled: bool,
    /// What reads the events.
    pub backbone: BackboneKind,
    /// Blocks of convolutions or of attention; a recurrent unit has one layer.
    pub layers: usize,
    /// Heads of attention; the width of the state must be a multiple.
    pub heads: usize,
    /// Whether an item's vector is also learned from its category, its price and its title's
    /// words, so that an item that nobody has looked at has one.
    pub item_features: bool,
    /// Width of an item vector, D.
    pub dim: usize,
    /// Width of the backbone's state, H.
    pub hidden: usize,
    /// The most passes over the sessions; the best by validation is kept.
    pub epochs: usize,
    /// Passes without a better validation after which training ends.
    pub patience: usize,
    /// Passes over the whole of train, from the best encoder of validation on; 0 to train it
    /// again from the start.
    pub refit: usize,
    /// Sessions in a step.
    pub batch: usize,
    /// Events of a session that are learned from at a time, T.
    pub length: usize,
    /// Items drawn as negatives for a step; all items when the catalogue is not larger.
    pub negatives: usize,
    /// Power of popularity by which negatives are drawn.
    pub negative_power: f64,
    /// Learning rate of the network and of the item vectors.
    pub learning_rate: f64,
    /// Factor of the learning rate after each pass.
    pub learning_rate_decay: f64,
    /// Share of the input's numbers that is dropped while training.
    pub dropout: f64,
    /// Temperature of the softmax over cosines, above 0.
    pub temperature: f64,
    /// Pull of the item vectors towards zero, per step in which a row is touched.
    pub weight_decay: f64,
}

impl Default for EncoderParameters {
    fn default() -> Self {
        Self {
            enabled: true,
            backbone: BackboneKind::default(),
            layers: 2,
            heads: 2,
            item_features: true,
            dim: 64,
            hidden: 96,
            epochs: 30,
            patience: 2,
            refit: 2,
            batch: 256,
            length: 20,
            negatives: 2048,
            negative_power: 0.5,
            learning_rate: 0.004,
            learning_rate_decay: 0.8,
            dropout: 0.25,
            temperature: 0.07,
            weight_decay: 0.0,
        }
    }
}
