//! The browser's first module: `vitrine-core` behind wasm-bindgen.
