//! RFC 9110 in three small questions: which encoding, is the copy fresh, which bytes.
//!
//! Pure functions over header values, so that each rule is a line in a test.

use std::ops::Range;

/// How much a client wants an encoding, from an `Accept-Encoding` value: 0 when not at all,
/// else up to 1000.
///
/// RFC 9110, section 12.5.3: an encoding that is not listed has the weight of `*`, or none.
pub fn encoding_weight(accept: &str, encoding: &str) -> u16 {
    let mut any = 0;
    for member in accept.split(',') {
        let mut parts = member.split(';').map(str::trim);
        let name = parts.next().unwrap_or("");
        let weight = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(1000, thousandths);
        if name.eq_ignore_ascii_case(encoding) {
            return weight;
        }
        if name == "*" {
            any = weight;
        }
    }
    any
}

/// A quality value in thousandths; what is not one counts as "not wanted".
fn thousandths(quality: &str) -> u16 {
    match quality.trim().parse::<f32>() {
        Ok(q) if (0.0..=1.0).contains(&q) => (q * 1000.0).round() as u16,
        _ => 0,
    }
}

/// Whether an `If-None-Match` value names this entity tag (weak comparison).
pub fn matches_tag(if_none_match: &str, tag: &str) -> bool {
    if_none_match.split(',').map(str::trim).any(|candidate| {
        candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == tag
    })
}

/// What a `Range` value asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// Everything: the value is not a single byte range, and RFC 9110 lets a server ignore it.
    All,
    /// These bytes; never empty.
    Some(Range<u64>),
    /// Bytes that are not there.
    Unsatisfiable,
}

/// Reads a `Range` value for a file of `length` bytes.
pub fn byte_range(range: &str, length: u64) -> Bytes {
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .filter(|set| !set.contains(','))
        .and_then(|set| set.trim().split_once('-'))
    else {
        return Bytes::All;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // A number too large for u64 is past every file's end.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let asked = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
        (Some(first), None) if last.is_empty() => first..length,
        (None, Some(suffix)) if first.is_empty() => {
            if suffix == 0 {
                return Bytes::Unsatisfiable;
            }
            length.saturating_sub(suffix)..length
        }
        _ => return Bytes::All,
    };
    if asked.is_empty() {
        Bytes::Unsatisfiable
    } else {
        Bytes::Some(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_follow_the_rfc() {
        for (accept, br, gzip) in [
            ("", 0, 0),
            ("br", 1000, 0),
            ("gzip, deflate, br;q=0.9", 900, 1000),
            ("br;q=0, *", 0, 1000),
            ("*;q=0.25, gzip;q=0", 250, 0),
            ("BR ; q=0.5", 500, 0),
            ("br;q=nonsense", 0, 0),
            ("xbr", 0, 0),
        ] {
            assert_eq!(encoding_weight(accept, "br"), br, "{accept}");
            assert_eq!(encoding_weight(accept, "gzip"), gzip, "{accept}");
        }
    }

    #[test]
    fn tags_are_compared_whole() {
        assert!(matches_tag("\"a\", \"b\"", "\"b\""));
        assert!(matches_tag("W/\"a\"", "\"a\""));
        assert!(matches_tag("*", "\"a\""));
        assert!(!matches_tag("\"ab\"", "\"a\""));
        assert!(!matches_tag("", "\"a\""));
    }

    #[test]
    fn ranges_of_ten_bytes() {
        for (range, expected) in [
            ("bytes=0-3", Bytes::Some(0..4)),
            ("bytes=4-", Bytes::Some(4..10)),
            ("bytes=-3", Bytes::Some(7..10)),
            ("bytes=-30", Bytes::Some(0..10)),
            ("bytes=8-99999999999999999999999", Bytes::Some(8..10)),
            ("bytes=10-", Bytes::Unsatisfiable),
            ("bytes=-0", Bytes::Unsatisfiable),
            ("bytes=3-1", Bytes::All),
            ("bytes=0-1,3-4", Bytes::All),
            ("bytes=+1-2", Bytes::All),
            ("items=0-3", Bytes::All),
            ("bytes=-", Bytes::All),
        ] {
            assert_eq!(byte_range(range, 10), expected, "{range}");
        }
        assert_eq!(byte_range("bytes=0-", 0), Bytes::Unsatisfiable);
    }
}
