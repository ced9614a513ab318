//! A window's release: one transaction, once.
//!
//! Both levels take this one path: counts per group of nonces in, what passes the rule out. At the
//! `unlinkable` level a cell below k is left out by the database and not read by this process, and
//! a group that carries a cell alone is cut; at the `private` level all counts are read, and noise
//! is drawn for each sum. Groups are not cut there: how much is cut depends on the counts, so one
//! report more could change a sum by more than one, and σ and τ would promise too much. The noise
//! is drawn inside the transaction: should the process die before it commits, what was drawn is
//! gone with it and was seen by nobody.

use super::database::{Database, failed, signed, to_json};
use super::dialect::Dialect;
use super::groups::{self, CellCounts};
use super::{Forecast, Released, StorageError, Window, ledger};
use crate::clock::Clock;
use crate::ledger::{Entry, Ledger, Spent};
use crate::promise::{Policy, Promise};
use sqlx::{Any, Row as _, Transaction};
use vitrine_core::privacy::Level;
use vitrine_privacy::gaussian::Distribution;
use vitrine_privacy::threshold::published;
use vitrine_privacy::{Mechanism, OsRandom, Parameters, PrivacyError, calibrate};

/// Cells in one statement: bounds its text.
const CHUNK: usize = 4096;

/// The rule by which a window is released.
enum Rule {
    /// Cells that at least `k` reports named.
    Unlinkable { k: u32 },
    /// Noisy counts above a threshold.
    Private(Parameters),
}

impl Rule {
    fn of(promise: &Promise) -> Result<Self, PrivacyError> {
        let k = promise.k.max(1);
        match promise.level {
            Level::Unlinkable => Ok(Self::Unlinkable { k }),
            Level::Private => {
                // A manifest that allows no cell may still meet a report.
                let cells = promise.cells.max(1);
                let parameters = calibrate(promise.guarantee.unwrap_or_default(), cells)?;
                Ok(Self::Private(
                    parameters.with_threshold_at_least(u64::from(k)),
                ))
            }
        }
    }

    /// The fewest reports with which a cell can pass.
    fn fewest(&self) -> u64 {
        match self {
            Self::Unlinkable { k } => u64::from(*k),
            Self::Private(_) => 1,
        }
    }

    fn entry(&self, window: &Window, promise: &Promise) -> Entry {
        Entry {
            window: window.window,
            window_seconds: window.window_seconds,
            released_on: String::new(),
            level: promise.level,
            spent: match self {
                Self::Unlinkable { .. } => None,
                Self::Private(parameters) => Some(Spent::from(parameters)),
            },
        }
    }
}

impl Database {
    /// Releases a window, once: what passes the rule is kept, the raw cells are deleted, the
    /// window is marked and entered in the ledger, all in one transaction. `None` when it was
    /// released before. Refused, with nothing changed, when the year's ε would pass the ceiling.
    pub async fn release(
        &mut self,
        window: &Window,
        policy: &Policy,
        clock: &dyn Clock,
    ) -> Result<Option<Released>, StorageError> {
        let location = self.location.clone();
        let failed = failed(&location, "release a window");
        let dialect = self.dialect;
        let lock = dialect.lock_to_release;
        let mut transaction = self.begin(lock).await.map_err(&failed)?;
        let now = clock.now();
        let number = signed(window.window);
        let marked = sqlx::query(
            r#"UPDATE feedback_window SET released_at = $2
               WHERE "window" = $1 AND released_at IS NULL
               RETURNING level, k, cells, epsilon, delta"#,
        )
        .bind(number)
        .bind(signed(now))
        .fetch_optional(&mut *transaction)
        .await
        .map_err(&failed)?;
        let Some(marked) = marked else {
            return Ok(None);
        };
        let promise = ledger::promise(&location, &marked)?.and(policy);
        let rule = Rule::of(&promise)?;
        let entry = rule.entry(window, &promise);
        let so_far = ledger::read(&location, &mut transaction).await?;
        let year = so_far.admit(&entry, policy.epsilon_ceiling)?;
        let cells = groups::cells(&mut transaction, number, rule.fewest())
            .await
            .map_err(&failed)?;
        let passing = passing(&rule, cells)?;
        write(&mut transaction, dialect, number, &passing)
            .await
            .map_err(&failed)?;
        ledger::write(&mut transaction, &entry, &promise, now)
            .await
            .map_err(&failed)?;
        // A nonce is remembered for the window and the one after.
        if window.end().saturating_add(window.window_seconds) > now {
            sqlx::query(
                r#"INSERT INTO spent_nonce (nonce, binding, "window")
                   SELECT nonce, binding, "window" FROM raw_cell WHERE "window" = $1"#,
            )
            .bind(number)
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        }
        let reports = delete_window(&mut transaction, dialect, number)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        Ok(Some(Released {
            reports,
            cells: passing.len() as u64,
            noise: entry.spent.map(|spent| spent.noise),
            year,
        }))
    }

    /// What [`Database::release`] would do with a window, after what `so_far` holds. Changes
    /// nothing but `so_far`, to which an admitted release is added. Reads how many cells have how
    /// many reports, and no cell.
    pub async fn forecast(
        &mut self,
        window: &Window,
        policy: &Policy,
        so_far: &mut Ledger,
    ) -> Result<Forecast, StorageError> {
        let counts = sqlx::query(
            r#"SELECT reports, count(*) FROM (
                 SELECT count(*) AS reports FROM raw_cell WHERE "window" = $1 GROUP BY cell) AS spread
               GROUP BY reports"#,
        )
        .bind(signed(window.window))
        .fetch_all(&mut self.connection)
        .await
        .map_err(failed(&self.location, "count a window's cells"))?;
        let promise = window.promise.and(policy);
        let rule = Rule::of(&promise)?;
        let noise = match &rule {
            Rule::Unlinkable { .. } => None,
            Rule::Private(parameters) => Some(Distribution::noise(parameters.sigma)),
        };
        let mut forecast = Forecast {
            reports: 0,
            cells: 0,
            expected: 0.0,
            noise: None,
            year: Ok(Default::default()),
        };
        for row in &counts {
            let reports = row.get::<i64, _>(0).unsigned_abs();
            let cells = row.get::<i64, _>(1).unsigned_abs();
            let passes = match (&rule, &noise) {
                (Rule::Private(parameters), Some(noise)) => {
                    published(noise, reports, parameters.threshold)
                }
                (Rule::Unlinkable { k }, _) if reports >= u64::from(*k) => 1.0,
                _ => 0.0,
            };
            forecast.reports += reports * cells;
            forecast.cells += cells;
            forecast.expected += passes * cells as f64;
        }
        let entry = rule.entry(window, &promise);
        forecast.noise = entry.spent.map(|spent| spent.noise);
        forecast.year = so_far.admit(&entry, policy.epsilon_ceiling);
        if forecast.year.is_ok() {
            so_far.push(entry);
        }
        Ok(forecast)
    }
}

/// What passes the rule: each cell as JSON, and the count that is published.
fn passing(rule: &Rule, cells: Vec<CellCounts>) -> Result<Vec<(String, u64)>, PrivacyError> {
    match rule {
        Rule::Unlinkable { k } => Ok(cells
            .into_iter()
            .map(|cell| (cell.counted(), cell.cell))
            .filter(|(count, _)| *count >= u64::from(*k))
            .map(|(count, cell)| (cell, count))
            .collect()),
        Rule::Private(parameters) => {
            let mechanism = Mechanism::new(parameters.sigma, parameters.threshold)?;
            let mut random = OsRandom::new()?;
            let noisy = cells.into_iter().filter_map(|cell| {
                let count = mechanism.release(cell.total(), &mut random)?;
                Some((cell.cell, count))
            });
            Ok(noisy.collect())
        }
    }
}

/// Writes the window's released table.
async fn write(
    transaction: &mut Transaction<'_, Any>,
    dialect: &Dialect,
    window: i64,
    cells: &[(String, u64)],
) -> Result<(), sqlx::Error> {
    for chunk in cells.chunks(CHUNK) {
        sqlx::query(dialect.insert_released)
            .bind(to_json(chunk)?)
            .bind(window)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

/// Deletes a window's raw cells so that nothing of them is left in the table's pages; how many
/// they were. The migrations say why `DELETE ... WHERE` would not do.
async fn delete_window(
    transaction: &mut Transaction<'_, Any>,
    dialect: &Dialect,
    window: i64,
) -> Result<u64, sqlx::Error> {
    let reports = sqlx::query(r#"SELECT count(*) FROM raw_cell WHERE "window" = $1"#)
        .bind(window)
        .fetch_one(&mut **transaction)
        .await?
        .try_get::<i64, _>(0)?;
    sqlx::query(r#"INSERT INTO surviving_cell SELECT * FROM raw_cell WHERE "window" <> $1"#)
        .bind(window)
        .execute(&mut **transaction)
        .await?;
    for statement in [
        dialect.empty_raw,
        "INSERT INTO raw_cell SELECT * FROM surviving_cell",
        dialect.empty_surviving,
    ] {
        sqlx::query(statement).execute(&mut **transaction).await?;
    }
    Ok(reports.unsigned_abs())
}
