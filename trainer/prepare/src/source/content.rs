//! The content of a file by its first bytes, whatever its name says.

use super::Format;
use super::files::READABLE;
use crate::error::PrepareError;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// How a file is compressed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Packing {
    /// A reader of what is inside.
    pub(super) fn unpack<'r>(self, input: impl BufRead + 'r) -> io::Result<Box<dyn Read + 'r>> {
        Ok(match self {
            Self::None => Box::new(input),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(input)?),
        })
    }
}

/// Beginnings of files that are something else than their reader expects, and the way out.
const OTHERS: &[(&[u8], &str)] = &[
    (
        b"PK\x03\x04",
        "is a zip archive or an Excel workbook (.xlsx): unzip it, or save the sheet as CSV",
    ),
    (b"PK\x05\x06", "is an empty zip archive: export it again"),
    (
        b"\xd0\xcf\x11\xe0",
        "is an old Excel workbook (.xls): save the sheet as CSV",
    ),
    (b"BZh", "is compressed with bzip2: bunzip2 it first"),
    (b"\xfd7zXZ\0", "is compressed with xz: unxz it first"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it first"),
    (b"Rar!", "is a rar archive: unpack it first"),
    (
        b"\x04\x22\x4d\x18",
        "is compressed with lz4: unlz4 it first",
    ),
    (b"%PDF", "is a PDF document: export the table as CSV"),
    (b"{\\rtf", "is an RTF document: save it as CSV"),
    (
        b"SQLite format 3\0",
        "is an SQLite database: export the table with sqlite3 -header -csv",
    ),
    (
        b"Obj\x01",
        "is an Avro file: export it as Parquet or JSON Lines",
    ),
    (b"ORC\x0a", "is an ORC file: export it as Parquet or CSV"),
    (b"ORC\x11", "is an ORC file: export it as Parquet or CSV"),
    (b"ARROW1", "is an Arrow (Feather) file: write it as Parquet"),
    (b"\x89PNG", "is a picture (PNG); is it the right file?"),
    (
        b"\xff\xd8\xff",
        "is a picture (JPEG); is it the right file?",
    ),
    (b"GIF8", "is a picture (GIF); is it the right file?"),
    (b"\xff\xfe\0\0", "is UTF-32 text: iconv -f utf-32 -t utf-8"),
    (b"\0\0\xfe\xff", "is UTF-32 text: iconv -f utf-32 -t utf-8"),
];

/// Beginnings of text, in lower case behind blanks, that is no table.
const OTHER_TEXTS: &[(&str, &str)] = &[
    (
        "<!doctype html",
        "is an HTML page, such as a login page or an error page: download the file again",
    ),
    (
        "<html",
        "is an HTML page, such as a login page or an error page: download the file again",
    ),
    ("<?xml", "is XML: export it as CSV, JSON Lines or Parquet"),
    (
        "-- mysql dump",
        "is an SQL dump: export the table as CSV, for example with SELECT … INTO OUTFILE",
    ),
    (
        "-- postgresql database dump",
        "is an SQL dump: export the table as CSV, for example with \\copy … csv header",
    ),
];

/// Format and packing of the file at `disk`. `named` is the format that its name says, if any.
pub(super) fn recognise(
    path: &Path,
    disk: &Path,
    named: Option<Format>,
) -> Result<(Format, Packing), PrepareError> {
    let io = PrepareError::io(path);
    let start = beginning(disk, Packing::None);
    let start = start.map_err(io)?;
    let packing = match start.as_slice() {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        _ => Packing::None,
    };
    let start = match packing {
        Packing::None => start,
        // A damaged stream is told of when its lines are read.
        packing => beginning(disk, packing).unwrap_or_default(),
    };
    check(path, &start)?;
    if start.starts_with(b"PAR1") {
        return match packing {
            Packing::None => Ok((Format::Parquet, packing)),
            _ => Err(PrepareError::source(
                path,
                "is a Parquet file that was compressed once more: decompress it first",
            )),
        };
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    let looks = match text.trim_ascii_start() {
        [b'{', b'"', ..] | [b'{', b' ' | b'\n' | b'\r' | b'\t', ..] => Some(Format::JsonLines),
        [b'[', b'{', ..] => Some(Format::JsonLines),
        _ => None,
    };
    let format = match (named, looks) {
        // A CSV file with JSON in its first line has a delimiter outside of it.
        (Some(Format::Delimited) | None, Some(json)) if is_json(text) => json,
        (Some(named), _) => named,
        (None, _) => Format::Delimited,
    };
    Ok((format, packing))
}

/// True if the first line is one JSON value and nothing else, or begins one that goes on.
fn is_json(text: &[u8]) -> bool {
    let line = text.trim_ascii_start().split(|byte| *byte == b'\n').next();
    let mut values = serde_json::Deserializer::from_slice(line.unwrap_or_default())
        .into_iter::<serde::de::IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => values.next().is_none(),
        Some(Err(error)) => error.is_eof(),
        None => false,
    }
}

/// Refuses content that is no table of text.
fn check(path: &Path, start: &[u8]) -> Result<(), PrepareError> {
    if let Some((_, problem)) = OTHERS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(PrepareError::source(path, *problem));
    }
    if start.get(257..262) == Some(b"ustar") {
        return Err(PrepareError::source(
            path,
            "is a tar archive: unpack it first",
        ));
    }
    let text = String::from_utf8_lossy(start).to_ascii_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match OTHER_TEXTS
        .iter()
        .find(|(begin, _)| text.starts_with(begin))
    {
        Some((_, problem)) => Err(PrepareError::source(
            path,
            format!("{problem}; Vitrine reads {READABLE}"),
        )),
        None => Ok(()),
    }
}

/// The first bytes of a file.
fn beginning(disk: &Path, packing: Packing) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    let input = packing.unpack(BufReader::new(File::open(disk)?))?;
    input.take(4096).read_to_end(&mut start)?;
    Ok(start)
}
