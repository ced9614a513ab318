//! `cargo fuzz run manifest`: see [`vitrine_fuzz::targets::manifest`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vitrine_fuzz::targets::manifest(bytes));
