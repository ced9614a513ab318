//! One source of settings.

use super::{ConfigError, Origin, TokenHash};
use ipnet::IpNet;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use vitrine_core::privacy::Level;
use vitrine_core::signature::PublicKey;

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

    /// SQLite file for feedback and released tables, made when there is none, or a PostgreSQL
    /// database, postgres://USER:PASSWORD@HOST/DATABASE [default: vitrine.db]
    #[arg(
        long,
        env = "VITRINE_SERVER_DATABASE",
        value_name = "FILE|URL",
        hide_env_values = true
    )]
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

    /// SHA-256, in hexadecimal, of a bearer token that may read /metrics on the admin listener and
    /// nothing else [default: none, the admin token may]
    #[arg(
        long,
        env = "VITRINE_SERVER_METRICS_TOKEN_SHA256",
        value_name = "HEX",
        hide_env_values = true
    )]
    pub metrics_token_sha256: Option<TokenHash>,

    /// Public keys, as `vitrine key show` prints them, separated by commas: a manifest is taken
    /// through the admin listener only with a signature of one of them [default: none, unsigned
    /// ones are taken]
    #[arg(
        long,
        env = "VITRINE_SERVER_PUBLIC_KEYS",
        value_name = "HEX",
        value_delimiter = ','
    )]
    pub public_keys: Option<Vec<PublicKey>>,

    /// File to which the admin listener writes who changed what, a line each; made when there is
    /// none [default: audit.jsonl beside the database]
    #[arg(long, env = "VITRINE_SERVER_AUDIT_LOG", value_name = "FILE")]
    pub audit_log: Option<PathBuf>,

    /// Threads that answer requests, a count of at least 1 [default: one per core]
    #[arg(long, env = "VITRINE_SERVER_WORKERS", value_name = "COUNT")]
    pub workers: Option<usize>,

    /// Connections that the public listener keeps at a time, a count of at least 1; the next is closed
    /// at once [default: 2000]
    #[arg(long, env = "VITRINE_SERVER_CONNECTIONS", value_name = "COUNT")]
    pub connections: Option<usize>,

    /// Connections of them that one network (/24, or /56 of IPv6) may have, where no proxy is in
    /// between; 0: all [default: 200]
    #[arg(
        long,
        env = "VITRINE_SERVER_CONNECTIONS_PER_NETWORK",
        value_name = "COUNT"
    )]
    pub connections_per_network: Option<usize>,

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

    /// Reports a minute that one network (/24, or /56 of IPv6) may send before the next is answered
    /// with 429; 0: no limit [default: 600]
    #[arg(long, env = "VITRINE_SERVER_FEEDBACK_PER_MINUTE", value_name = "COUNT")]
    pub feedback_per_minute: Option<u32>,

    /// Reports that one network may send in a day (UTC) before the next is answered with 429; 0: no
    /// limit [default: 20000]
    #[arg(long, env = "VITRINE_SERVER_FEEDBACK_PER_DAY", value_name = "COUNT")]
    pub feedback_per_day: Option<u32>,

    /// Reports of items that are in no published bundle that one network may send in a day before the
    /// next is answered with 429; 0: no limit [default: 200]
    #[arg(long, env = "VITRINE_SERVER_UNLISTED_PER_DAY", value_name = "COUNT")]
    pub unlisted_per_day: Option<u32>,

    /// Reports of items that are in no published bundle that a window takes before the next is
    /// answered with 410; 0: no limit [default: 100000]
    #[arg(long, env = "VITRINE_SERVER_UNLISTED_PER_WINDOW", value_name = "COUNT")]
    pub unlisted_per_window: Option<u64>,

    /// Reports that a window takes before the next is answered with 410; 0: no limit
    /// [default: 20000000]
    #[arg(long, env = "VITRINE_SERVER_FEEDBACK_PER_WINDOW", value_name = "COUNT")]
    pub feedback_per_window: Option<u64>,

    /// Apply the limits by network to the machine's own addresses too [default: true]
    #[arg(long, env = "VITRINE_SERVER_LIMIT_LOOPBACK", value_name = "BOOL")]
    pub limit_loopback: Option<bool>,

    /// Origins whose pages may send reports, as browsers write them, separated by commas, such as
    /// https://shop.example; a report from elsewhere is answered with 403 [default: any]
    #[arg(
        long,
        env = "VITRINE_SERVER_ALLOWED_ORIGINS",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub allowed_origins: Option<Vec<Origin>>,

    /// Believe the last address of the last X-Forwarded-For, for the limits by network: set it when
    /// every request comes through a proxy that writes it, and only then [default: false]
    #[arg(long, env = "VITRINE_SERVER_BEHIND_PROXY", value_name = "BOOL")]
    pub behind_proxy: Option<bool>,

    /// File with the keys of Oblivious HTTP, as `vitrine-server oblivious-key new` makes it: reports
    /// are then taken through relays too [default: off]
    #[arg(long, env = "VITRINE_SERVER_OBLIVIOUS_KEYS", value_name = "FILE")]
    pub oblivious_keys: Option<PathBuf>,

    /// Networks of the relays, such as 203.0.113.0/28, separated by commas: they have
    /// oblivious_per_minute in place of the limit of a network [default: none]
    #[arg(
        long,
        env = "VITRINE_SERVER_OBLIVIOUS_RELAYS",
        value_name = "NETWORK",
        value_delimiter = ','
    )]
    pub oblivious_relays: Option<Vec<IpNet>>,

    /// Reports a minute that the relays may send together before the next is answered with 429; 0: no
    /// limit [default: 60000]
    #[arg(
        long,
        env = "VITRINE_SERVER_OBLIVIOUS_PER_MINUTE",
        value_name = "COUNT"
    )]
    pub oblivious_per_minute: Option<u32>,

    /// How long running requests may take to end when the server is told to stop, in seconds
    /// [default: 30]
    #[arg(long, env = "VITRINE_SERVER_SHUTDOWN_SECONDS", value_name = "SECONDS")]
    pub shutdown_seconds: Option<u64>,

    /// Log a line per request but for reports: method, path, status, microseconds; never an address
    /// or a query [default: true]
    #[arg(long, env = "VITRINE_SERVER_ACCESS_LOG", value_name = "BOOL")]
    pub access_log: Option<bool>,

    /// Which log lines are written, as a `tracing` filter such as `warn` or `info,access=off`
    /// [default: info]
    #[arg(long, env = "VITRINE_SERVER_LOG", value_name = "FILTER")]
    pub log: Option<String>,

    /// Level of every window, at least: `unlinkable`, `private` or `local`; a manifest may promise more
    /// [default: unlinkable]
    #[arg(
        long,
        env = "VITRINE_SERVER_PRIVACY_LEVEL",
        value_name = "LEVEL",
        value_parser = parse_level
    )]
    pub privacy_level: Option<Level>,

    /// At the private level, ε that one window may cost a browser profile, from 0.25 to 10; the
    /// noise follows from it [default: 4]
    #[arg(long, env = "VITRINE_SERVER_EPSILON", value_name = "EPSILON")]
    pub epsilon: Option<f64>,

    /// At the private level, ε that the windows of any one year may add up to, above 0; a
    /// release that would pass it is refused [default: none]
    #[arg(long, env = "VITRINE_SERVER_EPSILON_CEILING", value_name = "EPSILON")]
    pub epsilon_ceiling: Option<f64>,

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
            metrics_token_sha256: self.metrics_token_sha256.or(below.metrics_token_sha256),
            public_keys: self.public_keys.or(below.public_keys),
            audit_log: self.audit_log.or(below.audit_log),
            workers: self.workers.or(below.workers),
            connections: self.connections.or(below.connections),
            connections_per_network: self
                .connections_per_network
                .or(below.connections_per_network),
            feedback_queue: self.feedback_queue.or(below.feedback_queue),
            feedback_body_seconds: self.feedback_body_seconds.or(below.feedback_body_seconds),
            feedback_per_minute: self.feedback_per_minute.or(below.feedback_per_minute),
            feedback_per_day: self.feedback_per_day.or(below.feedback_per_day),
            unlisted_per_day: self.unlisted_per_day.or(below.unlisted_per_day),
            unlisted_per_window: self.unlisted_per_window.or(below.unlisted_per_window),
            feedback_per_window: self.feedback_per_window.or(below.feedback_per_window),
            limit_loopback: self.limit_loopback.or(below.limit_loopback),
            allowed_origins: self.allowed_origins.or(below.allowed_origins),
            behind_proxy: self.behind_proxy.or(below.behind_proxy),
            oblivious_keys: self.oblivious_keys.or(below.oblivious_keys),
            oblivious_relays: self.oblivious_relays.or(below.oblivious_relays),
            oblivious_per_minute: self.oblivious_per_minute.or(below.oblivious_per_minute),
            shutdown_seconds: self.shutdown_seconds.or(below.shutdown_seconds),
            access_log: self.access_log.or(below.access_log),
            log: self.log.or(below.log),
            privacy_level: self.privacy_level.or(below.privacy_level),
            epsilon: self.epsilon.or(below.epsilon),
            epsilon_ceiling: self.epsilon_ceiling.or(below.epsilon_ceiling),
            clock_offset_seconds: self.clock_offset_seconds.or(below.clock_offset_seconds),
        }
    }
}

/// A level as it is written in the configuration.
pub fn parse_level(name: &str) -> Result<Level, String> {
    Level::named(name).ok_or_else(|| "a level is `unlinkable`, `private` or `local`".into())
}
