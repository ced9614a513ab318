//! The columns of a file together with the paths into them that were asked for.

use super::{Holds, Need, Path, Pick, Reader, Selection};

/// Columns and paths, by one row of numbers: first the file's columns, then the paths.
pub(crate) struct Layout {
    names: Vec<String>,
    holds: Vec<Holds>,
    /// Column and path of the numbers beyond the file's columns.
    paths: Vec<(usize, Path)>,
}

impl Layout {
    /// The columns of `reader`, and those of the sources that are paths into them.
    pub(crate) fn new<'s>(reader: &dyn Reader, sources: impl IntoIterator<Item = &'s str>) -> Self {
        let own = reader.columns();
        let holds: Vec<_> = (0..own.len()).map(|column| reader.holds(column)).collect();
        let mut layout = Self {
            names: own.to_vec(),
            holds,
            paths: Vec::new(),
        };
        for source in sources {
            if layout.names.iter().any(|name| name == source) {
                continue;
            }
            let located = Path::locate(source, own);
            if let Some((column, path)) =
                located.filter(|(at, _)| reader.holds(*at) != Holds::Values)
            {
                layout.names.push(source.into());
                layout.holds.push(Holds::Values);
                layout.paths.push((column, path));
            }
        }
        layout
    }

    fn own(&self) -> usize {
        self.names.len() - self.paths.len()
    }

    /// All names, of columns and then of paths.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The names of the file's columns, with word of those that hold objects or lists.
    pub(crate) fn described(&self) -> Vec<String> {
        let own = self.names.iter().zip(&self.holds).take(self.own());
        own.map(|(name, holds)| match holds {
            Holds::Nested => format!("{name} (objects or lists)"),
            _ => name.clone(),
        })
        .collect()
    }

    /// The names of the file's columns that hold values.
    pub(crate) fn usable_names(&self) -> impl Iterator<Item = &str> {
        let own = (0..self.own()).filter(|column| self.is_usable(*column));
        own.map(|column| self.names[column].as_str())
    }

    /// True if a number stands for values rather than for objects or lists.
    pub(crate) fn is_usable(&self, number: usize) -> bool {
        self.holds[number] != Holds::Nested
    }

    /// The columns with objects or lists in them.
    pub(crate) fn nested(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.own()).filter(|column| self.holds[*column] == Holds::Nested)
    }

    /// The column of a path and the path; `None` for a column.
    pub(crate) fn path(&self, number: usize) -> Option<&(usize, Path)> {
        self.paths.get(number.checked_sub(self.own())?)
    }

    /// The selection of these numbers. Elements of a list are rows where a path leads through one;
    /// two lists beside each other can't both be, which is the error: the names of two such paths.
    pub(crate) fn selection(
        &self,
        numbers: &[usize],
        need: impl Fn(usize) -> Need,
    ) -> Result<Selection, [String; 2]> {
        let mut list: Option<(usize, Path, usize)> = None;
        let mut picks = Vec::with_capacity(numbers.len());
        for &number in numbers {
            let (column, path) = match self.path(number) {
                Some((column, path)) => (*column, path.clone()),
                None => (number, Path::default()),
            };
            if let Some(own) = path.list() {
                list = Some(match list {
                    None => (column, own, number),
                    Some((other, known, by)) => {
                        if other == column && known.begins_with(&own) {
                            (other, known, by)
                        } else if other == column && own.begins_with(&known) {
                            (column, own, number)
                        } else {
                            return Err([self.names[by].clone(), self.names[number].clone()]);
                        }
                    }
                });
            }
            picks.push(Pick {
                column,
                path,
                need: need(number),
            });
        }
        Ok(Selection {
            picks,
            list: list.map(|(column, path, _)| (column, path)),
        })
    }
}
