//! Numbers as people and their spreadsheets write them: `1,299.00`, `1.299,00 €`, `$15`, `(15.00)`.
//!
//! `1,299` alone may be a thousand or a little more than one. The column's other values tell which
//! mark is the decimal one, so a reader counts the unambiguous values and the column is read again
//! where they contradict the assumption.

use super::short;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The decimal mark of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Decimal {
    /// `1,299.00`
    #[default]
    #[serde(rename = ".")]
    Point,
    /// `1.299,00`
    #[serde(rename = ",")]
    Comma,
}

impl Decimal {
    /// The character.
    pub fn mark(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }
}

impl std::str::FromStr for Decimal {
    type Err = crate::options::PrepareOptionsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "." => Ok(Self::Point),
            "," => Ok(Self::Comma),
            _ => Err(crate::options::PrepareOptionsError(format!(
                "the decimal mark is '.' or ',', not '{text}'"
            ))),
        }
    }
}

/// Values of a column by how sure their decimal mark is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    /// Values whose decimal mark can only be a point.
    point: u64,
    /// Values whose decimal mark can only be a comma.
    comma: u64,
    /// Whole numbers of four digits and more without a mark: the column doesn't group by thousands.
    ungrouped: u64,
    /// Whole numbers below a thousand without a mark.
    small: u64,
    /// `1.299`
    either_point: u64,
    /// `1,299`
    either_comma: u64,
    example: Option<String>,
}

/// Decimal mark that a column's values imply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub decimal: Decimal,
    /// True if unambiguous values said so.
    pub sure: bool,
}

/// The likelier reading where no value is unambiguous depends on what the column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Price,
    /// ERP systems write one piece as `1,000`.
    Quantity,
    Other,
}

/// Reads the values of one column.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    measure: Measure,
    decimal: Decimal,
    pub marks: Marks,
    /// Currencies by their number of values.
    pub currencies: BTreeMap<String, u64>,
}

impl Numbers {
    pub(crate) fn new(measure: Measure, decimal: Decimal) -> Self {
        Self {
            measure,
            decimal,
            marks: Marks::default(),
            currencies: BTreeMap::new(),
        }
    }

    /// A finite number.
    pub(crate) fn read(&mut self, text: &str) -> Result<f64, String> {
        self.plain(text)
            .or_else(|| self.decorated(text))
            .ok_or_else(|| format!("'{}' is not a number", short(text)))
    }

    /// Digits with at most one point, as programs write them.
    fn plain(&mut self, text: &str) -> Option<f64> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let mut point = None;
        for (at, byte) in digits.bytes().enumerate() {
            match byte {
                b'0'..=b'9' => {}
                b'.' if point.is_none() => point = Some(at),
                _ => return None,
            }
        }
        if !digits.ends_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        match point {
            None => self.whole(digits.len()),
            Some(at) if may_be_thousands(&digits[..at], &digits[at + 1..]) => return None,
            Some(_) => self.marks.point += 1,
        }
        text.parse().ok()
    }

    fn whole(&mut self, digits: usize) {
        if digits > 3 {
            self.marks.ungrouped += 1;
        } else {
            self.marks.small += 1;
        }
    }

    fn decorated(&mut self, text: &str) -> Option<f64> {
        if let Ok(value) = text.parse::<f64>()
            && text.contains(['e', 'E'])
        {
            return value.is_finite().then_some(value);
        }
        let (negative, text) = signed(text.trim());
        let from = text.find(|c: char| c.is_ascii_digit())?;
        // `.5` begins with its decimal mark.
        let from = match text[..from].chars().next_back() {
            Some(mark @ ('.' | ',')) if text[..from - 1].chars().all(|c| !c.is_alphabetic()) => {
                from - mark.len_utf8()
            }
            _ => from,
        };
        let to = text.rfind(|c: char| c.is_ascii_digit())? + 1;
        let before = text[..from].trim();
        let (negative_inside, before) = match before.strip_suffix(['-', '−']) {
            Some(before) => (true, before.trim()),
            None => (false, before),
        };
        // `15,-` and `15.–` are fifteen and nothing behind the mark.
        let after = text[to..]
            .trim_start_matches([',', '.', '-', '–', '—'])
            .trim();
        if negative_inside && negative {
            return None;
        }
        let before = affix(before)?;
        let after = affix(after)?;
        let value = self.grouped(&text[from..to])?;
        if self.measure == Measure::Price
            && let Some(currency) = before.or(after)
        {
            *self.currencies.entry(currency).or_default() += 1;
        }
        Some(if negative || negative_inside {
            -value
        } else {
            value
        })
    }

    /// Digits with marks between them.
    fn grouped(&mut self, text: &str) -> Option<f64> {
        let points = text.matches('.').count();
        let commas = text.matches(',').count();
        let other = text.contains(is_blank_or_quote);
        let last = text.rfind(['.', ',']);
        let is_point = last.is_some_and(|at| text.as_bytes()[at] == b'.');
        let (sort, decimal_at) = match (points, commas, last) {
            (0, 0, _) | (_, _, None) => (Sort::Whole, None),
            // Both marks: the last is the decimal one.
            (1.., 1.., Some(at)) => {
                if (if is_point { points } else { commas }) > 1 {
                    return None;
                }
                (Sort::Sure { point: is_point }, Some(at))
            }
            (1, 0, Some(at)) | (0, 1, Some(at)) => {
                if other || !may_be_thousands(&text[..at], &text[at + 1..]) {
                    (Sort::Sure { point: is_point }, Some(at))
                } else {
                    let decimal = is_point == (self.decimal == Decimal::Point);
                    (Sort::Either { point: is_point }, decimal.then_some(at))
                }
            }
            // One mark several times groups thousands.
            (_, _, Some(_)) => (Sort::Sure { point: !is_point }, None),
        };
        let (whole, decimals) = match decimal_at {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, ""),
        };
        if !decimals.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let whole = without_groups(whole)?;
        let value: f64 = format!("{whole}.{decimals}0").parse().ok()?;
        let m = &mut self.marks;
        match sort {
            Sort::Whole if other => {}
            Sort::Whole => self.whole(text.len()),
            Sort::Sure { point: true } => m.point += 1,
            Sort::Sure { point: false } => m.comma += 1,
            Sort::Either { point } => {
                if point {
                    m.either_point += 1;
                } else {
                    m.either_comma += 1;
                }
                m.example.get_or_insert_with(|| text.to_string());
            }
        }
        value.is_finite().then_some(value)
    }

    /// The decimal mark that most of the unambiguous values have.
    pub(crate) fn told(&self) -> Option<Decimal> {
        match self.marks.point.cmp(&self.marks.comma) {
            Ordering::Greater => Some(Decimal::Point),
            Ordering::Less => Some(Decimal::Comma),
            Ordering::Equal => None,
        }
    }

    /// The column's decimal mark by its values; `of_programs` says that numbers were written by a
    /// program, as in JSON, where a point is never a group.
    pub(crate) fn verdict(&self, of_programs: bool) -> Verdict {
        let m = &self.marks;
        let sure = |decimal| Verdict {
            decimal,
            sure: true,
        };
        let likely = |decimal| Verdict {
            decimal,
            sure: false,
        };
        if let Some(decimal) = self.told() {
            return sure(decimal);
        }
        match (m.either_point > 0, m.either_comma > 0) {
            (false, false) => sure(Decimal::Point),
            (true, true) => likely(Decimal::Point),
            (true, false) if of_programs || m.ungrouped > 0 => sure(Decimal::Point),
            // `49`, `999`, `1.299`: three decimals are no price.
            (true, false) if self.measure == Measure::Price && m.small > 0 => {
                likely(Decimal::Comma)
            }
            (true, false) => likely(Decimal::Point),
            (false, true) if m.ungrouped > 0 => likely(Decimal::Comma),
            (false, true) if self.measure == Measure::Quantity && m.small == 0 => {
                likely(Decimal::Comma)
            }
            (false, true) => likely(Decimal::Point),
        }
    }

    /// How many values may be read in two ways, and the first of them.
    pub(crate) fn ambiguous(&self) -> Option<(u64, &str)> {
        let count = self.marks.either_point + self.marks.either_comma;
        self.marks.example.as_deref().map(|text| (count, text))
    }

    pub(crate) fn decimal(&self) -> Decimal {
        self.decimal
    }
}

/// How sure a value's decimal mark is.
enum Sort {
    Whole,
    /// The decimal mark is a point, or else a comma.
    Sure {
        point: bool,
    },
    /// Its only mark, a point or else a comma, may group thousands.
    Either {
        point: bool,
    },
}

/// True if one mark between these digits may group thousands: `1|299`, not `0|299` or `1299|5`.
fn may_be_thousands(before: &str, after: &str) -> bool {
    after.len() == 3 && matches!(before.len(), 1..=3) && !before.starts_with('0')
}

fn is_blank_or_quote(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’' | '`' | '_'
    )
}

/// The digits of a whole number: groups of three, or as in India of two before the last three.
fn without_groups(text: &str) -> Option<String> {
    let mut separator = None;
    for c in text.chars().filter(|c| !c.is_ascii_digit()) {
        if !(is_blank_or_quote(c) || matches!(c, '.' | ',')) || *separator.get_or_insert(c) != c {
            return None;
        }
    }
    let Some(separator) = separator else {
        return Some(text.into());
    };
    let groups: Vec<&str> = text.split(separator).collect();
    let (first, rest) = groups.split_first()?;
    let (last, middle) = rest.split_last()?;
    let even = |size| middle.iter().all(|group| group.len() == size);
    let right = last.len() == 3
        && ((even(3) && matches!(first.len(), 1..=3)) || (even(2) && matches!(first.len(), 1..=2)));
    right.then(|| groups.concat())
}

/// Whether the text is negative by a sign or by an accountant's brackets, and the rest.
fn signed(text: &str) -> (bool, &str) {
    if let Some(inside) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        return (true, inside.trim());
    }
    if let Some(rest) = text.strip_prefix(['-', '−']) {
        return (true, rest.trim());
    }
    // Some systems write the sign behind; `15,-` is no negative.
    match text.strip_suffix('-') {
        Some(rest) if rest.ends_with(|c: char| c.is_ascii_digit()) => (true, rest),
        _ => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// A currency or a unit beside a number: `Some(None)` where nothing stands there, `None` where
/// what stands there makes another number or is no unit.
fn affix(text: &str) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    let is_sign = |c: char| {
        matches!(
            c,
            '$' | '£' | '¥' | '¢' | '¤' | '฿' | '\u{20a0}'..='\u{20cf}'
        )
    };
    let known = text
        .chars()
        .all(|c| c.is_alphabetic() || is_sign(c) || c == '.');
    let scales = [
        "k", "m", "mn", "mio", "mrd", "bn", "b", "t", "tsd", "lakh", "cr",
    ];
    let lower = letters.to_lowercase();
    if !known || letters.chars().count() > 5 || scales.contains(&lower.as_str()) {
        return None;
    }
    let sign = text.chars().find(|c| is_sign(*c));
    let name = match (sign, lower.as_str()) {
        (Some('€'), _) | (None, "euro" | "euros") => "EUR".into(),
        (Some('£'), _) => "GBP".into(),
        (Some('$'), "" | "us") => "USD".into(),
        (Some(sign), letters) => format!("{}{sign}", letters.to_uppercase()),
        (None, letters) => letters.to_uppercase(),
    };
    Some(Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<f64, String> {
        Numbers::new(Measure::Price, Decimal::Point).read(text)
    }

    #[test]
    fn one_price_in_the_writings_of_many_countries_is_one_number() {
        for text in [
            "1299",
            "1299.00",
            "1,299.00",
            "1.299,00",
            "1 299,00",
            "1'299.00",
            "1’299.00",
            "1\u{a0}299,00 €",
            "1\u{202f}299,00",
            "$1,299.00",
            "USD 1,299.00",
            "1,299.00 USD",
            "1.299,00€",
            "US$1,299.00",
            "Rs. 1,299.00",
            "R$ 1.299,00",
            "1299,00 kr.",
            "1'299.–",
            "1299,-",
            "CHF 1'299.00",
            "1_299.0",
            "+1299",
            "1.299e3",
        ] {
            assert_eq!(read(text), Ok(1299.0), "{text}");
        }
        assert_eq!(read("12,34,567.50"), Ok(1_234_567.5));
        assert_eq!(read("1.234.567"), Ok(1_234_567.0));
        assert_eq!(read("1,234,567"), Ok(1_234_567.0));
        assert_eq!(read(".5"), Ok(0.5));
        assert_eq!(read("0,299"), Ok(0.299));
        assert_eq!(read("€ ,5"), Ok(0.5));
    }

    #[test]
    fn brackets_and_signs_are_negative() {
        for text in [
            "(15.00)",
            "-15",
            "−15.00",
            "-$15.00",
            "$-15.00",
            "15.00-",
            "(€15,00)",
        ] {
            assert_eq!(read(text), Ok(-15.0), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_number_is_refused_and_named() {
        for text in [
            "cheap",
            "",
            "5k",
            "1.5M",
            "12-15",
            "10 or more",
            "1.2.3",
            "1,29,9",
            "15 00",
            "NaN",
            "inf",
            "15:00",
            "12 %",
            "1.299,00.5",
            "iPhone 15",
            "--5",
            "1 2'3",
        ] {
            assert!(read(text).is_err(), "{text}: {:?}", read(text));
        }
        assert_eq!(read("cheap"), Err("'cheap' is not a number".into()));
    }

    fn verdict(measure: Measure, values: &[&str]) -> (char, bool) {
        let mut numbers = Numbers::new(measure, Decimal::Point);
        values.iter().for_each(|text| {
            numbers.read(text).unwrap();
        });
        let verdict = numbers.verdict(false);
        (verdict.decimal.mark(), verdict.sure)
    }

    #[test]
    fn the_unambiguous_values_of_a_column_decide_its_decimal_mark() {
        use Measure::{Price, Quantity};
        assert_eq!(verdict(Price, &["1.299", "12,50"]), (',', true));
        assert_eq!(verdict(Price, &["1,299", "12.50"]), ('.', true));
        assert_eq!(verdict(Price, &["1.299", "1.299.000"]), (',', true));
        assert_eq!(verdict(Price, &["1.299", "2500"]), ('.', true));
        // Nothing unambiguous: the likelier way, and not sure.
        assert_eq!(verdict(Price, &["1,299", "49"]), ('.', false));
        assert_eq!(verdict(Price, &["1.299", "49"]), (',', false));
        assert_eq!(verdict(Quantity, &["1,000", "12,000"]), (',', false));
        assert_eq!(verdict(Quantity, &["1,000", "12"]), ('.', false));
        assert_eq!(verdict(Price, &["12", "9"]), ('.', true));
    }

    #[test]
    fn a_decided_mark_reads_the_ambiguous_values() {
        let mut german = Numbers::new(Measure::Price, Decimal::Comma);
        assert_eq!(german.read("1.299"), Ok(1299.0));
        assert_eq!(german.read("1,299"), Ok(1.299));
        assert_eq!(german.read("12.50"), Ok(12.5));
        assert_eq!(german.ambiguous(), Some((2, "1.299")));
        let mut english = Numbers::new(Measure::Price, Decimal::Point);
        assert_eq!(english.read("1.299"), Ok(1.299));
        assert_eq!(english.read("1,299"), Ok(1299.0));
    }

    #[test]
    fn currencies_are_counted_under_one_name_each() {
        let mut numbers = Numbers::new(Measure::Price, Decimal::Point);
        for text in ["15 €", "EUR 15", "15 USD", "$15", "A$15", "15"] {
            numbers.read(text).unwrap();
        }
        let counted: Vec<_> = numbers.currencies.into_iter().collect();
        assert_eq!(
            counted,
            [
                ("A$".to_string(), 1),
                ("EUR".to_string(), 2),
                ("USD".to_string(), 2)
            ]
        );
    }
}
