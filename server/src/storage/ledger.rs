//! The ledger's table, and the promise columns of a window.

use super::database::{Database, failed, signed};
use super::{Location, StorageError};
use crate::ledger::{Entry, Ledger, Spent};
use crate::promise::{Cells, Promise};
use chrono::DateTime;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, Row as _, Transaction};
use vitrine_core::privacy::{Guarantee, Level, NoiseFacts};

impl Database {
    /// Every release so far.
    pub async fn ledger(&mut self) -> Result<Ledger, StorageError> {
        read(&self.location, &mut self.connection).await
    }
}

/// Every release so far.
pub(super) async fn read(
    location: &Location,
    connection: &mut AnyConnection,
) -> Result<Ledger, StorageError> {
    let rows = sqlx::query(
        r#"SELECT level, "window", window_seconds, released_at,
                  epsilon, delta, sigma, threshold, cells, rho, noise_delta, threshold_delta,
                  metric_epsilon
           FROM privacy_ledger ORDER BY "window""#,
    )
    .fetch_all(connection)
    .await
    .map_err(failed(location, "read the privacy ledger"))?;
    let entries = rows.iter().map(|row| {
        let level = level(location, row)?;
        let spent = row.get::<Option<f64>, _>("sigma").map(|_| Spent {
            noise: noise(row),
            noise_delta: row.get("noise_delta"),
            threshold_delta: row.get("threshold_delta"),
        });
        Ok(Entry {
            window: row.get::<i64, _>("window").unsigned_abs(),
            window_seconds: row.get::<i64, _>("window_seconds").unsigned_abs(),
            released_on: DateTime::from_timestamp(row.get("released_at"), 0)
                .map(|time| time.date_naive().to_string())
                .unwrap_or_default(),
            level,
            spent,
            metric_epsilon: row.get("metric_epsilon"),
        })
    });
    entries.collect::<Result<_, _>>().map(Ledger::new)
}

/// The noise of a row that has it; the table's own rule says which those are.
pub(super) fn noise(row: &AnyRow) -> NoiseFacts {
    NoiseFacts {
        epsilon: row.get("epsilon"),
        delta: row.get("delta"),
        sigma: row.get("sigma"),
        threshold: row.get::<i64, _>("threshold").unsigned_abs(),
        cells: small(row, "cells"),
        rho: row.get("rho"),
    }
}

/// A number that was written from 32 bits.
fn small(row: &AnyRow, column: &str) -> u32 {
    u32::try_from(row.get::<i64, _>(column)).unwrap_or(u32::MAX)
}

/// The level of a row.
fn level(location: &Location, row: &AnyRow) -> Result<Level, StorageError> {
    let name: String = row.get("level");
    Level::named(&name).ok_or_else(|| StorageError::Foreign {
        location: location.clone(),
        what: "privacy level",
        reason: format!("'{name}'; update Vitrine"),
    })
}

/// What a row of `feedback_window` promises.
pub(super) fn promise(location: &Location, row: &AnyRow) -> Result<Promise, StorageError> {
    let (epsilon, delta): (Option<f64>, Option<f64>) = (row.get("epsilon"), row.get("delta"));
    Ok(Promise {
        level: level(location, row)?,
        k: small(row, "k"),
        cells: Cells {
            transitions: small(row, "transitions"),
            items: small(row, "items"),
            impressions: small(row, "impressions"),
            metrics: small(row, "metrics"),
        },
        guarantee: epsilon
            .zip(delta)
            .map(|(epsilon, delta)| Guarantee { epsilon, delta }),
        epsilon_ceiling: row.get("epsilon_ceiling"),
    })
}

/// Enters a release, and notes in the window's row what was kept in the end.
pub(super) async fn write(
    transaction: &mut Transaction<'_, Any>,
    entry: &Entry,
    promise: &Promise,
    now: u64,
) -> Result<(), sqlx::Error> {
    let spent = entry.spent;
    let noise = spent.map(|spent| spent.noise);
    sqlx::query(
        r#"INSERT INTO privacy_ledger ("window", window_seconds, released_at, level, epsilon,
             delta, sigma, threshold, cells, rho, noise_delta, threshold_delta, metric_epsilon)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"#,
    )
    .bind(signed(entry.window))
    .bind(signed(entry.window_seconds))
    .bind(signed(now))
    .bind(entry.level.name())
    .bind(noise.map(|noise| noise.epsilon))
    .bind(noise.map(|noise| noise.delta))
    .bind(noise.map(|noise| noise.sigma))
    .bind(noise.map(|noise| signed(noise.threshold)))
    .bind(noise.map(|noise| i64::from(noise.cells)))
    .bind(noise.map(|noise| noise.rho))
    .bind(spent.map(|spent| spent.noise_delta))
    .bind(spent.map(|spent| spent.threshold_delta))
    .bind(entry.metric_epsilon)
    .execute(&mut **transaction)
    .await?;
    sqlx::query(
        r#"UPDATE feedback_window SET level = $2, epsilon = $3, delta = $4 WHERE "window" = $1"#,
    )
    .bind(signed(entry.window))
    .bind(promise.level.name())
    .bind(promise.guarantee.map(|guarantee| guarantee.epsilon))
    .bind(promise.guarantee.map(|guarantee| guarantee.delta))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
