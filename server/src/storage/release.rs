//! A window's release: one transaction, once.
//!
//! Every level takes this one path: counts per group of nonces in, what passes the rule out. At the
//! `unlinkable` level a cell below k is left out by the database and not read by this process, and
//! a group that carries a cell alone is cut; at the `private` level all counts are read, and noise
//! is drawn for each sum. Groups are not cut there: how much is cut depends on the counts, so one
//! report more could change a sum by more than one, and σ and τ would promise too much. The noise
//! is drawn inside the transaction: should the process die before it commits, what was drawn is
//! gone with it and was seen by nobody. At the `local` level no cell is read.
//!
//! Metrics have their noise from the device ([`vitrine_core::metric`]) and no rule: how often each
//! of the ten cells was reported is kept, cells that nobody reported too. Where the private level
//! was promised each gets the server's noise besides, without a threshold, which a domain that is
//! known beforehand does not need: the promise holds for what is released as a whole.

use super::database::{Database, failed, signed, to_json};
use super::dialect::Dialect;
use super::groups::{self, CellCounts};
use super::strongest::Strongest;
use super::{Forecast, Released, StorageError, Window, ledger};
use crate::clock::Clock;
use crate::ledger::{Entry, Ledger, Spent};
use crate::promise::{Policy, Promise};
use sqlx::{Any, Row as _, Transaction};
use vitrine_core::metric;
use vitrine_core::privacy::Level;
use vitrine_core::released::MAX_CELLS_BYTES;
use vitrine_privacy::gaussian::Distribution;
use vitrine_privacy::threshold::published;
use vitrine_privacy::{Mechanism, OsRandom, Parameters, PrivacyError, calibrate};

/// Cells in one statement: bounds its text.
const CHUNK: usize = 4096;

/// The rule by which a window is released.
struct Rule {
    level: Level,
    /// The fewest reports of a cell at the unlinkable level.
    k: u32,
    /// The noise, where the private level was promised.
    noise: Option<Parameters>,
    /// True if a metric was asked for.
    metrics: bool,
}

impl Rule {
    fn of(promise: &Promise) -> Result<Self, PrivacyError> {
        let k = promise.k.max(1);
        let guarantee = match promise.level {
            Level::Unlinkable => None,
            Level::Private => Some(promise.guarantee.unwrap_or_default()),
            Level::Local => promise.guarantee,
        };
        // A manifest that allows no cell may still meet a report.
        let cells = promise.cells.total().max(1);
        let noise = guarantee.map(|guarantee| calibrate(guarantee, cells));
        Ok(Self {
            level: promise.level,
            k,
            noise: noise
                .transpose()?
                .map(|noise| noise.with_threshold_at_least(u64::from(k))),
            metrics: promise.cells.metrics > 0,
        })
    }

    /// The fewest reports with which a cell can pass; `None` when none passes.
    fn fewest(&self) -> Option<u64> {
        match self.level {
            Level::Unlinkable => Some(u64::from(self.k)),
            Level::Private => Some(1),
            Level::Local => None,
        }
    }

    /// The chance that a cell passes, where `noise` is the distribution of the rule's own.
    fn passes(&self, noise: Option<&Distribution>, cell: &CellCounts) -> f64 {
        match (self.level, &self.noise, noise) {
            (Level::Unlinkable, ..) if cell.counted() >= u64::from(self.k) => 1.0,
            (Level::Private, Some(parameters), Some(noise)) => {
                published(noise, cell.total(), parameters.threshold)
            }
            _ => 0.0,
        }
    }

    fn entry(&self, window: &Window) -> Entry {
        Entry {
            window: window.window,
            window_seconds: window.window_seconds,
            released_on: String::new(),
            level: self.level,
            spent: self.noise.as_ref().map(Spent::from),
            metric_epsilon: self.metrics.then_some(metric::EPSILON),
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
               RETURNING level, k, transitions, items, impressions, metrics, epsilon, delta,
                         epsilon_ceiling"#,
        )
        .bind(number)
        .bind(signed(now))
        .fetch_optional(&mut *transaction)
        .await
        .map_err(&failed)?;
        let Some(marked) = marked else {
            return Ok(None);
        };
        let noted = ledger::promise(&location, &marked)?;
        let ceiling = ceiling(&noted, policy);
        let promise = noted.under(policy);
        let rule = Rule::of(&promise)?;
        let entry = rule.entry(window);
        let so_far = ledger::read(&location, &mut transaction).await?;
        let year = so_far.admit(&entry, ceiling)?;
        let mut draw = Draw::of(&rule)?;
        let mut strongest = Strongest::within(MAX_CELLS_BYTES);
        if let Some(fewest) = rule.fewest() {
            let add = |cell: CellCounts| {
                if let Some(count) = passing(&rule, &mut draw, &cell) {
                    strongest.add(cell.cell, count);
                }
            };
            groups::each_cell(&mut transaction, number, fewest, add)
                .await
                .map_err(&failed)?;
        }
        let (released, left_out) = strongest.finish();
        write(&mut transaction, dialect, number, &released, left_out)
            .await
            .map_err(&failed)?;
        if rule.metrics {
            let counts = groups::metrics(&mut transaction, number)
                .await
                .map_err(&failed)?;
            let counts = counts.map(|count| count + draw.as_mut().map_or(0, Draw::noise));
            write_metrics(&mut transaction, number, &counts)
                .await
                .map_err(&failed)?;
        }
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
            level: rule.level,
            reports,
            cells: released.len() as u64,
            left_out,
            metrics: rule.metrics,
            noise: entry.spent.map(|spent| spent.noise),
            year,
        }))
    }

    /// What [`Database::release`] would do with a window, after what `so_far` holds. Changes
    /// nothing but `so_far`, to which an admitted release is added. Reads how many reports cells
    /// have, and no cell but metrics.
    pub async fn forecast(
        &mut self,
        window: &Window,
        policy: &Policy,
        so_far: &mut Ledger,
    ) -> Result<Forecast, StorageError> {
        let failed = failed(&self.location, "count a window's cells");
        let number = signed(window.window);
        let cells = groups::unnamed(&mut self.connection, number)
            .await
            .map_err(&failed)?;
        let metrics = groups::metrics(&mut self.connection, number)
            .await
            .map_err(&failed)?;
        let ceiling = ceiling(&window.promise, policy);
        let rule = Rule::of(&window.promise.under(policy))?;
        let noise = rule.noise.as_ref();
        let noise = noise.map(|parameters| Distribution::noise(parameters.sigma));
        let named: u64 = cells.iter().map(CellCounts::total).sum();
        let passing = cells.iter().map(|cell| rule.passes(noise.as_ref(), cell));
        let entry = rule.entry(window);
        let year = so_far.admit(&entry, ceiling);
        let forecast = Forecast {
            level: rule.level,
            reports: named + metrics.iter().sum::<i64>().unsigned_abs(),
            cells: cells.len() as u64,
            expected: passing.sum(),
            noise: entry.spent.map(|spent| spent.noise),
            epsilon_ceiling: ceiling,
            year,
        };
        if forecast.year.is_ok() {
            so_far.push(entry);
        }
        Ok(forecast)
    }
}

/// The ceiling of a release: its own configuration's, or else the one that servers noted with the
/// window. An operator who raises it says so to the release itself.
fn ceiling(noted: &Promise, policy: &Policy) -> Option<f64> {
    policy.epsilon_ceiling.or(noted.epsilon_ceiling)
}

/// The server's noise, where there is any.
struct Draw {
    mechanism: Mechanism,
    random: OsRandom,
}

impl Draw {
    fn of(rule: &Rule) -> Result<Option<Self>, PrivacyError> {
        let Some(parameters) = &rule.noise else {
            return Ok(None);
        };
        Ok(Some(Self {
            mechanism: Mechanism::new(parameters.sigma, parameters.threshold)?,
            random: OsRandom::new()?,
        }))
    }

    fn noise(&mut self) -> i64 {
        self.mechanism.noise(&mut self.random)
    }
}

/// The count that is published of a cell; `None` where it does not pass the rule.
fn passing(rule: &Rule, draw: &mut Option<Draw>, cell: &CellCounts) -> Option<u64> {
    match draw {
        // With noise it is the threshold that counts, which is at least k.
        Some(draw) => draw.mechanism.release(cell.total(), &mut draw.random),
        None => Some(cell.counted()).filter(|count| *count >= u64::from(rule.k)),
    }
}

/// Writes how often each metric cell was reported.
async fn write_metrics(
    transaction: &mut Transaction<'_, Any>,
    window: i64,
    counts: &[i64; metric::CELLS],
) -> Result<(), sqlx::Error> {
    for (place, count) in counts.iter().enumerate() {
        sqlx::query(r#"INSERT INTO released_metric ("window", cell, count) VALUES ($1, $2, $3)"#)
            .bind(window)
            .bind(to_json(&metric::cell(place))?)
            .bind(*count)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

/// Writes the window's released table, and how many cells it has no room for.
async fn write(
    transaction: &mut Transaction<'_, Any>,
    dialect: &Dialect,
    window: i64,
    cells: &[(String, u64)],
    left_out: u64,
) -> Result<(), sqlx::Error> {
    if left_out > 0 {
        sqlx::query(r#"UPDATE feedback_window SET left_out = $2 WHERE "window" = $1"#)
            .bind(window)
            .bind(signed(left_out))
            .execute(&mut **transaction)
            .await?;
    }
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
        "INSERT INTO raw_cell SELECT * FROM surviving_cell ORDER BY nonce",
        dialect.empty_surviving,
    ] {
        sqlx::query(statement).execute(&mut **transaction).await?;
    }
    Ok(reports.unsigned_abs())
}
