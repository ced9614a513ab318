//! JSON values one behind the other, across lines: the elements of one list, or objects that were
//! printed over several lines.

use super::lines::{LONGEST_LINE, Line};
use std::io::{self, BufRead};

/// Cuts a text into values, without checking more than brackets and quotes: what is malformed
/// within a value is told when the value is read.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// Lines behind us.
    lines: u64,
    /// True if the values are the elements of a list.
    list: bool,
    begun: bool,
    ended: bool,
}

impl Values {
    /// The line that is under way, from 1.
    pub(super) fn line(&self) -> u64 {
        self.lines + 1
    }

    /// The next value, as a line that begins where the value does.
    pub(super) fn next(&mut self, input: &mut impl BufRead) -> io::Result<Option<Line>> {
        let Some(first) = self.skip(input)? else {
            if self.list && !self.ended {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the list of objects does not end",
                ));
            }
            return Ok(None);
        };
        let number = self.line();
        let mut bytes = vec![first];
        let mut cut = false;
        let mut depth = usize::from(matches!(first, b'{' | b'['));
        let (mut quoted, mut escaped) = (first == b'"', false);
        while let Some(byte) = peek(input)? {
            if depth == 0 && !quoted && (byte.is_ascii_whitespace() || b",]".contains(&byte)) {
                break;
            }
            input.consume(1);
            self.lines += u64::from(byte == b'\n');
            if bytes.len() < LONGEST_LINE {
                bytes.push(byte);
            } else {
                cut = true;
            }
            if quoted {
                quoted = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
                continue;
            }
            match byte {
                b'"' => quoted = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
        }
        Ok(Some(Line { number, bytes, cut }))
    }

    /// Passes over what stands between values; the first byte of the next.
    fn skip(&mut self, input: &mut impl BufRead) -> io::Result<Option<u8>> {
        while let Some(byte) = peek(input)? {
            input.consume(1);
            match byte {
                b'\n' => self.lines += 1,
                b'[' if !self.begun || self.ended => {
                    (self.list, self.ended) = (true, false);
                }
                b']' if self.list => self.ended = true,
                byte if byte.is_ascii_whitespace() || byte == b',' => {}
                byte => {
                    self.begun = true;
                    return Ok(Some(byte));
                }
            }
            self.begun |= self.list;
        }
        Ok(None)
    }
}

fn peek(input: &mut impl BufRead) -> io::Result<Option<u8>> {
    Ok(input.fill_buf()?.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(mut text: &[u8]) -> io::Result<Vec<(u64, String)>> {
        let mut values = Values::default();
        let mut all = Vec::new();
        while let Some(line) = values.next(&mut text)? {
            all.push((line.number, String::from_utf8(line.bytes).unwrap()));
        }
        Ok(all)
    }

    #[test]
    fn elements_of_a_list_are_values_with_the_lines_of_their_beginnings() {
        let text = b"[\n {\"a\": \"]}\\\"\"},\n {\"b\":\n [1, 2]}, 3 ]\n";
        let found = values(text).unwrap();
        assert_eq!(
            found,
            [
                (2, "{\"a\": \"]}\\\"\"}".to_string()),
                (3, "{\"b\":\n [1, 2]}".to_string()),
                (4, "3".to_string())
            ]
        );
        assert_eq!(values(b"[]").unwrap(), []);
        assert!(values(b"[{\"a\": 1}").is_err());
    }

    #[test]
    fn objects_over_several_lines_are_values_and_so_are_lists_that_were_joined() {
        let found = values(b"{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].0, 4);
        assert_eq!(values(b"[{\"a\": 1}]\n[{\"a\": 2}]").unwrap().len(), 2);
    }
}
