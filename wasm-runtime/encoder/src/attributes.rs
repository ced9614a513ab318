//! The attributes of one node, read by name; what nobody asked for is refused.
//!
//! An importer that skips what it does not know computes something else than the file says.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, NodeProto, TensorProto};

/// Attributes not yet taken.
pub(crate) struct Attributes<'a>(Vec<&'a AttributeProto>);

impl<'a> Attributes<'a> {
    pub(crate) fn of(node: &'a NodeProto) -> Self {
        Self(node.attribute.iter().collect())
    }

    fn take(
        &mut self,
        name: &str,
        kind: AttributeType,
    ) -> Result<Option<&'a AttributeProto>, String> {
        let Some(at) = self.0.iter().position(|attribute| attribute.name == name) else {
            return Ok(None);
        };
        let attribute = self.0.swap_remove(at);
        if attribute.r#type != kind as i32 {
            return Err(format!(
                "attribute '{name}' is not of the type that ONNX gives it"
            ));
        }
        Ok(Some(attribute))
    }

    pub(crate) fn int(&mut self, name: &str, default: i64) -> Result<i64, String> {
        Ok(self
            .take(name, AttributeType::Int)?
            .map_or(default, |a| a.i))
    }

    pub(crate) fn float(&mut self, name: &str, default: f32) -> Result<f32, String> {
        Ok(self
            .take(name, AttributeType::Float)?
            .map_or(default, |a| a.f))
    }

    pub(crate) fn ints(&mut self, name: &str) -> Result<Option<&'a [i64]>, String> {
        Ok(self.take(name, AttributeType::Ints)?.map(|a| &*a.ints))
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<&'a [u8]>, String> {
        Ok(self.take(name, AttributeType::String)?.map(|a| &*a.s))
    }

    pub(crate) fn texts(&mut self, name: &str) -> Result<Option<&'a [Vec<u8>]>, String> {
        Ok(self
            .take(name, AttributeType::Strings)?
            .map(|a| &*a.strings))
    }

    pub(crate) fn tensor(&mut self, name: &str) -> Result<Option<&'a TensorProto>, String> {
        let attribute = self.take(name, AttributeType::Tensor)?;
        Ok(attribute.and_then(|a| a.t.as_ref()))
    }

    /// Refuses what is left.
    pub(crate) fn finish(self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some(left) => Err(format!(
                "attribute '{}' is not one that this encoder follows",
                left.name.escape_debug().take(40).collect::<String>()
            )),
        }
    }
}
