//! SQLite: one file, write-ahead log, a flush at every commit.
//!
//! `synchronous = FULL` flushes the log before a commit returns, which is what an answer
//! promises. A released window's raw cells must leave the disk and not only the table:
//! `secure_delete` overwrites what is deleted, a release empties whole pages instead of picking
//! rows out of them, and it ends with a checkpoint that empties the log.
//!
//! A batch is one `INSERT ... SELECT FROM json_each`: a statement per report would cost a trip
//! to SQLite's thread each, several times what the insertion costs.

use super::{Hash, Location, Recorded, Row, StorageError, Window, ledger};
use crate::clock::Clock;
use crate::promise::{Policy, Promise};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Row as _, Sqlite, Transaction};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;
use vitrine_core::privacy::{Level, Privacy};
use vitrine_core::released::ReleasedCell;

/// How long a statement waits for another process that holds the database.
const BUSY: Duration = Duration::from_secs(10);
const DAY_SECONDS: u64 = 24 * 3600;

/// One connection.
pub struct Database {
    pub(super) location: Location,
    pub(super) connection: SqliteConnection,
}

impl Database {
    /// Opens the database, makes it when there is none, and brings its tables up to date.
    pub async fn open(location: &Location) -> Result<Self, StorageError> {
        let Location::File(path) = location;
        let open = |reason: String| StorageError::Open {
            location: location.clone(),
            reason,
        };
        create_private(path).map_err(|e| open(e.to_string()))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .pragma("secure_delete", "ON")
            // Counting cells sorts them; what is sorted must not spill into other files.
            .pragma("temp_store", "MEMORY");
        let mut connection = SqliteConnection::connect_with(&options)
            .await
            .map_err(|e| open(e.to_string()))?;
        sqlx::migrate!("./migrations/sqlite")
            .run_direct(None, &mut connection, false)
            .await
            .map_err(|source| StorageError::Migrate {
                location: location.clone(),
                source,
            })?;
        Ok(Self {
            location: location.clone(),
            connection,
        })
    }

    /// Stores a batch of reports in one transaction and flushes it. One answer per row, in
    /// order; when it fails, none of the rows counts as stored and each may be sent again.
    pub async fn record(
        &mut self,
        privacy: &Privacy,
        policy: &Policy,
        clock: &dyn Clock,
        rows: &[Row],
    ) -> Result<Vec<Recorded>, StorageError> {
        let failed = failed(&self.location, "store reports");
        let mut transaction = begin(&mut self.connection).await.map_err(&failed)?;
        // Under the lock: see the module above.
        let now = clock.now();
        let window = open_window(&mut transaction, privacy, policy, now)
            .await
            .map_err(&failed)?;

        let mut first: HashMap<Hash, &Row> = HashMap::with_capacity(rows.len());
        for row in rows {
            first.entry(row.nonce).or_insert(row);
        }
        let fresh: Vec<&Row> = first.values().copied().collect();
        let stored = insert(&mut transaction, window, now / DAY_SECONDS, &fresh)
            .await
            .map_err(&failed)?;
        let mut bindings: HashMap<Hash, Hash> = HashMap::new();
        if stored.len() < first.len() {
            let known = |nonce: &&Hash| !stored.contains(*nonce);
            let known: Vec<_> = first.keys().filter(known).map(hex).collect();
            bindings = bindings_of(&mut transaction, &known)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)?;

        let mut unanswered = stored;
        Ok(rows
            .iter()
            .map(|row| {
                if unanswered.remove(&row.nonce) {
                    bindings.insert(row.nonce, row.binding);
                    Recorded::Accepted
                } else if bindings.get(&row.nonce) == Some(&row.binding) {
                    Recorded::Duplicate
                } else {
                    Recorded::Conflict
                }
            })
            .collect())
    }

    /// Writes and deletes a page's worth, to see whether the database takes writes.
    pub async fn probe(&mut self) -> Result<(), StorageError> {
        let failed = failed(&self.location, "take a test write");
        let mut transaction = begin(&mut self.connection).await.map_err(&failed)?;
        sqlx::query("INSERT INTO write_probe (filler) VALUES (zeroblob(8192))")
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        sqlx::query("DELETE FROM write_probe")
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    /// Every window that received reports, in ascending order.
    pub async fn windows(&mut self) -> Result<Vec<Window>, StorageError> {
        let rows = sqlx::query(
            r#"SELECT "window", w.window_seconds, w.level, w.k, w.cells, w.epsilon, w.delta,
                      w.released_at IS NOT NULL AS released
               FROM feedback_window w ORDER BY "window""#,
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
                    released: row.get("released"),
                })
            })
            .collect()
    }

    /// The released cells of a window, in no particular order.
    pub async fn released_cells(&mut self, window: u64) -> Result<Vec<ReleasedCell>, StorageError> {
        let rows = sqlx::query(r#"SELECT cell, count FROM released_cell WHERE "window" = ?1"#)
            .bind(signed(window))
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed(&self.location, "read released cells"))?;
        rows.iter()
            .map(|row| {
                let cell: String = row.get(0);
                Ok(ReleasedCell {
                    cell: serde_json::from_str(&cell).map_err(|e| StorageError::Foreign {
                        location: self.location.clone(),
                        what: "cell",
                        reason: e.to_string(),
                    })?,
                    count: row.get::<i64, _>(1).unsigned_abs(),
                })
            })
            .collect()
    }

    /// Deletes the nonces whose window and the one after are over, and empties the write-ahead
    /// log, so that nothing deleted is left in it. Says whether the log could be emptied; a
    /// process that is reading at this moment prevents it.
    pub async fn forget(&mut self, clock: &dyn Clock) -> Result<bool, StorageError> {
        let failed = failed(&self.location, "delete old nonces");
        sqlx::query(
            r#"DELETE FROM spent_nonce WHERE "window" IN (
                 SELECT "window" FROM feedback_window
                 WHERE ("window" + 2) * window_seconds <= ?1)"#,
        )
        .bind(signed(clock.now()))
        .execute(&mut self.connection)
        .await
        .map_err(&failed)?;
        let checkpoint = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut self.connection)
            .await
            .map_err(&failed)?;
        Ok(checkpoint.get::<i64, _>(0) == 0)
    }

    /// Closes the connection; the last one to close writes the log back into the file.
    pub async fn close(self) -> Result<(), StorageError> {
        let failed = failed(&self.location, "close");
        self.connection.close().await.map_err(&failed)
    }
}

/// Until when a nonce of this window is remembered: the window and the one after.
pub(super) fn forgotten_at(window: &Window) -> u64 {
    window.end().saturating_add(window.window_seconds)
}

/// Takes the write lock at once. A transaction that starts by reading would fail, not wait,
/// when another process writes before it does.
pub(super) async fn begin(
    connection: &mut SqliteConnection,
) -> Result<Transaction<'_, Sqlite>, sqlx::Error> {
    connection.begin_with("BEGIN IMMEDIATE").await
}

/// The number of the window that reports fall into now, noting what is promised for it.
///
/// A window that is released stays closed: should the clock have been set back behind a
/// release, reports fall into the first window after it.
async fn open_window(
    transaction: &mut Transaction<'_, Sqlite>,
    privacy: &Privacy,
    policy: &Policy,
    now: u64,
) -> Result<i64, sqlx::Error> {
    let promise = Promise::of(privacy).and(policy);
    let mut window = signed(privacy.window_at(now));
    loop {
        // SQLite's min and max are NULL when an argument is; hence the coalesce.
        let noted = sqlx::query(
            r#"INSERT INTO feedback_window
                 ("window", window_seconds, level, k, cells, epsilon, delta)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT ("window") DO UPDATE SET
                 level = CASE WHEN excluded.level = ?8 THEN ?8 ELSE level END,
                 k = max(k, excluded.k),
                 cells = max(cells, excluded.cells),
                 epsilon = coalesce(min(epsilon, excluded.epsilon), epsilon, excluded.epsilon),
                 delta = coalesce(min(delta, excluded.delta), delta, excluded.delta)
               WHERE released_at IS NULL
               RETURNING "window""#,
        )
        .bind(window)
        .bind(signed(privacy.window_seconds.max(1)))
        .bind(promise.level.name())
        .bind(promise.k)
        .bind(promise.cells)
        .bind(promise.guarantee.map(|guarantee| guarantee.epsilon))
        .bind(promise.guarantee.map(|guarantee| guarantee.delta))
        .bind(Level::Private.name())
        .fetch_optional(&mut **transaction)
        .await?;
        // A released window is not updated, and what is not updated is not returned.
        if noted.is_some() {
            return Ok(window);
        }
        window = window.saturating_add(1);
    }
}

/// Deletes a window's raw cells so that nothing of them is left in the file; how many they were.
/// The migration says why `DELETE ... WHERE` would not do.
pub(super) async fn delete_window(
    transaction: &mut Transaction<'_, Sqlite>,
    window: i64,
) -> Result<u64, sqlx::Error> {
    let survivors =
        sqlx::query(r#"INSERT INTO surviving_cell SELECT * FROM raw_cell WHERE "window" <> ?1"#)
            .bind(window)
            .execute(&mut **transaction)
            .await?;
    let all = sqlx::query("DELETE FROM raw_cell")
        .execute(&mut **transaction)
        .await?;
    for statement in [
        "INSERT INTO raw_cell SELECT * FROM surviving_cell",
        "DELETE FROM surviving_cell",
    ] {
        sqlx::query(statement).execute(&mut **transaction).await?;
    }
    Ok(all.rows_affected() - survivors.rows_affected())
}

/// Inserts rows whose nonce is new; the nonces of those.
async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    window: i64,
    day: u64,
    rows: &[&Row],
) -> Result<HashSet<Hash>, sqlx::Error> {
    let json: Vec<_> = rows
        .iter()
        .map(|row| (hex(&row.nonce), hex(&row.binding), row.table, &row.cell))
        .collect();
    let inserted = sqlx::query(
        r#"INSERT INTO raw_cell (nonce, binding, "window", day, "table", cell)
           SELECT unhex(value ->> 0), unhex(value ->> 1), ?2, ?3, value ->> 2, value ->> 3
           FROM json_each(?1)
           WHERE NOT EXISTS (
             SELECT 1 FROM spent_nonce WHERE spent_nonce.nonce = unhex(value ->> 0))
           ON CONFLICT (nonce) DO NOTHING
           RETURNING nonce"#,
    )
    .bind(to_json(&json)?)
    .bind(window)
    .bind(signed(day))
    .fetch_all(&mut **transaction)
    .await?;
    inserted
        .iter()
        .map(|row| row.try_get(0).and_then(fixed))
        .collect()
}

/// What these nonces, in hexadecimal, are bound to, in open and in released windows.
async fn bindings_of(
    transaction: &mut Transaction<'_, Sqlite>,
    nonces: &[String],
) -> Result<HashMap<Hash, Hash>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT nonce, binding FROM raw_cell
         WHERE nonce IN (SELECT unhex(value) FROM json_each(?1))
         UNION ALL
         SELECT nonce, binding FROM spent_nonce
         WHERE nonce IN (SELECT unhex(value) FROM json_each(?1))",
    )
    .bind(to_json(nonces)?)
    .fetch_all(&mut **transaction)
    .await?;
    rows.iter()
        .map(|row| {
            Ok((
                row.try_get(0).and_then(fixed)?,
                row.try_get(1).and_then(fixed)?,
            ))
        })
        .collect()
}

fn fixed(bytes: Vec<u8>) -> Result<Hash, sqlx::Error> {
    Hash::try_from(bytes.as_slice()).map_err(|e| sqlx::Error::Decode(e.into()))
}

pub(super) fn to_json(value: &(impl serde::Serialize + ?Sized)) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|e| sqlx::Error::Encode(e.into()))
}

fn hex(hash: &Hash) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(32);
    for byte in hash {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// SQLite's integers are signed; windows, days and Unix seconds are far below 2^63.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn failed(
    location: &Location,
    doing: &'static str,
) -> impl Fn(sqlx::Error) -> StorageError {
    let location = location.clone();
    move |source| StorageError::Query {
        location: location.clone(),
        doing,
        source,
    }
}

/// Makes the file, readable by this user alone; SQLite gives its log the same rights.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
