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

use anyhow::{Context, ensure};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Refuses to write a run into the prepared data: the next `prepare` would not replace a folder that
/// holds other files.
fn keep_apart(data: &Path, out: &Path) -> anyhow::Result<()> {
    let same = data.canonicalize().ok().zip(out.canonicalize().ok());
    ensure!(
        same.is_none_or(|(data, out)| data != out),
        "--out {} is the folder of --data; name another for what is learned",
        out.display()
    );
    Ok(())
}

/// Unix time in seconds.
fn now() -> anyhow::Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(now
        .context("the system's clock stands before 1970")?
        .as_secs())
}
