//! A record of delimited text split into its fields: as RFC 4180 says, or with backslashes that
//! escape, as databases write it.

use csv_core::ReadRecordResult;
use std::ops::Range;

/// Splits one record, keeping its buffers.
pub(super) struct Fields {
    delimiter: u8,
    /// True if a backslash escapes the byte behind it.
    escapes: bool,
    core: csv_core::Reader,
    pub text: Vec<u8>,
    ends: Vec<usize>,
    pub ranges: Vec<Range<usize>>,
}

impl Fields {
    pub(super) fn new(delimiter: u8, escapes: bool) -> Self {
        Self {
            delimiter,
            escapes,
            core: csv_core::ReaderBuilder::new()
                .delimiter(delimiter)
                .terminator(csv_core::Terminator::Any(b'\n'))
                .build(),
            text: Vec::new(),
            ends: Vec::new(),
            ranges: Vec::new(),
        }
    }

    /// Reads backslashes as escapes from here on.
    pub(super) fn escape(&mut self) {
        self.escapes = true;
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    pub(super) fn field(&self, at: usize) -> &[u8] {
        self.ranges
            .get(at)
            .map_or(&[], |range| &self.text[range.clone()])
    }

    /// Splits a record into `ranges` of `text`; false where it ends inside a quoted field, or
    /// behind a backslash that escapes the line's end.
    pub(super) fn split(&mut self, record: &[u8]) -> bool {
        self.ranges.clear();
        self.text.clear();
        if self.escapes && record.contains(&b'\\') {
            return self.split_escaped(record);
        }
        if !record.contains(&b'"') {
            self.text.extend_from_slice(record);
            let mut start = 0;
            for (at, &byte) in record.iter().enumerate() {
                if byte == self.delimiter {
                    self.ranges.push(start..at);
                    start = at + 1;
                }
            }
            self.ranges.push(start..record.len());
            return true;
        }
        self.core.reset();
        self.text.resize(record.len() + 1, 0);
        self.ends.resize(record.len() + 2, 0);
        let (mut text, mut ends) = (0, 0);
        for input in [record, b"\n"] {
            let mut rest = input;
            while !rest.is_empty() {
                let (result, read, wrote, ended) =
                    self.core
                        .read_record(rest, &mut self.text[text..], &mut self.ends[ends..]);
                rest = &rest[read..];
                text += wrote;
                ends += ended;
                if matches!(result, ReadRecordResult::Record | ReadRecordResult::End) {
                    let mut start = 0;
                    for &end in &self.ends[..ends] {
                        self.ranges.push(start..end);
                        start = end;
                    }
                    return true;
                }
                if read == 0 && wrote == 0 && ended == 0 {
                    return false;
                }
            }
        }
        false
    }

    /// As [`Self::split`]. `\N` alone stays as it is: it is the word for nothing.
    fn split_escaped(&mut self, record: &[u8]) -> bool {
        let mut bytes = record.iter().copied().peekable();
        let (mut start, mut quoted, mut begins) = (0, false, true);
        while let Some(byte) = bytes.next() {
            let fresh = std::mem::take(&mut begins);
            match byte {
                b'\\' => {
                    let Some(escaped) = bytes.next() else {
                        return false;
                    };
                    let next = bytes.peek();
                    let alone = fresh && !quoted && next.is_none_or(|next| *next == self.delimiter);
                    match escaped {
                        b'N' if alone => self.text.extend_from_slice(b"\\N"),
                        b'n' => self.text.push(b'\n'),
                        b't' => self.text.push(b'\t'),
                        b'r' => self.text.push(b'\r'),
                        b'b' => self.text.push(8),
                        b'0' => self.text.push(0),
                        other => self.text.push(other),
                    }
                }
                b'"' if quoted => match bytes.peek() {
                    Some(b'"') => {
                        bytes.next();
                        self.text.push(b'"');
                    }
                    _ => quoted = false,
                },
                b'"' if fresh => quoted = true,
                byte if byte == self.delimiter && !quoted => {
                    self.ranges.push(start..self.text.len());
                    start = self.text.len();
                    begins = true;
                }
                byte => self.text.push(byte),
            }
        }
        if quoted {
            return false;
        }
        self.ranges.push(start..self.text.len());
        true
    }
}

/// True if a record shows that backslashes escape quotes: a quoted field has a backslash, a quote,
/// and then neither a quote nor the end of a field. RFC 4180 has no reading for that.
pub(super) fn shows_escapes(record: &[u8], delimiter: u8) -> bool {
    // Looked for first, because nearly no line has one.
    if !record.contains(&b'\\') {
        return false;
    }
    let escaped = record.windows(2).position(|pair| pair == b"\\\"");
    let Some(first) = escaped else { return false };
    // The quote that opens a field, before the backslash.
    let opens = record[..first]
        .iter()
        .enumerate()
        .any(|(at, byte)| *byte == b'"' && (at == 0 || record[at - 1] == delimiter));
    let goes_on = record.get(first + 2);
    opens && goes_on.is_some_and(|next| *next != delimiter && !matches!(next, b'"' | b'\r' | b'\n'))
}

/// The delimiter that occurs most often outside quotes; a comma where none does.
pub(super) fn sniff(line: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for &byte in line {
        quoted ^= byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!quoted && byte == *delimiter);
        }
    }
    // The first of equals, so that a comma wins a draw.
    let best = counts.iter().rev().max_by_key(|(_, count)| *count);
    best.map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(record: &str) -> Option<Vec<String>> {
        let mut fields = Fields::new(b',', false);
        fields.split(record.as_bytes()).then(|| {
            let field =
                |r: &Range<usize>| String::from_utf8_lossy(&fields.text[r.clone()]).into_owned();
            fields.ranges.iter().map(field).collect()
        })
    }

    #[test]
    fn fields_are_split_as_rfc_4180_says() {
        assert_eq!(split("a,,c").unwrap(), ["a", "", "c"]);
        assert_eq!(split(r#"1,"TV, 42""",x"#).unwrap(), ["1", "TV, 42\"", "x"]);
        assert_eq!(
            split(r#"1,TV 42" wide,x"#).unwrap(),
            ["1", "TV 42\" wide", "x"]
        );
        assert_eq!(
            split("1,\"two\nlines\",x").unwrap(),
            ["1", "two\nlines", "x"]
        );
        assert_eq!(split(r#"1,"open,x"#), None);
        assert_eq!(split(r#""""#).unwrap(), [""]);
    }

    #[test]
    fn backslashes_escape_quotes_delimiters_and_line_ends() {
        let split = |record: &str| {
            let mut fields = Fields::new(b',', true);
            fields.split(record.as_bytes()).then(|| {
                (0..fields.ranges.len())
                    .map(|at| String::from_utf8_lossy(fields.field(at)).into_owned())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(
            split(r#"1,"TV 42\" wide, new",x\,y"#).unwrap(),
            ["1", "TV 42\" wide, new", "x,y"]
        );
        assert_eq!(
            split(r"\N,a\\b,\Nevada").unwrap(),
            [r"\N", r"a\b", "Nevada"]
        );
        assert_eq!(split("one\\"), None);
        assert_eq!(split("one\\\ntwo,x").unwrap(), ["one\ntwo", "x"]);
        assert_eq!(split(r#"1,"open\""#), None);
    }

    #[test]
    fn a_backslash_before_a_quote_that_goes_on_shows_escapes() {
        assert!(shows_escapes(br#"1,"TV 42\" wide",x"#, b','));
        // A folder of Windows at the end of a field.
        assert!(!shows_escapes(br#"1,"C:\pictures\",x"#, b','));
        assert!(!shows_escapes(br#"1,"C:\pictures\""#, b','));
        assert!(!shows_escapes(br#"1,TV 42\" wide,x"#, b','));
    }

    #[test]
    fn the_delimiter_is_the_commonest_one_outside_quotes() {
        assert_eq!(sniff(b"a;b;\"c,d,e,f\""), b';');
        assert_eq!(sniff(b"a\tb"), b'\t');
        assert_eq!(sniff(b"alone"), b',');
    }
}
