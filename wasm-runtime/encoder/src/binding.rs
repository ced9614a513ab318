//! The encoder as JavaScript sees it.

use wasm_bindgen::prelude::*;

/// A session encoder, ready to run.
#[wasm_bindgen(js_name = Encoder)]
pub struct JsEncoder(crate::Encoder);

#[wasm_bindgen(js_class = Encoder)]
impl JsEncoder {
    /// Reads `encoder.onnx`; `width` is D + 3. The caller has verified the file's hash.
    #[wasm_bindgen(constructor)]
    pub fn new(onnx: &[u8], width: usize) -> Result<Self, JsError> {
        Ok(Self(crate::Encoder::new(onnx, width)?))
    }

    /// The query vector `[D]` of a session `[T × width]`, row by row.
    pub fn encode(&mut self, session: &[f32]) -> Result<Vec<f32>, JsError> {
        Ok(self.0.encode(session)?)
    }

    /// Length of the query vector, D.
    #[wasm_bindgen(getter)]
    pub fn dim(&self) -> usize {
        self.0.dim()
    }
}
