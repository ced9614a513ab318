//! The database under test: a SQLite file, or a database of a PostgreSQL that the tests started.

use crate::cluster::Cluster;
use crate::house::holds;
use sqlx::{AnyConnection, Column, Connection, Row, ValueRef};
use std::fs;
use std::path::{Path, PathBuf};

/// What the crate of tests runs over; its root says which.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// One house's database.
pub struct Database {
    /// As `--database` takes it.
    pub location: String,
    /// The files that the tables are in: a folder, and the start of their names.
    files: (PathBuf, &'static str),
}

impl Database {
    /// A new, empty one; a file is made in `folder`.
    pub fn new(folder: &Path) -> Self {
        match crate::KIND {
            Kind::Sqlite => Self {
                location: folder.join("vitrine.db").display().to_string(),
                files: (folder.to_owned(), "vitrine.db"),
            },
            Kind::Postgres => Self::of(Cluster::shared()),
        }
    }

    /// A new database of a PostgreSQL server.
    pub fn of(cluster: &Cluster) -> Self {
        let location = cluster.create_database();
        let own = "SELECT CAST(oid AS BIGINT) FROM pg_database WHERE datname = current_database()";
        let oid = query(&location, own)[0][0].clone();
        Self {
            files: (cluster.data().join("base").join(oid), ""),
            location,
        }
    }

    /// A reader in the middle of a transaction, until it is dropped.
    pub fn hold_open(&self) -> Reader {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let connection = runtime.block_on(async {
            sqlx::any::install_default_drivers();
            let url = format!("sqlite:{}", self.location);
            let mut connection = AnyConnection::connect(&url).await.unwrap();
            for sql in ["BEGIN", "SELECT count(*) FROM raw_cell"] {
                sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap();
            }
            connection
        });
        Reader {
            _connection: connection,
            _runtime: runtime,
        }
    }

    /// The rows that a query gives, as text.
    pub fn query(&self, sql: &'static str) -> Vec<Vec<String>> {
        query(&self.location, sql)
    }

    /// The columns of a table, in their order.
    pub fn columns(&self, table: &str) -> Vec<String> {
        let all = match crate::KIND {
            Kind::Sqlite => {
                "SELECT tables.name, columns.name FROM sqlite_schema AS tables
                 JOIN pragma_table_info(tables.name) AS columns ORDER BY columns.cid"
            }
            Kind::Postgres => {
                "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT)
                 FROM information_schema.columns ORDER BY ordinal_position"
            }
        };
        let rows = self.query(all).into_iter();
        rows.filter(|row| row[0] == table)
            .map(|row| row[1].clone())
            .collect()
    }

    /// Whether any file of the tables holds these bytes; SQLite's include its log, PostgreSQL's
    /// are looked at after a checkpoint and do not.
    pub fn holds(&self, needle: &str) -> bool {
        if crate::KIND == Kind::Postgres {
            self.query("CHECKPOINT");
        }
        let (folder, start) = &self.files;
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_name().to_str().unwrap().starts_with(start))
            .filter_map(|entry| fs::read(entry.path()).ok())
            .any(|bytes| holds(&bytes, needle.as_bytes()))
    }
}

/// Holds a snapshot of a database. The connection goes before the runtime that drives it.
pub struct Reader {
    _connection: AnyConnection,
    _runtime: tokio::runtime::Runtime,
}

/// The rows that a query gives in the database at `location`, as text.
pub fn query(location: &str, sql: &'static str) -> Vec<Vec<String>> {
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(try_query(location, &[sql]))
        .unwrap()
}

/// The rows that the last of some statements gives.
pub async fn try_query(
    location: &str,
    statements: &[&'static str],
) -> Result<Vec<Vec<String>>, sqlx::Error> {
    sqlx::any::install_default_drivers();
    let url = match location.contains("://") {
        true => location.to_owned(),
        false => format!("sqlite:{location}"),
    };
    let mut connection = AnyConnection::connect(&url).await?;
    let mut rows = Vec::new();
    for sql in statements {
        rows = sqlx::raw_sql(*sql).fetch_all(&mut connection).await?;
    }
    connection.close().await?;
    let text = |row: &sqlx::any::AnyRow, at: usize| {
        if row.try_get_raw(at).unwrap().is_null() {
            return "NULL".to_owned();
        }
        row.try_get::<String, _>(at)
            .or_else(|_| row.try_get::<i64, _>(at).map(|n| n.to_string()))
            .or_else(|_| row.try_get::<Vec<u8>, _>(at).map(|b| format!("{b:02x?}")))
            .unwrap()
    };
    Ok(rows
        .iter()
        .map(|row| {
            row.columns()
                .iter()
                .map(|c| text(row, c.ordinal()))
                .collect()
        })
        .collect())
}
