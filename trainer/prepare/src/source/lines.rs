//! A text file line by line, decompressed on the way, with the line's number.

use super::SourceFile;
use crate::error::PrepareError;
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
    /// Whether bytes beyond [`LONGEST_LINE`] were left out.
    pub cut: bool,
}

impl Line {
    pub(super) fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
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
    /// Lines that were read ahead and given back.
    returned: VecDeque<Line>,
}

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
    pub(super) fn open(source: &SourceFile) -> Result<Self, PrepareError> {
        let path = &source.path;
        if source.bytes == 0 {
            return Err(PrepareError::source(
                path,
                "is empty (0 bytes); remove it or export it again",
            ));
        }
        let file = File::open(path).map_err(PrepareError::io(path))?;
        let position = Arc::new(AtomicU64::new(0));
        let counted = BufReader::with_capacity(
            1 << 18,
            Counted {
                file,
                position: Arc::clone(&position),
            },
        );
        let mut input: Box<dyn BufRead> = if source.compressed {
            let decoder = flate2::bufread::MultiGzDecoder::new(counted);
            Box::new(BufReader::with_capacity(1 << 18, decoder))
        } else {
            Box::new(counted)
        };
        let start = input.fill_buf().map_err(|e| broken(path, 0, e))?;
        if matches!(start, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
            return Err(PrepareError::source(
                path,
                "is UTF-16 text; convert it first: iconv -f utf-16 -t utf-8",
            ));
        }
        if start.starts_with(&[0xef, 0xbb, 0xbf]) {
            input.consume(3);
        }
        Ok(Self {
            path: path.clone(),
            input,
            position,
            next_number: 1,
            returned: VecDeque::new(),
        })
    }

    pub(super) fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// The next line, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line>, PrepareError> {
        if let Some(line) = self.returned.pop_front() {
            return Ok(Some(line));
        }
        let number = self.next_number;
        let mut bytes = Vec::with_capacity(128);
        let mut limited = self.input.by_ref().take(LONGEST_LINE as u64);
        limited
            .read_until(b'\n', &mut bytes)
            .map_err(|e| broken(&self.path, number, e))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.next_number += 1;
        let mut cut = false;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        } else if bytes.len() == LONGEST_LINE {
            cut = true;
            self.skip_line(number)?;
        }
        Ok(Some(Line { number, bytes, cut }))
    }

    fn skip_line(&mut self, number: u64) -> Result<(), PrepareError> {
        loop {
            let buffer = self
                .input
                .fill_buf()
                .map_err(|e| broken(&self.path, number, e))?;
            if buffer.is_empty() {
                return Ok(());
            }
            let (used, ended) = match buffer.iter().position(|&b| b == b'\n') {
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

fn broken(path: &Path, line: u64, error: io::Error) -> PrepareError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
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
