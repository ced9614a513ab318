//! What a data engineer relies on, from files to the prepared folder. One program, because each
//! would link the query engine anew.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

mod analytics;
mod bad_input;
mod columns;
mod encodings;
mod folders;
mod formats;
mod identity;
mod joining;
mod json;
mod money;
mod nested;
mod notices;
mod order_state;
mod orders;
mod presets;
mod real_data;
mod rules;
mod sessions;
mod shop_presets;
mod stock;
mod support;
mod times;
