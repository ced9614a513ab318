//! Configuration: a TOML file, then environment variables, then flags; the later wins.
//!
//! [`Layer`] is one source of settings. The same struct is read from the file and from the
//! command line, where `clap` also reads the environment, so a key has one name, one type and
//! one description in all three. A key that nobody knows is an error in each of them: a
//! misspelt `admin_listn` must not quietly leave the default in force.

use crate::storage::Location;
use serde::Deserialize;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vitrine_core::Digest;

/// Environment variables of this command start with it.
pub const ENVIRONMENT_PREFIX: &str = "VITRINE_SERVER_";

/// One source of settings; what it leaves out, another source or the default decides.
#[derive(Clone, Debug, Default, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Address and port of the public listener; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, env = "VITRINE_SERVER_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,

    /// Folder of published bundles, as `vitrine publish` writes it; made when there is none
    /// [default: store]
    #[arg(long, env = "VITRINE_SERVER_STORE", value_name = "DIR")]
    pub store: Option<PathBuf>,

    /// SQLite file for feedback and released tables; made when there is none
    /// [default: vitrine.db]
    #[arg(long, env = "VITRINE_SERVER_DATABASE", value_name = "FILE")]
    pub database: Option<String>,

    /// Folder of a static site to serve at `/` [default: none]
    #[arg(long, env = "VITRINE_SERVER_SITE", value_name = "DIR")]
    pub site: Option<PathBuf>,

    /// Address and port of the admin listener, through which bundles are published from
    /// another machine [default: off]
    #[arg(long, env = "VITRINE_SERVER_ADMIN_LISTEN", value_name = "ADDRESS")]
    pub admin_listen: Option<SocketAddr>,

    /// SHA-256, in hexadecimal, of the bearer token that the admin listener asks for; needed
    /// with admin_listen [default: none]
    #[arg(
        long,
        env = "VITRINE_SERVER_ADMIN_TOKEN_SHA256",
        value_name = "HEX",
        hide_env_values = true
    )]
    pub admin_token_sha256: Option<TokenHash>,

    /// Threads that answer requests, a count of at least 1 [default: one per core]
    #[arg(long, env = "VITRINE_SERVER_WORKERS", value_name = "COUNT")]
    pub workers: Option<usize>,

    /// Reports that may wait for the disk before the next is answered with 503, a count of at
    /// least 1 [default: 10000]
    #[arg(long, env = "VITRINE_SERVER_FEEDBACK_QUEUE", value_name = "COUNT")]
    pub feedback_queue: Option<usize>,

    /// How long a client may take to send a report's body, in seconds, at least 1 [default: 10]
    #[arg(
        long,
        env = "VITRINE_SERVER_FEEDBACK_BODY_SECONDS",
        value_name = "SECONDS"
    )]
    pub feedback_body_seconds: Option<u64>,

    /// How long running requests may take to end when the server is told to stop, in seconds
    /// [default: 30]
    #[arg(long, env = "VITRINE_SERVER_SHUTDOWN_SECONDS", value_name = "SECONDS")]
    pub shutdown_seconds: Option<u64>,

    /// Log a line per request: method, path, status, microseconds; never an address or a query
    /// [default: true]
    #[arg(long, env = "VITRINE_SERVER_ACCESS_LOG", value_name = "BOOL")]
    pub access_log: Option<bool>,

    /// Which log lines are written, as a `tracing` filter such as `warn` or `info,access=off`
    /// [default: info]
    #[arg(long, env = "VITRINE_SERVER_LOG", value_name = "FILTER")]
    pub log: Option<String>,

    /// For tests: seconds to add to the machine's clock, so that a window can be closed without
    /// waiting for it [default: 0]
    #[arg(
        long,
        env = "VITRINE_SERVER_CLOCK_OFFSET_SECONDS",
        value_name = "SECONDS",
        allow_hyphen_values = true
    )]
    pub clock_offset_seconds: Option<i64>,
}

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// See [`Layer::listen`].
    pub listen: SocketAddr,
    /// See [`Layer::store`].
    pub store: PathBuf,
    /// See [`Layer::database`].
    pub database: Location,
    /// See [`Layer::site`].
    pub site: Option<PathBuf>,
    /// See [`Layer::admin_listen`] and [`Layer::admin_token_sha256`].
    pub admin: Option<Admin>,
    /// See [`Layer::workers`].
    pub workers: usize,
    /// See [`Layer::feedback_queue`].
    pub feedback_queue: usize,
    /// See [`Layer::feedback_body_seconds`].
    pub feedback_body: Duration,
    /// See [`Layer::shutdown_seconds`].
    pub shutdown_seconds: u64,
    /// See [`Layer::access_log`].
    pub access_log: bool,
    /// See [`Layer::log`].
    pub log: String,
    /// See [`Layer::clock_offset_seconds`].
    pub clock_offset_seconds: i64,
}

/// The admin listener.
#[derive(Clone, Copy, Debug)]
pub struct Admin {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What the bearer token must hash to.
    pub token: TokenHash,
}

/// SHA-256 of the admin token. Not printed: who has it can try tokens against it.
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(pub Digest);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<masked>")
    }
}

impl std::str::FromStr for TokenHash {
    type Err = vitrine_core::digest::NotADigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The file is not TOML, holds an unknown key, or a value of the wrong kind.
    #[error(
        "{}: {source}\nRun `vitrine-server --help` for the keys: a flag `--feedback-queue` is the \
         key `feedback_queue`.", path.display()
    )]
    File {
        /// Its path.
        path: PathBuf,
        /// What is wrong, and where.
        source: Box<toml::de::Error>,
    },
    /// An environment variable with our prefix that nothing reads.
    #[error("the environment variable {0} is not a setting of vitrine-server; known are: {known}", known = .1.join(", "))]
    Environment(String, Vec<String>),
    /// A value that cannot work.
    #[error("{key}: {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wanted instead.
        reason: String,
    },
}

impl Layer {
    /// Reads a configuration file.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| ConfigError::File {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// These settings, and `below` where they say nothing.
    pub fn over(self, below: Self) -> Self {
        Self {
            listen: self.listen.or(below.listen),
            store: self.store.or(below.store),
            database: self.database.or(below.database),
            site: self.site.or(below.site),
            admin_listen: self.admin_listen.or(below.admin_listen),
            admin_token_sha256: self.admin_token_sha256.or(below.admin_token_sha256),
            workers: self.workers.or(below.workers),
            feedback_queue: self.feedback_queue.or(below.feedback_queue),
            feedback_body_seconds: self.feedback_body_seconds.or(below.feedback_body_seconds),
            shutdown_seconds: self.shutdown_seconds.or(below.shutdown_seconds),
            access_log: self.access_log.or(below.access_log),
            log: self.log.or(below.log),
            clock_offset_seconds: self.clock_offset_seconds.or(below.clock_offset_seconds),
        }
    }

    /// Fills in the defaults and refuses what cannot work.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let admin = match (self.admin_listen, self.admin_token_sha256) {
            (Some(listen), Some(token)) => Some(Admin { listen, token }),
            (Some(_), None) => {
                return Err(ConfigError::Value {
                    key: "admin_token_sha256",
                    reason: "is needed with admin_listen: give the SHA-256 of a long random \
                             token, as `printf %s \"$TOKEN\" | sha256sum` prints it"
                        .into(),
                });
            }
            (None, _) => None,
        };
        let database = self.database.as_deref().unwrap_or("vitrine.db");
        Ok(Config {
            listen: self
                .listen
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            store: self.store.unwrap_or_else(|| "store".into()),
            database: database.parse().map_err(|reason| ConfigError::Value {
                key: "database",
                reason,
            })?,
            site: self.site,
            admin,
            workers: at_least_one("workers", self.workers)?.unwrap_or_else(|| {
                std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
            }),
            feedback_queue: at_least_one("feedback_queue", self.feedback_queue)?.unwrap_or(10_000),
            feedback_body: Duration::from_secs(
                at_least_one("feedback_body_seconds", self.feedback_body_seconds)?.unwrap_or(10),
            ),
            shutdown_seconds: self.shutdown_seconds.unwrap_or(30),
            access_log: self.access_log.unwrap_or(true),
            log: self.log.unwrap_or_else(|| "info".into()),
            clock_offset_seconds: self.clock_offset_seconds.unwrap_or(0),
        })
    }
}

fn at_least_one<T: From<u8> + PartialEq>(
    key: &'static str,
    value: Option<T>,
) -> Result<Option<T>, ConfigError> {
    if value == Some(T::from(0)) {
        return Err(ConfigError::Value {
            key,
            reason: "is 0; at least 1 is needed".into(),
        });
    }
    Ok(value)
}

/// Refuses variables that carry our prefix and that no setting of `command` reads.
pub fn check_environment(
    command: &clap::Command,
    names: impl Iterator<Item = String>,
) -> Result<(), ConfigError> {
    let mut known: Vec<String> = std::iter::once(command)
        .chain(command.get_subcommands())
        .flat_map(clap::Command::get_arguments)
        .filter_map(clap::Arg::get_env)
        .filter_map(|name| name.to_str().map(str::to_owned))
        .collect();
    known.sort();
    known.dedup();
    for name in names {
        if name.starts_with(ENVIRONMENT_PREFIX) && !known.contains(&name) {
            return Err(ConfigError::Environment(name, known));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let layer: Layer = toml::from_str(text).map_err(|source| ConfigError::File {
            path: "server.toml".into(),
            source: Box::new(source),
        })?;
        layer.resolve()
    }

    #[test]
    fn defaults_stand_where_nothing_is_said() {
        let config = parse("").unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.feedback_body, Duration::from_secs(10));
        assert!(config.admin.is_none() && config.access_log);
    }

    #[test]
    fn the_later_source_wins() {
        let file: Layer = toml::from_str("workers = 2\nlog = \"warn\"").unwrap();
        let flags = Layer {
            workers: Some(7),
            ..Layer::default()
        };
        let config = flags.over(file).resolve().unwrap();
        assert_eq!(config.workers, 7);
        assert_eq!(config.log, "warn");
    }

    #[test]
    fn what_cannot_work_is_refused_by_key() {
        for (text, named) in [
            ("lisen = \"127.0.0.1:1\"", "lisen"),
            ("workers = 0", "workers"),
            ("listen = \"nowhere\"", "listen"),
            ("admin_listen = \"127.0.0.1:1\"", "admin_token_sha256"),
            ("database = \"mysql://user:secret@host/db\"", "mysql"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_token_hash_is_masked() {
        let hash = "ab".repeat(32);
        let text = format!("admin_listen = \"127.0.0.1:1\"\nadmin_token_sha256 = \"{hash}\"");
        let config = parse(&text).unwrap();
        assert!(!format!("{config:?}").contains(&hash));
    }
}
