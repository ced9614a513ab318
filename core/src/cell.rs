//! The feedback cell: the only thing that leaves a device.
//!
//! A report is one cell, a random nonce and the window that it counts in, which is the same for
//! everybody. There is no session, no visitor, no client clock and no slate in it, because each of
//! those would let two reports be linked. A purchase can be
//! joined to the shop's order database, so a `buy` cell never names a second item: the type has
//! no such variant, and [`Report::check`] refuses it on the wire.

use crate::Action;
use crate::window::WindowName;
use serde::{Deserialize, Serialize};

/// The longest item id that is accepted, in bytes of UTF-8.
pub const MAX_ITEM_ID_BYTES: usize = 128;
/// The longest report that is accepted, in bytes of JSON.
pub const MAX_REPORT_BYTES: usize = 16 * 1024;
/// A nonce is 16 random bytes, written as this many lower-case hexadecimal digits.
pub const NONCE_DIGITS: usize = 32;

/// One report as it travels: `POST /v1/feedback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// 32 lower-case hexadecimal digits, drawn on the device, used for this cell only; a retry
    /// sends it again and is counted once.
    pub nonce: String,
    /// The window in whose budget the device counted the cell.
    pub window: WindowName,
    /// What is counted.
    pub cell: Cell,
}

/// What is counted, by one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "table", rename_all = "snake_case", deny_unknown_fields)]
pub enum Cell {
    /// `to` followed `from` in one session, at most `max_gap` events later.
    Transition {
        /// Item id of the earlier event.
        from: String,
        /// Item id of the later event.
        to: String,
        /// What was done with `to`; never [`Action::Buy`].
        action: Action,
    },
    /// Something was done with an item.
    Item {
        /// Item id.
        item: String,
        /// What was done.
        action: Action,
    },
    /// An item was shown.
    Impression {
        /// Item id.
        item: String,
        /// Where it stood.
        position: PositionBucket,
        /// Whether it was clicked.
        clicked: bool,
    },
    /// Which order was shown, and how deep the click was, with noise on both ([`crate::metric`]).
    Metric {
        /// The arm of the experiment.
        arm: Arm,
        /// The rank of what was clicked.
        rank: PositionBucket,
    },
}

/// Ranks, coarse enough to say little of one visitor. Ranks count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PositionBucket {
    /// The first.
    #[serde(rename = "1")]
    First,
    /// Second to fourth.
    #[serde(rename = "2-4")]
    Top,
    /// Fifth to tenth.
    #[serde(rename = "5-10")]
    Head,
    /// Eleventh to twentieth.
    #[serde(rename = "11-20")]
    Page,
    /// Below the twentieth.
    #[serde(rename = "21+")]
    Tail,
}

impl PositionBucket {
    /// All of them, in ascending order.
    pub const ALL: [Self; 5] = [Self::First, Self::Top, Self::Head, Self::Page, Self::Tail];

    /// The bucket of a rank; ranks count from 1.
    pub fn of_rank(rank: usize) -> Self {
        match rank {
            0 | 1 => Self::First,
            2..=4 => Self::Top,
            5..=10 => Self::Head,
            11..=20 => Self::Page,
            _ => Self::Tail,
        }
    }
}

/// Which order a page showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The shop's own order.
    Shop,
    /// Vitrine's order.
    Vitrine,
}

impl Arm {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Shop, Self::Vitrine];
}

/// Why a report is refused; `field` is the path of the offending member.
#[derive(Debug, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct ReportError {
    /// JSON path of the member, such as `cell.item`.
    pub field: &'static str,
    /// A full sentence that says what is wanted.
    pub reason: &'static str,
}

impl Report {
    /// Checks nonce, window and cell: what the types alone cannot say.
    pub fn check(&self) -> Result<(), ReportError> {
        let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if self.nonce.len() != NONCE_DIGITS || !self.nonce.bytes().all(hex) {
            return Err(ReportError {
                field: "nonce",
                reason: "a nonce is 32 lower-case hexadecimal digits",
            });
        }
        if !self.window.is_valid() {
            return Err(ReportError {
                field: "window",
                reason: "a window has a length of at least a second and ends before 2^53 seconds",
            });
        }
        self.cell.check()
    }
}

impl Cell {
    /// The items that the cell names.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            Self::Transition { from, to, .. } => (Some(from), Some(to)),
            Self::Item { item, .. } | Self::Impression { item, .. } => (Some(item), None),
            Self::Metric { .. } => (None, None),
        };
        first.into_iter().chain(second).map(String::as_str)
    }

    /// Checks what the types alone cannot say: lengths, alphabets, and that a purchase names one
    /// item only.
    pub fn check(&self) -> Result<(), ReportError> {
        match self {
            Cell::Transition { from, to, action } => {
                check_item("cell.from", from)?;
                check_item("cell.to", to)?;
                if from == to {
                    return Err(ReportError {
                        field: "cell.to",
                        reason: "a transition names two different items",
                    });
                }
                if *action == Action::Buy {
                    return Err(ReportError {
                        field: "cell.action",
                        reason: "a purchase is reported as an item cell, which names one item only",
                    });
                }
                Ok(())
            }
            Cell::Item { item, .. } | Cell::Impression { item, .. } => {
                check_item("cell.item", item)
            }
            Cell::Metric { .. } => Ok(()),
        }
    }
}

fn check_item(field: &'static str, id: &str) -> Result<(), ReportError> {
    if id.is_empty() || id.len() > MAX_ITEM_ID_BYTES || id.chars().any(char::is_control) {
        return Err(ReportError {
            field,
            reason: "an item id is 1 to 128 bytes of UTF-8 without control characters",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(cell: &str) -> Result<Report, String> {
        let nonce = "0123456789abcdef0123456789abcdef";
        let window = r#"{"number":2948,"seconds":604800}"#;
        let text = format!(r#"{{"nonce":"{nonce}","window":{window},"cell":{cell}}}"#);
        let report: Report = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        report.check().map_err(|e| e.to_string())?;
        Ok(report)
    }

    #[test]
    fn cells_keep_their_form_on_the_wire() {
        for cell in [
            r#"{"table":"transition","from":"a","to":"b","action":"view"}"#,
            r#"{"table":"item","item":"a","action":"buy"}"#,
            r#"{"table":"impression","item":"a","position":"2-4","clicked":true}"#,
            r#"{"table":"metric","arm":"vitrine","rank":"21+"}"#,
        ] {
            assert_eq!(
                serde_json::to_string(&report(cell).unwrap().cell).unwrap(),
                cell
            );
        }
    }

    #[test]
    fn a_report_names_a_window_that_can_be() {
        let with = |window: &str| -> Result<(), String> {
            let nonce = "0123456789abcdef0123456789abcdef";
            let cell = r#"{"table":"item","item":"a","action":"view"}"#;
            let text = format!(r#"{{"nonce":"{nonce}","window":{window},"cell":{cell}}}"#);
            let report: Report = serde_json::from_str(&text).map_err(|e| e.to_string())?;
            report.check().map_err(|e| e.to_string())
        };
        assert_eq!(with(r#"{"number":2948,"seconds":604800}"#), Ok(()));
        for wrong in [
            r#"{"number":1,"seconds":0}"#,
            r#"{"number":18446744073709551615,"seconds":604800}"#,
            r#"{"number":1,"seconds":1,"at":5}"#,
            r#"{"number":-1,"seconds":1}"#,
            "7",
        ] {
            assert!(with(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_could_link_two_reports_is_refused() {
        for (cell, field) in [
            (
                r#"{"table":"transition","from":"a","to":"b","action":"buy"}"#,
                "cell.action",
            ),
            (
                r#"{"table":"transition","from":"a","to":"a","action":"view"}"#,
                "cell.to",
            ),
            (r#"{"table":"item","item":"","action":"view"}"#, "cell.item"),
            (
                r#"{"table":"item","item":"a","action":"view","session":"s"}"#,
                "session",
            ),
            (
                r#"{"table":"item","item":"a\u0007","action":"view"}"#,
                "cell.item",
            ),
        ] {
            assert!(report(cell).unwrap_err().contains(field), "{cell}");
        }
    }
}
