//! Which files a path means, and what format each has.

use crate::error::PrepareError;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Delimited,
    JsonLines,
    Parquet,
}

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceFile {
    pub path: PathBuf,
    pub format: Format,
    pub compressed: bool,
    pub bytes: u64,
}

const READABLE: &str =
    ".csv, .tsv, .txt, .dat, .jsonl, .ndjson, .json (each also with .gz) and .parquet";

/// The files of `path`: itself, or those of the folder whose stems match one of `patterns`; where
/// none does, all readable files of the folder if `all_else` says so, else none.
pub(crate) fn discover(
    path: &Path,
    patterns: &[&str],
    all_else: bool,
) -> Result<Vec<SourceFile>, PrepareError> {
    let facts = std::fs::metadata(path).map_err(PrepareError::io(path))?;
    if !facts.is_dir() {
        let (format, compressed) = match by_name(path) {
            Some(known) => known,
            None => (by_content(path)?, false),
        };
        return Ok(vec![SourceFile {
            path: path.into(),
            format,
            compressed,
            bytes: facts.len(),
        }]);
    }
    let mut files = Vec::new();
    let mut others = Vec::new();
    for entry in std::fs::read_dir(path).map_err(PrepareError::io(path))? {
        let entry = entry.map_err(PrepareError::io(path))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = entry.path();
        let facts = std::fs::metadata(&file).map_err(PrepareError::io(&file))?;
        // `_SUCCESS`, `.crc` and the like are left by other tools.
        if !facts.is_file() || name.starts_with(['.', '_']) {
            continue;
        }
        match by_name(&file) {
            Some((format, compressed)) => files.push(SourceFile {
                path: file,
                format,
                compressed,
                bytes: facts.len(),
            }),
            None => others.push(name),
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let matching: Vec<_> = files
        .iter()
        .filter(|file| patterns.iter().any(|pattern| matches(&file.path, pattern)))
        .cloned()
        .collect();
    if !matching.is_empty() || !all_else {
        return Ok(matching);
    }
    if files.is_empty() {
        others.sort();
        others.truncate(10);
        let holds = if others.is_empty() {
            "it is empty".to_string()
        } else {
            format!("it holds {}", others.join(", "))
        };
        return Err(PrepareError::source(
            path,
            format!("holds no file that can be read ({holds}); Vitrine reads {READABLE}"),
        ));
    }
    Ok(files)
}

/// Whether the file's name without extensions matches.
fn matches(path: &Path, pattern: &str) -> bool {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().to_ascii_lowercase());
    let Some(name) = name else { return false };
    if let Some(ending) = pattern.strip_prefix('*') {
        return name.trim_end_matches(".gz").ends_with(ending);
    }
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name.split('.').next() == Some(pattern),
    }
}

fn by_name(path: &Path) -> Option<(Format, bool)> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let (name, compressed) = match name.strip_suffix(".gz") {
        Some(inner) => (inner.to_string(), true),
        None => (name, false),
    };
    let format = match Path::new(&name).extension()?.to_str()? {
        "csv" | "tsv" | "txt" | "dat" | "inter" | "item" => Format::Delimited,
        "jsonl" | "ndjson" | "json" => Format::JsonLines,
        "parquet" | "pq" if !compressed => Format::Parquet,
        _ => return None,
    };
    Some((format, compressed))
}

/// A file that was named explicitly may be called anything.
fn by_content(path: &Path) -> Result<Format, PrepareError> {
    let mut start = [0; 4];
    let mut file = File::open(path).map_err(PrepareError::io(path))?;
    let read = file.read(&mut start).map_err(PrepareError::io(path))?;
    match &start[..read] {
        b"PAR1" => Ok(Format::Parquet),
        [b'{', ..] => Ok(Format::JsonLines),
        [0x1f, 0x8b, ..] | [b'P', b'K', ..] => Err(PrepareError::source(
            path,
            format!(
                "is compressed and its name does not say what is inside; Vitrine reads {READABLE}"
            ),
        )),
        _ => Ok(Format::Delimited),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_events_and_items_means_the_events() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "events.csv",
            "items.csv",
            "events-2.csv.gz",
            "_SUCCESS",
            ".events.csv.crc",
            "notes.md",
        ] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        let names = |patterns: &[&str], all| -> Vec<String> {
            let files = discover(dir.path(), patterns, all).unwrap();
            files
                .iter()
                .map(|f| f.path.file_name().unwrap().to_string_lossy().into_owned())
                .collect()
        };
        assert_eq!(names(&["events*"], true), ["events-2.csv.gz", "events.csv"]);
        assert_eq!(names(&["orders*"], false), Vec::<String>::new());
        assert_eq!(
            names(&["clicks"], true),
            ["events-2.csv.gz", "events.csv", "items.csv"]
        );
    }

    #[test]
    fn a_folder_without_readable_files_says_what_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("book.xlsx"), "x").unwrap();
        let error = discover(dir.path(), &[], true).unwrap_err().to_string();
        assert!(
            error.contains("book.xlsx") && error.contains(".parquet"),
            "{error}"
        );
    }
}
