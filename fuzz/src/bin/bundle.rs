//! `cargo fuzz run bundle`: see [`vitrine_fuzz::targets::bundle`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vitrine_fuzz::targets::bundle(bytes));
