//! The `vitrine` command: prepare, simulate, train, evaluate, export, publish, retrain.

fn main() {}
