//! Storing reports: a batch in one transaction, each nonce once.

use super::database::{failed, signed, to_json};
use super::dialect::Dialect;
use super::{Database, Hash, Recorded, Row, StorageError};
use crate::clock::Clock;
use crate::promise::{Policy, Promise};
use sqlx::{Any, Row as _, Transaction};
use std::collections::HashMap;
use vitrine_core::privacy::Privacy;

const DAY_SECONDS: u64 = 24 * 3600;

impl Database {
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
        let mut first: HashMap<Hash, &Row> = HashMap::with_capacity(rows.len());
        for row in rows {
            first.entry(row.nonce).or_insert(row);
        }
        let mut bindings = loop {
            let attempt = self.attempt(privacy, policy, clock, &first).await;
            if let Some(bindings) = attempt.map_err(&failed)? {
                break bindings;
            }
        };
        Ok(rows
            .iter()
            .map(|row| match bindings.get(&row.nonce) {
                Some(binding) if *binding == row.binding => Recorded::Duplicate,
                Some(_) => Recorded::Conflict,
                None => {
                    bindings.insert(row.nonce, row.binding);
                    Recorded::Accepted
                }
            })
            .collect())
    }

    /// Stores the rows whose nonces are new; the bindings of the others. `None`, with nothing
    /// stored, when another process stored one of them meanwhile: then it is not new any more.
    ///
    /// What is known is asked for before the insertion and not returned by it: the driver hands
    /// every returned row from thread to thread, and nearly all reports are new.
    async fn attempt(
        &mut self,
        privacy: &Privacy,
        policy: &Policy,
        clock: &dyn Clock,
        rows: &HashMap<Hash, &Row>,
    ) -> Result<Option<HashMap<Hash, Hash>>, sqlx::Error> {
        let dialect = self.dialect;
        let mut transaction = self.begin(dialect.lock_to_record).await?;
        // Under the lock: see `storage`.
        let now = clock.now();
        let window = open_window(&mut transaction, privacy, policy, now).await?;
        let bindings = bindings_of(&mut transaction, dialect, rows.keys()).await?;
        let is_new = |row: &&Row| !bindings.contains_key(&row.nonce);
        let mut fresh: Vec<&Row> = rows.values().copied().filter(is_new).collect();
        // Two processes that store the same nonces wait for each other in one order.
        fresh.sort_unstable_by_key(|row| row.nonce);
        let stored = insert(&mut transaction, dialect, window, now / DAY_SECONDS, &fresh).await?;
        if stored < fresh.len() as u64 {
            transaction.rollback().await?;
            return Ok(None);
        }
        transaction.commit().await?;
        Ok(Some(bindings))
    }
}

/// The number of the window that reports fall into now, noting what is promised for it.
///
/// A window that is released stays closed: should the clock have been set back behind a
/// release, reports fall into the first window after it.
async fn open_window(
    transaction: &mut Transaction<'_, Any>,
    privacy: &Privacy,
    policy: &Policy,
    now: u64,
) -> Result<i64, sqlx::Error> {
    let promise = Promise::of(privacy).and(policy);
    let mut window = signed(privacy.window_at(now));
    loop {
        // A promise that is noted needs no write, so that processes do not wait for one row.
        for statement in [PROMISED, PROMISE] {
            let open = sqlx::query(statement)
                .bind(window)
                .bind(signed(privacy.window_seconds.max(1)))
                .bind(promise.level.name())
                .bind(i64::from(promise.k))
                .bind(i64::from(promise.cells))
                .bind(
                    promise
                        .guarantee
                        .map_or(NONE, |guarantee| guarantee.epsilon),
                )
                .bind(promise.guarantee.map_or(NONE, |guarantee| guarantee.delta))
                .bind(i64::from(promise.metrics))
                .fetch_optional(&mut **transaction)
                .await?;
            if open.is_some() {
                return Ok(window);
            }
        }
        window = window.saturating_add(1);
    }
}

/// Stands for no guarantee. The statements are prepared once for a connection, and PostgreSQL then
/// takes no number where it was prepared with a NULL.
const NONE: f64 = -1.0;

/// Answers with the window when it is open and promises as much already.
const PROMISED: &str = r#"
    SELECT "window" FROM feedback_window
    WHERE "window" = $1 AND released_at IS NULL AND $2 > 0
      AND (level IN ($3, 'local') OR $3 = 'unlinkable')
      AND k >= $4 AND cells >= $5 AND metrics >= $8
      AND ($6 < 0 OR epsilon <= $6) AND ($7 < 0 OR delta <= $7)"#;

/// Notes the stronger of what is promised and what was. A released window is not updated, and
/// what is not updated is not returned.
const PROMISE: &str = r#"
    INSERT INTO feedback_window AS noted
      ("window", window_seconds, level, k, cells, epsilon, delta, metrics)
    VALUES ($1, $2, $3, $4, $5, NULLIF($6, -1), NULLIF($7, -1), $8)
    ON CONFLICT ("window") DO UPDATE SET
      level = CASE WHEN 'local' IN (noted.level, excluded.level) THEN 'local'
              WHEN 'private' IN (noted.level, excluded.level) THEN 'private'
              ELSE 'unlinkable' END,
      k = CASE WHEN noted.k > excluded.k THEN noted.k ELSE excluded.k END,
      cells = CASE WHEN noted.cells > excluded.cells THEN noted.cells ELSE excluded.cells END,
      metrics = CASE WHEN noted.metrics > excluded.metrics THEN noted.metrics
                ELSE excluded.metrics END,
      epsilon = CASE WHEN noted.epsilon <= excluded.epsilon THEN noted.epsilon
                ELSE coalesce(excluded.epsilon, noted.epsilon) END,
      delta = CASE WHEN noted.delta <= excluded.delta THEN noted.delta
              ELSE coalesce(excluded.delta, noted.delta) END
    WHERE noted.released_at IS NULL
    RETURNING "window""#;

/// Inserts rows whose nonce is new; how many they were.
async fn insert(
    transaction: &mut Transaction<'_, Any>,
    dialect: &Dialect,
    window: i64,
    day: u64,
    rows: &[&Row],
) -> Result<u64, sqlx::Error> {
    let json: Vec<_> = rows
        .iter()
        .map(|row| (hex(&row.nonce), hex(&row.binding), row.table, &row.cell))
        .collect();
    let inserted = sqlx::query(dialect.insert_reports)
        .bind(to_json(&json)?)
        .bind(window)
        .bind(signed(day))
        .execute(&mut **transaction)
        .await?;
    Ok(inserted.rows_affected())
}

/// What those of these nonces are bound to that are known, in open and in released windows.
async fn bindings_of(
    transaction: &mut Transaction<'_, Any>,
    dialect: &Dialect,
    nonces: impl Iterator<Item = &Hash>,
) -> Result<HashMap<Hash, Hash>, sqlx::Error> {
    let nonces: Vec<String> = nonces.map(hex).collect();
    let rows = sqlx::query(dialect.bindings)
        .bind(to_json(&nonces)?)
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

fn hex(hash: &Hash) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}
