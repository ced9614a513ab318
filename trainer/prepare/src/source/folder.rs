//! The files of a folder and of the folders in it.

use super::SourceFile;
use super::content::recognise;
use super::files::{READABLE, format_by_name, partitions};
use crate::error::PrepareError;
use std::io;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// How deep folders are read.
const DEEPEST: usize = 32;

/// Folders that other programs leave, without data of their own.
const FOREIGN_FOLDERS: &[&str] = &["_temporary", "_delta_log", "_spark_metadata", "__MACOSX"];
/// Files that are never a history: pictures, texts about the data, settings.
const NO_DATA: &[&str] = &[
    "png", "jpg", "jpeg", "webp", "gif", "svg", "avif", "md", "rst", "toml", "yml", "yaml", "html",
    "crc",
];
/// Stems of files about the data, and the mark of a simulated shop.
const ABOUT: &[&str] = &[
    "readme",
    "license",
    "licence",
    "notice",
    "copying",
    "changelog",
    "synthetic",
];

/// A file, or a whole folder, that is not read.
#[derive(Clone, Debug)]
pub(crate) struct LeftOut {
    /// Its place within the folder that was given.
    pub place: String,
    pub reason: String,
}

/// A file that may be read.
pub(crate) struct Entry {
    pub file: Result<SourceFile, PrepareError>,
    pub path: PathBuf,
    /// Its place within the folder that was given.
    pub place: String,
}

/// The contents of a folder.
pub(crate) struct Folder {
    pub entries: Vec<Entry>,
    pub left_out: Vec<LeftOut>,
    /// True if a table of Delta Lake is in it, whose deleted files may still be there.
    pub delta: bool,
}

impl Folder {
    /// Looks for files in `root` and below, but not in `out`.
    pub(crate) fn read(root: &Path, out: &Path) -> Result<Self, PrepareError> {
        let out = std::path::absolute(out).unwrap_or_else(|_| out.into());
        let mut folder = Self {
            entries: Vec::new(),
            left_out: Vec::new(),
            delta: false,
        };
        let walk = WalkDir::new(root)
            .follow_links(true)
            .max_depth(DEEPEST)
            .sort_by_file_name();
        let mut walk = walk.into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry.map_err(|error| unreadable(root, error))?;
            if entry.depth() == 0 {
                continue;
            }
            if entry.file_type().is_dir() {
                if !folder.enters(root, &entry, &out) {
                    walk.skip_current_dir();
                }
            } else {
                folder.add(root, &entry)?;
            }
        }
        Ok(folder)
    }

    /// True if the files of a folder are read too.
    fn enters(&mut self, root: &Path, entry: &DirEntry, out: &Path) -> bool {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy());
        if std::path::absolute(path).is_ok_and(|path| path == out) || name.starts_with('.') {
            return false;
        }
        self.delta |= name == "_delta_log";
        if FOREIGN_FOLDERS.contains(&&*name) {
            return false;
        }
        let has = |names: &[&str]| names.iter().all(|name| path.join(name).exists());
        let reason = if name.starts_with('_') {
            "its name begins with _"
        } else if has(&["dataset.json", "events.parquet"]) {
            "it was written by prepare"
        } else if has(&["run.json"]) {
            "it was written by train"
        } else if has(&["manifest.json", "bundles"]) || has(&["manifest.json", "items.fst"]) {
            "it holds bundles"
        } else {
            return true;
        };
        self.leave(root, path, reason);
        false
    }

    fn add(&mut self, root: &Path, entry: &DirEntry) -> Result<(), PrepareError> {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let (stem, ending) = (name.split('.').next(), name.rsplit_once('.'));
        let ending = ending.map(|(_, ending)| ending);
        let about = stem.is_some_and(|stem| ABOUT.contains(&stem));
        if about || ending.is_some_and(|ending| NO_DATA.contains(&ending)) {
            return Ok(());
        }
        let named = format_by_name(path);
        if name.starts_with(['.', '_']) {
            // `_SUCCESS`, `._events.csv` and the like are left by other programs.
            if name.starts_with('_') && named.is_some() {
                self.leave(root, path, "its name begins with _");
            }
            return Ok(());
        }
        if !entry.file_type().is_file() {
            self.leave(root, path, "it is no file");
            return Ok(());
        }
        let packed = matches!(ending, Some("gz" | "zst"));
        if named.is_none() && ending.is_some() && !packed && !is_part(&name) {
            self.leave(root, path, "no format that Vitrine reads by its name");
            return Ok(());
        }
        let bytes = entry
            .metadata()
            .map_err(|error| unreadable(root, error))?
            .len();
        let file = recognise(path, path, named).map(|(format, packing)| {
            let mut file = SourceFile::new(path.into(), format, packing, bytes);
            file.partitions = partitions(path.parent().unwrap_or(Path::new("")));
            file
        });
        self.entries.push(Entry {
            file,
            path: path.into(),
            place: place(root, path),
        });
        Ok(())
    }

    pub(crate) fn leave(&mut self, root: &Path, path: &Path, reason: &str) {
        self.left_out.push(LeftOut {
            place: place(root, path),
            reason: reason.into(),
        });
    }

    /// The error of a folder in which no file can be read.
    pub(crate) fn empty(&self, root: &Path) -> PrepareError {
        let places: Vec<_> = self
            .left_out
            .iter()
            .take(10)
            .map(|l| l.place.as_str())
            .collect();
        let holds = if places.is_empty() {
            "it is empty".to_string()
        } else {
            format!("it holds {}", places.join(", "))
        };
        PrepareError::source(
            root,
            format!("holds no file that can be read ({holds}); Vitrine reads {READABLE}"),
        )
    }
}

/// True if a name is that of a part without an ending, such as `part-00000.c000`.
fn is_part(name: &str) -> bool {
    name.starts_with("part-")
}

fn place(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn unreadable(root: &Path, error: walkdir::Error) -> PrepareError {
    let path = error.path().unwrap_or(root).to_path_buf();
    if error.loop_ancestor().is_some() {
        return PrepareError::source(
            path,
            "is a link to a folder that it lies in; remove it or name the files' folder",
        );
    }
    let source = error.into_io_error();
    PrepareError::io(path)(source.unwrap_or_else(|| io::ErrorKind::Other.into()))
}
