//! `vitrine-server release`: once per closed window, what passes the level's rule.
//!
//! All levels go through the same two steps, either of which may be cut off and repeated. The
//! first is one transaction of the database: counts in, raw cells out, window marked ([`Database::release`]). The second writes
//! each released window to a file that training reads. The tables are the truth and the file is
//! a copy: a missing file is written again, byte for byte, and a file that differs is an error,
//! because a released window never changes.

use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::promise::Policy;
use crate::storage::{Database, Forecast, Location, Released, StorageError, Window};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use vitrine_core::metric::Histogram;
use vitrine_core::privacy::Level;
use vitrine_core::released::ReleasedWindow;
use vitrine_durable::{create_folder, replace, sweep};

/// What happened to one window.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Its number.
    pub window: u64,
    /// What was released now; `None` when that was done before.
    pub released: Option<Released>,
    /// Its file.
    pub path: PathBuf,
    /// True if the file was written now.
    pub written: bool,
}

/// Why a window was not released.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The output folder cannot be used.
    #[error("cannot {doing} {}: {source}; name another folder with --out", path.display())]
    Out {
        /// What was tried.
        doing: &'static str,
        /// The path.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The window still takes reports.
    #[error(
        "window {window} is open for another {seconds} seconds by the clock that is furthest \
         behind, of this machine, the database and the running servers; it can be released when it \
         is closed for all of them"
    )]
    Open {
        /// Its number.
        window: u64,
        /// Seconds until it closes.
        seconds: u64,
    },
    /// No report ever fell into the window.
    #[error(
        "window {window} holds no report, so there is nothing to release; known windows: {known}"
    )]
    Unknown {
        /// Its number.
        window: u64,
        /// The numbers of the windows that hold some.
        known: String,
    },
    /// What was deleted may still be read from the database's file.
    #[error(
        "the raw cells of released windows are deleted but not overwritten: another process reads \
         {location}, so its write-ahead log cannot be emptied and still holds them; end that \
         process and run this again"
    )]
    NotOverwritten {
        /// The database.
        location: Location,
    },
    /// The file of a released window is not what was released.
    #[error(
        "{} differs from what was released for window {window}: a released window never changes; \
         move the file away and run this again", path.display()
    )]
    Differs {
        /// The window.
        window: u64,
        /// The file.
        path: PathBuf,
    },
}

/// What happened to the windows, and why it stopped where it did.
#[derive(Debug)]
pub struct Outcome {
    /// The windows that are released, in order.
    pub reports: Vec<Report>,
    /// Why a window was refused, or raw cells may still be read; no window after a refused one
    /// was tried.
    pub refused: Option<ReleaseError>,
    /// True if deleted raw cells are gone from the database's file too.
    pub overwritten: bool,
}

/// How often emptying the write-ahead log is tried; each try waits ten seconds for readers.
const TRIES: u32 = 3;

/// Releases every closed window, or one, and writes their files to `out`. When a window is
/// refused, the files of those before it are written all the same.
pub async fn release(
    location: &Location,
    policy: &Policy,
    only: Option<u64>,
    out: &Path,
    clock: &dyn Clock,
) -> Result<Outcome, ReleaseError> {
    create_folder(out).map_err(|source| ReleaseError::Out {
        doing: "create the folder",
        path: out.to_owned(),
        source,
    })?;
    sweep(out);
    let mut database = Database::open(location).await?;
    let mut now_released = HashMap::new();
    let mut refused = None;
    let now = database.latest_common_time(clock).await?;
    for window in chosen(database.windows().await?, only, now)? {
        if window.released {
            continue;
        }
        match database.release(&window, policy, clock).await {
            Ok(Some(released)) => {
                if released.left_out > 0 {
                    tracing::warn!(
                        window = window.window,
                        left_out = released.left_out,
                        "a released file has no room for so many cells; those with the lowest counts \
                         are left out and their reports are deleted: more were reported than shops \
                         report, which points to forged reports"
                    );
                }
                now_released.insert(window.window, released);
            }
            Ok(None) => {}
            Err(error) => {
                refused = Some(error.into());
                break;
            }
        }
    }
    let ledger = database.ledger().await?;
    let mut reports = Vec::new();
    // Read again: what holds for a window is final once it is released.
    for window in chosen(database.windows().await?, only, now)? {
        if !window.released {
            continue;
        }
        let released = now_released.remove(&window.window);
        let (path, written) = write(&mut database, &ledger, &window, out).await?;
        reports.push(Report {
            window: window.window,
            released,
            path,
            written,
        });
    }
    let mut overwritten = false;
    for _ in 0..TRIES {
        overwritten = database.forget(clock).await?;
        if overwritten {
            break;
        }
    }
    database.close().await?;
    if !overwritten && refused.is_none() {
        refused = Some(ReleaseError::NotOverwritten {
            location: location.clone(),
        });
    }
    Ok(Outcome {
        reports,
        refused,
        overwritten,
    })
}

/// What [`release`] would do with every closed window, or one, that is not released.
pub async fn dry_run(
    location: &Location,
    policy: &Policy,
    only: Option<u64>,
    clock: &dyn Clock,
) -> Result<Vec<(u64, Forecast)>, ReleaseError> {
    let mut database = Database::open(location).await?;
    let mut ledger = database.ledger().await?;
    let mut forecasts = Vec::new();
    let now = database.latest_common_time(clock).await?;
    for window in chosen(database.windows().await?, only, now)? {
        if !window.released {
            let forecast = database.forecast(&window, policy, &mut ledger).await?;
            forecasts.push((window.window, forecast));
        }
    }
    database.close().await?;
    Ok(forecasts)
}

/// The closed windows, or the one that was asked for.
fn chosen(windows: Vec<Window>, only: Option<u64>, now: u64) -> Result<Vec<Window>, ReleaseError> {
    let Some(number) = only else {
        return Ok(windows.into_iter().filter(|w| w.end() <= now).collect());
    };
    match windows.iter().find(|w| w.window == number) {
        Some(window) if window.end() <= now => Ok(vec![*window]),
        Some(window) => Err(ReleaseError::Open {
            window: number,
            seconds: window.end() - now,
        }),
        None => Err(ReleaseError::Unknown {
            window: number,
            known: match windows.is_empty() {
                true => "none".into(),
                false => windows
                    .iter()
                    .map(|w| w.window.to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
            },
        }),
    }
}

/// Writes a released window's file unless it is there; says where, and whether it was written.
async fn write(
    database: &mut Database,
    ledger: &Ledger,
    window: &Window,
    out: &Path,
) -> Result<(PathBuf, bool), ReleaseError> {
    let cells = database.released_cells(window.window).await?;
    let metrics = database.released_metrics(window.window).await?;
    let noise = ledger.noise(window.window);
    let sigma = noise.map_or(0.0, |noise| noise.sigma);
    let level = window.promise.level;
    let mut released = ReleasedWindow::new(
        window.window,
        window.window_seconds,
        level,
        match level {
            Level::Unlinkable => window.promise.k.max(1),
            Level::Private | Level::Local => 1,
        },
        noise,
        cells,
        metrics.map(|counts| Histogram::estimate(&counts, sigma)),
    );
    released.left_out = window.left_out;
    let bytes = released.to_bytes();
    let path = out.join(ReleasedWindow::file_name(window.window));
    match fs::read(&path) {
        Ok(there) if there == bytes => Ok((path, false)),
        Ok(_) => Err(ReleaseError::Differs {
            window: window.window,
            path,
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => match replace(&path, &bytes) {
            Ok(()) => Ok((path, true)),
            Err(source) => Err(ReleaseError::Out {
                doing: "write",
                path,
                source,
            }),
        },
        Err(source) => Err(ReleaseError::Out {
            doing: "read",
            path,
            source,
        }),
    }
}
