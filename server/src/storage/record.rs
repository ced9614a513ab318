//! Storing reports: a batch in one transaction, each nonce once, each report in its own window.

use super::database::{failed, signed, to_json};
use super::dialect::Dialect;
use super::{Database, Hash, Recorded, Refusal, Row, StorageError};
use crate::clock::Clock;
use crate::promise::Promise;
use sqlx::{Any, Row as _, Transaction};
use std::collections::HashMap;
use vitrine_core::window::{Admission, WindowName};

const DAY_SECONDS: u64 = 24 * 3600;

/// What became of the rows whose nonces were not on the disk before.
#[derive(Default)]
struct Attempt {
    /// What the nonces are bound to that were known.
    bindings: HashMap<Hash, Hash>,
    /// The windows that did not take their rows.
    refused: HashMap<WindowName, Refusal>,
}

impl Database {
    /// Stores a batch of reports in one transaction and flushes it. One answer per row, in
    /// order; when it fails, none of the rows counts as stored and each may be sent again.
    ///
    /// A window that `promises` does not name takes no report.
    pub async fn record(
        &mut self,
        promises: &HashMap<WindowName, Promise>,
        clock: &dyn Clock,
        rows: &[Row],
    ) -> Result<Vec<Recorded>, StorageError> {
        let failed = failed(&self.location, "store reports");
        let mut first: HashMap<Hash, &Row> = HashMap::with_capacity(rows.len());
        for row in rows {
            first.entry(row.nonce).or_insert(row);
        }
        let mut attempt = loop {
            let attempt = self.attempt(promises, clock, &first).await;
            if let Some(attempt) = attempt.map_err(&failed)? {
                break attempt;
            }
        };
        Ok(rows
            .iter()
            .map(|row| match attempt.bindings.get(&row.nonce) {
                Some(binding) if *binding == row.binding => Recorded::Duplicate,
                Some(_) => Recorded::Conflict,
                None => match attempt.refused.get(&row.window) {
                    Some(refusal) => Recorded::Refused(*refusal),
                    None => {
                        attempt.bindings.insert(row.nonce, row.binding);
                        Recorded::Accepted
                    }
                },
            })
            .collect())
    }

    /// Stores the rows whose nonces are new and whose windows take them. `None`, with nothing
    /// stored, when another process stored one of them meanwhile: then it is not new any more.
    ///
    /// What is known is asked for before the insertion and not returned by it: the driver hands
    /// every returned row from thread to thread, and nearly all reports are new.
    async fn attempt(
        &mut self,
        promises: &HashMap<WindowName, Promise>,
        clock: &dyn Clock,
        rows: &HashMap<Hash, &Row>,
    ) -> Result<Option<Attempt>, sqlx::Error> {
        let dialect = self.dialect;
        let mut transaction = self.begin(dialect.lock_to_record).await?;
        // Under the lock: see `storage`.
        let now = clock.now();
        let bindings = bindings_of(&mut transaction, dialect, rows.keys()).await?;
        let is_new = |row: &&Row| !bindings.contains_key(&row.nonce);
        let mut fresh: Vec<&Row> = rows.values().copied().filter(is_new).collect();
        let mut refused = HashMap::new();
        let mut windows: Vec<WindowName> = fresh.iter().map(|row| row.window).collect();
        windows.sort_unstable();
        windows.dedup();
        for window in windows {
            let promise = promises.get(&window);
            let answer = admit(&mut transaction, dialect, window, promise, now).await?;
            if let Err(refusal) = answer {
                refused.insert(window, refusal);
            }
        }
        fresh.retain(|row| !refused.contains_key(&row.window));
        // Two processes that store the same nonces wait for each other in one order.
        fresh.sort_unstable_by_key(|row| row.nonce);
        let stored = insert(&mut transaction, dialect, now / DAY_SECONDS, &fresh).await?;
        if stored < fresh.len() as u64 {
            transaction.rollback().await?;
            return Ok(None);
        }
        transaction.commit().await?;
        Ok(Some(Attempt { bindings, refused }))
    }
}

/// Whether a window takes reports now; its promise is noted where it does.
async fn admit(
    transaction: &mut Transaction<'_, Any>,
    dialect: &Dialect,
    window: WindowName,
    promise: Option<&Promise>,
    now: u64,
) -> Result<Result<(), Refusal>, sqlx::Error> {
    match window.admits(now) {
        Admission::Open => {}
        Admission::Early(seconds) => return Ok(Err(Refusal::Early(seconds))),
        Admission::Late => return Ok(Err(Refusal::Closed)),
    }
    let Some(promise) = promise else {
        return Ok(Err(Refusal::Foreign));
    };
    // A promise that is noted needs no write, so that processes do not wait for one row.
    if note(transaction, PROMISED, window, promise).await? {
        return Ok(Ok(()));
    }
    if let Some(lock) = dialect.lock_windows {
        sqlx::query(lock).execute(&mut **transaction).await?;
    }
    if let Some(refusal) = in_the_way(transaction, window).await? {
        return Ok(Err(refusal));
    }
    match note(transaction, PROMISE, window, promise).await? {
        true => Ok(Ok(())),
        false => Ok(Err(Refusal::Closed)),
    }
}

/// Why the windows that hold reports leave no room for this one.
async fn in_the_way(
    transaction: &mut Transaction<'_, Any>,
    window: WindowName,
) -> Result<Option<Refusal>, sqlx::Error> {
    let rows = sqlx::query(
        r#"SELECT "window", window_seconds, released_at FROM feedback_window
           WHERE "window" = $1
              OR ("window" * window_seconds < $3 AND ("window" + 1) * window_seconds > $2)"#,
    )
    .bind(signed(window.number))
    .bind(signed(window.start()))
    .bind(signed(window.end()))
    .fetch_all(&mut **transaction)
    .await?;
    for row in &rows {
        let other = WindowName {
            number: row.try_get::<i64, _>(0)?.unsigned_abs(),
            seconds: row.try_get::<i64, _>(1)?.unsigned_abs(),
        };
        if other != window {
            return Ok(Some(Refusal::Foreign));
        }
        if row.try_get::<Option<i64>, _>(2)?.is_some() {
            return Ok(Some(Refusal::Closed));
        }
    }
    Ok(None)
}

/// Runs [`PROMISED`] or [`PROMISE`]; whether the window is open and has the promise now.
async fn note(
    transaction: &mut Transaction<'_, Any>,
    statement: &'static str,
    window: WindowName,
    promise: &Promise,
) -> Result<bool, sqlx::Error> {
    let guarantee = promise.guarantee;
    let row = sqlx::query(statement)
        .bind(signed(window.number))
        .bind(signed(window.seconds))
        .bind(promise.level.name())
        .bind(i64::from(promise.k))
        .bind(guarantee.map_or(NONE, |guarantee| guarantee.epsilon))
        .bind(guarantee.map_or(NONE, |guarantee| guarantee.delta))
        .bind(promise.epsilon_ceiling.unwrap_or(NONE))
        .bind(i64::from(promise.cells.transitions))
        .bind(i64::from(promise.cells.items))
        .bind(i64::from(promise.cells.impressions))
        .bind(i64::from(promise.cells.metrics))
        .fetch_optional(&mut **transaction)
        .await?;
    Ok(row.is_some())
}

/// Stands for no guarantee and no ceiling. The statements are prepared once for a connection, and
/// PostgreSQL then takes no number where it was prepared with a NULL.
const NONE: f64 = -1.0;

/// Answers with the window when it is open and promises as much already.
const PROMISED: &str = r#"
    SELECT "window" FROM feedback_window
    WHERE "window" = $1 AND window_seconds = $2 AND released_at IS NULL
      AND (level IN ($3, 'local') OR $3 = 'unlinkable')
      AND k >= $4 AND ($5 < 0 OR epsilon <= $5) AND ($6 < 0 OR delta <= $6)
      AND ($7 < 0 OR epsilon_ceiling <= $7)
      AND transitions >= $8 AND items >= $9 AND impressions >= $10 AND metrics >= $11"#;

/// Notes the stronger of what is promised and what was. A released window is not updated, and
/// what is not updated is not returned.
const PROMISE: &str = r#"
    INSERT INTO feedback_window AS noted
      ("window", window_seconds, level, k, epsilon, delta, epsilon_ceiling,
       transitions, items, impressions, metrics)
    VALUES ($1, $2, $3, $4, NULLIF($5, -1), NULLIF($6, -1), NULLIF($7, -1), $8, $9, $10, $11)
    ON CONFLICT ("window") DO UPDATE SET
      level = CASE WHEN 'local' IN (noted.level, excluded.level) THEN 'local'
              WHEN 'private' IN (noted.level, excluded.level) THEN 'private'
              ELSE 'unlinkable' END,
      k = CASE WHEN noted.k > excluded.k THEN noted.k ELSE excluded.k END,
      epsilon = CASE WHEN noted.epsilon <= excluded.epsilon THEN noted.epsilon
                ELSE coalesce(excluded.epsilon, noted.epsilon) END,
      delta = CASE WHEN noted.delta <= excluded.delta THEN noted.delta
              ELSE coalesce(excluded.delta, noted.delta) END,
      epsilon_ceiling = CASE WHEN noted.epsilon_ceiling <= excluded.epsilon_ceiling
                        THEN noted.epsilon_ceiling
                        ELSE coalesce(excluded.epsilon_ceiling, noted.epsilon_ceiling) END,
      transitions = CASE WHEN noted.transitions > excluded.transitions THEN noted.transitions
                    ELSE excluded.transitions END,
      items = CASE WHEN noted.items > excluded.items THEN noted.items ELSE excluded.items END,
      impressions = CASE WHEN noted.impressions > excluded.impressions THEN noted.impressions
                    ELSE excluded.impressions END,
      metrics = CASE WHEN noted.metrics > excluded.metrics THEN noted.metrics
                ELSE excluded.metrics END
    WHERE noted.released_at IS NULL
    RETURNING "window""#;

/// Inserts rows whose nonce is new; how many they were.
async fn insert(
    transaction: &mut Transaction<'_, Any>,
    dialect: &Dialect,
    day: u64,
    rows: &[&Row],
) -> Result<u64, sqlx::Error> {
    let json: Vec<_> = rows
        .iter()
        .map(|row| {
            let Row { nonce, binding, .. } = row;
            let window = row.window.number;
            (hex(nonce), hex(binding), window, row.table, &row.cell)
        })
        .collect();
    let inserted = sqlx::query(dialect.insert_reports)
        .bind(to_json(&json)?)
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
