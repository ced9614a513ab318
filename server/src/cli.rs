//! The command line.

use crate::config::Layer;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Serves Vitrine's bundles by content hash, takes feedback as single unlinkable cells, and
/// releases what passes the rule.
///
/// Settings come from a TOML file (--config), then from the environment, then from flags; the
/// later wins, and a key that is not known is refused. A flag `--feedback-queue` is the key
/// `feedback_queue` in the file and VITRINE_SERVER_FEEDBACK_QUEUE in the environment.
#[derive(Debug, Parser)]
#[command(
    name = "vitrine-server",
    version,
    args_conflicts_with_subcommands = true,
    after_long_help = "Examples:

  Serve the bundles that `vitrine publish --store store` wrote, and a storefront beside them:
    vitrine-server serve --store store --site web/demo/dist

  Listen to the world, and to publishers on the inner network:
    TOKEN=$(head -c 32 /dev/urandom | base64)
    vitrine-server serve --listen 0.0.0.0:8080 --admin-listen 10.0.0.5:8081 \\
      --admin-token-sha256 $(printf %s \"$TOKEN\" | sha256sum | cut -c1-64)

  The same from a file, with one setting changed for today:
    vitrine-server serve --config vitrine.toml --log debug

  Once per window, for example by a timer: release what passed the rule, delete the raw cells,
  and write the tables that `vitrine retrain` reads:
    vitrine-server release --database vitrine.db --out released"
)]
pub struct Cli {
    /// What to do; `serve` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of `serve`.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // One value per process.
pub enum Command {
    /// Serve until told to stop (SIGTERM or SIGINT); also what happens when no command is given
    #[command(after_long_help = "Examples:

    vitrine-server serve
    vitrine-server serve --listen 0.0.0.0:8080 --store store --site web/demo/dist
    VITRINE_SERVER_LISTEN=0.0.0.0:8080 vitrine-server serve --config vitrine.toml

The first line on standard output is `vitrine-server listens on http://ADDRESS`, once it does.")]
    Serve(ServeArgs),
    /// Release closed windows: write what at least k reports named, delete the raw cells
    #[command(after_long_help = "Examples:

  Every window that is closed (safe to repeat: a window is released once, and a file that is
  missing is written again):
    vitrine-server release --out released

  One window:
    vitrine-server release --window 2921 --out released

The server may keep running meanwhile. Each window becomes released/window-<number>.json.")]
    Release(ReleaseArgs),
}

/// Settings of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// TOML file with settings
    #[arg(long, env = "VITRINE_SERVER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Settings from flags and the environment.
    #[command(flatten)]
    pub settings: Layer,
}

/// Settings of `release`.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// TOML file with settings; `database` is read from it
    #[arg(long, env = "VITRINE_SERVER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// SQLite file that the server writes [default: vitrine.db]
    #[arg(long, env = "VITRINE_SERVER_DATABASE", value_name = "FILE")]
    pub database: Option<String>,
    /// Only this window, by number [default: every closed window]
    #[arg(long, value_name = "NUMBER")]
    pub window: Option<u64>,
    /// Folder for the released tables; made when there is none
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// For tests: seconds to add to the machine's clock, as the server has it [default: 0]
    #[arg(
        long,
        env = "VITRINE_SERVER_CLOCK_OFFSET_SECONDS",
        value_name = "SECONDS",
        allow_hyphen_values = true
    )]
    pub clock_offset_seconds: Option<i64>,
}
