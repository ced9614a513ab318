//! `cargo fuzz run budget`: see [`vitrine_fuzz::targets::budget`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vitrine_fuzz::targets::budget(bytes));
