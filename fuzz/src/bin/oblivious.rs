//! `cargo fuzz run oblivious`: see [`vitrine_fuzz::targets::oblivious`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vitrine_fuzz::targets::oblivious(bytes));
