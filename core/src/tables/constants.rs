//! What is the same for every row: decays, and the weights of the score's terms.

use super::header::Header;
use super::tensor;
use crate::Action;
use crate::bundle::BundleError;

/// Weights of the terms of the score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fusion {
    /// α, of the encoder's inner product.
    pub encoder: f32,
    /// β, of the neighbour term.
    pub neighbours: f32,
    /// γ, of the repeat term.
    pub repeat: f32,
    /// δ, of the popularity term.
    pub popularity: f32,
    /// φ, above 0: what the table is worth beside the encoder where it says nothing.
    pub floor: f32,
    /// κ: an item that this session has seen n times has a repeat bonus of 1 + κ·ln n.
    pub repeat_growth: f32,
    /// Value of one unit of an item's prior, not negative.
    pub prior: f32,
}

impl Fusion {
    /// The weights in the order of the tensor.
    pub fn to_array(self) -> [f32; 7] {
        [
            self.encoder,
            self.neighbours,
            self.repeat,
            self.popularity,
            self.floor,
            self.repeat_growth,
            self.prior,
        ]
    }
}

/// The tensors that have no row for each item.
#[derive(Clone)]
pub(crate) struct Constants {
    position_decay: Vec<f32>,
    action_weight: [f32; Action::COUNT],
    repeat: Vec<f32>,
    fusion: Fusion,
}

impl Constants {
    /// Reads and checks them for sessions of T `events`.
    pub(crate) fn read(header: &Header, bytes: &[u8], events: usize) -> Result<Self, BundleError> {
        let action = header.f32s(bytes, tensor::ACTION_WEIGHT, &[Action::COUNT])?;
        let fusion = header.f32s(bytes, tensor::FUSION, &[7])?;
        if fusion[4] <= 0.0 {
            return Err(header.fail(tensor::FUSION, "has a floor that is not above 0"));
        }
        if fusion[6] < 0.0 {
            return Err(header.fail(tensor::FUSION, "has a unit of priors that is below 0"));
        }
        Ok(Self {
            position_decay: header.f32s(bytes, tensor::POSITION_DECAY, &[events])?,
            action_weight: [action[0], action[1], action[2]],
            repeat: header.f32s(bytes, tensor::REPEAT, &[events])?,
            fusion: Fusion {
                encoder: fusion[0],
                neighbours: fusion[1],
                repeat: fusion[2],
                popularity: fusion[3],
                floor: fusion[4],
                repeat_growth: fusion[5],
                prior: fusion[6],
            },
        })
    }

    /// The tensors by name, as they are written.
    pub(crate) fn tensors(&self) -> [(&'static str, Vec<f32>); 4] {
        [
            (tensor::POSITION_DECAY, self.position_decay.clone()),
            (tensor::ACTION_WEIGHT, self.action_weight.to_vec()),
            (tensor::REPEAT, self.repeat.clone()),
            (tensor::FUSION, self.fusion.to_array().to_vec()),
        ]
    }

    #[inline]
    pub(super) fn event_weight(&self, distance: usize, action: Action) -> f32 {
        let decay = self.position_decay.get(distance).copied().unwrap_or(0.0);
        decay * self.action_weight[action as usize]
    }

    #[inline]
    pub(super) fn repeat(&self, distance: usize) -> f32 {
        self.repeat.get(distance).copied().unwrap_or(0.0)
    }

    #[inline]
    pub(super) fn fusion(&self) -> Fusion {
        self.fusion
    }
}
