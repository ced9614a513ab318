//! Configuration: a TOML file, then environment variables, then flags; the later wins.
//!
//! [`Layer`] is one source of settings. The same struct is read from the file and from the
//! command line, where `clap` also reads the environment, so a key has one name, one type and
//! one description in all three. A key that nobody knows is an error in each of them: a
//! misspelt `admin_listn` must not quietly leave the default in force.

mod layer;
mod origin;

pub use layer::{Layer, parse_level};
pub use origin::Origin;

use crate::limit::Quotas;
use crate::promise::Policy;
use crate::storage::Location;
use crate::totals::Most;
use ipnet::IpNet;
use serde::Deserialize;
use std::fmt;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;
use vitrine_core::Digest;
use vitrine_core::privacy::{DELTA, Guarantee, Level};
use vitrine_core::signature::PublicKey;

/// Environment variables of this command start with it.
pub const ENVIRONMENT_PREFIX: &str = "VITRINE_SERVER_";

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
    /// See [`Layer::public_keys`].
    pub public_keys: Vec<PublicKey>,
    /// See [`Layer::audit_log`].
    pub audit_log: PathBuf,
    /// See [`Layer::workers`].
    pub workers: usize,
    /// See [`Layer::connections`].
    pub connections: usize,
    /// See [`Layer::connections_per_network`]; `None`: all.
    pub connections_per_network: Option<NonZeroUsize>,
    /// See [`Layer::feedback_queue`].
    pub feedback_queue: usize,
    /// See [`Layer::feedback_body_seconds`].
    pub feedback_body: Duration,
    /// See [`Layer::feedback_per_minute`], [`Layer::feedback_per_day`] and
    /// [`Layer::unlisted_per_day`].
    pub quotas: Quotas,
    /// See [`Layer::feedback_per_window`] and [`Layer::unlisted_per_window`].
    pub most: Most,
    /// See [`Layer::limit_loopback`].
    pub limit_loopback: bool,
    /// See [`Layer::allowed_origins`]; `None`: any.
    pub allowed_origins: Option<Vec<Origin>>,
    /// See [`Layer::behind_proxy`].
    pub behind_proxy: bool,
    /// See [`Layer::oblivious_keys`].
    pub oblivious: Option<Oblivious>,
    /// See [`Layer::shutdown_seconds`].
    pub shutdown_seconds: u64,
    /// See [`Layer::access_log`].
    pub access_log: bool,
    /// See [`Layer::log`].
    pub log: String,
    /// See [`Layer::privacy_level`], [`Layer::epsilon`] and [`Layer::epsilon_ceiling`].
    pub policy: Policy,
    /// See [`Layer::clock_offset_seconds`].
    pub clock_offset_seconds: i64,
}

/// The gateway of Oblivious HTTP.
#[derive(Clone, Debug)]
pub struct Oblivious {
    /// See [`Layer::oblivious_keys`].
    pub keys: PathBuf,
    /// See [`Layer::oblivious_relays`].
    pub relays: Vec<IpNet>,
    /// See [`Layer::oblivious_per_minute`]; `None`: no limit.
    pub per_minute: Option<NonZeroU32>,
}

/// The admin listener.
#[derive(Clone, Copy, Debug)]
pub struct Admin {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What the bearer token must hash to.
    pub token: TokenHash,
    /// What a token that reads metrics alone must hash to.
    pub metrics_token: Option<TokenHash>,
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
    /// Fills in the defaults and refuses what cannot work.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let admin = match (self.admin_listen, self.admin_token_sha256) {
            (Some(listen), Some(token)) => Some(Admin {
                listen,
                token,
                metrics_token: self.metrics_token_sha256,
            }),
            (Some(_), None) => {
                return Err(ConfigError::Value {
                    key: "admin_token_sha256",
                    reason: "is needed with admin_listen: give the SHA-256 of a long random \
                             token, as `printf %s \"$TOKEN\" | sha256sum` prints it"
                        .into(),
                });
            }
            (None, _) if self.metrics_token_sha256.is_some() => {
                return Err(ConfigError::Value {
                    key: "metrics_token_sha256",
                    reason:
                        "is set, and metrics are on the admin listener alone: set admin_listen \
                             and admin_token_sha256"
                            .into(),
                });
            }
            (None, _) => None,
        };
        let policy = self.policy()?;
        let oblivious = self.oblivious()?;
        let database = self.database.as_deref().unwrap_or("vitrine.db");
        let database: Location = database.parse().map_err(|reason| ConfigError::Value {
            key: "database",
            reason,
        })?;
        let audit_log = self.audit_log.unwrap_or_else(|| match &database {
            Location::File(path) => path.with_file_name("audit.jsonl"),
            Location::Postgres(_) => "audit.jsonl".into(),
        });
        Ok(Config {
            listen: self
                .listen
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            store: self.store.unwrap_or_else(|| "store".into()),
            database,
            audit_log,
            site: self.site,
            admin,
            public_keys: self.public_keys.unwrap_or_default(),
            workers: at_least_one("workers", self.workers)?.unwrap_or_else(|| {
                std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
            }),
            connections: at_least_one("connections", self.connections)?.unwrap_or(2000),
            connections_per_network: NonZeroUsize::new(self.connections_per_network.unwrap_or(200)),
            feedback_queue: at_least_one("feedback_queue", self.feedback_queue)?.unwrap_or(10_000),
            feedback_body: Duration::from_secs(
                at_least_one("feedback_body_seconds", self.feedback_body_seconds)?.unwrap_or(10),
            ),
            quotas: Quotas {
                per_minute: NonZeroU32::new(self.feedback_per_minute.unwrap_or(600)),
                per_day: NonZeroU32::new(self.feedback_per_day.unwrap_or(20_000)),
                unlisted_per_day: NonZeroU32::new(self.unlisted_per_day.unwrap_or(200)),
            },
            most: Most {
                reports: NonZeroU64::new(self.feedback_per_window.unwrap_or(20_000_000)),
                unlisted: NonZeroU64::new(self.unlisted_per_window.unwrap_or(100_000)),
            },
            limit_loopback: self.limit_loopback.unwrap_or(true),
            allowed_origins: self.allowed_origins,
            behind_proxy: self.behind_proxy.unwrap_or(false),
            oblivious,
            shutdown_seconds: self.shutdown_seconds.unwrap_or(30),
            access_log: self.access_log.unwrap_or(true),
            log: self.log.unwrap_or_else(|| "info".into()),
            policy,
            clock_offset_seconds: self.clock_offset_seconds.unwrap_or(0),
        })
    }
}

impl Layer {
    fn oblivious(&self) -> Result<Option<Oblivious>, ConfigError> {
        if let Some(keys) = self.oblivious_keys.clone() {
            return Ok(Some(Oblivious {
                keys,
                relays: self.oblivious_relays.clone().unwrap_or_default(),
                per_minute: NonZeroU32::new(self.oblivious_per_minute.unwrap_or(60_000)),
            }));
        }
        let idle = match (&self.oblivious_relays, self.oblivious_per_minute) {
            (None, None) => return Ok(None),
            (Some(_), _) => "oblivious_relays",
            (None, Some(_)) => "oblivious_per_minute",
        };
        Err(ConfigError::Value {
            key: idle,
            reason: "is set, and no report comes through a relay without keys: set oblivious_keys"
                .into(),
        })
    }

    fn policy(&self) -> Result<Policy, ConfigError> {
        let fail = |key, reason: &str| {
            Err(ConfigError::Value {
                key,
                reason: reason.into(),
            })
        };
        let level = self.privacy_level.unwrap_or(Level::Unlinkable);
        let mut guarantee = Guarantee::default();
        if let Some(epsilon) = self.epsilon {
            if level != Level::Private {
                return fail(
                    "epsilon",
                    "is set, and only the private level has an ε to set: set privacy_level to private",
                );
            }
            guarantee = Guarantee {
                epsilon,
                delta: DELTA,
            };
            if let Err(error) = guarantee.check() {
                return fail("epsilon", error.reason);
            }
        }
        if let Some(ceiling) = self.epsilon_ceiling {
            if level != Level::Private {
                return fail(
                    "epsilon_ceiling",
                    "is set, and only the private level has an ε that is held to it: set privacy_level \
                     to private",
                );
            }
            if !(ceiling.is_finite() && ceiling > 0.0) {
                return fail("epsilon_ceiling", "is not a number above 0");
            }
        }
        Ok(Policy {
            level,
            guarantee,
            epsilon_ceiling: self.epsilon_ceiling,
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
            ("oblivious_relays = [\"203.0.113.0/28\"]", "oblivious_keys"),
            ("oblivious_per_minute = 5", "oblivious_keys"),
            (
                "oblivious_keys = \"keys\"\noblivious_relays = [\"relay.example\"]",
                "oblivious_relays",
            ),
            ("connections = 0", "connections"),
            ("public_keys = [\"abc\"]", "public_keys"),
            ("listen = \"nowhere\"", "listen"),
            ("admin_listen = \"127.0.0.1:1\"", "admin_token_sha256"),
            ("metrics_token_sha256 = \"\"", "metrics_token_sha256"),
            (
                "allowed_origins = [\"https://shop.example/\"]",
                "allowed_origins",
            ),
            ("privacy_level = \"locked\"", "privacy_level"),
            ("epsilon = 2.0", "epsilon"),
            ("epsilon_ceiling = 20.0", "epsilon_ceiling"),
            ("privacy_level = \"private\"\nepsilon = 0.0", "epsilon"),
            ("privacy_level = \"private\"\nepsilon = nan", "epsilon"),
            (
                "privacy_level = \"private\"\nepsilon_ceiling = -1.0",
                "epsilon_ceiling",
            ),
            (
                "privacy_level = \"private\"\nepsilon_ceiling = inf",
                "epsilon_ceiling",
            ),
            ("database = \"mysql://user:secret@host/db\"", "mysql"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_private_level_has_a_default_and_may_have_a_ceiling() {
        let policy = |text| parse(text).unwrap().policy;
        assert_eq!(policy("").level, Level::Unlinkable);
        let private = policy("privacy_level = \"private\"");
        assert_eq!(private.guarantee, Guarantee::default());
        assert_eq!(private.epsilon_ceiling, None);
        let text = "privacy_level = \"private\"\nepsilon = 2.0\nepsilon_ceiling = 20";
        let strict = policy(text);
        assert_eq!(strict.guarantee.epsilon, 2.0);
        assert_eq!(strict.epsilon_ceiling, Some(20.0));
    }

    #[test]
    fn the_token_hash_is_masked() {
        let hash = "ab".repeat(32);
        let text = format!("admin_listen = \"127.0.0.1:1\"\nadmin_token_sha256 = \"{hash}\"");
        let config = parse(&text).unwrap();
        assert!(!format!("{config:?}").contains(&hash));
    }
}
