//! `vitrine quarantine`.

use crate::output::say;
use crate::quarantine::{Quarantine, list};
use std::path::PathBuf;

/// Keep released windows out of training, or take them back.
///
/// `vitrine rollback --released DIR` quarantines the windows of the bundle that it takes back.
///
///   vitrine quarantine list --released released
///   vitrine quarantine add 2921 --reason "a burst of forged reports" --released released
///   vitrine quarantine lift 2921 --released released
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Show which windows are quarantined, and why.
    List {
        /// Folder of window-*.json files.
        #[arg(long)]
        released: PathBuf,
    },
    /// Keep windows out of training.
    Add {
        /// Numbers of the windows.
        #[arg(required = true)]
        windows: Vec<u64>,
        /// Why.
        #[arg(long, default_value = "no reason was given")]
        reason: String,
        /// Folder of window-*.json files.
        #[arg(long)]
        released: PathBuf,
    },
    /// Let training read windows again.
    Lift {
        /// Numbers of the windows.
        #[arg(required = true)]
        windows: Vec<u64>,
        /// Folder of window-*.json files.
        #[arg(long)]
        released: PathBuf,
    },
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.action {
        Action::List { released } => {
            for (window, entry) in Quarantine::read(released)?.windows() {
                say!("{window}: {} (since {})", entry.reason, entry.since);
            }
        }
        Action::Add {
            windows,
            reason,
            released,
        } => {
            Quarantine::read(released)?.add(windows, reason, super::now()?)?;
            say!("quarantined: windows {}", list(windows));
        }
        Action::Lift { windows, released } => {
            Quarantine::read(released)?.lift(windows)?;
            say!("read again: windows {}", list(windows));
        }
    }
    Ok(())
}
