//! Errors for columns that a file lacks, with the column that could be meant.

use super::Shape;
use crate::columns::Input;
use crate::error::PrepareError;
use crate::hint::{closest, column_for, shell_quoted};
use crate::recognise::Sample;
use crate::source::Layout;
use std::path::Path;

impl Shape {
    pub(super) fn missing_said(
        &self,
        path: &Path,
        layout: &Layout,
        name: &str,
        source: &str,
    ) -> PrepareError {
        let hint = closest(source, layout.usable_names())
            .map_or_else(String::new, |near| format!(" Did you mean '{near}'?"));
        PrepareError::Columns {
            path: path.into(),
            problem: format!(
                "there is no column '{source}', which was named as {name}. The file has: {}.{hint}",
                layout.described().join(", ")
            ),
        }
    }

    /// The error for a file in which `missing` (wanted columns, any of which would do) was not
    /// found.
    pub(crate) fn missing(
        &self,
        path: &Path,
        layout: &Layout,
        missing: &[&str],
        sample: Option<&Sample>,
    ) -> PrepareError {
        let flag = match self.input {
            Input::Events => String::new(),
            other => format!("{}.", other.name()),
        };
        let wanted: Vec<_> = self
            .input
            .wanted()
            .iter()
            .map(|w| format!("  {:<12} {}", w.name, w.meaning))
            .collect();
        let usable: Vec<_> = layout
            .names()
            .iter()
            .map(String::as_str)
            .enumerate()
            .collect();
        let usable: Vec<_> = usable
            .into_iter()
            .filter(|(number, _)| layout.is_usable(*number))
            .collect();
        let near = missing.iter().find_map(|name| {
            let words = self.input.wanted().iter().find(|w| w.name == *name)?;
            let suggested = self
                .preset
                .iter()
                .filter(|(n, _)| n == name)
                .map(|(_, s)| *s);
            let names: Vec<&str> = std::iter::once(*name)
                .chain(words.known_as.iter().copied())
                .chain(suggested)
                .collect();
            let near = column_for(name, &names, &usable, sample)?;
            Some((*name, near))
        });
        // Where values lie inside others, the wanted one is more likely there.
        let near = near.filter(|_| layout.nested().next().is_none());
        let (hint, name, example) = match near {
            Some((name, near)) => (format!(" Did you mean '{near}'?"), name, near),
            None => (
                String::new(),
                missing.first().copied().unwrap_or("item_id"),
                "COLUMN",
            ),
        };
        let preset = self.better_preset(layout.names()).map_or_else(
            || "--preset".to_string(),
            |preset| {
                let name = preset.name();
                format!("--preset {name}, whose columns these are")
            },
        );
        let example = shell_quoted(&format!("{flag}{name}={example}"));
        PrepareError::Columns {
            path: path.into(),
            problem: format!(
                "no column for {} was found.{hint}\nThe file has: {}.\nVitrine knows these columns of {}:\n{}\nSay which is which with --column {example}, with --mapping FILE, or with {preset}.",
                missing.join(" or "),
                layout.described().join(", "),
                self.input.name(),
                wanted.join("\n"),
            ),
        }
    }
}
