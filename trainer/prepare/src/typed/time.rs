//! Times as systems and people write them, to milliseconds of Unix time.
//!
//! ISO 8601 and Unix time are read value by value. Two things are decided for a column: the order
//! of day and month in `01/06/2024`, by the values that leave no doubt, and whether small whole
//! numbers count days. A [`Times`] counts both while it reads, and the column is read again where
//! the count contradicts the assumption.

use super::calendar::{self, Written};
use super::format::{DAY_MS, LATEST_MS, counted, pattern_time};
pub(crate) use super::format::{Order, TimeFormat, Unit};
use super::zone::Zone;
use super::{number, short};

/// Values of a column by how they are to be understood, each with the first of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// `13/06/2024`
    pub day_first: Tally,
    /// `06/13/2024`
    pub month_first: Tally,
    /// `01/06/2024`
    pub either: Tally,
    /// Of those, the ones that were read with the day first.
    pub either_as_day_first: u64,
    /// A day and a time of day without a zone.
    pub without_zone: Tally,
    /// Whole numbers that may count days since 1970.
    pub days: Tally,
    /// Numbers that may be a spreadsheet's serial dates.
    pub excel: Tally,
    /// Other numbers, which count no days.
    pub other_numbers: u64,
}

/// How many, and the first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub count: u64,
    pub example: Option<String>,
}

impl Tally {
    fn add(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        self.example.get_or_insert_with(text);
    }
}

/// Reads the times of one input.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    format: TimeFormat,
    zone: Option<Zone>,
    order: Option<Order>,
    /// True if numbers that look like days are days.
    count_days: bool,
    pub seen: Seen,
}

/// Format of times that a column's values imply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeVerdict {
    pub order: Option<Order>,
    pub count_days: bool,
}

impl Default for TimeVerdict {
    fn default() -> Self {
        Self {
            order: None,
            count_days: true,
        }
    }
}

impl Times {
    pub(crate) fn new(format: TimeFormat, zone: Option<Zone>, decided: TimeVerdict) -> Self {
        let order = match format {
            TimeFormat::Ordered(order) => Some(order),
            _ => decided.order,
        };
        Self {
            format,
            zone,
            order,
            count_days: decided.count_days,
            seen: Seen::default(),
        }
    }

    /// Milliseconds of Unix time.
    pub(crate) fn read(&mut self, text: &str) -> Result<i64, String> {
        let written = self.written(text)?;
        self.finish(written, || text.into())
    }

    /// The same, of a day and of a time of day that stand in two columns.
    pub(crate) fn read_joined(&mut self, day: &str, clock: &str) -> Result<i64, String> {
        let mut written = self.written(day)?;
        let (of_day, offset) = calendar::clock(clock)
            .ok_or_else(|| format!("'{}' is no time of day", short(clock)))?;
        written.clock_ms = Some(of_day);
        written.offset_ms = offset.or(written.offset_ms);
        self.finish(written, || format!("{day} {clock}"))
    }

    /// The same, of a source that keeps times as numbers.
    pub(crate) fn read_number(&mut self, value: f64) -> Result<i64, String> {
        let written = match &self.format {
            TimeFormat::Pattern(pattern) => pattern_time(&whole_text(value), pattern),
            TimeFormat::Count(unit) => counted(value, *unit),
            TimeFormat::Recognised | TimeFormat::Ordered(_) => self.number(value),
        };
        let written = written.ok_or_else(|| match &self.format {
            TimeFormat::Recognised | TimeFormat::Ordered(_) => format!("{value} is no time"),
            format => format!("{value} is not written as {format}"),
        })?;
        self.finish(written, || whole_text(value))
    }

    /// The same, of a typed time without a zone, in milliseconds of its own calendar.
    pub(crate) fn read_local(&mut self, local_ms: i64) -> Result<i64, String> {
        let written = Written {
            days: local_ms.div_euclid(DAY_MS),
            clock_ms: Some(local_ms.rem_euclid(DAY_MS)).filter(|ms| *ms != 0),
            offset_ms: None,
        };
        self.finish(written, || {
            chrono::DateTime::from_timestamp_millis(local_ms)
                .map_or_else(String::new, |time| time.naive_utc().to_string())
        })
    }

    fn written(&mut self, text: &str) -> Result<Written, String> {
        match &self.format {
            TimeFormat::Pattern(pattern) => pattern_time(text, pattern)
                .ok_or_else(|| format!("'{}' is not written as {pattern}", short(text))),
            TimeFormat::Count(unit) => number(text)
                .and_then(|value| counted(value, *unit))
                .ok_or_else(|| format!("'{}' is no number of {}", short(text), self.format)),
            TimeFormat::Recognised | TimeFormat::Ordered(_) => calendar::iso(text)
                .or_else(|| number(text).and_then(|value| self.number(value)))
                .or_else(|| self.by_people(text))
                .ok_or_else(|| format!("'{}' can't be read as a time", short(text))),
        }
    }

    fn by_people(&mut self, text: &str) -> Option<Written> {
        match calendar::by_people(text)? {
            calendar::Date::Sure(written) => Some(written),
            calendar::Date::DayFirst(written) => {
                self.seen.day_first.add(|| text.into());
                (self.order != Some(Order::MonthFirst)).then_some(written)
            }
            calendar::Date::MonthFirst(written) => {
                self.seen.month_first.add(|| text.into());
                (self.order != Some(Order::DayFirst)).then_some(written)
            }
            calendar::Date::Either {
                day_first,
                month_first,
            } => {
                self.seen.either.add(|| text.into());
                // Until a value decides, the order that most of the world writes.
                if self.order == Some(Order::MonthFirst) {
                    Some(month_first)
                } else {
                    self.seen.either_as_day_first += 1;
                    Some(day_first)
                }
            }
        }
    }

    /// A number of unknown unit.
    fn number(&mut self, value: f64) -> Option<Written> {
        let whole = value.fract() == 0.0;
        if whole && let Some(written) = calendar::digits_of_date(value) {
            return Some(written);
        }
        // 1995 to 2063: as Unix time in seconds they would all lie in January 1970.
        if self.count_days {
            if whole && (9131.0..34_000.0).contains(&value) {
                self.seen.days.add(|| whole_text(value));
                return counted(value, Unit::Days);
            }
            if (34_700.0..59_700.0).contains(&value) {
                self.seen.excel.add(|| value.to_string());
                return counted(value, Unit::Excel);
            }
        }
        if value != 0.0 {
            self.seen.other_numbers += 1;
        }
        // A time of this century has 10 digits in seconds, 13 in milliseconds, 16 in micro- and 19
        // in nanoseconds, so that the size tells the unit.
        let unit = match value.abs() {
            size if size < 1e11 => Unit::Seconds,
            size if size < 1e14 => Unit::Milliseconds,
            size if size < 1e17 => Unit::Microseconds,
            size if size < 1e20 => Unit::Nanoseconds,
            _ => return None,
        };
        counted(value, unit)
    }

    fn finish(&mut self, written: Written, text: impl FnOnce() -> String) -> Result<i64, String> {
        let local = written
            .days
            .checked_mul(DAY_MS)
            .unwrap_or(i64::MAX)
            .saturating_add(written.clock_ms.unwrap_or(0));
        let ms = match (written.offset_ms, self.zone) {
            (Some(offset), _) => Some(local.saturating_sub(offset)),
            (None, Some(zone)) => zone.to_utc(local),
            (None, None) => {
                if written.clock_ms.is_some() {
                    self.seen.without_zone.add(text);
                }
                Some(local)
            }
        };
        ms.filter(|ms| (*ms as f64).abs() <= LATEST_MS)
            .ok_or_else(|| "the time lies outside the calendar".into())
    }

    /// Format that the values read so far imply.
    pub(crate) fn verdict(&self) -> TimeVerdict {
        let (day_first, month_first) = (self.seen.day_first.count, self.seen.month_first.count);
        let order = match self.format {
            TimeFormat::Ordered(order) => Some(order),
            _ if day_first > month_first => Some(Order::DayFirst),
            _ if month_first > 0 => Some(Order::MonthFirst),
            _ => None,
        };
        let counts = self.seen.days.count + self.seen.excel.count;
        let mixed = self.seen.days.count > 0 && self.seen.excel.count > 0;
        TimeVerdict {
            order,
            // A column of days holds nothing else; one of seconds since a start holds any number.
            count_days: self.count_days && !mixed && self.seen.other_numbers * 20 <= counts,
        }
    }

    /// True if values were read otherwise than `verdict` says.
    pub(crate) fn contradicts(&self, verdict: TimeVerdict) -> bool {
        let days = self.seen.days.count + self.seen.excel.count;
        let misread = match verdict.order {
            Some(Order::MonthFirst) => self.seen.either_as_day_first > 0,
            Some(Order::DayFirst) => self.seen.either_as_day_first < self.seen.either.count,
            None => false,
        };
        // Of two orders in one column the rarer one is no longer read.
        let other = self.order != verdict.order
            && self.seen.day_first.count > 0
            && self.seen.month_first.count > 0;
        misread || other || (self.count_days && !verdict.count_days && days > 0)
    }

    /// Values whose day and month nothing tells apart, and the first of them.
    pub(crate) fn undecided(&self) -> Option<(u64, &str)> {
        let seen = &self.seen;
        let rare = seen.day_first.count.min(seen.month_first.count);
        let many = seen.day_first.count.max(seen.month_first.count);
        let said = matches!(self.format, TimeFormat::Ordered(_));
        // A hundredth of the other order are slips of the pen; more are two sources in one column.
        let open = seen.either.count > 0 && !said && (many == 0 || rare * 100 > many);
        seen.either
            .example
            .as_deref()
            .filter(|_| open)
            .map(|text| (seen.either.count, text))
    }
}

/// A whole number without its decimal point.
fn whole_text(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 9e18 {
        (value as i64).to_string()
    } else {
        value.to_string()
    }
}

/// True if a text is a time of day and nothing else.
pub(crate) fn is_time_of_day(text: &str) -> bool {
    calendar::clock(text).is_some()
}

/// An offset from UTC such as `+02:00`, in milliseconds.
pub(crate) fn offset(text: &str) -> Option<i64> {
    calendar::zone(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2019-10-01T08:05:09Z is 1569917109 by `date -u -d`.
    const TIME: i64 = 1_569_917_109_000;
    const DAY: i64 = 1_569_888_000_000;

    fn times() -> Times {
        Times::new(TimeFormat::Recognised, None, TimeVerdict::default())
    }

    fn with(format: &str) -> Times {
        let format = TimeFormat::new(format).unwrap();
        Times::new(format, None, TimeVerdict::default())
    }

    #[test]
    fn one_moment_in_every_writing_is_one_number() {
        for text in [
            "2019-10-01T08:05:09Z",
            "2019-10-01 08:05:09 UTC",
            "2019-10-01T10:05:09+02:00",
            "2019-10-01T10:05:09+0200",
            "2019-10-01 03:05:09-05",
            "2019-10-01 03:05:09 -0500",
            "2019/10/01 08:05:09",
            "2019.10.01 08:05:09",
            "2019-10-01 08:05:09.000",
            "2019-10-01T10:05:09+02:00[Europe/Berlin]",
            "2019-10-1 8:05:09",
            "20191001T080509Z",
            "20191001 08:05:09",
            "20191001080509",
            "1569917109",
            "1569917109.0",
            "1569917109000",
            "1569917109000000",
            "1569917109000000000",
            "1 Oct 2019 08:05:09",
            "Oct 1, 2019, 8:05:09 AM",
            "October 1st, 2019 8:05:09 a.m.",
            "Tue, 01 Oct 2019 08:05:09 GMT",
            "Tue Oct 01 2019 10:05:09 GMT+0200 (CEST)",
            "Tue Oct  1 10:05:09 CEST 2019",
            "01/Oct/2019:10:05:09 +0200",
            "01-Oct-2019 08:05:09",
            "01.10.2019 08:05:09",
            "01.10.2019, 08:05:09 Uhr",
            "1. Oktober 2019 08:05:09",
            "1 octobre 2019 à 08:05:09",
            "1 de octubre de 2019 08:05:09",
            "13/10/2019 08:05:09",
            "10/13/2019 8:05:09 AM",
        ] {
            let wanted = if text.contains("13") {
                TIME + 12 * DAY_MS
            } else {
                TIME
            };
            assert_eq!(times().read(text), Ok(wanted), "{text}");
        }
        assert_eq!(times().read("2019-10-01T08:05:09.123Z"), Ok(TIME + 123));
        assert_eq!(times().read("2019-10-01 08:05:09.123456"), Ok(TIME + 123));
        assert_eq!(times().read("2019-10-01T08:05"), Ok(TIME - 9000));
        assert_eq!(times().read("01.10.2019 12:05 am"), Ok(DAY + 300_000));
        assert_eq!(times().read("1.10.2019 8 PM"), Ok(DAY + 20 * 3_600_000));
        for text in [
            "2019-10-01",
            "20191001",
            "01.10.2019",
            "1.10.19",
            "18170",
            "43739",
        ] {
            assert_eq!(times().read(text), Ok(DAY), "{text}");
        }
        for number in [
            18_170.0,
            43_739.0,
            20_191_001.0,
            1_569_888_000.0,
            20_191_001_000_000.0,
        ] {
            assert_eq!(times().read_number(number), Ok(DAY), "{number}");
        }
    }

    #[test]
    fn text_that_is_no_time_is_refused_and_named() {
        for text in [
            "yesterday",
            "2019-13-01",
            "2019-02-30",
            "2019-10-01T25:00",
            "13/13/2019",
            "1e300",
            "2019-10-01Tnoon",
            "31.02.2019",
            "10:05",
            "Oct 2019",
            "Ocean 1, 2019",
            "1/12",
            "2019-10-01 8:61 AM",
            "2019-10-01 13:00 PM",
            "12345678901234567890123",
        ] {
            let problem = times().read(text).unwrap_err();
            assert!(problem.contains(text), "{problem}");
        }
    }

    #[test]
    fn a_format_that_was_said_is_read_for_texts_and_numbers() {
        let mut format = with("%d.%m.%Y %H:%M:%S");
        assert_eq!(format.read("01.10.2019 08:05:09"), Ok(TIME));
        assert!(format.read("2019-10-01").is_err());
        assert_eq!(with("%d/%m/%Y").read("01/10/2019"), Ok(DAY));
        assert_eq!(
            with("%Y%m%d%H%M").read_number(201_910_010_805.0),
            Ok(TIME - 9000)
        );
        assert_eq!(with("seconds").read_number(18_170.0), Ok(18_170_000));
        assert_eq!(with("days").read("18170"), Ok(DAY));
        assert_eq!(with("excel").read("43739.5"), Ok(DAY + DAY_MS / 2));
        assert_eq!(
            with("microseconds").read_number(TIME as f64 * 1e3),
            Ok(TIME)
        );
        assert_eq!(with("month-first").read("10/01/2019"), Ok(DAY));
        assert_eq!(with("day-first").read("01/10/2019"), Ok(DAY));
        assert!(with("day-first").read("10/13/2019").is_err());
        assert!(TimeFormat::new("%Q").is_err());
        assert!(TimeFormat::new("iso").is_err());
    }

    #[test]
    fn unambiguous_dates_decide_the_order_of_day_and_month() {
        let mut times = times();
        times.read("01/06/2024").unwrap();
        assert!(times.undecided().is_some());
        times.read("06/13/2024").unwrap();
        let verdict = times.verdict();
        assert_eq!(verdict.order, Some(Order::MonthFirst));
        assert!(times.contradicts(verdict) && times.undecided().is_none());
        let mut again = Times::new(TimeFormat::Recognised, None, verdict);
        // 2024-01-06.
        assert_eq!(again.read("01/06/2024"), Ok(1_704_499_200_000));
        again.read("06/13/2024").unwrap();
        assert!(!again.contradicts(again.verdict()));
        assert!(again.read("13/06/2024").is_err());
    }

    #[test]
    fn small_numbers_are_days_only_where_the_column_holds_nothing_else() {
        let mut days = times();
        for number in 19_000..19_030 {
            days.read_number(f64::from(number)).unwrap();
        }
        assert!(days.verdict().count_days);
        let mut seconds = times();
        for number in (0..40_000).step_by(1000) {
            seconds.read_number(f64::from(number)).unwrap();
        }
        let verdict = seconds.verdict();
        assert!(!verdict.count_days && seconds.contradicts(verdict));
    }

    #[test]
    fn times_without_a_zone_are_local_and_counted() {
        let berlin = Some("Europe/Berlin".parse().unwrap());
        let mut local = Times::new(TimeFormat::Recognised, berlin, TimeVerdict::default());
        assert_eq!(local.read("2019-10-01 10:05:09"), Ok(TIME));
        assert_eq!(local.read("2019-10-01T08:05:09Z"), Ok(TIME));
        assert_eq!(local.read("1569917109"), Ok(TIME));
        assert_eq!(local.read_joined("1.10.2019", "10:05:09"), Ok(TIME));
        assert_eq!(
            local.read_joined("2019-10-01", "3:05:09 am -05:00"),
            Ok(TIME)
        );
        assert_eq!(local.seen.without_zone.count, 0);
        let mut utc = times();
        utc.read("2019-10-01 10:05:09").unwrap();
        utc.read("2019-10-01").unwrap();
        utc.read("1569917109").unwrap();
        assert_eq!(utc.seen.without_zone.count, 1);
    }
}
