//! How a cell's reports spread over groups of nonces.
//!
//! A report falls into one of [`GROUPS`] groups by its nonce's hash, so by chance: whoever sends
//! many reports of one cell can aim them at one group or spread them over all, but reports of
//! many honest visitors spread evenly. A group is computed from the hash that a row has anyway
//! (the view `group_count` in `server/migrations`); nothing more is stored for it.

pub use vitrine_privacy::groups::GROUPS;

use super::database::signed;
use futures::TryStreamExt;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use vitrine_core::metric;
use vitrine_privacy::groups::counted;

/// A cell of one window, and its reports by group of nonces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellCounts {
    /// The cell as JSON.
    pub cell: String,
    /// Reports of each group.
    pub groups: [u64; GROUPS],
}

impl CellCounts {
    /// Reports of all groups.
    pub fn total(&self) -> u64 {
        self.groups.iter().sum()
    }

    /// Reports that count: a group far above what the others make likely is cut.
    pub fn counted(&self) -> u64 {
        counted(&self.groups)
    }
}

/// Calls `each` with the cells of a window that at least so many reports named, one after another,
/// each with its counts per group, but for metrics. The database drops the other cells: this process
/// does not read them.
pub(super) async fn each_cell(
    connection: &mut AnyConnection,
    window: i64,
    at_least: u64,
    each: impl FnMut(CellCounts),
) -> Result<(), sqlx::Error> {
    let named = r#"
        SELECT cell, nonce_group, reports FROM (
          SELECT cell, nonce_group, reports, sum(reports) OVER (PARTITION BY cell) AS total
          FROM group_count WHERE "window" = $1 AND "table" <> 'metric') AS spread
        WHERE total >= $2 ORDER BY cell"#;
    spread(connection, named, window, at_least, each).await
}

/// The same of every cell, under a number in the cell's place: what the cells are is not read.
pub(super) async fn unnamed(
    connection: &mut AnyConnection,
    window: i64,
) -> Result<Vec<CellCounts>, sqlx::Error> {
    let numbered = r#"
        SELECT CAST(number AS TEXT), nonce_group, reports FROM (
          SELECT dense_rank() OVER (ORDER BY cell) AS number, nonce_group, reports
          FROM group_count WHERE "window" = $1 AND "table" <> 'metric') AS spread
        WHERE reports >= $2 ORDER BY number"#;
    let mut cells = Vec::new();
    spread(connection, numbered, window, 0, |cell| cells.push(cell)).await?;
    Ok(cells)
}

/// How often each metric cell was reported in a window.
pub(super) async fn metrics(
    connection: &mut AnyConnection,
    window: i64,
) -> Result<[i64; metric::CELLS], sqlx::Error> {
    let rows = sqlx::query(
        r#"SELECT cell, count(*) FROM raw_cell
           WHERE "window" = $1 AND "table" = 'metric' GROUP BY cell"#,
    )
    .bind(window)
    .fetch_all(connection)
    .await?;
    metrics_of(&rows)
}

/// From rows of a metric cell and its count.
pub(super) fn metrics_of(rows: &[AnyRow]) -> Result<[i64; metric::CELLS], sqlx::Error> {
    let mut counts = [0; metric::CELLS];
    for row in rows {
        let cell: &str = row.try_get(0)?;
        let place = serde_json::from_str(cell)
            .map(|cell| metric::place(&cell))
            .map_err(|e| sqlx::Error::Decode(e.into()))?;
        let place = place.ok_or_else(|| sqlx::Error::Decode("a cell is no metric".into()))?;
        counts[place] = row.try_get(1)?;
    }
    Ok(counts)
}

async fn spread(
    connection: &mut AnyConnection,
    statement: &'static str,
    window: i64,
    at_least: u64,
    mut each: impl FnMut(CellCounts),
) -> Result<(), sqlx::Error> {
    let mut rows = sqlx::query(statement)
        .bind(window)
        .bind(signed(at_least))
        .fetch(connection);
    let mut open: Option<CellCounts> = None;
    while let Some(row) = rows.try_next().await? {
        let cell: &str = row.try_get(0)?;
        if open.as_ref().is_none_or(|open| open.cell != cell) {
            let next = CellCounts {
                cell: cell.to_owned(),
                groups: [0; GROUPS],
            };
            if let Some(done) = open.replace(next) {
                each(done);
            }
        }
        let group = usize::try_from(row.try_get::<i64, _>(1)?).unwrap_or(GROUPS);
        let count = open.as_mut().and_then(|open| open.groups.get_mut(group));
        let count = count.ok_or_else(|| {
            sqlx::Error::Decode(format!("nonce group {group} is not below {GROUPS}").into())
        })?;
        *count = row.try_get::<i64, _>(2)?.unsigned_abs();
    }
    if let Some(done) = open {
        each(done);
    }
    Ok(())
}
