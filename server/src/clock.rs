//! The server's clock, passed in so that a test can hold it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Says what time it is.
pub trait Clock: Send + Sync {
    /// Unix time in seconds.
    fn now(&self) -> u64;
}

/// The machine's clock, moved by a fixed number of seconds (0 outside tests).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock {
    /// Seconds added to the machine's time; may be negative.
    pub offset_seconds: i64,
}

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
            .saturating_add_signed(self.offset_seconds)
    }
}
