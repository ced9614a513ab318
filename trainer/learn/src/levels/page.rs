//! The comparison as a page: a curve a window, and the same tables.

use super::report::usual;
use super::{Levels, Outcome, Recommendation, Rule, markdown};
use crate::files::write_atomically;
use crate::page::{escape, head};
use crate::plots;
use std::path::Path;

/// Writes the page.
///
/// # Errors
/// What the system says of the file.
pub fn write(
    path: &Path,
    levels: &[Levels],
    recommendations: &[Option<Recommendation>],
    keep: f64,
) -> std::io::Result<()> {
    let mut html = head("What each privacy level keeps");
    html += "<p class=note>The first half of the history is what the shop has, the second half \
             plays the visitors of whom only cells come back. Each session counts as a browser \
             profile of its own.</p>";
    for (levels, recommendation) in levels.iter().zip(recommendations) {
        html += "<div class=plots>";
        html += &curves(levels, "P@20 (%)", |outcome| outcome.p20);
        html += &curves(levels, "Kept of the field's value (%)", |outcome| {
            outcome.kept
        });
        html += "</div><pre>";
        html += &escape(&markdown(levels, recommendation.as_ref(), keep));
        html += "</pre>";
    }
    html += "</html>\n";
    write_atomically(path, html.as_bytes())
}

/// A curve over the levels for each number of windows, at the usual L.
fn curves(levels: &Levels, title: &str, value: fn(&Outcome) -> f64) -> String {
    let (cells, _) = usual(levels);
    let names = Rule::LEVELS.map(|rule| match rule {
        Rule::Unlinkable(k) => format!("k={k}"),
        Rule::Private(epsilon) => format!("ε={epsilon}"),
        Rule::History | Rule::Whole => String::new(),
    });
    let series: Vec<(String, Vec<f64>)> = levels
        .outcomes
        .chunks(Rule::LEVELS.len())
        .filter(|group| group.first().is_some_and(|first| first.cells == cells))
        .map(|group| {
            let windows = group.first().map_or(0, |first| first.windows);
            let name = format!("{windows} window{}", if windows == 1 { "" } else { "s" });
            (name, group.iter().map(value).collect())
        })
        .collect();
    plots::curves(title, &names, &series)
}
