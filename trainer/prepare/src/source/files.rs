//! A file to read: its place, its format, and what its name says.

use super::Path as Inside;
use super::content::{Packing, recognise};
use super::json_lines::Key;
use crate::error::PrepareError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Delimited,
    JsonLines,
    Parquet,
}

/// A file to read.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// The path as it was given or found, for messages.
    pub path: PathBuf,
    pub format: Format,
    pub packing: Packing,
    pub bytes: u64,
    /// Columns that the names of the folders give, as in `date=2024-06-01/`.
    pub partitions: Vec<(String, Option<String>)>,
    /// The list whose elements are rows, once the columns were chosen.
    pub list: Option<(usize, Inside)>,
    /// True if it can be read only once, as a pipe can.
    pub stream: bool,
    /// Where the contents of a stream were put.
    pub spooled: Option<PathBuf>,
    /// The encoding of its text, where it was converted from another than UTF-8.
    pub encoding: Option<&'static str>,
    /// The keys of a JSON file, once they were looked for.
    pub keys: Arc<OnceLock<Arc<Vec<Key>>>>,
}

pub(super) const READABLE: &str =
    ".csv, .tsv, .txt, .dat, .jsonl, .ndjson, .json (each also with .gz or .zst) and .parquet";

impl SourceFile {
    pub(super) fn new(path: PathBuf, format: Format, packing: Packing, bytes: u64) -> Self {
        Self {
            path,
            format,
            packing,
            bytes,
            partitions: Vec::new(),
            list: None,
            stream: false,
            spooled: None,
            encoding: None,
            keys: Arc::default(),
        }
    }

    /// The path, with the encoding that it was read in.
    pub(crate) fn described(&self) -> String {
        match self.encoding {
            Some(encoding) => format!("{} ({encoding})", self.path.display()),
            None => self.path.display().to_string(),
        }
    }

    /// The file to open.
    pub(super) fn disk(&self) -> &Path {
        self.spooled.as_deref().unwrap_or(&self.path)
    }
}

/// A file that was named explicitly; it may be called anything.
pub(crate) fn file(path: &Path) -> Result<SourceFile, PrepareError> {
    if path.as_os_str() == "-" {
        return Ok(stream(path));
    }
    let facts = std::fs::metadata(path).map_err(PrepareError::io(path))?;
    if !facts.is_file() {
        return Ok(stream(path));
    }
    let named = format_by_name(path);
    let (format, packing) = recognise(path, path, named)?;
    let mut file = SourceFile::new(path.into(), format, packing, facts.len());
    file.partitions = partitions(path.parent().unwrap_or(Path::new("")));
    Ok(file)
}

/// A pipe. Its format is told when its contents are there.
fn stream(path: &Path) -> SourceFile {
    let mut file = SourceFile::new(path.into(), Format::Delimited, Packing::None, 0);
    file.stream = true;
    file
}

/// The columns that the last folders of a path give: `year=2024/month=06`.
pub(super) fn partitions(folder: &Path) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for part in folder.components().rev() {
        let name = part.as_os_str().to_string_lossy();
        let Some((key, value)) = name.split_once('=') else {
            break;
        };
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
        // The word of Hive and of its successors for nothing.
        let value = (value != "__HIVE_DEFAULT_PARTITION__").then(|| value.into_owned());
        found.push((key.to_string(), value));
    }
    found.reverse();
    found
}

/// The format that a name says, with or without an ending for compression.
pub(super) fn format_by_name(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let packed = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"));
    match Path::new(packed.unwrap_or(&name)).extension()?.to_str()? {
        "csv" | "tsv" | "txt" | "dat" | "inter" | "item" => Some(Format::Delimited),
        "jsonl" | "ndjson" | "json" => Some(Format::JsonLines),
        "parquet" | "pq" => Some(Format::Parquet),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_in_the_manner_of_hive_are_columns() {
        assert_eq!(
            partitions(Path::new("x=0/logs/date=2024-06-01/shop=a%20b")),
            [
                ("date".to_string(), Some("2024-06-01".to_string())),
                ("shop".to_string(), Some("a b".to_string()))
            ]
        );
        assert_eq!(
            partitions(Path::new("date=__HIVE_DEFAULT_PARTITION__")),
            [("date".to_string(), None)]
        );
        assert_eq!(partitions(Path::new("logs/2024")), []);
    }
}
