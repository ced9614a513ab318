//! Dates and times of day as they are written, before a zone is taken into account.

/// A day and perhaps a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// Days since 1970-01-01.
    pub days: i64,
    pub clock_ms: Option<i64>,
    /// Milliseconds east of UTC.
    pub offset_ms: Option<i64>,
}

/// A date in a writing of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Date {
    Sure(Written),
    /// Only the order with the day first makes a date.
    DayFirst(Written),
    /// Only the order with the month first makes a date.
    MonthFirst(Written),
    Either {
        day_first: Written,
        month_first: Written,
    },
}

/// Days since 1970-01-01.
pub(super) fn day(year: i64, month: i64, day: i64) -> Option<i64> {
    let date = chrono::NaiveDate::from_ymd_opt(
        i32::try_from(year).ok()?,
        u32::try_from(month).ok()?,
        u32::try_from(day).ok()?,
    )?;
    Some(i64::from(chrono::Datelike::num_days_from_ce(&date)) - 719_163)
}

fn digits(bytes: &[u8], from: usize, count: usize) -> Option<i64> {
    let part = bytes.get(from..from + count)?;
    part.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + i64::from(byte - b'0'))
    })
}

/// `2019-10-01`, `2019-10-01T08:05`, `2019-10-01 08:05:09.123 UTC`, `2019-10-01T08:05:09+02:00`, …
///
/// The writing of nearly all files, apart from [`by_people`] because it is read without allocating.
pub(super) fn iso(text: &str) -> Option<Written> {
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
    let Some(mark) = bytes.get(10) else {
        return Some(Written {
            days,
            clock_ms: None,
            offset_ms: None,
        });
    };
    if !matches!(mark, b'T' | b't' | b' ') || *bytes.get(13)? != b':' {
        return None;
    }
    let (hour, minute) = (digits(bytes, 11, 2)?, digits(bytes, 14, 2)?);
    let mut at = 16;
    let (mut second, mut ms) = (0, 0);
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
    let rest = text.get(at..)?.trim_start();
    Some(Written {
        days,
        clock_ms: Some(of_day(hour, minute, second)? + ms),
        offset_ms: if rest.is_empty() {
            None
        } else {
            Some(zone(rest)?)
        },
    })
}

fn of_day(hour: i64, minute: i64, second: i64) -> Option<i64> {
    // 60 is a leap second.
    let known = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    known.then_some(((hour * 60 + minute) * 60 + second) * 1000)
}

/// Offset from UTC in milliseconds.
pub(super) fn zone(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let sign = match bytes.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return named_zone(text),
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

/// Abbreviations that mean one offset where shops are; `CST` is that of RFC 2822.
fn named_zone(text: &str) -> Option<i64> {
    let hours = match text.to_ascii_uppercase().as_str() {
        "Z" | "UTC" | "GMT" | "WET" => 0,
        "CET" | "MEZ" | "BST" | "WEST" => 1,
        "CEST" | "MESZ" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return None,
    };
    Some(hours * 3_600_000)
}

/// `20191001`, `201910010805` and `20191001080509` as numbers. As Unix time in seconds or
/// milliseconds those digits lie in 1970, in 1976 and beyond 2600.
pub(super) fn digits_of_date(value: f64) -> Option<Written> {
    let value = value as i64;
    let (date, clock_ms) = match value {
        19_900_000..=21_000_000 => (value, None),
        199_000_000_000..=210_000_000_000 => (
            value / 10_000,
            Some(of_day(value / 100 % 100, value % 100, 0)?),
        ),
        19_900_000_000_000..=21_000_000_000_000 => (
            value / 1_000_000,
            Some(of_day(
                value / 10_000 % 100,
                value / 100 % 100,
                value % 100,
            )?),
        ),
        _ => return None,
    };
    Some(Written {
        days: day(date / 10_000, date / 100 % 100, date % 100)?,
        clock_ms,
        offset_ms: None,
    })
}

/// A time of day, and its offset from UTC where it tells one.
pub(super) fn clock(text: &str) -> Option<(i64, Option<i64>)> {
    let (clock, rest) = take_clock(tokens(text)?)?;
    rest.iter()
        .all(|token| matches!(token, Token::Mark(_)))
        .then_some(clock)
}

/// `1 Oct 2019 08:05`, `10/13/2019 8:05 AM`, `01.10.2019`, `Tue, 01 Oct 2019 08:05:09 GMT`, …
pub(super) fn by_people(text: &str) -> Option<Date> {
    let all = tokens(text)?;
    if let Some(written) = compact(&all) {
        return Some(Date::Sure(written));
    }
    let (clock, rest) = match take_clock(all.clone()) {
        Some((clock, rest)) => (Some(clock), rest),
        None => (None, all),
    };
    let of = |days: i64| Written {
        days,
        clock_ms: clock.map(|(ms, _)| ms),
        offset_ms: clock.and_then(|(_, offset)| offset),
    };
    let mut month = None;
    let mut numbers = Vec::new();
    let mut marks = Vec::new();
    for token in &rest {
        match token {
            Token::Number { value, digits } => numbers.push((*value, *digits)),
            Token::Word(word) => match month_of(word) {
                Some(_) if month.is_some() => return None,
                Some(number) => month = Some(number),
                None if is_filler(word) => {}
                // The zone of `Tue Oct 1 10:05:09 CEST 2019` was taken with the clock.
                None => return None,
            },
            Token::Mark(mark) => {
                if numbers.len() < 3 && matches!(mark, '/' | '.' | '-') && !numbers.is_empty() {
                    marks.push(*mark);
                }
            }
        }
    }
    match (month, numbers.as_slice()) {
        (Some(month), [(first, 4), (second, 1 | 2)]) => {
            Some(Date::Sure(of(day(*first, month, *second)?)))
        }
        (Some(month), [(first, 1 | 2), (second, size @ (2 | 4))]) => Some(Date::Sure(of(day(
            full_year(*second, *size),
            month,
            *first,
        )?))),
        (None, [(date, 8)]) => Some(Date::Sure(of(day(
            date / 10_000,
            date / 100 % 100,
            date % 100,
        )?))),
        (None, [(year, 4), (month, 1 | 2), (number, 1 | 2)]) if alike(&marks) => {
            Some(Date::Sure(of(day(*year, *month, *number)?)))
        }
        (None, [(first, 1 | 2), (second, 1 | 2), (year, size @ (2 | 4))]) if alike(&marks) => {
            let year = full_year(*year, *size);
            let day_first = day(year, *second, *first).map(of);
            let month_first = day(year, *first, *second).map(of);
            // Nobody writes the month first before a point.
            if marks.first() == Some(&'.') {
                return day_first.map(Date::Sure);
            }
            match (day_first, month_first) {
                (Some(one), Some(other)) if one == other => Some(Date::Sure(one)),
                (Some(day_first), Some(month_first)) => Some(Date::Either {
                    day_first,
                    month_first,
                }),
                (Some(day_first), None) => Some(Date::DayFirst(day_first)),
                (None, Some(month_first)) => Some(Date::MonthFirst(month_first)),
                (None, None) => None,
            }
        }
        _ => None,
    }
}

/// `20191001T080509Z`
fn compact(tokens: &[Token]) -> Option<Written> {
    let [
        Token::Number {
            value: date,
            digits: 8,
        },
        Token::Word(mark),
        Token::Number {
            value: clock,
            digits: size @ (4 | 6),
        },
        rest @ ..,
    ] = tokens
    else {
        return None;
    };
    let clock = if *size == 4 { clock * 100 } else { *clock };
    let (offset_ms, length) = offset_of(rest);
    if mark != "t" || length != rest.len() {
        return None;
    }
    Some(Written {
        days: day(date / 10_000, date / 100 % 100, date % 100)?,
        clock_ms: Some(of_day(clock / 10_000, clock / 100 % 100, clock % 100)?),
        offset_ms,
    })
}

/// True if a date's two marks are there and the same.
fn alike(marks: &[char]) -> bool {
    matches!(marks, [first, second] if first == second)
}

/// Excel's short dates have two digits for the year.
fn full_year(year: i64, digits: usize) -> i64 {
    match (digits, year) {
        (2, 70..) => 1900 + year,
        (2, _) => 2000 + year,
        _ => year,
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number {
        value: i64,
        digits: usize,
    },
    /// In lower case.
    Word(String),
    Mark(char),
}

/// Longest text that may be a time, in characters: `Wed, 25 September 2019 10:05:09 GMT+0200
/// (Central European Summer Time)`.
const LONGEST: usize = 80;

/// Numbers, words and marks, without blanks and remarks in brackets.
fn tokens(text: &str) -> Option<Vec<Token>> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.split(['(', '[']).next().unwrap_or_default();
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_ascii_digit() {
            let mut number = String::from(c);
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                number.push(digit);
            }
            tokens.push(Token::Number {
                value: number.parse().ok()?,
                digits: number.len(),
            });
        } else if c.is_alphabetic() {
            let mut word = String::from(c);
            while let Some(letter) = chars.next_if(|c| c.is_alphabetic()) {
                word.push(letter);
            }
            tokens.push(Token::Word(word.to_lowercase()));
        } else if !c.is_whitespace() {
            tokens.push(Token::Mark(c));
        }
    }
    Some(tokens)
}

type Clock = (i64, Option<i64>);

/// The time of day among the tokens, and the others.
fn take_clock(mut tokens: Vec<Token>) -> Option<(Clock, Vec<Token>)> {
    let hour_at = |at: usize| match tokens.get(at) {
        Some(Token::Number {
            value,
            digits: 1 | 2,
        }) => Some(*value),
        _ => None,
    };
    let two_at = |at: usize| match tokens.get(at) {
        Some(Token::Number { value, digits: 2 }) => Some(*value),
        _ => None,
    };
    let mark_at = |at: usize, wanted: char| tokens.get(at) == Some(&Token::Mark(wanted));
    let from = (0..tokens.len()).find(|at| {
        hour_at(*at).is_some()
            && (mark_at(at + 1, ':') && two_at(at + 2).is_some()
                || half_of_day(&tokens[at + 1..]).is_some())
    })?;
    let mut hour = hour_at(from)?;
    let (mut minute, mut second, mut ms) = (0, 0, 0);
    let mut to = from + 1;
    if mark_at(to, ':') {
        minute = two_at(to + 1)?;
        to += 2;
        if mark_at(to, ':') {
            second = two_at(to + 1)?;
            to += 2;
            if let (Some(Token::Mark('.' | ',')), Some(Token::Number { value, digits })) =
                (tokens.get(to), tokens.get(to + 1))
                && *digits <= 9
            {
                ms = *value * 1000 / 10i64.pow(u32::try_from(*digits).ok()?);
                to += 2;
            }
        }
    }
    if let Some((afternoon, length)) = half_of_day(&tokens[to..]) {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + if afternoon { 12 } else { 0 };
        to += length;
    }
    let (offset, length) = offset_of(&tokens[to..]);
    tokens.drain(from..to + length);
    // The `T` between a date and a time of day.
    if from > 0 && tokens.get(from - 1) == Some(&Token::Word("t".into())) {
        tokens.remove(from - 1);
    }
    Some(((of_day(hour, minute, second)? + ms, offset), tokens))
}

/// Whether `am` or `pm` stands here, and over how many tokens.
fn half_of_day(tokens: &[Token]) -> Option<(bool, usize)> {
    let word = |at: usize| match tokens.get(at) {
        Some(Token::Word(word)) => Some(word.as_str()),
        _ => None,
    };
    let mark = |at: usize| tokens.get(at) == Some(&Token::Mark('.'));
    match word(0)? {
        "am" => Some((false, 1)),
        "pm" => Some((true, 1)),
        half @ ("a" | "p") if mark(1) && word(2) == Some("m") => {
            Some((half == "p", if mark(3) { 4 } else { 3 }))
        }
        _ => None,
    }
}

/// The offset that stands here, and over how many tokens.
fn offset_of(tokens: &[Token]) -> (Option<i64>, usize) {
    let (named, length) = match tokens.first() {
        Some(Token::Word(word)) => match named_zone(word) {
            Some(offset) => (Some(offset), 1),
            None => return (None, 0),
        },
        _ => (None, 0),
    };
    let sign = match tokens.get(length) {
        Some(Token::Mark('+')) => 1,
        Some(Token::Mark('-' | '−')) => -1,
        _ => return (named, length),
    };
    match (
        tokens.get(length + 1),
        tokens.get(length + 2),
        tokens.get(length + 3),
    ) {
        (
            Some(Token::Number {
                value: hours,
                digits: 2,
            }),
            Some(Token::Mark(':')),
            Some(Token::Number {
                value: minutes,
                digits: 2,
            }),
        ) => (Some(sign * (hours * 60 + minutes) * 60_000), length + 4),
        (Some(Token::Number { value, digits: 4 }), _, _) => (
            Some(sign * (value / 100 * 60 + value % 100) * 60_000),
            length + 2,
        ),
        (
            Some(Token::Number {
                value,
                digits: 1 | 2,
            }),
            _,
            _,
        ) => (Some(sign * value * 3_600_000), length + 2),
        _ => (named, length),
    }
}

/// Months by their names and abbreviations in English, German, French and Spanish.
const MONTHS: [&[&str]; 12] = [
    &[
        "jan", "january", "januar", "jänner", "janvier", "janv", "enero", "ene",
    ],
    &[
        "feb", "february", "februar", "février", "févr", "fév", "febrero",
    ],
    &["mar", "march", "märz", "mär", "mrz", "mars", "marzo"],
    &["apr", "april", "avril", "avr", "abril", "abr"],
    &["may", "mai", "mayo"],
    &["jun", "june", "juni", "juin", "junio"],
    &["jul", "july", "juli", "juillet", "juil", "julio"],
    &["aug", "august", "août", "agosto", "ago"],
    &["sep", "sept", "september", "septembre", "septiembre"],
    &["oct", "october", "oktober", "okt", "octobre", "octubre"],
    &["nov", "november", "novembre", "noviembre"],
    &[
        "dec",
        "december",
        "dezember",
        "dez",
        "décembre",
        "déc",
        "diciembre",
        "dic",
    ],
];

fn month_of(word: &str) -> Option<i64> {
    let at = MONTHS.iter().position(|names| names.contains(&word))?;
    i64::try_from(at + 1).ok()
}

/// Words that stand in dates and say nothing more: days of the week, endings of ordinals,
/// prepositions.
fn is_filler(word: &str) -> bool {
    const FILLERS: [&str; 42] = [
        "mon",
        "tue",
        "tues",
        "wed",
        "thu",
        "thur",
        "thurs",
        "fri",
        "sat",
        "sun",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "mo",
        "di",
        "mi",
        "do",
        "fr",
        "sa",
        "so",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonntag",
        "st",
        "nd",
        "rd",
        "th",
        "of",
        "at",
        "de",
        "à",
        "um",
        "uhr",
        "er",
    ];
    FILLERS.contains(&word)
}
