//! The comparison as Markdown: what the command prints and what is kept in the documentation.

use super::{Levels, Outcome, Recommendation, Rule};
use crate::recipe::TableForm;
use std::fmt::Write;

/// The tables and the recommendation, as Markdown.
pub fn markdown(levels: &Levels, recommendation: Option<&Recommendation>, keep: f64) -> String {
    let mut text = String::new();
    let form = match levels.form {
        TableForm::FirstOrder => "first-order table (the default)",
        TableForm::Ridge => "ridge solution of SLIST",
    };
    // Writing into a String can't fail.
    let _ = writeln!(
        text,
        "## {}, {form}\n\nHistory: {} sessions; field: {} sessions; P@20 and MRR@20 on the test \
         split, in percent.\nKept: (level − history only) / (whole sessions − history only), of P@20.\n",
        levels.dataset, levels.history_sessions, levels.field_sessions
    );
    let _ = writeln!(
        text,
        "| | P@20 | MRR@20 | kept | cells released |\n| --- | --- | --- | --- | --- |"
    );
    for outcome in [&levels.history, &levels.whole] {
        row(&mut text, outcome);
    }
    let (cells, windows) = usual(levels);
    let usual = |outcome: &&Outcome| outcome.cells == cells && outcome.windows == windows;
    for outcome in levels.outcomes.iter().filter(usual) {
        row(&mut text, outcome);
    }
    let _ = writeln!(
        text,
        "\nL = {cells} transitions of a session, {}.\n",
        windows_in_words(levels, windows)
    );
    if levels.outcomes.iter().any(|outcome| !usual(&outcome)) {
        sweep(&mut text, levels);
    }
    text += &match recommendation {
        Some(found) => sentence(levels, found, keep),
        None => String::new(),
    };
    text
}

/// L = 8 and one window where those were measured.
pub(super) fn usual(levels: &Levels) -> (u32, usize) {
    let of = |wanted: &dyn Fn(&&Outcome) -> bool| levels.outcomes.iter().find(wanted);
    let found = of(&|outcome| outcome.cells == 8 && outcome.windows == 1)
        .or_else(|| levels.outcomes.first());
    found.map_or((0, 1), |outcome| (outcome.cells, outcome.windows))
}

fn row(text: &mut String, outcome: &Outcome) {
    let released = match outcome.rule {
        Rule::History | Rule::Whole => String::new(),
        _ => outcome.released.to_string(),
    };
    let _ = writeln!(
        text,
        "| {} | {:.2} | {:.2} | {} | {released} |",
        outcome.rule,
        outcome.p20,
        outcome.mrr20,
        percent(outcome.kept)
    );
}

/// Kept by level, for each L and number of windows.
fn sweep(text: &mut String, levels: &Levels) {
    let _ = writeln!(text, "Kept, by window and L:\n");
    let _ = write!(text, "| field cut into | L |");
    for rule in Rule::LEVELS {
        let _ = write!(text, " {rule} |");
    }
    let _ = writeln!(
        text,
        "\n| --- | --- |{}",
        " --- |".repeat(Rule::LEVELS.len())
    );
    for group in levels.outcomes.chunks(Rule::LEVELS.len()) {
        let Some(first) = group.first() else { continue };
        let _ = write!(
            text,
            "| {} | {} |",
            windows_in_words(levels, first.windows),
            first.cells
        );
        for outcome in group {
            let _ = write!(text, " {} |", percent(outcome.kept));
        }
        text.push('\n');
    }
    text.push('\n');
}

fn windows_in_words(levels: &Levels, windows: usize) -> String {
    let count = match windows {
        1 => "one window".into(),
        _ => format!("{windows} windows"),
    };
    match levels.field_days {
        Some(days) => format!("{count} of about {:.0} days", days / windows as f64),
        None => count,
    }
}

/// A share in percent; nothing is written as −0.0.
fn percent(share: f64) -> String {
    format!("{:.1} %", (share * 10.0).round() / 10.0 + 0.0)
}

fn sentence(levels: &Levels, found: &Recommendation, keep: f64) -> String {
    let Outcome {
        rule,
        cells,
        windows,
        kept,
        ..
    } = found.outcome;
    let sessions = levels.field_sessions / windows.max(1);
    let days = levels.field_days.map_or_else(String::new, |days| {
        format!(" (about {:.0} days)", days / windows as f64)
    });
    let window = format!("a window in which {sessions} sessions{days} come, L = {cells}");
    let kept = percent(kept);
    if found.enough {
        format!(
            "**Recommended: {rule}, {window}.** It is the strongest promise that keeps at least \
             {keep:.0} % of the field's value here: {kept}.\n"
        )
    } else {
        format!(
            "**No level keeps {keep:.0} % of the field's value here.** Most of it keeps {rule}, \
             {window}: {kept}. More visits or longer windows would keep more.\n"
        )
    }
}
