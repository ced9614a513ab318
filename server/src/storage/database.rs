//! One connection, and what is asked of it outside of storing and releasing.

use super::dialect::Dialect;
use super::{Location, StorageError, Window, groups, ledger, postgres, sqlite};
use crate::clock::Clock;
use sqlx::{Any, AnyConnection, Connection as _, Row as _, Transaction};
use std::time::Duration;
use vitrine_core::metric;
use vitrine_core::released::ReleasedCell;

/// How long a database may take to answer a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// One connection.
pub struct Database {
    pub(super) location: Location,
    pub(super) dialect: &'static Dialect,
    pub(super) connection: AnyConnection,
}

impl Database {
    /// Opens the database, makes it when it is a file and there is none, and brings its tables up
    /// to date.
    pub async fn open(location: &Location) -> Result<Self, StorageError> {
        sqlx::any::install_default_drivers();
        let (dialect, connection) = match location {
            Location::File(path) => (&sqlite::DIALECT, timely(sqlite::connect(path)).await),
            Location::Postgres(url) => (&postgres::DIALECT, timely(postgres::connect(url)).await),
        };
        let mut connection = connection.map_err(|reason| match location {
            Location::File(_) => StorageError::Open {
                location: location.clone(),
                reason,
            },
            Location::Postgres(_) => StorageError::Connect {
                location: location.clone(),
                reason,
            },
        })?;
        dialect
            .migrations
            .run_direct(None, &mut connection, false)
            .await
            .map_err(|source| StorageError::Migrate {
                location: location.clone(),
                source,
            })?;
        Ok(Self {
            location: location.clone(),
            dialect,
            connection,
        })
    }

    /// Starts a transaction that writes, under a lock of the dialect's.
    pub(super) async fn begin(
        &mut self,
        lock: Option<&'static str>,
    ) -> Result<Transaction<'_, Any>, sqlx::Error> {
        let mut transaction = self.connection.begin_with(self.dialect.begin).await?;
        if let Some(lock) = lock {
            sqlx::query(lock).execute(&mut *transaction).await?;
        }
        Ok(transaction)
    }

    /// Writes and deletes a page's worth, to see whether the database takes writes.
    pub async fn probe(&mut self) -> Result<(), StorageError> {
        let failed = failed(&self.location, "take a test write");
        let mut transaction = self.begin(None).await.map_err(&failed)?;
        sqlx::query("INSERT INTO write_probe (filler) VALUES ($1)")
            .bind(vec![0_u8; 8192])
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        sqlx::query("DELETE FROM write_probe")
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    /// Does what is well done while no report comes, and every so often while they do.
    pub async fn tidy(&mut self) -> Result<(), StorageError> {
        if let Some(statement) = self.dialect.tidy {
            sqlx::raw_sql(statement)
                .execute(&mut self.connection)
                .await
                .map_err(failed(&self.location, "write its log back"))?;
        }
        Ok(())
    }

    /// Writes the raw rows anew, in the order of their nonces' hashes and by one transaction, where
    /// they are in the order in which they came.
    pub async fn shuffle(&mut self) -> Result<(), StorageError> {
        if let Some(statements) = self.dialect.shuffle {
            sqlx::raw_sql(statements)
                .execute(&mut self.connection)
                .await
                .map_err(failed(&self.location, "shuffle raw rows"))?;
        }
        Ok(())
    }

    /// Every window that received reports, in ascending order.
    pub async fn windows(&mut self) -> Result<Vec<Window>, StorageError> {
        let rows = sqlx::query(
            r#"SELECT "window", window_seconds, level, k, transitions, items, impressions, metrics,
                      epsilon, delta, epsilon_ceiling, released_at, left_out
               FROM feedback_window ORDER BY "window" * window_seconds"#,
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(failed(&self.location, "list windows"))?;
        rows.iter()
            .map(|row| {
                Ok(Window {
                    window: row.get::<i64, _>("window").unsigned_abs(),
                    window_seconds: row.get::<i64, _>("window_seconds").unsigned_abs(),
                    promise: ledger::promise(&self.location, row)?,
                    released: row.get::<Option<i64>, _>("released_at").is_some(),
                    left_out: row.get::<i64, _>("left_out").unsigned_abs(),
                })
            })
            .collect()
    }

    /// The released cells of a window, in no particular order.
    pub async fn released_cells(&mut self, window: u64) -> Result<Vec<ReleasedCell>, StorageError> {
        let rows = sqlx::query(r#"SELECT cell, count FROM released_cell WHERE "window" = $1"#)
            .bind(signed(window))
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed(&self.location, "read released cells"))?;
        rows.iter()
            .map(|row| {
                let cell: &str = row.get(0);
                Ok(ReleasedCell {
                    cell: serde_json::from_str(cell).map_err(|e| StorageError::Foreign {
                        location: self.location.clone(),
                        what: "cell",
                        reason: e.to_string(),
                    })?,
                    count: row.get::<i64, _>(1).unsigned_abs(),
                })
            })
            .collect()
    }

    /// How often each metric cell of a released window was reported, with the noise that the window
    /// has; `None` when no metric was asked for in it.
    pub async fn released_metrics(
        &mut self,
        window: u64,
    ) -> Result<Option<[i64; metric::CELLS]>, StorageError> {
        let failed = failed(&self.location, "read released metrics");
        let rows = sqlx::query(r#"SELECT cell, count FROM released_metric WHERE "window" = $1"#)
            .bind(signed(window))
            .fetch_all(&mut self.connection)
            .await
            .map_err(&failed)?;
        let found = groups::metrics_of(&rows).map_err(&failed)?;
        Ok((!rows.is_empty()).then_some(found))
    }

    /// Deletes the nonces whose window and the one after are over, and cleans up what deletions
    /// left. Says whether that could be done; a process that is reading SQLite's file at this
    /// moment prevents it.
    pub async fn forget(&mut self, clock: &dyn Clock) -> Result<bool, StorageError> {
        let failed = failed(&self.location, "delete old nonces");
        sqlx::query(
            r#"DELETE FROM spent_nonce WHERE "window" IN (
                 SELECT "window" FROM feedback_window
                 WHERE ("window" + 2) * window_seconds <= $1)"#,
        )
        .bind(signed(clock.now()))
        .execute(&mut self.connection)
        .await
        .map_err(&failed)?;
        match &self.location {
            Location::File(_) => sqlite::empty_log(&mut self.connection).await,
            Location::Postgres(_) => postgres::vacuum(&mut self.connection).await.map(|()| true),
        }
        .map_err(&failed)
    }

    /// Closes the connection; the last one to close writes SQLite's log back into the file.
    pub async fn close(self) -> Result<(), StorageError> {
        let failed = failed(&self.location, "close");
        self.connection.close().await.map_err(&failed)
    }
}

/// The connection, or why there is none, in words that hold no password.
async fn timely(
    connect: impl Future<Output = Result<AnyConnection, sqlx::Error>>,
) -> Result<AnyConnection, String> {
    match tokio::time::timeout(CONNECT, connect).await {
        Ok(connected) => connected.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} seconds", CONNECT.as_secs())),
    }
}

/// SQL's integers are signed; windows, days and Unix seconds are far below 2^63.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn to_json(value: &(impl serde::Serialize + ?Sized)) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|e| sqlx::Error::Encode(e.into()))
}

/// Says what was tried when a statement fails, and the way out.
pub(super) fn failed(
    location: &Location,
    doing: &'static str,
) -> impl Fn(sqlx::Error) -> StorageError + use<> {
    let location = location.clone();
    move |source| {
        let code = source.as_database_error().and_then(|error| error.code());
        let hint = match &location {
            Location::File(_) => sqlite::DIALECT.hint,
            Location::Postgres(_) => postgres::DIALECT.hint,
        };
        StorageError::Query {
            hint: hint(&code.unwrap_or_default()),
            location: location.clone(),
            doing,
            source,
        }
    }
}
