//! `cargo fuzz run feedback`: see [`vitrine_fuzz::targets::feedback`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vitrine_fuzz::targets::feedback(bytes));
