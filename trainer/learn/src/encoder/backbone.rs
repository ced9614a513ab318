//! What reads the events: recurrent, convolutional or attending. Each sees an event and those
//! before it, never a later one.

mod attention;
mod convolution;
mod gru;
mod normal;

use super::EncoderParameters;
use super::onnx::Graph;
use super::weights::Initial;
use attention::Attention;
use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use convolution::Convolution;
use gru::Gru;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Which backbone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackboneKind {
    /// A gated recurrent unit, as in GRU4Rec (Hidasi et al., ICLR 2016).
    #[default]
    Gru,
    /// Causal dilated convolutions, as in NextItNet (Yuan et al., WSDM 2019).
    Cnn,
    /// Causal self-attention, as in SASRec (Kang & McAuley, ICDM 2018).
    Attention,
}

impl BackboneKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Gru, Self::Cnn, Self::Attention];

    /// Its name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gru => "gru",
            Self::Cnn => "cnn",
            Self::Attention => "attention",
        }
    }
}

/// The backbone's layers.
#[derive(Module, Debug)]
pub enum Backbone<B: Backend> {
    /// See [`BackboneKind::Gru`].
    Gru(Gru<B>),
    /// See [`BackboneKind::Cnn`].
    Convolution(Convolution<B>),
    /// See [`BackboneKind::Attention`].
    Attention(Attention<B>),
}

impl<B: Backend> Backbone<B> {
    /// First weights for inputs of `width` numbers.
    pub fn init(
        parameters: &EncoderParameters,
        width: usize,
        initial: &mut Initial<'_, B, impl Rng>,
    ) -> Self {
        let (hidden, layers) = (parameters.hidden, parameters.layers);
        match parameters.backbone {
            BackboneKind::Gru => Self::Gru(Gru::init(width, hidden, initial)),
            BackboneKind::Cnn => {
                Self::Convolution(Convolution::init(width, hidden, layers, initial))
            }
            BackboneKind::Attention => Self::Attention(Attention::init(
                width,
                hidden,
                layers,
                parameters.heads,
                initial,
            )),
        }
    }

    /// States after each event: `[T, B, W]` → `[T × B, H]`, the first event first.
    pub fn forward(&self, input: Tensor<B, 3>) -> Tensor<B, 2> {
        match self {
            Self::Gru(gru) => gru.forward(input),
            Self::Convolution(convolution) => convolution.forward(input),
            Self::Attention(attention) => attention.forward(input),
        }
    }

    /// Adds the layers: they read `session` `[1, T, W]` and give `states` `[T, H]`.
    pub fn export(&self, graph: &mut Graph) {
        match self {
            Self::Gru(gru) => gru.export(graph),
            Self::Convolution(convolution) => convolution.export(graph),
            Self::Attention(attention) => attention.export(graph),
        }
    }
}
