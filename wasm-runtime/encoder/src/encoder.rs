//! Reading an encoder, and running it.

use crate::lower;
use prost::Message;
use tract_onnx::pb::ModelProto;
use tract_onnx::tract_core::internal::*;

/// The longest `encoder.onnx` that is read, in bytes.
pub const MAX_ENCODER_BYTES: usize = 16 * 1024 * 1024;
/// The most events that one session holds, T.
pub const MAX_STEPS: usize = 1024;

/// Why an encoder is refused, or cannot run.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// Longer than [`MAX_ENCODER_BYTES`].
    #[error("encoder.onnx is {0} bytes long; at most {MAX_ENCODER_BYTES} are read")]
    TooLong(usize),
    /// Not an ONNX file.
    #[error("encoder.onnx is not an ONNX file: {0}")]
    Malformed(String),
    /// The graph does not fit the contract.
    #[error("encoder.onnx: {0}")]
    Graph(String),
    /// A stored tensor is refused.
    #[error("encoder.onnx: tensor '{name}' {reason}")]
    Tensor {
        /// Its name in the file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A node is refused.
    #[error("encoder.onnx: node '{name}' ({operator}) {reason}")]
    Node {
        /// Its name in the file, or that of its first output.
        name: String,
        /// Its operator.
        operator: String,
        /// What is wrong with it.
        reason: String,
    },
    /// tract could not prepare the graph.
    #[error("encoder.onnx cannot be prepared: {0}")]
    Prepare(String),
    /// The session given to `encode` is not of the encoder's form.
    #[error(
        "a session is 1 to {MAX_STEPS} rows of {width} finite numbers; this one has {len} numbers"
    )]
    Session {
        /// Numbers per event, D + 3.
        width: usize,
        /// Numbers given.
        len: usize,
    },
    /// tract could not run the graph.
    #[error("the encoder failed: {0}")]
    Run(String),
    /// The answer is of no use.
    #[error("the encoder's answer holds a number that is not finite")]
    NotFinite,
}

/// A session encoder, ready to run.
#[derive(Debug)]
pub struct Encoder {
    plan: Arc<TypedSimplePlan>,
    width: usize,
    dim: usize,
}

impl Encoder {
    /// Reads `onnx`, checks it against the contract and optimises it.
    ///
    /// `width` is the length of one event's vector, D + 3. Takes tens of milliseconds in a
    /// browser: keep it off the main thread.
    pub fn new(onnx: &[u8], width: usize) -> Result<Self, EncoderError> {
        if onnx.len() > MAX_ENCODER_BYTES {
            return Err(EncoderError::TooLong(onnx.len()));
        }
        let proto = ModelProto::decode(onnx).map_err(|e| EncoderError::Malformed(e.to_string()))?;
        let (model, dim) = lower::graph(&proto, width)?;
        drop(proto);
        let prepare = |e: TractError| EncoderError::Prepare(format!("{e:#}"));
        let model = model.into_optimized().map_err(prepare)?;
        let plan = TypedSimplePlan::build(model, &RunOptions::default()).map_err(prepare)?;
        Ok(Self {
            plan: Arc::new(plan),
            width,
            dim,
        })
    }

    /// Length of the query vector, D.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Length of one event's vector, D + 3.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The query vector `[D]` of a session `[T, width]`, row by row.
    ///
    /// Nothing is carried from one call to the next.
    pub fn encode(&mut self, session: &[f32]) -> Result<Vec<f32>, EncoderError> {
        let refuse = || EncoderError::Session {
            width: self.width,
            len: session.len(),
        };
        let steps = session.len().checked_div(self.width).unwrap_or(0);
        let whole = steps * self.width == session.len() && (1..=MAX_STEPS).contains(&steps);
        if !whole || session.iter().any(|value| !value.is_finite()) {
            return Err(refuse());
        }
        let run = |e: TractError| EncoderError::Run(format!("{e:#}"));
        let input = Tensor::from_shape(&[1, steps, self.width], session).map_err(run)?;
        let output = self.plan.run(tvec!(input.into_tvalue())).map_err(run)?;
        let query = output
            .first()
            .ok_or_else(|| EncoderError::Run("no output".into()))?;
        let query = query
            .try_as_plain_ram()
            .and_then(|t| t.as_slice::<f32>().map(<[f32]>::to_vec))
            .map_err(run)?;
        if query.len() != self.dim || query.iter().any(|value| !value.is_finite()) {
            return Err(EncoderError::NotFinite);
        }
        Ok(query)
    }
}
