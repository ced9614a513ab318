//! The columns of a file that are read, and the errors of those that can't be.

use crate::collect::check_columns;
use crate::columns::{Input, plain};
use crate::error::PrepareError;
use crate::mapping::Shape;
use crate::notice::Notices;
use crate::recognise::{Recognised, refine};
use crate::source::{Format, Layout, Need, Reader, Selection, SourceFile};
use crate::typed::short;
use crate::typed::time::{TimeVerdict, Times};

/// The columns that say whose event a row is, or of which item: a row without them is of no use.
pub(crate) const IDS: &[&str] = &["item_id", "user_id", "session_id", "order_id"];

/// The choice for one file.
pub(crate) struct Choice {
    /// For each wanted column its candidates, as places among those that are selected.
    pub candidates: Vec<Vec<usize>>,
    /// Names of what is selected.
    pub names: Vec<String>,
    /// True if what is selected is a path into a column.
    pub is_path: Vec<bool>,
    /// What the values of the file tell of its columns.
    pub recognised: Recognised,
    /// Wanted columns that were found by name.
    pub by_name: Vec<&'static str>,
}

impl Choice {
    /// The wanted columns that the file has.
    pub(crate) fn found(&self, input: Input) -> Vec<&'static str> {
        let found = input.wanted().iter().zip(&self.candidates);
        let found = found.filter(|(_, candidates)| !candidates.is_empty());
        found.map(|(wanted, _)| wanted.name).collect()
    }
}

/// Chooses the columns of a file and selects them; notes in `file` which list makes rows.
pub(crate) fn choose(
    shape: &Shape,
    file: &mut SourceFile,
    reader: &mut dyn Reader,
    notices: &Notices,
) -> Result<Choice, PrepareError> {
    let layout = Layout::new(reader, shape.sources());
    check_said(shape, file, &layout, reader)?;
    let must_have_all = shape.input == Input::Events || shape.is_joined;
    let mut by_name = Vec::new();
    let mut recognised = Recognised::default();
    let resolved = shape
        .resolve(&file.path, &layout, must_have_all)
        .and_then(|mut resolved| {
            let wanted = shape.input.wanted().iter().zip(&resolved);
            let named = wanted.filter(|(_, found)| !found.is_empty());
            by_name = named.map(|(wanted, _)| wanted.name).collect();
            recognised = refine(shape, file, layout.names(), &mut resolved, notices)?;
            check_columns(shape, file, &layout, &resolved)?;
            Ok(resolved)
        });
    let resolved = match resolved {
        Ok(resolved) => resolved,
        Err(error) => return Err(with_hints(error, shape, file, &layout, reader)),
    };
    check_doubles(shape, file, &layout, &resolved)?;
    let mut selected: Vec<usize> = resolved.iter().flatten().copied().collect();
    selected.sort_unstable();
    selected.dedup();
    let essential = |number: usize| {
        let wanted = shape.input.wanted().iter().zip(&resolved);
        let mut ids = wanted.filter(|(wanted, _)| IDS.contains(&wanted.name));
        ids.any(|(_, candidates)| candidates.contains(&number))
    };
    let selection = layout.selection(&selected, |number| match essential(number) {
        true => Need::Essential,
        false => Need::Optional,
    });
    let selection: Selection = selection.map_err(|[one, other]| {
        columns_error(
            file,
            format!(
                "{one} and {other} lead through two lists, and a row can be an element of one only; leave one of them out"
            ),
        )
    })?;
    reader.select(&selection)?;
    file.list = selection.list;
    let place = |number: &usize| selected.partition_point(|other| other < number);
    Ok(Choice {
        candidates: resolved
            .iter()
            .map(|candidates| candidates.iter().map(place).collect())
            .collect(),
        names: selected
            .iter()
            .map(|number| layout.names()[*number].clone())
            .collect(),
        is_path: selected
            .iter()
            .map(|number| layout.path(*number).is_some())
            .collect(),
        recognised,
        by_name,
    })
}

fn columns_error(file: &SourceFile, problem: String) -> PrepareError {
    PrepareError::Columns {
        path: file.path.clone(),
        problem,
    }
}

/// Refuses a source that was said and that holds objects or lists, or leads into plain values.
fn check_said(
    shape: &Shape,
    file: &SourceFile,
    layout: &Layout,
    reader: &mut dyn Reader,
) -> Result<(), PrepareError> {
    for (name, source) in shape.said() {
        let same = |column: &usize| plain(&layout.names()[*column]) == plain(source);
        if layout.names().iter().any(|name| name == source)
            && !layout
                .nested()
                .any(|column| layout.names()[column] == source)
        {
            continue;
        }
        if let Some(column) = layout.nested().find(same) {
            let paths = reader.inside(column)?;
            return Err(columns_error(
                file,
                format!(
                    "column '{source}', which was named as {name}, holds objects or lists.{}",
                    inside(&layout.names()[column], &paths, shape, &[name])
                ),
            ));
        }
        if let Some((column, _)) = crate::source::Path::locate(source, reader.columns())
            && !layout.names().iter().any(|name| name == source)
        {
            let column = &reader.columns()[column];
            return Err(columns_error(
                file,
                format!(
                    "'{source}', which was named as {name}, leads into column '{column}', which holds plain values: name '{column}' itself"
                ),
            ));
        }
    }
    Ok(())
}

/// Refuses a used column beside another of its name, or of one that reads the same where neither
/// is written as it was looked for: either might be meant.
fn check_doubles(
    shape: &Shape,
    file: &SourceFile,
    layout: &Layout,
    resolved: &[Vec<usize>],
) -> Result<(), PrepareError> {
    for (wanted, candidates) in shape.input.wanted().iter().zip(resolved) {
        for &number in candidates.iter().filter(|n| layout.path(**n).is_none()) {
            let name = &layout.names()[number];
            let own = layout.names().iter().enumerate();
            let own = own.filter(|(other, _)| layout.path(*other).is_none());
            let same = own.clone().filter(|(_, text)| *text == name);
            let same: Vec<_> = same.map(|(at, _)| format!("the {}.", at + 1)).collect();
            if same.len() > 1 {
                return Err(columns_error(
                    file,
                    format!(
                        "{} columns are called '{name}': {}; give each a name of its own",
                        same.len(),
                        same.join(" and ")
                    ),
                ));
            }
            let looked_for = shape.sources().any(|source| source == name)
                || wanted.name == name
                || wanted.known_as.contains(&name.as_str());
            let mut alike = own.filter(|(_, text)| *text != name && plain(text) == plain(name));
            if let Some((_, other)) = alike.next().filter(|_| !looked_for) {
                return Err(columns_error(
                    file,
                    format!(
                        "'{name}' and '{other}' both read as {}; say which it is, for example --column '{}={name}'",
                        wanted.name, wanted.name
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// The paths inside a column, and the flag for one that is named like a wanted column.
fn inside(column: &str, paths: &[String], shape: &Shape, wanted: &[&str]) -> String {
    if paths.is_empty() {
        return format!(" The first rows show nothing inside '{column}'.");
    }
    let flag = match shape.input {
        Input::Events => String::new(),
        other => format!("{}.", other.name()),
    };
    let names: Vec<_> = shape
        .input
        .wanted()
        .iter()
        .filter(|w| wanted.contains(&w.name))
        .collect();
    let example = paths.iter().find_map(|path| {
        let last = path.rsplit(['.', ']']).next().unwrap_or(path);
        let known = |name: &str| plain(name) == plain(path) || plain(name) == plain(last);
        let named = names
            .iter()
            .find(|w| known(w.name) || w.known_as.iter().any(|name| known(name)));
        named.map(|w| (w.name, path))
    });
    let shown: Vec<_> = paths.iter().take(20).map(String::as_str).collect();
    let more = if paths.len() > shown.len() {
        ", …"
    } else {
        ""
    };
    let way = match example {
        Some((name, path)) => format!("for example --column '{flag}{name}={path}'"),
        None => format!(
            "--column '{flag}{}=PATH'",
            wanted.first().unwrap_or(&"item_id")
        ),
    };
    format!(
        " Inside '{column}' are: {}{more}. Name one of them, {way}.",
        shown.join(", ")
    )
}

/// The error about missing columns, with what the file shows of them.
fn with_hints(
    error: PrepareError,
    shape: &Shape,
    file: &SourceFile,
    layout: &Layout,
    reader: &mut dyn Reader,
) -> PrepareError {
    let PrepareError::Columns { path, mut problem } = error else {
        return error;
    };
    let missing: Vec<_> = IDS
        .iter()
        .filter(|id| problem.contains(**id))
        .copied()
        .collect();
    for column in layout.nested() {
        // What can't be read is not shown; the error stands for itself.
        if let Ok(paths) = reader.inside(column) {
            problem.push('\n');
            problem.push_str(inside(&layout.names()[column], &paths, shape, &missing).trim_start());
        }
    }
    if file.format == Format::Delimited && shape.header {
        let names = layout.names();
        let row = names
            .iter()
            .find(|name| name.parse::<f64>().is_ok() || is_time(name, shape));
        if let Some(value) = row {
            problem.push_str(&format!(
                "\nThe first line looks like a row ('{}'), not like names. If the file has no line of names, say header = false under [{}] in a mapping file; the columns are then named 1, 2, ….",
                short(value),
                shape.input.name()
            ));
        } else if names.len() == 1 {
            problem.push_str(&format!(
                "\nThe first line is one field ('{}'). If another character separates the fields, say delimiter = \"…\" under [{}] in a mapping file.",
                short(&names[0]),
                shape.input.name()
            ));
        }
    }
    PrepareError::Columns { path, problem }
}

fn is_time(text: &str, shape: &Shape) -> bool {
    let format = shape.time_format.clone();
    let mut times = Times::new(format, shape.zone, TimeVerdict::default());
    times.read(text).is_ok()
}
