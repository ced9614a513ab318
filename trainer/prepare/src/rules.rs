//! The rules by name, in the order in which a row meets them.

use crate::options::Thresholds;
use serde::Serialize;

/// A rule, in the words of the report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Rule {
    /// Its name in `rejected.csv`.
    pub name: &'static str,
    /// What it drops, as a sentence.
    pub drops: String,
    /// True if it was applied.
    pub on: bool,
}

/// All rules at these thresholds.
pub(crate) fn rules(t: &Thresholds) -> Vec<Rule> {
    let always = |name, drops: &str| Rule {
        name,
        drops: drops.into(),
        on: true,
    };
    let at = |name, value: Option<f64>, drops: &dyn Fn(f64) -> String| Rule {
        name,
        drops: value.map_or_else(|| "(off)".into(), drops),
        on: value.is_some(),
    };
    let number = |value: Option<u64>| value.map(|value| value as f64);
    let bot_by_length = match (t.max_clicks_per_session, t.max_clicks_per_day) {
        (None, None) => None,
        (Some(n), None) => Some(format!("Visitors with more than {n} clicks in one session")),
        (None, Some(n)) => Some(format!("Visitors with more than {n} clicks in one day")),
        (Some(s), Some(d)) => Some(format!(
            "Visitors with more than {s} clicks in one session or {d} in one day"
        )),
    };
    vec![
        always(
            "unreadable_row",
            "Rows that are cut off or malformed, or whose ids are no text, objects, lists or longer than 4096 bytes",
        ),
        always(
            "bad_time",
            "Rows whose time can't be read and that have no session",
        ),
        always(
            "unknown_action",
            "Rows with an action that nobody explained",
        ),
        always(
            "unknown_split",
            "Rows with a split other than train, valid or test",
        ),
        always("missing_item", "Rows without an item"),
        always(
            "nested_id",
            "Rows whose item is a nested value such as {\"id\": 7}",
        ),
        always(
            "no_element",
            "Rows whose list of items is empty or missing: events of no item",
        ),
        always("header_row", "Rows that repeat the names of the columns"),
        always("missing_visitor", "Rows without user, session and order"),
        always(
            "unplaced_visitor",
            "Rows of a placeholder (guest, 0) without session and order, and of a session that counts by user without a user",
        ),
        always(
            "missing_split",
            "Rows without a split where the others have one",
        ),
        always(
            "missing_time",
            "Rows with neither session nor time where the others have times",
        ),
        always("ignored_action", "Actions that the mapping file ignores"),
        always(
            "void_order",
            "Orders that were cancelled, refunded, failed or not paid",
        ),
        always(
            "returned",
            "Returns, removals from the basket, negative quantities",
        ),
        always(
            "impossible_time",
            &format!(
                "Events before {} or after {}",
                date(t.earliest_ms),
                date(t.latest_ms)
            ),
        ),
        always(
            "impossible_price",
            if t.reject_free_purchases {
                "Purchases at a price of zero or below"
            } else {
                "Purchases at a price below zero"
            },
        ),
        at("low_rating", t.min_rating, &|n| {
            format!("Ratings below {n}")
        }),
        always(
            "not_a_product",
            "Postage, fees and the like, by the items file",
        ),
        always("duplicate", "Exact copies of an earlier row"),
        always(
            "unknown_item",
            "Order lines of items that neither events nor items file know",
        ),
        at("bot_by_rate", number(t.max_clicks_per_minute), &|n| {
            format!("Visitors with more than {n} clicks in one minute")
        }),
        Rule {
            name: "bot_by_length",
            on: bot_by_length.is_some(),
            drops: bot_by_length.unwrap_or_else(|| "(off)".into()),
        },
        at("rare_item", number(t.min_item_events), &|n| {
            format!("Training events of items with fewer than {n} events")
        }),
        at("short_session", number(t.min_session_length), &|n| {
            format!("Sessions left with fewer than {n} events")
        }),
    ]
}

/// A day, as people write it.
pub(crate) fn date(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .map_or_else(|| "?".into(), |time| time.format("%Y-%m-%d").to_string())
}
