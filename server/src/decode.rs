//! A report's JSON, or the field that is wrong with it.
//!
//! `serde` decides what a report is; it says "unknown variant" and not where, because a tagged
//! enum is buffered before it is read. So when it refuses, the document is looked at once more,
//! member by member, only to name the culprit. Nothing is accepted by that second look.

use serde_json::{Map, Value};
use vitrine_core::Action;
use vitrine_core::cell::{Arm, PositionBucket, Report};

/// Why a body is not a report.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON.
    #[error("{0}")]
    Syntax(String),
    /// JSON of another form.
    #[error("{reason}")]
    Shape {
        /// JSON path of the offending member, where one is to blame.
        field: Option<String>,
        /// What is wanted.
        reason: String,
    },
}

/// Reads and checks a report.
pub fn decode(bytes: &[u8]) -> Result<Report, DecodeError> {
    let report: Report = match serde_json::from_slice(bytes) {
        Ok(report) => report,
        Err(error) => {
            let value = serde_json::from_slice::<Value>(bytes)
                .map_err(|error| DecodeError::Syntax(error.to_string()))?;
            let (field, reason) = culprit(&value).unwrap_or((None, error.to_string()));
            return Err(DecodeError::Shape { field, reason });
        }
    };
    report.check().map_err(|error| DecodeError::Shape {
        field: Some(error.field.to_owned()),
        reason: error.reason.to_owned(),
    })?;
    Ok(report)
}

type Culprit = (Option<String>, String);

/// The members of a cell, by table.
fn members(table: &str) -> Option<&'static [&'static str]> {
    match table {
        "transition" => Some(&["from", "to", "action"]),
        "item" => Some(&["item", "action"]),
        "impression" => Some(&["item", "position", "clicked"]),
        "metric" => Some(&["arm", "rank"]),
        _ => None,
    }
}

fn culprit(value: &Value) -> Option<Culprit> {
    let Value::Object(report) = value else {
        return Some((None, "a report is a JSON object".into()));
    };
    if let Some(found) = extra_or_missing(report, &["nonce", "window", "cell"], "") {
        return Some(found);
    }
    if !report.get("nonce").is_some_and(Value::is_string) {
        return at("nonce", "a nonce is a string");
    }
    let Some(Value::Object(window)) = report.get("window") else {
        return at("window", "a window is a JSON object");
    };
    if let Some(found) = extra_or_missing(window, &["number", "seconds"], "window.") {
        return Some(found);
    }
    for (field, member) in [("window.number", "number"), ("window.seconds", "seconds")] {
        if !window.get(member).is_some_and(Value::is_u64) {
            return at(field, "is a whole number, not below 0");
        }
    }
    let Some(Value::Object(cell)) = report.get("cell") else {
        return at("cell", "a cell is a JSON object");
    };
    let table = cell.get("table").and_then(Value::as_str).unwrap_or("");
    let Some(members) = members(table) else {
        return at(
            "cell.table",
            "a table is transition, item, impression or metric",
        );
    };
    let all: Vec<&str> = std::iter::once("table")
        .chain(members.iter().copied())
        .collect();
    if let Some(found) = extra_or_missing(cell, &all, "cell.") {
        return Some(found);
    }
    members.iter().find_map(|name| {
        let reason = wrong_member(name, cell.get(*name)?)?;
        at(&format!("cell.{name}"), reason)
    })
}

fn at(field: &str, reason: &str) -> Option<Culprit> {
    Some((Some(field.into()), reason.into()))
}

fn extra_or_missing(object: &Map<String, Value>, known: &[&str], path: &str) -> Option<Culprit> {
    let extra = object.keys().find(|key| !known.contains(&key.as_str()));
    if let Some(extra) = extra {
        // A stranger chose this name: it is repeated, but not at any length.
        let name: String = extra.chars().take(40).collect();
        return at(
            &format!("{path}{name}"),
            "is not a member of a report; a report holds one cell, its nonce and its window, nothing \
             else",
        );
    }
    let missing = known.iter().find(|key| !object.contains_key(**key))?;
    at(&format!("{path}{missing}"), "is missing")
}

fn wrong_member(name: &str, value: &Value) -> Option<&'static str> {
    fn is<T: serde::de::DeserializeOwned>(value: &Value) -> bool {
        T::deserialize(value).is_ok()
    }
    let (right, wanted) = match name {
        "action" => (is::<Action>(value), "an action is view, add_to_cart or buy"),
        "position" | "rank" => (
            is::<PositionBucket>(value),
            "a position is \"1\", \"2-4\", \"5-10\", \"11-20\" or \"21+\"",
        ),
        "arm" => (is::<Arm>(value), "an arm is shop or vitrine"),
        "clicked" => (value.is_boolean(), "clicked is true or false"),
        _ => (value.is_string(), "an item id is a string"),
    };
    (!right).then_some(wanted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use vitrine_core::cell::Cell;

    const NONCE: &str = "0123456789abcdef0123456789abcdef";
    const WINDOW: &str = r#"{"number":2948,"seconds":604800}"#;

    fn field_of(body: &str) -> Option<String> {
        match decode(body.as_bytes()).unwrap_err() {
            DecodeError::Shape { field, .. } => field,
            DecodeError::Syntax(reason) => panic!("{reason}"),
        }
    }

    fn with_cell(cell: &str) -> String {
        format!(r#"{{"nonce":"{NONCE}","window":{WINDOW},"cell":{cell}}}"#)
    }

    #[test]
    fn every_wrong_member_is_named() {
        for (cell, field) in [
            (r#"{"table":"shelf"}"#, "cell.table"),
            (r#"{"item":"a","action":"view"}"#, "cell.table"),
            (
                r#"{"table":"item","item":"a","action":"smell"}"#,
                "cell.action",
            ),
            (r#"{"table":"item","item":1,"action":"view"}"#, "cell.item"),
            (r#"{"table":"item","action":"view"}"#, "cell.item"),
            (
                r#"{"table":"item","item":"a","action":"view","at":1}"#,
                "cell.at",
            ),
            (
                r#"{"table":"impression","item":"a","position":"3","clicked":true}"#,
                "cell.position",
            ),
            (
                r#"{"table":"impression","item":"a","position":"1","clicked":1}"#,
                "cell.clicked",
            ),
            (r#"{"table":"metric","arm":"other","rank":"1"}"#, "cell.arm"),
            (
                r#"{"table":"transition","from":"a","to":"b","action":"buy"}"#,
                "cell.action",
            ),
            ("7", "cell"),
        ] {
            assert_eq!(field_of(&with_cell(cell)).as_deref(), Some(field), "{cell}");
        }
        let with_window = |window: &str| {
            let cell = r#"{"table":"item","item":"a","action":"view"}"#;
            let body = format!(r#"{{"nonce":"{NONCE}","window":{window},"cell":{cell}}}"#);
            field_of(&body)
        };
        for (window, field) in [
            ("7", "window"),
            (r#"{"seconds":1}"#, "window.number"),
            (r#"{"number":1,"seconds":-1}"#, "window.seconds"),
            (r#"{"number":1,"seconds":1,"at":1}"#, "window.at"),
            (r#"{"number":1,"seconds":0}"#, "window"),
        ] {
            assert_eq!(with_window(window).as_deref(), Some(field), "{window}");
        }
        assert_eq!(field_of(r#"{"cell":{}}"#).as_deref(), Some("nonce"));
        assert_eq!(
            field_of(r#"{"nonce":1,"window":{},"cell":{}}"#).as_deref(),
            Some("nonce")
        );
        assert_eq!(field_of("[]"), None);
    }

    #[test]
    fn junk_is_told_from_a_wrong_report() {
        for junk in ["", "{", "\u{fffd}", "{\"nonce\":}"] {
            let error = decode(junk.as_bytes()).unwrap_err();
            assert!(matches!(error, DecodeError::Syntax(_)), "{junk}");
        }
    }

    #[test]
    fn the_second_look_knows_every_member_that_core_writes() {
        let item = || "a".to_owned();
        for cell in [
            Cell::Transition {
                from: item(),
                to: "b".into(),
                action: Action::View,
            },
            Cell::Item {
                item: item(),
                action: Action::Buy,
            },
            Cell::Impression {
                item: item(),
                position: PositionBucket::Top,
                clicked: false,
            },
            Cell::Metric {
                arm: Arm::Shop,
                rank: PositionBucket::Tail,
            },
        ] {
            let value = serde_json::to_value(&cell).unwrap();
            let object = value.as_object().unwrap();
            let table = object["table"].as_str().unwrap();
            let known = members(table).unwrap();
            assert_eq!(object.len(), known.len() + 1);
            assert!(known.iter().all(|name| object.contains_key(*name)));
            assert!(decode(with_cell(&value.to_string()).as_bytes()).is_ok());
        }
    }
}
