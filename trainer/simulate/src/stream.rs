//! Random streams, one per purpose.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a stream is for; streams of different purposes are unrelated.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Items = 1,
    Pairs = 2,
    Shopper = 3,
    Visit = 4,
    Bot = 5,
    HeldOut = 6,
    Days = 7,
}

/// The stream of a purpose for two numbers, e.g. shopper and day.
pub(crate) fn stream(seed: u64, purpose: Purpose, a: u64, b: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (place, word) in [seed, purpose as u64, a, b].into_iter().enumerate() {
        key[place * 8..place * 8 + 8].copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// A number in [0, 1) for two numbers: a whole stream for one draw would be waste.
pub(crate) fn hashed(seed: u64, purpose: Purpose, a: u64, b: u64) -> f64 {
    // SplitMix64, twice over, see https://prng.di.unimi.it/splitmix64.c
    let mix = |value: u64| {
        let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    };
    let hash = mix(mix(mix(seed ^ ((purpose as u64) << 56)) ^ a) ^ b);
    (hash >> 11) as f64 / (1u64 << 53) as f64
}
