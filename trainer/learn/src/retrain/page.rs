//! `changes.html`: what a retrained bundle changes, for people.

use super::Changes;
use crate::evaluate::metrics::Measures;
use crate::files::write_atomically;
use crate::page::{escape, head};
use std::fmt::Write;
use std::path::Path;
use vitrine_core::manifest::Manifest;
use vitrine_core::provenance::Move;

/// Items of a list, at most.
const SHOWN: usize = 20;

/// Writes the page.
///
/// # Errors
/// What the system says of the file.
pub fn write(path: &Path, manifest: &Manifest, changes: &Changes) -> std::io::Result<()> {
    write_atomically(path, page(manifest, changes).as_bytes())
}

fn page(manifest: &Manifest, changes: &Changes) -> String {
    let before = changes.provenance.version;
    let mut html = head(&format!(
        "What version {} changes of version {before}",
        manifest.version
    ));
    html += &match changes.verdict() {
        Ok(()) => "<p><strong>Within the recipe's bounds:</strong> it can be promoted.</p>".into(),
        Err(refusal) => format!(
            "<p><strong>It stays a candidate</strong> unless somebody promotes it with a reason: \
             {}.</p>",
            escape(&refusal.to_string())
        ),
    };
    html += &figures(changes);
    html += &windows(changes);
    html += &format!(
        "<h2>Items</h2><p>{:.1} % of all places in the first 20 went to other items.</p>",
        changes.provenance.exposure.shift
    );
    html += &moves("Shown more", &changes.up);
    html += &moves("Shown less", &changes.down);
    html += &new_items(changes);
    html + "</html>\n"
}

fn figures(changes: &Changes) -> String {
    let provenance = &changes.provenance;
    let held_out = provenance.held_out;
    let source = match held_out.unseen {
        true => "of the test split, from which neither learned",
        false => {
            "of the latest train sessions, from which both learned: compare them, but do not take \
             either for what visitors will see"
        }
    };
    let Measures { p20, mrr20, .. } = changes.comparison.difference;
    let mut rows = String::new();
    for (name, before, after, difference) in [
        ("P@20", provenance.before.p20, provenance.after.p20, p20),
        (
            "MRR@20",
            provenance.before.mrr20,
            provenance.after.mrr20,
            mrr20,
        ),
    ] {
        let [low, high] = difference.interval;
        // Writing into a String can't fail.
        let _ = write!(
            rows,
            "<tr><td>{name}<td class=n>{before:.2}<td class=n>{after:.2}<td class=n>{:+.2}<td \
             class=n>{low:+.2} to {high:+.2}",
            difference.value
        );
    }
    format!(
        "<h2>On held-out sessions</h2><p class=note>{} next items {source}; in percent, with the \
         95 % interval of the paired difference over sessions.</p><table><tr><th><th>before<th>\
         after<th>difference<th>interval{rows}</table>",
        held_out.examples
    )
}

fn windows(changes: &Changes) -> String {
    let mut html = format!(
        "<h2>What it was learned from</h2><p>Beside the history: windows {}; {} released cells{}.",
        list(&changes.windows),
        changes.cells,
        match changes.unknown {
            0 => String::new(),
            unknown => format!(", and {unknown} more that name items outside the catalogue"),
        }
    );
    if !changes.quarantined.is_empty() {
        html += &format!(
            " <strong>Left out, because they are quarantined: windows {}.</strong>",
            list(&changes.quarantined)
        );
    }
    html += "</p>";
    if !changes.cut.is_empty() {
        let mut rows = String::new();
        for (item, cut) in changes.cut.iter().take(SHOWN) {
            let _ = write!(rows, "<tr><td>{}<td class=n>{cut:.0}", escape(item));
        }
        html += &format!(
            "<p>Reports of {} items grew faster than one window may make them grow, and were cut:\
             </p><table><tr><th>item<th>reports cut{rows}</table>",
            changes.cut.len()
        );
    }
    html
}

fn moves(title: &str, moves: &[Move]) -> String {
    let mut rows = String::new();
    for moved in moves {
        let _ = write!(
            rows,
            "<tr><td>{}<td class=n>{:.2}<td class=n>{:.2}",
            escape(&moved.item),
            moved.before,
            moved.after
        );
    }
    format!("<h3>{title}</h3><table><tr><th>item<th>before, % of lists<th>after{rows}</table>")
}

fn new_items(changes: &Changes) -> String {
    let mut rows = String::new();
    for new in changes.new_items.iter().take(SHOWN) {
        let _ = write!(
            rows,
            "<tr><td>{}<td class=n>{:.2}",
            escape(&new.item),
            new.share
        );
    }
    format!(
        "<h3>New</h3><p>{} items that the version before did not know; {} that it knew are gone.\
         </p><table><tr><th>item<th>% of lists{rows}</table>",
        changes.new_items.len(),
        changes.dropped
    )
}

/// Numbers with commas, or a word where there is none.
fn list(numbers: &[u64]) -> String {
    match numbers {
        [] => "none".into(),
        numbers => {
            let texts: Vec<String> = numbers.iter().map(u64::to_string).collect();
            texts.join(", ")
        }
    }
}
