//! Random numbers from the operating system.
//!
//! Noise that can be predicted protects nobody, so there is no seed to configure and no generator
//! of our own between the system's and the sampler, only a buffer: a draw takes some dozens of
//! bytes, and a system call for each would take longer than the draw.

use crate::PrivacyError;
use rand::{TryCryptoRng, TryRng};
use std::convert::Infallible;

/// Bytes that are asked for at once.
const BUFFER: usize = 4096;

/// A buffered stream of the operating system's random numbers. No byte is given out twice.
pub struct OsRandom {
    buffer: Box<[u8; BUFFER]>,
    used: usize,
}

impl OsRandom {
    /// Opens the stream; an error when the system gives no random numbers.
    pub fn new() -> Result<Self, PrivacyError> {
        let mut buffer = Box::new([0; BUFFER]);
        getrandom::fill(buffer.as_mut_slice()).map_err(|e| PrivacyError::Random(e.to_string()))?;
        Ok(Self { buffer, used: 0 })
    }

    /// The next bytes of the stream.
    ///
    /// # Panics
    /// When the system stops giving random numbers after it gave some. A release then ends before
    /// its transaction does, and nothing of it is kept: better than any number that could be used
    /// instead.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > BUFFER {
            if let Err(error) = getrandom::fill(self.buffer.as_mut_slice()) {
                panic!("{}", PrivacyError::Random(error.to_string()));
            }
            self.used = 0;
        }
        let mut bytes = [0; N];
        let taken = &mut self.buffer[self.used..self.used + N];
        bytes.copy_from_slice(taken);
        // What was used must not lie in memory longer than it is needed.
        taken.fill(0);
        self.used += N;
        bytes
    }
}

impl TryRng for OsRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.take()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.take()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            let taken = self.take::<8>();
            chunk.copy_from_slice(&taken[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for OsRandom {}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;
    use std::collections::HashSet;

    #[test]
    fn two_streams_share_nothing_and_no_word_comes_twice() {
        let mut streams = [OsRandom::new().unwrap(), OsRandom::new().unwrap()];
        let mut seen = HashSet::new();
        for _ in 0..2000 {
            for stream in &mut streams {
                // A repeat among 4,000 words of 64 bits has a chance of 10⁻¹².
                assert!(seen.insert(stream.next_u64()));
            }
        }
        let mut odd = [0; 13];
        streams[0].fill_bytes(&mut odd);
        assert_ne!(odd, [0; 13]);
    }
}
