//! Serves bundles by content hash, takes feedback, releases what passes the rule.

fn main() {}
