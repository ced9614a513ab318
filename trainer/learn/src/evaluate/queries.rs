//! The encoder's answers for examples, from the same module that the browser runs.

use crate::dataset::Examples;
use rayon::prelude::*;
use vitrine_core::Action;
use vitrine_core::rank::encoder_input;
use vitrine_core::score::Query;
use vitrine_core::tables::Tables;
use vitrine_encoder::{Encoder, EncoderError};

/// One answer for each example, in order; `None` where no item of the input is known.
pub fn queries(
    tables: &Tables,
    onnx: &[u8],
    examples: &Examples,
    max_session: usize,
) -> Result<Vec<Option<Query>>, EncoderError> {
    // Read once here, so that a bad file is one error and not one per thread.
    let width = tables.dim() + Action::COUNT;
    Encoder::new(onnx, width)?;
    (0..examples.len())
        .into_par_iter()
        .with_min_len(256)
        .map_init(
            || Encoder::new(onnx, width),
            |encoder, example| {
                let Ok(encoder) = encoder else {
                    return Ok(None);
                };
                let (input, _) = examples.get(example);
                let from = input.len().saturating_sub(max_session);
                let input = encoder_input(tables, &input[from..]);
                if input.is_empty() {
                    return Ok(None);
                }
                encoder.encode(&input).map(|query| Query::new(&query))
            },
        )
        .collect()
}
