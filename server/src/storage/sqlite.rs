//! SQLite: one file, write-ahead log, a flush at every commit.
//!
//! `synchronous = FULL` flushes the log before a commit returns, which is what an answer
//! promises. A released window's raw cells must leave the disk and not only the table:
//! `secure_delete` overwrites what is deleted, a release empties whole pages instead of picking
//! rows out of them, and it ends with a checkpoint that empties the log.
//!
//! A batch is one `INSERT ... SELECT FROM json_each`: a statement per report would cost a trip
//! to SQLite's thread each, several times what the insertion costs.

use super::dialect::Dialect;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Row as _};
use std::path::Path;

/// A transaction that starts by reading would fail, not wait, when another process writes before
/// it does; so the write lock is taken at once.
pub(super) static DIALECT: Dialect = Dialect {
    migrations: sqlx::migrate!("./migrations/sqlite"),
    begin: "BEGIN IMMEDIATE",
    lock_to_record: None,
    lock_to_release: None,
    lock_windows: None,
    clock: "SELECT unixepoch()",
    insert_reports: r#"
        INSERT INTO raw_cell (nonce, binding, "window", day, "table", cell)
        SELECT unhex(value ->> 0), unhex(value ->> 1), value ->> 2, $2, value ->> 3, value ->> 4
        FROM json_each($1) WHERE true
        ON CONFLICT (nonce) DO NOTHING"#,
    bindings: "
        SELECT nonce, binding FROM raw_cell
        WHERE nonce IN (SELECT unhex(value) FROM json_each($1))
        UNION ALL
        SELECT nonce, binding FROM spent_nonce
        WHERE nonce IN (SELECT unhex(value) FROM json_each($1))",
    insert_released: r#"
        INSERT INTO released_cell ("window", cell, count)
        SELECT $2, value ->> 0, value ->> 1 FROM json_each($1)"#,
    empty_raw: "DELETE FROM raw_cell",
    empty_surviving: "DELETE FROM surviving_cell",
    // Rows are clustered by the hash of their nonce.
    shuffle: None,
    // The log holds rows in order of arrival, also those that were written back, until it is cut. It
    // waits for nobody who reads: then it is written back as far as it can be, and cut the next time.
    tidy: Some(
        "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 10000",
    ),
    hint,
};

/// How it is set up: see the module above. A statement waits ten seconds for another process that
/// holds the database. Counting cells sorts them; what is sorted must not spill into other files.
///
/// Reports fall on random pages, one or two each. Writing the log back after SQLite's own 1,000
/// pages would write nearly every page once for each report and flush twice more for every ten
/// batches; after 8,000 (32 MB) it halves the time of a batch (docs/results/feedback.md).
const SETTINGS: &str = "
    PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 8000; PRAGMA cache_size = -32768;
    PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON";

/// Opens the file, and makes it when there is none.
pub(super) async fn connect(path: &Path) -> Result<AnyConnection, sqlx::Error> {
    create_private(path)?;
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), NON_ALPHANUMERIC);
    let options: AnyConnectOptions = format!("sqlite:{path}").parse()?;
    // A line with the time of each batch would date its reports.
    let options = options.disable_statement_logging();
    let mut connection = options.connect().await?;
    sqlx::raw_sql(SETTINGS).execute(&mut connection).await?;
    Ok(connection)
}

/// Empties the write-ahead log, so that nothing deleted is left in it. Says whether it could be
/// emptied; a process that is reading at this moment prevents it.
pub(super) async fn empty_log(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    let checkpoint = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(connection)
        .await?;
    Ok(checkpoint.try_get::<i64, _>(0)? == 0)
}

fn hint(code: &str) -> &'static str {
    // The low byte of an extended result code is the primary one.
    match code.parse::<u32>().unwrap_or(0) & 0xff {
        13 | 10 => "; check that its disk has room and is sound; nothing acknowledged is lost",
        8 => "; give this user the right to write it",
        5 | 6 => "; another process holds it: try again when that is done",
        _ => "",
    }
}

/// Makes the file, readable by this user alone; SQLite gives its log the same rights. SQLite
/// flushes the folder of a file that it made itself, so that is done here.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    vitrine_durable::sync_folder(vitrine_durable::folder_of(path))
}
