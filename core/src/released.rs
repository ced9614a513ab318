//! `window-<id>.json`: what one closed window gave to training.
//!
//! The server writes one file per window and never changes it; the trainer reads these files
//! and nothing else from the field. So the level's rule is checked twice: where the file is
//! written, by the database, and here, where it is read. A file whose counts the rule could not
//! have released is refused as a whole, because nothing in it can be trusted then.

use crate::cell::Cell;
use crate::metric::Histogram;
use crate::privacy::{Guarantee, Level, MAX_WORST_CASE, NoiseFacts};
use serde::{Deserialize, Serialize};

/// The schema that this build reads and writes.
pub const SCHEMA: &str = "vitrine.released/1";
/// The longest released file that is read, in bytes: some two million cells.
pub const MAX_RELEASED_BYTES: usize = 256 * 1024 * 1024;
/// The most bytes that cells may take of it, by [`cell_bytes`]; the rest is for what stands around
/// them.
pub const MAX_CELLS_BYTES: usize = MAX_RELEASED_BYTES - 64 * 1024;

/// The released tables of one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasedWindow {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Which window: it spans `[window, window + 1) · window_seconds` of Unix time.
    pub window: u64,
    /// Length of the window in seconds.
    pub window_seconds: u64,
    /// The level whose rule was applied.
    pub level: Level,
    /// The fewest reports that a released cell has; 1 at the private level, whose counts are
    /// noisy and whose rule is [`NoiseFacts::threshold`].
    pub k: u32,
    /// What was done to the counts; present at the private level, and at the local one where the
    /// private level was promised too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseFacts>,
    /// Cells that passed the rule, in ascending order, each once; no metric, and none at the local
    /// level.
    pub cells: Vec<ReleasedCell>,
    /// Number of cells with the lowest counts that were left out to keep the file within
    /// [`MAX_RELEASED_BYTES`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// The metrics, where a manifest asked for one while the window was open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Histogram>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The bytes that a cell takes in the file, by the length of its own JSON and its count.
pub fn cell_bytes(json: usize, count: u64) -> usize {
    /// `{"cell":`, `,"count":` and `},`
    const AROUND: usize = 8 + 9 + 2;
    json + AROUND + 1 + count.checked_ilog10().unwrap_or(0) as usize
}

/// One cell and how many reports named it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasedCell {
    /// What was counted.
    pub cell: Cell,
    /// How often, at least [`ReleasedWindow::k`]; with noise at the private level.
    pub count: u64,
}

/// Why a released file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReleasedError {
    /// Longer than [`MAX_RELEASED_BYTES`].
    #[error("it is {0} bytes long; at most {MAX_RELEASED_BYTES} are read")]
    TooLong(usize),
    /// Not JSON, or not of the schema's form.
    #[error("it is not a released window: {0}")]
    Malformed(String),
    /// Another schema.
    #[error("it has schema '{0}'; this build reads '{SCHEMA}': update Vitrine")]
    Schema(String),
    /// A field holds what it may not.
    #[error("{field} {reason}")]
    Field {
        /// Path of the field, such as `cells[3].count`.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ReleasedWindow {
    /// The file name of a window's tables.
    pub fn file_name(window: u64) -> String {
        format!("window-{window}.json")
    }

    /// The tables of one window; sorts `cells`.
    pub fn new(
        window: u64,
        window_seconds: u64,
        level: Level,
        k: u32,
        noise: Option<NoiseFacts>,
        mut cells: Vec<ReleasedCell>,
        metrics: Option<Histogram>,
    ) -> Self {
        cells.sort_by(|a, b| a.cell.cmp(&b.cell));
        Self {
            schema: SCHEMA.into(),
            window,
            window_seconds,
            level,
            k,
            noise,
            cells,
            left_out: 0,
            metrics,
        }
    }

    /// The fewest that a count may be by the level's rule.
    fn fewest(&self) -> u64 {
        let threshold = self.noise.map_or(0, |noise| noise.threshold);
        threshold.max(u64::from(self.k))
    }

    /// Parses and checks a released file.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReleasedError> {
        if bytes.len() > MAX_RELEASED_BYTES {
            return Err(ReleasedError::TooLong(bytes.len()));
        }
        // The schema first, for the same reason as in a manifest.
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let malformed = |e: serde_json::Error| ReleasedError::Malformed(e.to_string());
        let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
        if head.schema != SCHEMA {
            return Err(ReleasedError::Schema(
                head.schema.chars().take(40).collect(),
            ));
        }
        let released: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        released.check()?;
        Ok(released)
    }

    /// The file as it is written: one line of JSON. The same tables give the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    fn check(&self) -> Result<(), ReleasedError> {
        let fail = |field: String, reason: &str| {
            Err(ReleasedError::Field {
                field,
                reason: reason.into(),
            })
        };
        if self.window_seconds == 0 {
            return fail("window_seconds".into(), "is zero");
        }
        if self.k == 0 {
            return fail(
                "k".into(),
                "is zero; a released cell has at least one report",
            );
        }
        match (self.level, &self.noise) {
            (Level::Unlinkable, Some(_)) => {
                return fail(
                    "noise".into(),
                    "is given at the unlinkable level, whose counts are exact",
                );
            }
            (Level::Private, None) => {
                return fail("noise".into(), "is missing at the private level");
            }
            (Level::Private | Level::Local, Some(noise)) => {
                if let Err((field, reason)) = check_noise(noise) {
                    return fail(format!("noise.{field}"), reason);
                }
            }
            (Level::Unlinkable | Level::Local, None) => {}
        }
        if self.level == Level::Local && !self.cells.is_empty() {
            return fail(
                "cells".into(),
                "are given at the local level, which has none",
            );
        }
        if let Some(Err(reason)) = self.metrics.as_ref().map(Histogram::check) {
            return fail("metrics".into(), reason);
        }
        let fewest = self.fewest();
        for (at, released) in self.cells.iter().enumerate() {
            if released.count < fewest {
                return fail(
                    format!("cells[{at}].count"),
                    "is below what the level's rule can have released",
                );
            }
            if let Err(error) = released.cell.check() {
                return fail(format!("cells[{at}].{}", error.field), error.reason);
            }
            if matches!(released.cell, Cell::Metric { .. }) {
                return fail(
                    format!("cells[{at}].cell"),
                    "is a metric, which is released as an estimate under metrics",
                );
            }
            if at > 0 && self.cells[at - 1].cell >= released.cell {
                return fail(
                    format!("cells[{at}].cell"),
                    "is not above the one before it: cells stand in ascending order, each once",
                );
            }
        }
        Ok(())
    }
}

fn check_noise(noise: &NoiseFacts) -> Result<(), (&'static str, &'static str)> {
    let guarantee = Guarantee {
        epsilon: noise.epsilon,
        delta: noise.delta,
    };
    guarantee
        .check()
        .map_err(|error| (error.field, error.reason))?;
    let positive = |value: f64| value.is_finite() && value > 0.0;
    if !positive(noise.sigma) {
        return Err(("sigma", "is not a number above zero"));
    }
    if noise.threshold == 0 {
        return Err(("threshold", "is zero"));
    }
    if noise.cells == 0 || noise.cells > MAX_WORST_CASE {
        return Err(("cells", "is not between 1 and 256"));
    }
    let expected = f64::from(noise.cells) / (2.0 * noise.sigma * noise.sigma);
    let off = (noise.rho / expected - 1.0).abs();
    if off.is_nan() || off > 1e-9 {
        return Err(("rho", "is not cells / (2 · sigma²)"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Action;

    fn item(item: &str, count: u64) -> ReleasedCell {
        ReleasedCell {
            cell: Cell::Item {
                item: item.into(),
                action: Action::View,
            },
            count,
        }
    }

    fn example() -> ReleasedWindow {
        ReleasedWindow::new(
            2800,
            604_800,
            Level::Unlinkable,
            2,
            None,
            vec![item("b", 2), item("a", 7)],
            None,
        )
    }

    #[test]
    fn released_tables_keep_their_form_in_the_file() {
        let released = example();
        let text = concat!(
            r#"{"schema":"vitrine.released/1","window":2800,"window_seconds":604800,"#,
            r#""level":"unlinkable","k":2,"cells":["#,
            r#"{"cell":{"table":"item","item":"a","action":"view"},"count":7},"#,
            r#"{"cell":{"table":"item","item":"b","action":"view"},"count":2}]}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(released.to_bytes()).unwrap(), text);
        assert_eq!(ReleasedWindow::parse(text.as_bytes()).unwrap(), released);
    }

    #[test]
    fn as_many_cells_as_may_be_written_are_read() {
        let name = |number: usize| format!("{number:0>128}");
        let long = |number: usize| {
            let cell = Cell::Transition {
                from: name(number),
                to: name(usize::MAX),
                action: Action::AddToCart,
            };
            ReleasedCell {
                cell,
                count: u64::MAX,
            }
        };
        let json = serde_json::to_string(&long(0).cell).unwrap().len();
        let most = MAX_CELLS_BYTES / cell_bytes(json, u64::MAX);
        let cells = (0..most).map(long).collect();
        let mut released = ReleasedWindow::new(9, 604_800, Level::Unlinkable, 2, None, cells, None);
        released.left_out = 3;
        let bytes = released.to_bytes();
        assert!(bytes.len() > MAX_CELLS_BYTES - cell_bytes(json, u64::MAX));
        assert_eq!(ReleasedWindow::parse(&bytes).unwrap(), released);
    }

    #[test]
    fn what_the_rule_cannot_have_released_is_refused_by_field() {
        let change = |f: &dyn Fn(&mut ReleasedWindow)| {
            let mut released = example();
            f(&mut released);
            ReleasedWindow::parse(&released.to_bytes())
                .unwrap_err()
                .to_string()
        };
        assert!(change(&|r| r.schema = "vitrine.released/9".into()).contains("update Vitrine"));
        assert!(change(&|r| r.cells[1].count = 1).starts_with("cells[1].count"));
        assert!(change(&|r| r.cells.swap(0, 1)).starts_with("cells[1].cell"));
        assert!(change(&|r| r.cells[0] = r.cells[1].clone()).starts_with("cells[1].cell"));
        assert!(change(&|r| r.cells[0] = item("", 7)).starts_with("cells[0].cell.item"));
        assert!(change(&|r| r.k = 0).starts_with("k "));
        assert!(change(&|r| r.window_seconds = 0).starts_with("window_seconds"));
        let bytes = example().to_bytes();
        assert!(ReleasedWindow::parse(&bytes[..bytes.len() / 2]).is_err());
    }

    #[test]
    fn metrics_are_estimates_and_the_local_level_has_nothing_else() {
        let reported = [40, 5, 5, 5, 5, 5, 5, 5, 5, 5];
        let mut released = example();
        released.metrics = Some(Histogram::estimate(&reported, 0.0));
        let text = String::from_utf8(released.to_bytes()).unwrap();
        let metrics = r#""metrics":{"epsilon":2.0,"clicks":[{"arm":"shop","rank":"1","profiles":"#;
        assert!(text.contains(metrics), "{text}");
        assert_eq!(ReleasedWindow::parse(text.as_bytes()).unwrap(), released);

        let refused = |released: &ReleasedWindow| {
            ReleasedWindow::parse(&released.to_bytes())
                .unwrap_err()
                .to_string()
        };
        let mut local = released.clone();
        local.level = Level::Local;
        assert!(refused(&local).starts_with("cells"));
        local.cells.clear();
        assert_eq!(ReleasedWindow::parse(&local.to_bytes()).unwrap(), local);
        if let Some(metrics) = &mut local.metrics {
            metrics.clicks.swap(0, 1);
        }
        assert!(refused(&local).starts_with("metrics"));
        released.cells[0].cell = Cell::Metric {
            arm: crate::cell::Arm::Shop,
            rank: crate::cell::PositionBucket::First,
        };
        assert!(refused(&released).starts_with("cells[0].cell"));
    }

    /// σ = 2, L = 8: ρ = 8/(2·4) = 1.
    fn private() -> ReleasedWindow {
        let noise = NoiseFacts {
            epsilon: 8.0,
            delta: 1e-6,
            sigma: 2.0,
            threshold: 12,
            cells: 8,
            rho: 1.0,
        };
        let cells = vec![item("a", 12), item("b", 40)];
        ReleasedWindow::new(2800, 604_800, Level::Private, 1, Some(noise), cells, None)
    }

    #[test]
    fn noisy_tables_say_how_noisy_they_are() {
        let released = private();
        let text = String::from_utf8(released.to_bytes()).unwrap();
        let noise = concat!(
            r#""level":"private","k":1,"noise":{"epsilon":8.0,"delta":1e-6,"sigma":2.0,"#,
            r#""threshold":12,"cells":8,"rho":1.0},"cells":["#
        );
        assert!(text.contains(noise), "{text}");
        assert_eq!(ReleasedWindow::parse(text.as_bytes()).unwrap(), released);

        let change = |f: &dyn Fn(&mut ReleasedWindow)| {
            let mut released = private();
            f(&mut released);
            ReleasedWindow::parse(&released.to_bytes())
                .unwrap_err()
                .to_string()
        };
        assert!(change(&|r| r.cells[0].count = 11).starts_with("cells[0].count"));
        assert!(change(&|r| r.noise = None).starts_with("noise"));
        assert!(change(&|r| r.level = Level::Unlinkable).starts_with("noise"));
        let noise = |f: &dyn Fn(&mut NoiseFacts)| {
            change(&|r| {
                if let Some(noise) = &mut r.noise {
                    f(noise);
                }
            })
        };
        assert!(noise(&|n| n.rho = 0.1).starts_with("noise.rho"));
        assert!(noise(&|n| n.sigma = 0.0).starts_with("noise.sigma"));
        assert!(noise(&|n| n.epsilon = 90.0).starts_with("noise.epsilon"));
        assert!(noise(&|n| n.threshold = 0).starts_with("noise.threshold"));
        assert!(noise(&|n| n.cells = 257).starts_with("noise.cells"));
    }
}
