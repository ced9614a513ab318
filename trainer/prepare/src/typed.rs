//! From what stands in a source to times, numbers and actions, value by value.
//!
//! A value that can't be read is not an error of the run: each function returns the problem, as
//! the end of a sentence about the value, and the row goes to `rejected.csv` with it.
//!
//! The engine's own casts are not used here: they say neither why a value failed nor do they take
//! Unix times in seconds and milliseconds, `UTC` as a zone, or a decimal comma.

use vitrine_core::Action;

/// Codes in the collected table: those of [`Action`], and two that rules drop by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActionCode {
    /// Kept.
    Known(Action),
    /// Takes an earlier event back: a return, a removal from the basket.
    Returned,
    /// The mapping file says to leave it out.
    Ignored,
}

impl ActionCode {
    /// The code, as the statements know it.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Known(action) => i32::from(action.code()),
            Self::Returned => 3,
            Self::Ignored => 4,
        }
    }

    /// The name under which a mapping file knows this code.
    pub(crate) fn name(code: i32) -> &'static str {
        match code {
            3 => "return",
            4 => "ignore",
            code => u8::try_from(code)
                .ok()
                .and_then(Action::from_code)
                .map_or("?", Action::name),
        }
    }

    /// The action under this name of Vitrine.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "return" => Some(Self::Returned),
            "ignore" => Some(Self::Ignored),
            name => name.parse().ok().map(Self::Known),
        }
    }

    /// The action for which shops commonly use this word, given in plain form.
    pub(crate) fn from_common_word(plain: &str) -> Option<Self> {
        Some(match plain {
            "view" | "views" | "viewitem" | "itemview" | "click" | "clicks" | "pageview" | "pv"
            | "detail" | "detailview" | "productview" | "productdetail" | "interaction"
            | "visit" => Self::Known(Action::View),
            "addtocart" | "cart" | "atc" | "basket" | "addtobasket" | "add" => {
                Self::Known(Action::AddToCart)
            }
            "buy" | "purchase" | "purchased" | "transaction" | "order" | "ordered" | "sale" => {
                Self::Known(Action::Buy)
            }
            "return" | "returned" | "refund" | "removefromcart" | "removefrombasket" => {
                Self::Returned
            }
            _ => return None,
        })
    }
}

/// How times are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    /// ISO 8601 or Unix time, told apart value by value.
    Recognised,
    Seconds,
    Milliseconds,
    /// A pattern of `strftime`.
    Pattern(String),
}

impl TimeFormat {
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        match text {
            "seconds" => Ok(Self::Seconds),
            "milliseconds" => Ok(Self::Milliseconds),
            pattern => {
                let bad = chrono::format::StrftimeItems::new(pattern)
                    .any(|item| item == chrono::format::Item::Error);
                if bad || !pattern.contains('%') {
                    return Err(format!(
                        "'{pattern}' is neither 'seconds', 'milliseconds' nor a pattern such as \"%d.%m.%Y %H:%M\""
                    ));
                }
                Ok(Self::Pattern(pattern.into()))
            }
        }
    }

    /// Milliseconds of Unix time; times without a zone are taken as UTC.
    pub(crate) fn read(&self, text: &str) -> Result<i64, String> {
        match self {
            Self::Recognised => iso(text)
                .or_else(|| day_number(text))
                .or_else(|| number(text).ok().and_then(unix_ms))
                .ok_or_else(|| {
                    format!(
                        "'{}' is neither ISO 8601 nor Unix time; say how it is written with timestamp_format in a mapping file",
                        short(text)
                    )
                }),
            Self::Seconds => scaled(text, 1000.0),
            Self::Milliseconds => scaled(text, 1.0),
            Self::Pattern(pattern) => pattern_time(text, pattern)
                .ok_or_else(|| format!("'{}' is not written as {pattern}", short(text))),
        }
    }

    /// Milliseconds of Unix time from a source that keeps times as whole numbers.
    pub(crate) fn read_number(&self, value: f64) -> Result<i64, String> {
        let read = match self {
            Self::Seconds => in_range(value * 1000.0),
            Self::Milliseconds => in_range(value),
            Self::Recognised | Self::Pattern(_) => unix_ms(value),
        };
        read.ok_or_else(|| format!("{value} is no time"))
    }
}

fn scaled(text: &str, factor: f64) -> Result<i64, String> {
    number(text)
        .ok()
        .and_then(|value| in_range(value * factor))
        .ok_or_else(|| format!("'{}' is not a number", short(text)))
}

/// The year 9999 in milliseconds: what a Parquet timestamp column is read as elsewhere.
const LATEST_MS: f64 = 253_402_300_799_999.0;

fn in_range(ms: f64) -> Option<i64> {
    (ms.abs() <= LATEST_MS).then_some(ms.round() as i64)
}

/// Unix time of unknown unit. A time of this century has 10 digits in seconds, 13 in
/// milliseconds, 16 in micro- and 19 in nanoseconds, so that the size tells the unit.
fn unix_ms(value: f64) -> Option<i64> {
    let ms = match value.abs() {
        size if size < 1e11 => value * 1e3,
        size if size < 1e14 => value,
        size if size < 1e17 => value / 1e3,
        size if size < 1e20 => value / 1e6,
        _ => return None,
    };
    in_range(ms)
}

/// `YYYYMMDD`. As Unix time in seconds those digits would lie in 1970, before any shop.
fn day_number(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 8 || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let date = day(
        digits(bytes, 0, 4)?,
        digits(bytes, 4, 2)?,
        digits(bytes, 6, 2)?,
    )?;
    (1990..2100)
        .contains(&digits(bytes, 0, 4)?)
        .then_some(date * 86_400_000)
}

fn digits(bytes: &[u8], from: usize, count: usize) -> Option<i64> {
    let part = bytes.get(from..from + count)?;
    part.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + i64::from(byte - b'0'))
    })
}

/// Days since 1970-01-01.
fn day(year: i64, month: i64, day: i64) -> Option<i64> {
    let date = chrono::NaiveDate::from_ymd_opt(
        i32::try_from(year).ok()?,
        u32::try_from(month).ok()?,
        u32::try_from(day).ok()?,
    )?;
    Some(i64::from(chrono::Datelike::num_days_from_ce(&date)) - 719_163)
}

/// `2019-10-01`, `2019-10-01T08:05`, `2019-10-01 08:05:09.123 UTC`, `2019-10-01T08:05:09+02:00`, …
fn iso(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let separator = *bytes.get(4)?;
    if !matches!(separator, b'-' | b'/') || *bytes.get(7)? != separator {
        return None;
    }
    let days = day(
        digits(bytes, 0, 4)?,
        digits(bytes, 5, 2)?,
        digits(bytes, 8, 2)?,
    )?;
    let mut ms = days * 86_400_000;
    let Some(mark) = bytes.get(10) else {
        return Some(ms);
    };
    if !matches!(mark, b'T' | b't' | b' ') || *bytes.get(13)? != b':' {
        return None;
    }
    let (hour, minute) = (digits(bytes, 11, 2)?, digits(bytes, 14, 2)?);
    let mut at = 16;
    let mut second = 0;
    if bytes.get(at) == Some(&b':') {
        second = digits(bytes, at + 1, 2)?;
        at += 3;
        if matches!(bytes.get(at), Some(b'.' | b',')) {
            at += 1;
            let mut scale = 100;
            while let Some(digit) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
                ms += scale * i64::from(digit - b'0');
                scale /= 10;
                at += 1;
            }
        }
    }
    // 60 is a leap second.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    ms += ((hour * 60 + minute) * 60 + second) * 1000;
    Some(ms - zone(text.get(at..)?.trim_start())?)
}

/// Offset from UTC in milliseconds.
fn zone(text: &str) -> Option<i64> {
    if matches!(text, "" | "Z" | "z" | "UTC" | "GMT") {
        return Some(0);
    }
    let bytes = text.as_bytes();
    let sign = match bytes.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = digits(bytes, 1, 2)?;
    let minutes = match bytes.len() {
        3 => 0,
        5 => digits(bytes, 3, 2)?,
        6 if bytes[3] == b':' => digits(bytes, 4, 2)?,
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}

fn pattern_time(text: &str, pattern: &str) -> Option<i64> {
    use chrono::{DateTime, NaiveDate, NaiveDateTime};
    if let Ok(time) = DateTime::parse_from_str(text, pattern) {
        return Some(time.timestamp_millis());
    }
    if let Ok(time) = NaiveDateTime::parse_from_str(text, pattern) {
        return Some(time.and_utc().timestamp_millis());
    }
    let date = NaiveDate::parse_from_str(text, pattern).ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

/// A finite number; `12,99` is read as 12.99, but `1,299` is refused, for it may be either.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    let parse = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite());
    parse(text)
        .or_else(|| {
            let (whole, decimals) = text.split_once(',')?;
            let decimal =
                matches!(decimals.len(), 1 | 2) && decimals.bytes().all(|b| b.is_ascii_digit());
            if decimal {
                parse(&format!("{whole}.{decimals}"))
            } else {
                None
            }
        })
        .ok_or_else(|| format!("'{}' is not a number", short(text)))
}

/// Yes or no; a number is a stock level.
pub(crate) fn truth(text: &str) -> Result<bool, String> {
    let known = match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "in stock" | "in_stock" | "instock" | "available" => {
            Some(true)
        }
        "false" | "f" | "no" | "n" | "out of stock" | "out_of_stock" | "outofstock"
        | "unavailable" => Some(false),
        other => number(other).ok().map(|level| level > 0.0),
    };
    known.ok_or_else(|| format!("'{}' is neither true nor false", short(text)))
}

/// The part of a published split: 0 train, 1 valid, 2 test.
pub(crate) fn part(text: &str) -> Result<i32, String> {
    match text.to_ascii_lowercase().as_str() {
        "train" | "training" => Ok(0),
        "valid" | "validation" | "val" | "dev" => Ok(1),
        "test" => Ok(2),
        _ => Err(format!("'{}' is not train, valid or test", short(text))),
    }
}

/// The value without surrounding blanks, or `None` where it is a word for nothing.
pub(crate) fn something(text: &str) -> Option<&str> {
    let text = text.trim();
    (!matches!(
        text,
        "" | "NULL" | "null" | "\\N" | "NA" | "N/A" | "NaN" | "nan" | "None"
    ))
    .then_some(text)
}

/// The first 60 characters, for messages.
pub(crate) fn short(text: &str) -> String {
    let mut cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2019-10-01T08:05:09Z is 1569917109 by `date -u -d`.
    const TIME: i64 = 1_569_917_109_000;

    #[test]
    fn one_moment_in_every_writing_is_one_number() {
        for text in [
            "2019-10-01T08:05:09Z",
            "2019-10-01 08:05:09 UTC",
            "2019-10-01T10:05:09+02:00",
            "2019-10-01T10:05:09+0200",
            "2019-10-01 03:05:09-05",
            "2019/10/01 08:05:09",
            "2019-10-01 08:05:09.000",
            "1569917109",
            "1569917109.0",
            "1569917109000",
            "1569917109000000",
            "1569917109000000000",
        ] {
            assert_eq!(TimeFormat::Recognised.read(text), Ok(TIME), "{text}");
        }
        let recognised = TimeFormat::Recognised;
        assert_eq!(recognised.read("2019-10-01T08:05:09.123Z"), Ok(TIME + 123));
        assert_eq!(recognised.read("2019-10-01"), Ok(1_569_888_000_000));
        assert_eq!(recognised.read("20191001"), Ok(1_569_888_000_000));
        assert_eq!(recognised.read("2019-10-01T08:05"), Ok(TIME - 9000));
    }

    #[test]
    fn what_is_no_time_is_refused_and_named() {
        for text in [
            "yesterday",
            "2019-13-01",
            "2019-02-30",
            "2019-10-01T25:00",
            "1/12/2019",
            "1e300",
            "2019-10-01Tnoon",
        ] {
            let problem = TimeFormat::Recognised.read(text).unwrap_err();
            assert!(problem.contains(text), "{problem}");
        }
    }

    #[test]
    fn a_pattern_reads_what_it_says() {
        let format = TimeFormat::new("%d.%m.%Y %H:%M:%S").unwrap();
        assert_eq!(format.read("01.10.2019 08:05:09"), Ok(TIME));
        assert!(format.read("2019-10-01").is_err());
        let format = TimeFormat::new("%d/%m/%Y").unwrap();
        assert_eq!(format.read("01/10/2019"), Ok(1_569_888_000_000));
        assert!(TimeFormat::new("%Q").is_err());
        assert!(TimeFormat::new("iso").is_err());
    }

    #[test]
    fn numbers_take_a_decimal_comma_but_nothing_ambiguous() {
        assert_eq!(number("12.5"), Ok(12.5));
        assert_eq!(number("12,99"), Ok(12.99));
        assert!(number("1,299").is_err());
        assert!(number("inf").is_err());
        assert!(number("12 EUR").is_err());
    }

    #[test]
    fn words_for_nothing_are_nothing() {
        assert_eq!(something("  NA "), None);
        assert_eq!(something("  sku 1 "), Some("sku 1"));
        assert_eq!(part("Validation"), Ok(1));
        assert_eq!(truth("0"), Ok(false));
        assert_eq!(truth("In stock"), Ok(true));
        assert!(truth("perhaps").is_err());
    }
}
