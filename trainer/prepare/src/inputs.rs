//! The files of each input: those that were named, and those of a folder by their names.
//!
//! In a folder a file belongs to the input that it, or the folder it lies in, is named after. A file
//! that is named after none is one of events where its columns are; whatever is left out is told.

use crate::collect::fits;
use crate::columns::Input;
use crate::error::PrepareError;
use crate::mapping::{Mapping, Shape};
use crate::notice::Notices;
use crate::options::Options;
use crate::source::{Folder, LeftOut, SourceFile, file};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files that a notice names before it only counts.
const NAMED: usize = 10;

/// The files of each input.
pub(crate) struct Inputs {
    pub events: Vec<SourceFile>,
    pub orders: Vec<SourceFile>,
    pub items: Vec<SourceFile>,
}

/// Finds the files that the options name.
pub(crate) fn find(
    options: &Options,
    mapping: &Mapping,
    notices: &Notices,
) -> Result<Inputs, PrepareError> {
    let from_stdin = [
        Some(&options.events),
        options.items.as_ref(),
        options.orders.as_ref(),
    ];
    let from_stdin = from_stdin.into_iter().flatten();
    if from_stdin.filter(|path| is_stdin(path)).count() > 1 {
        return Err(PrepareError::Option(
            "only one input can come from the standard input; name files for the others".into(),
        ));
    }
    let finder = Finder {
        options,
        mapping,
        notices,
    };
    let of = |input, path: &Option<PathBuf>| match path {
        Some(path) => finder.at(input, path).map(|found| found.files),
        None => Ok(Vec::new()),
    };
    let mut orders = of(Input::Orders, &options.orders)?;
    let mut items = of(Input::Items, &options.items)?;
    let mut events = finder.at(Input::Events, &options.events)?;
    if options.orders.is_none() {
        orders = events.beside.remove(&Input::Orders).unwrap_or_default();
    }
    if options.items.is_none() {
        items = events.beside.remove(&Input::Items).unwrap_or_default();
    }
    Ok(Inputs {
        events: events.files,
        orders,
        items,
    })
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-" || path == Path::new("/dev/stdin")
}

/// The files of an input, and those in its folder that are named after the other inputs.
#[derive(Default)]
struct Found {
    files: Vec<SourceFile>,
    beside: BTreeMap<Input, Vec<SourceFile>>,
}

struct Finder<'a> {
    options: &'a Options,
    mapping: &'a Mapping,
    notices: &'a Notices,
}

impl Finder<'_> {
    fn shape(&self, input: Input) -> &Shape {
        match input {
            Input::Events => &self.mapping.events,
            Input::Items => &self.mapping.items,
            Input::Orders => &self.mapping.orders,
        }
    }

    /// True if a path was named for an input.
    fn is_given(&self, input: Input) -> bool {
        match input {
            Input::Events => true,
            Input::Items => self.options.items.is_some(),
            Input::Orders => self.options.orders.is_some(),
        }
    }

    fn at(&self, input: Input, path: &Path) -> Result<Found, PrepareError> {
        if !path.is_dir() {
            return Ok(Found {
                files: vec![file(path)?],
                ..Found::default()
            });
        }
        let mut folder = Folder::read(path, &self.options.out)?;
        if folder.entries.is_empty() {
            return Err(folder.empty(path));
        }
        if folder.delta {
            self.notices.add(
                "delta_table",
                format!("{} is a table of Delta Lake: files whose rows it has deleted or replaced are read too.", path.display()),
                "Export the current version of the table, and prepare that.",
            );
        }
        let mut found = Found::default();
        let mut unnamed = Vec::new();
        let mut others = Vec::new();
        for entry in std::mem::take(&mut folder.entries) {
            match self.input_of(&entry.place) {
                Some(other) if other == input => found.files.push(entry.file?),
                Some(other) if input == Input::Events && !self.is_given(other) => {
                    found.beside.entry(other).or_default().push(entry.file?);
                }
                Some(other) => others.push((entry, other)),
                None => unnamed.push(entry),
            }
        }
        if found.files.is_empty() && unnamed.is_empty() {
            if input == Input::Events {
                let beside = found.beside.keys().map(|input| input.name());
                let names: Vec<_> = beside
                    .chain(others.iter().map(|(_, input)| input.name()))
                    .collect();
                return Err(PrepareError::source(
                    path,
                    format!(
                        "holds files of {} only, by their names; name the file of events with --events",
                        names.join(" and ")
                    ),
                ));
            }
            // The flag counts more than the names.
            for (entry, _) in others.drain(..) {
                found.files.push(entry.file?);
            }
        }
        for (entry, other) in others {
            let reason = format!("named after {}", other.name());
            folder.leave(path, &entry.path, &reason);
        }
        let only_by_name = !found.files.is_empty();
        for entry in unnamed {
            if !only_by_name {
                found.files.push(entry.file?);
                continue;
            }
            if self.mapping.preset.knows_file(&entry.place) {
                continue;
            }
            let taken = entry.file.and_then(|file| {
                fits(self.shape(input), &file)?;
                Ok(file)
            });
            match taken {
                Ok(file) => found.files.push(file),
                Err(error) => folder.leave(path, &entry.path, &error.in_short()),
            }
        }
        found.files.sort_by(|a, b| a.path.cmp(&b.path));
        for files in found.beside.values().chain([&found.files]) {
            check_doubles(path, files)?;
        }
        self.tell(path, &folder.left_out);
        Ok(found)
    }

    /// The input after which a file is named: the first of its folders, or itself, that is.
    fn input_of(&self, place: &str) -> Option<Input> {
        let parts = place.split(['/', '\\']).map(str::to_lowercase);
        parts.filter(|part| !part.contains('=')).find_map(|part| {
            Input::ALL.into_iter().find(|input| {
                let patterns = self.shape(*input).files.iter();
                patterns.into_iter().any(|pattern| matches(&part, pattern))
            })
        })
    }

    fn tell(&self, path: &Path, left_out: &[LeftOut]) {
        if left_out.is_empty() {
            return;
        }
        let names: Vec<_> = left_out
            .iter()
            .take(NAMED)
            .map(|left| format!("{} ({})", left.place, left.reason))
            .collect();
        let more = match left_out.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        self.notices.add(
            "files_not_read",
            format!("Of {} these were not read: {}{more}.", path.display(), names.join(", ")),
            "Give a file of items with --items and one of orders with --orders; export other formats as CSV, JSON Lines or Parquet; move what is no history elsewhere.",
        );
    }
}

/// True if a name without its extensions matches.
fn matches(name: &str, pattern: &str) -> bool {
    if let Some(ending) = pattern.strip_prefix('*') {
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        return name.ends_with(ending);
    }
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name.split('.').next() == Some(pattern),
    }
}

/// Refuses two files that are most likely one table in two forms: its rows would count twice.
fn check_doubles(folder: &Path, files: &[SourceFile]) -> Result<(), PrepareError> {
    let mut seen: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    for file in files {
        let name = file.path.to_string_lossy();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        let bare = Path::new(name).with_extension("");
        if let Some(other) = seen.insert(bare, &file.path) {
            return Err(PrepareError::source(
                folder,
                format!(
                    "holds {} and {}, which look like one table in two forms: move one of them elsewhere",
                    other.display(),
                    file.path.display()
                ),
            ));
        }
    }
    Ok(())
}
