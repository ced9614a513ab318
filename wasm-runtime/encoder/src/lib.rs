//! The browser's second module: runs the bundle's session encoder with tract-onnx.
