//! Builds the two browser modules: cargo, wasm-bindgen, wasm-opt.

fn main() {}
