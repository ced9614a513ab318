//! One file a command.

pub mod compress;
pub mod evaluate;
pub mod export;
pub mod key;
pub mod prepare;
pub mod privacy;
pub mod promote;
pub mod publish;
pub mod quarantine;
pub mod retrain;
pub mod rollback;
pub mod simulate;
pub mod train;
pub mod tune;

use anyhow::Context;
use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in seconds.
fn now() -> anyhow::Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(now
        .context("the system's clock stands before 1970")?
        .as_secs())
}
