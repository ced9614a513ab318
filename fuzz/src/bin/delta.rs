//! `cargo fuzz run delta`: see [`vitrine_fuzz::targets::delta`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vitrine_fuzz::targets::delta(bytes));
