//! A text file line by line, decompressed on the way, with the line's number.

use super::encoding::wide;
use super::json_values::Values;
use super::{SourceFile, empty};
use crate::error::PrepareError;
use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest line that is read; what is longer is no row of a shop.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1.
    pub number: u64,
    pub bytes: Vec<u8>,
    /// True if bytes beyond [`LONGEST_LINE`] were left out.
    pub cut: bool,
}

impl Line {
    pub(super) fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }

    /// The line as text, with a mark in place of bytes that are not UTF-8.
    pub(super) fn lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// The line as text for a message, at most a kilobyte.
    pub(super) fn text(&self) -> String {
        let cut = &self.bytes[..self.bytes.len().min(1024)];
        String::from_utf8_lossy(cut).into_owned()
    }
}

/// The lines of a file.
pub(super) struct Lines {
    path: PathBuf,
    input: Box<dyn BufRead>,
    position: Arc<AtomicU64>,
    next_number: u64,
    /// How the text is cut into lines.
    cut: Cut,
    /// The encoding from which the text was converted, where it is not a superset of ASCII.
    pub(super) wide: Option<&'static Encoding>,
    /// Lines that were read ahead and given back.
    returned: VecDeque<Line>,
}

/// How a text is cut.
enum Cut {
    /// At this byte; before a line feed a carriage return belongs to the line's end.
    At(u8),
    /// At the ends of JSON values, which may span lines.
    Values(Values),
}

/// Bytes of a text that are looked at to tell its encoding and its line ends.
const LOOKED_AT: u64 = 64 << 10;

/// Counts the bytes that come from the file, before decompression.
struct Counted {
    file: File,
    position: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.position.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Lines {
    /// Opens a file of text, in `encoding` if that is known.
    pub(super) fn open(
        source: &SourceFile,
        encoding: Option<&'static Encoding>,
    ) -> Result<Self, PrepareError> {
        let path = &source.path;
        if source.bytes == 0 {
            return Err(empty(
                path,
                "is empty (0 bytes); remove it or export it again",
            ));
        }
        let file = File::open(source.disk()).map_err(PrepareError::io(path))?;
        let position = Arc::new(AtomicU64::new(0));
        let counted = BufReader::with_capacity(
            1 << 18,
            Counted {
                file,
                position: Arc::clone(&position),
            },
        );
        let broken = |error| broken(path, 0, error);
        let (input, start) =
            look(source.packing.unpack(counted).map_err(broken)?).map_err(broken)?;
        // Windows-1252 is decoded line by line, so that lines in UTF-8 among the others are read.
        let wide = match encoding {
            Some(said) if said == encoding_rs::UTF_8 || said == encoding_rs::WINDOWS_1252 => None,
            Some(said) => Some(said),
            None => wide(&start),
        };
        let (mut input, start): (Box<dyn Read>, _) = match wide {
            None => (Box::new(input), start),
            Some(encoding) => {
                let decoder = DecodeReaderBytesBuilder::new()
                    .encoding(Some(encoding))
                    .build(input);
                let (input, start) = look(decoder).map_err(broken)?;
                (Box::new(input), start)
            }
        };
        if start.starts_with(&[0xef, 0xbb, 0xbf]) {
            let mut mark = [0; 3];
            input.read_exact(&mut mark).map_err(broken)?;
        }
        Ok(Self {
            path: path.clone(),
            input: Box::new(BufReader::with_capacity(1 << 18, input)),
            position,
            next_number: 1,
            cut: Cut::At(line_end(&start)),
            wide,
            returned: VecDeque::new(),
        })
    }

    pub(super) fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// Cuts the text at the ends of JSON values from here on. Nothing may have been read yet.
    pub(super) fn cut_at_values(&mut self) {
        self.cut = Cut::Values(Values::default());
    }

    /// The next line, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line>, PrepareError> {
        if let Some(line) = self.returned.pop_front() {
            return Ok(Some(line));
        }
        let end = match &mut self.cut {
            Cut::At(end) => *end,
            Cut::Values(values) => {
                let value = values.next(&mut self.input);
                return value.map_err(|e| broken(&self.path, values.line(), e));
            }
        };
        let number = self.next_number;
        let mut bytes = Vec::with_capacity(128);
        let mut limited = self.input.by_ref().take(LONGEST_LINE as u64);
        limited
            .read_until(end, &mut bytes)
            .map_err(|e| broken(&self.path, number, e))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.next_number += 1;
        let mut cut = false;
        if bytes.last() == Some(&end) {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        } else if bytes.len() == LONGEST_LINE {
            cut = true;
            self.skip_line(number, end)?;
        }
        Ok(Some(Line { number, bytes, cut }))
    }

    fn skip_line(&mut self, number: u64, line_end: u8) -> Result<(), PrepareError> {
        loop {
            let buffer = self
                .input
                .fill_buf()
                .map_err(|e| broken(&self.path, number, e))?;
            if buffer.is_empty() {
                return Ok(());
            }
            let (used, ended) = match buffer.iter().position(|&b| b == line_end) {
                Some(end) => (end + 1, true),
                None => (buffer.len(), false),
            };
            self.input.consume(used);
            if ended {
                return Ok(());
            }
        }
    }

    /// Gives lines back, to be read again in this order.
    pub(super) fn give_back(&mut self, lines: impl DoubleEndedIterator<Item = Line>) {
        for line in lines.rev() {
            self.returned.push_front(line);
        }
    }
}

/// The input again, and its first bytes.
fn look<R: Read>(mut input: R) -> io::Result<(impl Read, Vec<u8>)> {
    let mut start = Vec::new();
    input.by_ref().take(LOOKED_AT).read_to_end(&mut start)?;
    Ok((io::Cursor::new(start.clone()).chain(input), start))
}

/// The byte that ends a line: a carriage return where there are some outside quotes and no line
/// feed, as old programs for the Macintosh write.
fn line_end(start: &[u8]) -> u8 {
    let (mut quoted, mut returns) = (false, false);
    for (at, &byte) in start.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => return b'\n',
            b'\r' if !quoted => returns |= at + 1 < start.len(),
            _ => {}
        }
    }
    if returns { b'\r' } else { b'\n' }
}

fn broken(path: &Path, line: u64, error: io::Error) -> PrepareError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
        // zstd tells of damage so.
        | io::ErrorKind::Other => {
            PrepareError::source(
                path,
                format!(
                    "is damaged or cut off near line {line} ({error}); copy or export it again"
                ),
            )
        }
        _ => PrepareError::io(path)(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_carriage_returns_only_where_no_line_feed_does_it() {
        assert_eq!(line_end(b"a,b\r1,2\r3,4\r"), b'\r');
        assert_eq!(line_end(b"a,b\r\n1,2\r\n"), b'\n');
        assert_eq!(line_end(b"a,b\r1,\"two\nlines\"\r"), b'\r');
        assert_eq!(line_end(b"a,b"), b'\n');
        assert_eq!(line_end(b"a,b\r"), b'\n');
    }
}
