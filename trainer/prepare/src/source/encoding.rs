//! The encoding of a text file: said by the mapping file, told by its first bytes, or judged line by
//! line.
//!
//! A line that is UTF-8 is read as UTF-8. Of a line that is not, the lines around it decide: among
//! lines that are UTF-8 it is damaged, and the values that can't be decoded are left out; among
//! lines that are not it is Windows-1252, which every old system in the west writes.

use super::lines::{Line, Lines};
use super::remarks::{Remark, Remarks};
use crate::error::PrepareError;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::borrow::Cow;

/// Lines beyond ASCII, and bytes, that are looked at behind a line that is not UTF-8.
const LOOKED_AT: u32 = 16;
const LOOKED_AT_BYTES: usize = 1 << 20;

/// The encoding that the beginning of a file shows, where it is not a superset of ASCII.
pub(super) fn wide(start: &[u8]) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(start) {
        return (encoding != encoding_rs::UTF_8).then_some(encoding);
    }
    // Without a mark: text in a western language has a zero in every other place.
    let pairs = start.len() / 2;
    if pairs < 2 {
        return None;
    }
    let zeros = |from: usize| {
        start
            .iter()
            .skip(from)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let (first, second) = (zeros(0), zeros(1));
    let many = pairs / 2 + 1;
    if second >= many && first * 20 <= pairs {
        Some(UTF_16LE)
    } else if first >= many && second * 20 <= pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// How the bytes of a line become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Utf8,
    /// UTF-8 with bytes in between that are none.
    Damaged,
    Windows1252,
}

/// Judges the lines of a file.
#[derive(Debug)]
pub(super) struct Judge {
    /// The encoding that the mapping file names.
    said: Option<&'static Encoding>,
    /// Recent lines beyond ASCII: those that are UTF-8, and those that are not.
    utf8: u32,
    other: u32,
    /// A judgement, and the last line for which it holds.
    holds: Option<(Coding, u64)>,
}

impl Judge {
    pub(super) fn new(said: Option<&'static Encoding>) -> Self {
        Self {
            said,
            utf8: 0,
            other: 0,
            holds: None,
        }
    }

    /// The coding of a line, which the following lines may decide; they are given back.
    pub(super) fn judge(
        &mut self,
        line: &Line,
        lines: &mut Lines,
        remarks: &mut Remarks,
    ) -> Result<Coding, PrepareError> {
        if line.bytes.is_ascii() {
            return Ok(Coding::Utf8);
        }
        if std::str::from_utf8(&line.bytes).is_ok() {
            self.utf8 = (self.utf8 + 1).min(LOOKED_AT / 2);
            self.other = self.other.saturating_sub(1);
            return Ok(Coding::Utf8);
        }
        if let Some(said) = self.said {
            return Ok(if said == WINDOWS_1252 {
                Coding::Windows1252
            } else {
                Coding::Damaged
            });
        }
        let known = self.holds.filter(|(_, until)| line.number <= *until);
        let coding = match known {
            Some((coding, _)) => coding,
            None => {
                let (utf8, other, last) = ahead(line, lines)?;
                let all_other = utf8 == 0 && other >= LOOKED_AT / 2;
                let coding = if all_other || other + self.other > utf8 + self.utf8 {
                    Coding::Windows1252
                } else {
                    Coding::Damaged
                };
                self.holds = Some((coding, last));
                coding
            }
        };
        self.other = (self.other + 1).min(LOOKED_AT / 2);
        self.utf8 = self.utf8.saturating_sub(1);
        if coding == Coding::Windows1252 {
            remarks.note(Remark::Windows, "", line.number, || sample(line));
        }
        Ok(coding)
    }
}

/// How many of this line and the lines behind it are UTF-8 beyond ASCII, how many are not, and the
/// number of the last.
fn ahead(line: &Line, lines: &mut Lines) -> Result<(u32, u32, u64), PrepareError> {
    let (mut utf8, mut other) = (0, 0);
    let mut count = |line: &Line| match evidence(&line.bytes) {
        (true, _) => utf8 += 1,
        (false, true) => other += 1,
        (false, false) => {}
    };
    count(line);
    let (mut last, mut bytes, mut seen) = (line.number, 0, 0);
    let mut more = Vec::new();
    while bytes < LOOKED_AT_BYTES && seen < LOOKED_AT {
        let Some(next) = lines.next()? else { break };
        if !next.bytes.is_ascii() {
            seen += 1;
            count(&next);
        }
        bytes += next.bytes.len();
        last = next.number;
        more.push(next);
    }
    lines.give_back(more.into_iter());
    Ok((utf8, other, last))
}

/// Whether bytes hold characters of UTF-8 beyond ASCII, and whether they hold bytes that are none.
fn evidence(bytes: &[u8]) -> (bool, bool) {
    let (mut valid, mut invalid) = (false, false);
    for chunk in bytes.utf8_chunks() {
        valid |= !chunk.valid().is_ascii();
        invalid |= !chunk.invalid().is_empty();
    }
    (valid, invalid)
}

/// Bytes as text, or, in the error, as far as they are text.
pub(super) fn decode(bytes: &[u8], coding: Coding) -> Result<Cow<'_, str>, Cow<'_, str>> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    if coding != Coding::Windows1252 {
        return Err(String::from_utf8_lossy(bytes));
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    // Windows-1252 leaves five bytes undefined, which no text has.
    if text.chars().any(|c| ('\u{80}'..='\u{9f}').contains(&c)) {
        return Err(text);
    }
    Ok(text)
}

/// The part of a line around its first character beyond ASCII, for a message.
fn sample(line: &Line) -> String {
    let at = line.bytes.iter().position(|byte| !byte.is_ascii());
    let at = at.unwrap_or(0);
    let from = at.saturating_sub(20);
    let to = (at + 20).min(line.bytes.len());
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(&line.bytes[from..to]);
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_told_with_and_without_a_mark() {
        let bytes = |text: &str, big: bool| -> Vec<u8> {
            let units = text.encode_utf16();
            units
                .flat_map(|unit| {
                    if big {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect()
        };
        let text = "user_id,item_id\nu1,Größe 42\n";
        assert_eq!(wide(&bytes(text, false)), Some(UTF_16LE));
        assert_eq!(wide(&bytes(text, true)), Some(UTF_16BE));
        assert_eq!(
            wide(&bytes(&format!("\u{feff}{text}"), true)),
            Some(UTF_16BE)
        );
        assert_eq!(wide(text.as_bytes()), None);
        assert_eq!(wide(b"\x89PNG\0\0\x01"), None);
    }

    #[test]
    fn windows_1252_has_five_bytes_that_are_no_text() {
        assert_eq!(decode(b"caf\xe9", Coding::Windows1252), Ok("café".into()));
        assert!(decode(b"\x81\x8d", Coding::Windows1252).is_err());
        assert!(decode(b"caf\xe9", Coding::Damaged).is_err());
    }
}
