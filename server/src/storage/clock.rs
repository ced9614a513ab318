//! The clocks that must agree before a window is closed.
//!
//! A release that ran on a machine whose clock is ahead would close a window while servers still
//! take reports for it. So each server notes its clock beside the database's, and a release goes
//! by the latest of all of them: its own, the database's and every server's.

use super::StorageError;
use super::database::{Database, failed, signed};
use crate::clock::{Clock, SystemClock};
use sqlx::Row as _;

/// A server that has noted nothing for as long, in seconds of the database's clock, is not running.
const FORGOTTEN_SECONDS: u64 = 24 * 3600;

/// How a running server is known to a release.
#[derive(Clone, Debug)]
pub struct ServerId(String);

impl ServerId {
    /// Draws a new one.
    pub fn random() -> Result<Self, getrandom::Error> {
        Ok(Self(format!("{:016x}", getrandom::u64()?)))
    }
}

impl Database {
    /// Notes a server's clock.
    pub async fn note_clock(
        &mut self,
        server: &ServerId,
        clock: &dyn Clock,
    ) -> Result<(), StorageError> {
        let failed = failed(&self.location, "note the server's clock");
        let database_clock = self.clock().await?;
        sqlx::query(
            "INSERT INTO server_clock (server, clock, database_clock) VALUES ($1, $2, $3)
             ON CONFLICT (server) DO UPDATE SET
               clock = excluded.clock, database_clock = excluded.database_clock",
        )
        .bind(&server.0)
        .bind(signed(clock.now()))
        .bind(signed(database_clock))
        .execute(&mut self.connection)
        .await
        .map_err(&failed)?;
        Ok(())
    }

    /// Removes the clock of a server that stops.
    pub async fn remove_clock(&mut self, server: &ServerId) -> Result<(), StorageError> {
        sqlx::query("DELETE FROM server_clock WHERE server = $1")
            .bind(&server.0)
            .execute(&mut self.connection)
            .await
            .map_err(failed(&self.location, "remove the server's clock"))?;
        Ok(())
    }

    /// The time by the clock that is furthest behind: the given one, the database's or a running
    /// server's. Unix time in seconds.
    pub async fn latest_common_time(&mut self, clock: &dyn Clock) -> Result<u64, StorageError> {
        let failed = failed(&self.location, "read the servers' clocks");
        let database = self.clock().await?;
        // A test's clock is moved against the machine's, and the database's moves along.
        let machine = SystemClock::default().now();
        let behind = machine.saturating_sub(database);
        let mut latest = clock.now().saturating_sub(behind);
        let rows = sqlx::query("SELECT clock, database_clock FROM server_clock")
            .fetch_all(&mut self.connection)
            .await
            .map_err(&failed)?;
        for row in &rows {
            let noted = row.try_get::<i64, _>(1).map_err(&failed)?.unsigned_abs();
            let passed = database.saturating_sub(noted);
            if passed < FORGOTTEN_SECONDS {
                let clock = row.try_get::<i64, _>(0).map_err(&failed)?.unsigned_abs();
                latest = latest.min(clock.saturating_add(passed));
            }
        }
        Ok(latest)
    }

    /// The database's clock, Unix time in seconds.
    async fn clock(&mut self) -> Result<u64, StorageError> {
        let failed = failed(&self.location, "read its clock");
        let row = sqlx::query(self.dialect.clock)
            .fetch_one(&mut self.connection)
            .await
            .map_err(&failed)?;
        Ok(row.try_get::<i64, _>(0).map_err(&failed)?.unsigned_abs())
    }
}
