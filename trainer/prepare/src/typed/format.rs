//! The writings of times that a person can name.

use super::calendar::{Written, day};

/// How times are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    /// Told apart value by value.
    Recognised,
    /// As recognised, where day and month may be confused by this order.
    Ordered(Order),
    /// A number of these.
    Count(Unit),
    /// A pattern of `strftime`.
    Pattern(String),
}

/// Which of day and month stands first where the year stands last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    DayFirst,
    MonthFirst,
}

/// The unit of times that are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
    /// Since 1970-01-01, as Parquet's dates and Spark's.
    Days,
    /// Since 1899-12-30, with the time of day as a fraction.
    Excel,
}

const WORDS: [(&str, TimeFormat); 8] = [
    ("seconds", TimeFormat::Count(Unit::Seconds)),
    ("milliseconds", TimeFormat::Count(Unit::Milliseconds)),
    ("microseconds", TimeFormat::Count(Unit::Microseconds)),
    ("nanoseconds", TimeFormat::Count(Unit::Nanoseconds)),
    ("days", TimeFormat::Count(Unit::Days)),
    ("excel", TimeFormat::Count(Unit::Excel)),
    ("day-first", TimeFormat::Ordered(Order::DayFirst)),
    ("month-first", TimeFormat::Ordered(Order::MonthFirst)),
];

impl TimeFormat {
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if let Some((_, format)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(format.clone());
        }
        let bad = chrono::format::StrftimeItems::new(text)
            .any(|item| item == chrono::format::Item::Error);
        if bad || !text.contains('%') {
            return Err(format!(
                "'{text}' is neither {} nor a pattern such as \"%d.%m.%Y %H:%M\"",
                WORDS.map(|(word, _)| word).join(", ")
            ));
        }
        Ok(Self::Pattern(text.into()))
    }
}

impl std::fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Recognised => f.write_str("recognised"),
            Self::Pattern(pattern) => f.write_str(pattern),
            other => match WORDS.iter().find(|(_, format)| format == other) {
                Some((word, _)) => f.write_str(word),
                None => f.write_str("recognised"),
            },
        }
    }
}

/// The year 9999 in milliseconds.
pub(super) const LATEST_MS: f64 = 253_402_300_799_999.0;
pub(super) const DAY_MS: i64 = 86_400_000;

/// The time that this many units are.
pub(super) fn counted(value: f64, unit: Unit) -> Option<Written> {
    let ms = match unit {
        Unit::Seconds => value * 1e3,
        Unit::Milliseconds => value,
        Unit::Microseconds => value / 1e3,
        Unit::Nanoseconds => value / 1e6,
        Unit::Days => value * 86_400_000.0,
        Unit::Excel => (value - 25_569.0) * 86_400_000.0,
    };
    if ms.is_nan() || ms.abs() > LATEST_MS {
        return None;
    }
    let ms = ms.round() as i64;
    let clock = ms.rem_euclid(DAY_MS);
    let local = matches!(unit, Unit::Days | Unit::Excel);
    Some(Written {
        days: ms.div_euclid(DAY_MS),
        clock_ms: Some(clock).filter(|clock| !local || *clock != 0),
        offset_ms: (!local).then_some(0),
    })
}

/// A time in a pattern of `strftime`.
pub(super) fn pattern_time(text: &str, pattern: &str) -> Option<Written> {
    use chrono::{DateTime, NaiveDate, NaiveDateTime, Timelike};
    let of = |date: NaiveDate| {
        day(
            i64::from(chrono::Datelike::year(&date)),
            i64::from(chrono::Datelike::month(&date)),
            i64::from(chrono::Datelike::day(&date)),
        )
    };
    if let Ok(time) = DateTime::parse_from_str(text, pattern) {
        return counted(time.timestamp_millis() as f64, Unit::Milliseconds);
    }
    if let Ok(time) = NaiveDateTime::parse_from_str(text, pattern) {
        let clock = i64::from(time.num_seconds_from_midnight()) * 1000
            + i64::from(time.nanosecond() / 1_000_000);
        return Some(Written {
            days: of(time.date())?,
            clock_ms: Some(clock),
            offset_ms: None,
        });
    }
    let date = NaiveDate::parse_from_str(text, pattern).ok()?;
    Some(Written {
        days: of(date)?,
        clock_ms: None,
        offset_ms: None,
    })
}
