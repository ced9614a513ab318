//! Where the database is, and how that is written without its password.

use sqlx::postgres::PgConnectOptions;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database.
    Postgres(Arc<PostgresUrl>),
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const WANTED: &str = "give the path of a SQLite file, or postgres://USER@HOST/DATABASE";
        if ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
        {
            return PostgresUrl::new(text).map(|url| Self::Postgres(Arc::new(url)));
        }
        let path = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"))
            .unwrap_or(text);
        // Only the scheme is repeated: the rest of a URL may hold a password.
        if let Some((scheme, _)) = path.split_once("://") {
            return Err(format!(
                "{scheme} is not a database that this build knows; {WANTED}"
            ));
        }
        if path.is_empty() {
            return Err(format!("is empty; {WANTED}"));
        }
        Ok(Self::File(path.into()))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// The URL of a PostgreSQL database. Shown, it has neither user nor password nor options.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    secret: String,
    shown: String,
}

impl PostgresUrl {
    fn new(url: &str) -> Result<Self, String> {
        let options = PgConnectOptions::from_str(url).map_err(|_| {
            "is not a URL of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE; write a special \
             character in a name or password as its percent code, such as %40 for @"
                .to_owned()
        })?;
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => options.get_host().to_owned(),
        };
        let (port, database) = (options.get_port(), options.get_database().unwrap_or(""));
        Ok(Self {
            secret: url.to_owned(),
            shown: format!("postgres://{host}:{port}/{database}"),
        })
    }

    /// The whole URL.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let location: Location =
            "postgres://shop:hunter2@db.example:5433/vitrine?options=-ckey%3Dhunter2"
                .parse()
                .unwrap();
        assert_eq!(location.to_string(), "postgres://db.example:5433/vitrine");
        assert!(!format!("{location:?}").contains("hunter2"));
        for wrong in [
            "postgres://shop:hunter2@db:port/vitrine",
            "postgres://shop:hunter2@[::1/vitrine",
            "mysql://shop:hunter2@db/vitrine",
            "sqlite://mysql://shop:hunter2@db",
        ] {
            let reason = Location::from_str(wrong).unwrap_err();
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }

    #[test]
    fn a_path_is_a_sqlite_file_with_and_without_its_scheme() {
        for text in ["sqlite://shop.db", "sqlite:shop.db", "shop.db"] {
            assert_eq!(text.parse(), Ok(Location::File("shop.db".into())));
        }
    }
}
