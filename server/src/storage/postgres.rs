//! PostgreSQL, for several server processes over one database.
//!
//! `synchronous_commit = on` makes a commit wait for the flush, whatever the database's default
//! is; a database that runs without `fsync` is refused, because an answer could not mean the
//! disk. Processes that store reports share a lock on `raw_cell` that a release takes alone, so a
//! report is in its window before the release or falls into the next.
//!
//! What a release deletes is gone from the table's file and not from the write-ahead log, its
//! archive or a replica: those belong to the database's operator (docs/server.md).

use super::dialect::Dialect;
use super::location::PostgresUrl;
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Row as _};

pub(super) static DIALECT: Dialect = Dialect {
    migrations: sqlx::migrate!("./migrations/postgres"),
    begin: "BEGIN",
    lock_to_record: Some("LOCK TABLE raw_cell IN ROW EXCLUSIVE MODE"),
    lock_to_release: Some("LOCK TABLE raw_cell IN ACCESS EXCLUSIVE MODE"),
    lock_windows: Some("LOCK TABLE feedback_window IN SHARE ROW EXCLUSIVE MODE"),
    clock: "SELECT CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)",
    insert_reports: r#"
        INSERT INTO raw_cell (nonce, binding, "window", day, "table", cell)
        SELECT decode(value ->> 0, 'hex'), decode(value ->> 1, 'hex'),
               CAST(value ->> 2 AS BIGINT), $2, value ->> 3, value ->> 4
        FROM json_array_elements(CAST($1 AS json))
        ON CONFLICT (nonce) DO NOTHING"#,
    bindings: "
        WITH asked AS (
          SELECT decode(value, 'hex') AS nonce FROM json_array_elements_text(CAST($1 AS json)))
        SELECT nonce, binding FROM raw_cell JOIN asked USING (nonce)
        UNION ALL
        SELECT nonce, binding FROM spent_nonce JOIN asked USING (nonce)",
    insert_released: r#"
        INSERT INTO released_cell ("window", cell, count)
        SELECT $2, value ->> 0, CAST(value ->> 1 AS BIGINT)
        FROM json_array_elements(CAST($1 AS json))"#,
    empty_raw: "TRUNCATE raw_cell",
    empty_surviving: "TRUNCATE surviving_cell",
    // Its rows are in order of arrival, and each names the transaction that wrote it (xmin).
    shuffle: Some(
        "BEGIN;
         LOCK TABLE raw_cell IN ACCESS EXCLUSIVE MODE;
         INSERT INTO surviving_cell SELECT * FROM raw_cell;
         TRUNCATE raw_cell;
         INSERT INTO raw_cell SELECT * FROM surviving_cell ORDER BY nonce;
         TRUNCATE surviving_cell;
         COMMIT",
    ),
    tidy: None,
    hint,
};

/// A plan that is kept was made when the tables were empty, and would read all of `raw_cell` for every
/// batch until the database next counts its rows: so statements are planned each time.
///
/// A lock is waited for ten seconds, as with SQLite; a process that died inside a transaction
/// without closing its connection holds its locks for a minute at most.
const SETTINGS: &str = "
    SET synchronous_commit = on; SET lock_timeout = '10s'; SET client_min_messages = warning;
    SET plan_cache_mode = force_custom_plan; SET idle_in_transaction_session_timeout = '60s'";

/// Connects. The database must be there; its tables need not.
pub(super) async fn connect(url: &PostgresUrl) -> Result<AnyConnection, sqlx::Error> {
    let options: AnyConnectOptions = url.secret().parse()?;
    // A line with the time of each batch would date its reports.
    let options = options.disable_statement_logging();
    let mut connection = options.connect().await?;
    sqlx::raw_sql(SETTINGS).execute(&mut connection).await?;
    let fsync: String = sqlx::query("SELECT current_setting('fsync')")
        .fetch_one(&mut connection)
        .await?
        .try_get(0)?;
    if fsync == "off" {
        return Err(sqlx::Error::Configuration(
            "it runs with fsync = off, so nothing that it acknowledges is sure to be on the disk; \
             turn fsync on"
                .into(),
        ));
    }
    Ok(connection)
}

/// Gives the pages of deleted rows free to be written over.
pub(super) async fn vacuum(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("VACUUM spent_nonce")
        .execute(connection)
        .await
        .map(drop)
}

/// By SQLSTATE, PostgreSQL's appendix A.
fn hint(code: &str) -> &'static str {
    match code {
        "53100" | "58030" => {
            "; check that its disk has room and is sound; nothing acknowledged is lost"
        }
        "55P03" | "40P01" => "; another process holds it: try again when that is done",
        "42501" => "; give this user the right to, or name another user in the URL",
        "25006" => "; it takes no writes: name the primary, not a replica",
        "53300" => "; it has no connection left: raise its max_connections",
        _ => "",
    }
}
