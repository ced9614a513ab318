//! The command line.

use crate::config::{Layer, parse_level};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use vitrine_core::Digest;
use vitrine_core::privacy::Level;
use vitrine_core::signature::PublicKey;

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
    /// Release closed windows: write what passes the level's rule, delete the raw cells
    #[command(after_long_help = "Examples:

  Every window that is closed (safe to repeat: a window is released once, and a file that is
  missing is written again):
    vitrine-server release --out released

  One window:
    vitrine-server release --window 2921 --out released

  What that would release, and what ε it would cost, without doing it:
    vitrine-server release --dry-run --privacy-level private --epsilon-ceiling 20

The server may keep running meanwhile. Each window becomes released/window-<number>.json.")]
    Release(ReleaseArgs),
    /// Print the privacy ledger: every release, its ε, and what a year of them adds up to
    #[command(after_long_help = "Examples:

    vitrine-server privacy --database vitrine.db
    vitrine-server privacy --config vitrine.toml")]
    Privacy(PrivacyArgs),
    /// Check the audit log's chain, write a checkpoint, and check the log against an earlier one
    #[command(after_long_help = "Examples:

    vitrine-server audit audit.jsonl
    vitrine-server audit audit.jsonl --head $(cat noted-last-week)

  A checkpoint, signed on the machine where the key is, and the log against it a month later:
    vitrine-server audit audit.jsonl --out checkpoint
    vitrine key sign checkpoint --key audit.pem
    vitrine-server audit audit.jsonl --checkpoint checkpoint --public-key 3d40…660c

A line that was changed, removed or put in between breaks the chain. That the end is missing, or
that the whole was written anew, only shows against a hash or a checkpoint from before.")]
    Audit(AuditArgs),
    /// Make and look at the keys of Oblivious HTTP, through which reports come by a relay
    #[command(after_long_help = "Examples:

  The first key; the server reads the file, and pages pin the public half that is printed:
    vitrine-server oblivious-key new oblivious.keys
    vitrine-server serve --oblivious-keys oblivious.keys

  Another key, before the first, which stays in force until its line is deleted:
    vitrine-server oblivious-key new oblivious.keys

  The newest key's public half again:
    vitrine-server oblivious-key show oblivious.keys

The file is a line a key, the newest first, and only its owner may read it. A server reads it when it
starts; several servers have the same file.")]
    ObliviousKey(ObliviousKeyArgs),
}

/// Settings of `oblivious-key`.
#[derive(Debug, Args)]
pub struct ObliviousKeyArgs {
    /// Its part.
    #[command(subcommand)]
    pub command: ObliviousKeyCommand,
}

/// The parts of `oblivious-key`.
#[derive(Debug, Subcommand)]
pub enum ObliviousKeyCommand {
    /// Draw a key and put it before the others in FILE, which is made when there is none
    New {
        /// The file, as the setting oblivious_keys names it
        file: PathBuf,
    },
    /// Print the public half of the newest key in FILE, and how a page pins it
    Show {
        /// The file, as the setting oblivious_keys names it
        file: PathBuf,
    },
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
    /// Settings from flags and the environment.
    #[command(flatten)]
    pub settings: DatabaseArgs,
    /// Only this window, by number [default: every closed window]
    #[arg(long, value_name = "NUMBER")]
    pub window: Option<u64>,
    /// Folder for the released tables; made when there is none
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    pub out: Option<PathBuf>,
    /// Print what would be released, as counts, and the ε that it would cost; change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Settings of `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// The log, as the setting audit_log names it
    pub file: PathBuf,
    /// A hash that this command printed earlier: some line must have it
    #[arg(long, value_name = "HEX")]
    pub head: Option<Digest>,
    /// Write a checkpoint to FILE: the time, the number of lines and the last hash, to be signed
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// A signed checkpoint of this log: the line that was its last must be there still
    #[arg(long, value_name = "FILE", requires = "public_keys")]
    pub checkpoint: Option<PathBuf>,
    /// A key that signs checkpoints, as `vitrine key show` prints it; may be given several times
    #[arg(long = "public-key", value_name = "HEX", requires = "checkpoint")]
    pub public_keys: Vec<PublicKey>,
}

/// Settings of `privacy`.
#[derive(Debug, Args)]
pub struct PrivacyArgs {
    /// Settings from flags and the environment.
    #[command(flatten)]
    pub settings: DatabaseArgs,
}

/// Settings of the commands that work on the database alone.
#[derive(Debug, Args)]
pub struct DatabaseArgs {
    /// TOML file with settings, as `serve` reads it
    #[arg(long, env = "VITRINE_SERVER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// SQLite file or PostgreSQL URL that the server writes [default: vitrine.db]
    #[arg(
        long,
        env = "VITRINE_SERVER_DATABASE",
        value_name = "FILE|URL",
        hide_env_values = true
    )]
    pub database: Option<String>,
    /// Level of every window, at least: `unlinkable`, `private` or `local` [default: unlinkable]
    #[arg(
        long,
        env = "VITRINE_SERVER_PRIVACY_LEVEL",
        value_name = "LEVEL",
        value_parser = parse_level
    )]
    pub privacy_level: Option<Level>,
    /// At the private level, ε that one window may cost, from 0.25 to 10 [default: 4]
    #[arg(long, env = "VITRINE_SERVER_EPSILON", value_name = "EPSILON")]
    pub epsilon: Option<f64>,
    /// At the private level, ε that the windows of any one year may add up to [default: none]
    #[arg(long, env = "VITRINE_SERVER_EPSILON_CEILING", value_name = "EPSILON")]
    pub epsilon_ceiling: Option<f64>,
    /// For tests: seconds to add to the machine's clock, as the server has it [default: 0]
    #[arg(
        long,
        env = "VITRINE_SERVER_CLOCK_OFFSET_SECONDS",
        value_name = "SECONDS",
        allow_hyphen_values = true
    )]
    pub clock_offset_seconds: Option<i64>,
}

impl DatabaseArgs {
    /// As a source of settings.
    pub fn layer(self) -> Layer {
        Layer {
            database: self.database,
            privacy_level: self.privacy_level,
            epsilon: self.epsilon,
            epsilon_ceiling: self.epsilon_ceiling,
            clock_offset_seconds: self.clock_offset_seconds,
            ..Layer::default()
        }
    }
}
