//! The pages of a Parquet file, bounded before memory is set aside for them.
//!
//! A page names its own length when decompressed, and the Parquet reader believes it: a file of two
//! kilobytes can name two gigabytes. So each page's header is read here first. A page may be large,
//! as some writers put a whole row group into one, but then the file must hold a fair part of it.
//!
//! Only the lengths and the encoding are taken from the header, by a walk over its Thrift fields that
//! holds nothing: the Parquet crate reads headers into memory and keeps its own reader private. Most
//! decompressors stop at the length that the header names; gzip's does not, so its pages are
//! decompressed once into nothing, and other such codecs are not read.

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A page of up to so many bytes is read however well it is compressed.
const ANY_RATIO: u64 = 64 << 20;
/// Bytes that each compressed byte of a longer page may become; sorted numbers reach about 100.
const RATIO: u64 = 200;
/// Longest page of values that share their beginnings; each of a batch can be as long as the page.
const LONGEST_DELTA_PAGE: u64 = 8 << 20;
/// `DELTA_BYTE_ARRAY` in the format's list of encodings.
const DELTA_BYTE_ARRAY: u64 = 7;
/// Longest header of a page; statistics in it hold a value or two.
const LONGEST_HEADER: u64 = 1 << 20;
/// How deep structures may lie in each other.
const DEEPEST: usize = 8;

/// Types of the compact protocol.
mod kind {
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const I8: u8 = 3;
    pub const I16: u8 = 4;
    pub const I32: u8 = 5;
    pub const I64: u8 = 6;
    pub const DOUBLE: u8 = 7;
    pub const BINARY: u8 = 8;
    pub const LIST: u8 = 9;
    pub const SET: u8 = 10;
    pub const STRUCT: u8 = 12;
}

/// A file whose pages are checked as the Parquet reader comes to them.
pub(super) struct Pages {
    file: File,
    /// True if the footer names an encoding in which values share their beginnings.
    delta: bool,
    gzip: bool,
    /// Gzip pages whose header was read and whose bytes were not, by the place of those.
    announced: Mutex<HashMap<u64, Page>>,
}

impl Pages {
    pub(super) fn new(file: File, delta: bool, gzip: bool) -> Self {
        Self {
            file,
            delta,
            gzip,
            announced: Mutex::default(),
        }
    }

    fn announced(&self) -> MutexGuard<'_, HashMap<u64, Page>> {
        self.announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for Pages {
    type T = BufReader<File>;

    /// The Parquet reader asks for a stream where a page's header begins, and nowhere else.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let (page, length) = Page::read(self.file.get_read(start)?)?;
        page.check(self.delta)?;
        if self.gzip {
            self.announced().insert(start + length, page);
        }
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.file.get_bytes(start, length)?;
        if let Some(page) = self.announced().remove(&start) {
            page.check_gzip(&bytes)?;
        }
        Ok(bytes)
    }
}

/// True if pages of this compression are read.
pub(super) fn is_read(compression: Compression) -> bool {
    matches!(
        compression,
        Compression::UNCOMPRESSED
            | Compression::SNAPPY
            | Compression::ZSTD(_)
            | Compression::LZ4_RAW
            | Compression::GZIP(_)
    )
}

/// The facts of a page's header that say how much memory it takes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    uncompressed: u64,
    compressed: u64,
    /// Bytes of levels before the compressed ones.
    levels: u64,
    delta: bool,
}

impl Page {
    /// The page and the length of its header.
    fn read(input: impl Read) -> Result<(Self, u64)> {
        let mut fields = Fields {
            input: input.take(LONGEST_HEADER),
        };
        let mut page = Self::default();
        let mut last = 0;
        while let Some((field, kind)) = fields.field(&mut last)? {
            match (field, kind) {
                // A field can stand there twice: the larger counts.
                (2, kind::I32) => page.uncompressed = page.uncompressed.max(fields.length()?),
                (3, kind::I32) => page.compressed = page.compressed.max(fields.length()?),
                (5 | 8, kind::STRUCT) => {
                    let mut inner_last = 0;
                    while let Some((inner, kind)) = fields.field(&mut inner_last)? {
                        match (field, inner, kind) {
                            (5, 2, kind::I32) | (8, 4, kind::I32) => {
                                page.delta |= fields.length()? == DELTA_BYTE_ARRAY;
                            }
                            (8, 5 | 6, kind::I32) => page.levels += fields.length()?,
                            _ => fields.skip(kind, DEEPEST)?,
                        }
                    }
                }
                _ => fields.skip(kind, DEEPEST)?,
            }
        }
        Ok((page, LONGEST_HEADER - fields.input.limit()))
    }

    /// Refuses a page whose gzip stream is longer than its header says. Bytes that are no gzip are
    /// left to the reader, which can't expand them.
    fn check_gzip(&self, bytes: &[u8]) -> Result<()> {
        let start = usize::try_from(self.levels).unwrap_or(usize::MAX);
        let stream = bytes.get(start..).unwrap_or_default();
        let named = self.uncompressed.saturating_sub(self.levels);
        let decoder = MultiGzDecoder::new(stream);
        let mut limited = decoder.take(named.saturating_add(1));
        match io::copy(&mut limited, &mut io::sink()) {
            Ok(length) if length > named => Err(ParquetError::General(format!(
                "a page is longer than the {named} bytes that its header names"
            ))),
            _ => Ok(()),
        }
    }

    fn check(&self, delta: bool) -> Result<()> {
        let refused = |reason: String| Err(ParquetError::General(reason));
        if self.uncompressed > ANY_RATIO.max(self.compressed.saturating_mul(RATIO)) {
            return refused(format!(
                "a page of {} bytes names {} bytes as its length when decompressed, which is more \
                 than {ANY_RATIO} and {RATIO} times as many: write the file with smaller pages",
                self.compressed, self.uncompressed
            ));
        }
        if self.delta && !delta {
            return refused("a page has an encoding that the footer does not name".into());
        }
        if self.delta && self.uncompressed > LONGEST_DELTA_PAGE {
            return refused(format!(
                "a page in DELTA_BYTE_ARRAY encoding has {} bytes, more than {LONGEST_DELTA_PAGE}: \
                 write the file with smaller pages or in plain encoding",
                self.uncompressed
            ));
        }
        Ok(())
    }
}

/// Fields in Thrift's compact protocol.
struct Fields<R> {
    input: R,
}

impl<R: Read> Fields<R> {
    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed("a number of more than ten bytes"))
    }

    fn signed(&mut self) -> Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn length(&mut self) -> Result<u64> {
        u64::try_from(self.signed()?).map_err(|_| malformed("a negative length"))
    }

    /// Number and type of the next field; `None` where the structure ends.
    fn field(&mut self, last: &mut i64) -> Result<Option<(i64, u8)>> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        *last = match head >> 4 {
            0 => self.signed()?,
            more => last.saturating_add(i64::from(more)),
        };
        Ok(Some((*last, head & 0x0f)))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Result<()> {
        let Some(deeper) = depth.checked_sub(1) else {
            return Err(malformed("structures nested too deeply"));
        };
        match kind {
            kind::TRUE | kind::FALSE => {}
            kind::I8 => self.pass(1)?,
            kind::I16 | kind::I32 | kind::I64 => {
                self.varint()?;
            }
            kind::DOUBLE => self.pass(8)?,
            kind::BINARY => {
                let length = self.varint()?;
                self.pass(length)?;
            }
            kind::LIST | kind::SET => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.varint()?,
                    count => u64::from(count),
                };
                for _ in 0..count {
                    match head & 0x0f {
                        kind::TRUE | kind::FALSE => self.pass(1)?,
                        element => self.skip(element, deeper)?,
                    }
                }
            }
            kind::STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip(kind, deeper)?;
                }
            }
            _ => return Err(malformed("a field of a type that no page has")),
        }
        Ok(())
    }

    fn pass(&mut self, bytes: u64) -> Result<()> {
        match io::copy(&mut self.input.by_ref().take(bytes), &mut io::sink())? {
            passed if passed == bytes => Ok(()),
            _ => Err(malformed("it is cut off")),
        }
    }
}

fn malformed(what: &str) -> ParquetError {
    ParquetError::General(format!("a page's header is malformed: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields of a data page's header: `(delta << 4) | type`, then the value.
    fn header(uncompressed: &[u8], encoding: u8) -> Vec<u8> {
        let mut bytes = vec![0x15, 0x00, 0x15];
        bytes.extend(uncompressed);
        // 50 bytes compressed; then the structure of field 5: 10 values in the encoding.
        bytes.extend([0x15, 100, 0x2c, 0x15, 20, 0x15, encoding * 2, 0x00, 0x00]);
        bytes
    }

    #[test]
    fn lengths_and_encoding_are_read_from_a_header() {
        // 1000 is 2000 in zigzag: 0xd0 0x0f.
        let bytes = header(&[0xd0, 0x0f], 7);
        let (page, length) = Page::read(&[&bytes[..], b"page"].concat()[..]).unwrap();
        assert_eq!(length, bytes.len() as u64);
        assert_eq!((page.uncompressed, page.compressed), (1000, 50));
        assert!(page.delta);
        assert!(page.check(true).is_ok());
        assert!(page.check(false).is_err());
    }

    #[test]
    fn a_page_that_names_gigabytes_is_refused() {
        // 2³¹ − 1 bytes.
        let huge = [0xfe, 0xff, 0xff, 0xff, 0x0f];
        let (page, _) = Page::read(&header(&huge, 0)[..]).unwrap();
        let error = page.check(true).unwrap_err().to_string();
        assert!(error.contains("smaller pages"), "{error}");
        // Also where the length stands there twice, the second time out of order.
        let mut twice = header(&[0xd0, 0x0f], 0);
        twice.pop();
        twice.extend([0x05, 0x04]);
        twice.extend(huge);
        twice.push(0);
        let (page, _) = Page::read(&twice[..]).unwrap();
        assert_eq!(page.uncompressed, u64::from(u32::MAX >> 1));
    }

    #[test]
    fn a_malformed_header_is_an_error() {
        let nested = [0x1c; 100];
        let long_list = [
            0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ];
        let no_end = [
            0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ];
        for bytes in [&nested[..], &long_list, &no_end, &[0x1d], &[0x15], &[]] {
            assert!(Page::read(bytes).is_err(), "{bytes:x?}");
        }
    }
}
