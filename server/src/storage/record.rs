//! Storing reports: a batch in one transaction, each nonce once.

use super::database::{failed, signed, to_json};
use super::dialect::Dialect;
use super::{Database, Hash, Recorded, Row, StorageError};
use crate::clock::Clock;
use crate::promise::{Policy, Promise};
use sqlx::{Any, Row as _, Transaction};
use std::collections::{HashMap, HashSet};
use vitrine_core::privacy::{Level, Privacy};

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
        let dialect = self.dialect;
        let lock = dialect.lock_to_record;
        let mut transaction = self.begin(lock).await.map_err(&failed)?;
        // Under the lock: see `storage`.
        let now = clock.now();
        let window = open_window(&mut transaction, privacy, policy, now)
            .await
            .map_err(&failed)?;

        let mut first: HashMap<Hash, &Row> = HashMap::with_capacity(rows.len());
        for row in rows {
            first.entry(row.nonce).or_insert(row);
        }
        let mut fresh: Vec<&Row> = first.values().copied().collect();
        // Two processes that store the same nonces wait for each other in one order.
        fresh.sort_unstable_by_key(|row| row.nonce);
        let stored = insert(&mut transaction, dialect, window, now / DAY_SECONDS, &fresh)
            .await
            .map_err(&failed)?;
        let mut bindings: HashMap<Hash, Hash> = HashMap::new();
        if stored.len() < first.len() {
            let known = |nonce: &&Hash| !stored.contains(*nonce);
            let known: Vec<_> = first
                .keys()
                .filter(known)
                .map(|nonce| [hex(nonce)])
                .collect();
            bindings = bindings_of(&mut transaction, dialect, &known)
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
                .bind(promise.guarantee.map(|guarantee| guarantee.epsilon))
                .bind(promise.guarantee.map(|guarantee| guarantee.delta))
                .bind(Level::Private.name())
                .fetch_optional(&mut **transaction)
                .await?;
            if open.is_some() {
                return Ok(window);
            }
        }
        window = window.saturating_add(1);
    }
}

/// Answers with the window when it is open and promises as much already.
const PROMISED: &str = r#"
    SELECT "window" FROM feedback_window
    WHERE "window" = $1 AND released_at IS NULL AND $2 > 0 AND level IN ($3, $8)
      AND k >= $4 AND cells >= $5
      AND ($6 IS NULL OR epsilon <= $6) AND ($7 IS NULL OR delta <= $7)"#;

/// Notes the stronger of what is promised and what was. A released window is not updated, and
/// what is not updated is not returned.
const PROMISE: &str = r#"
    INSERT INTO feedback_window AS noted
      ("window", window_seconds, level, k, cells, epsilon, delta)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT ("window") DO UPDATE SET
      level = CASE WHEN excluded.level = $8 THEN $8 ELSE noted.level END,
      k = CASE WHEN noted.k > excluded.k THEN noted.k ELSE excluded.k END,
      cells = CASE WHEN noted.cells > excluded.cells THEN noted.cells ELSE excluded.cells END,
      epsilon = CASE WHEN noted.epsilon <= excluded.epsilon THEN noted.epsilon
                ELSE coalesce(excluded.epsilon, noted.epsilon) END,
      delta = CASE WHEN noted.delta <= excluded.delta THEN noted.delta
              ELSE coalesce(excluded.delta, noted.delta) END
    WHERE noted.released_at IS NULL
    RETURNING "window""#;

/// Inserts rows whose nonce is new; the nonces of those.
async fn insert(
    transaction: &mut Transaction<'_, Any>,
    dialect: &Dialect,
    window: i64,
    day: u64,
    rows: &[&Row],
) -> Result<HashSet<Hash>, sqlx::Error> {
    let json: Vec<_> = rows
        .iter()
        .map(|row| (hex(&row.nonce), hex(&row.binding), row.table, &row.cell))
        .collect();
    let inserted = sqlx::query(dialect.insert_reports)
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
    transaction: &mut Transaction<'_, Any>,
    dialect: &Dialect,
    nonces: &[[String; 1]],
) -> Result<HashMap<Hash, Hash>, sqlx::Error> {
    let rows = sqlx::query(dialect.bindings)
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

fn hex(hash: &Hash) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(32);
    for byte in hash {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
