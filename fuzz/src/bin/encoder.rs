//! `cargo fuzz run encoder`: see [`vitrine_fuzz::targets::encoder`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vitrine_fuzz::targets::encoder(bytes));
