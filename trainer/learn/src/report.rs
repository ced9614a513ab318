//! `report.html`: one page about a run, for people.

pub mod frontier;
pub mod search;

use crate::encoder::train::PassFigures;
use crate::files::write_atomically;
use crate::page::{escape, head};
use crate::plots;
use crate::run::{Figures, RunRecord};
use std::fmt::Write;
use std::path::Path;
use vitrine_core::dataset::Notice;
use vitrine_core::manifest::Manifest;

/// Writes the page.
///
/// # Errors
/// What the system says of the file.
pub fn write(
    path: &Path,
    record: &RunRecord,
    manifest: &Manifest,
    doubts: &[Notice],
) -> std::io::Result<()> {
    write_atomically(path, page(record, manifest, doubts).as_bytes())
}

/// The block of notices that stands above the figures.
pub(crate) fn notices(notices: &[Notice]) -> String {
    if notices.is_empty() {
        return String::new();
    }
    let items = notices.iter().map(|notice| {
        let (finding, advice) = (escape(&notice.finding), escape(&notice.advice));
        format!("<li><strong>{finding}</strong> {advice}")
    });
    format!(
        "<h2>Look at this</h2><ul>{}</ul>",
        items.collect::<String>()
    )
}

fn page(record: &RunRecord, manifest: &Manifest, doubts: &[Notice]) -> String {
    let facts = &manifest.training;
    let mut html = head(&format!("Run on {}", facts.dataset));
    html += &format!(
        "<p>Bundle version {0}: {1} items, {2} sessions, {3} events{4}.{5}</p>",
        manifest.version,
        manifest.model.items,
        facts.sessions,
        facts.events,
        match facts.released_cells {
            0 => String::new(),
            cells => format!(", {cells} released cells from the field"),
        },
        if manifest.synthetic {
            " <strong>The history is synthetic.</strong>"
        } else {
            ""
        }
    );
    html += &notices(doubts);
    html += &validation(record);
    html += &curves(&record.curve);
    html += &parameters(record);
    html += &files(manifest);
    html + "</html>\n"
}

fn validation(record: &RunRecord) -> String {
    let Some(validation) = &record.validation else {
        return "<p class=note>This run kept the choices of an earlier one: nothing was chosen on \
                validation.</p>"
            .into();
    };
    let mut rows = vec![(
        "Table: neighbours, repeat, popularity".to_owned(),
        Some(validation.table),
    )];
    rows.push(("Encoder alone, best pass".into(), validation.encoder));
    rows.push((
        "Table, on the fusion's sample".into(),
        validation.table_of_same,
    ));
    rows.push(("Table and encoder, on that sample".into(), validation.both));
    for (method, figures) in &validation.fusion {
        let name = format!("Weights by {}, among the candidates", method.name());
        rows.push((name, Some(*figures)));
    }
    let body: String = rows
        .into_iter()
        .filter_map(|(name, figures)| figures.map(|figures| row(&name, figures)))
        .collect();
    format!(
        "<h2>On validation</h2><p class=note>The last tenth of the training sessions, which the \
         judged models did not learn from. Share of next items among the first 20, and the mean \
         of 1/rank, in percent. The table and the fusion are judged as they ship: compressed, by \
         the code that runs in the browser. Of the ways to weigh the terms the first one \
         was taken.</p><table><tr><th><th>P@20<th>MRR@20{body}</table>"
    )
}

fn row(name: &str, figures: Figures) -> String {
    format!(
        "<tr><td>{name}<td class=n>{:.2}<td class=n>{:.2}",
        figures.p20, figures.mrr20
    )
}

fn curves(curve: &[PassFigures]) -> String {
    if curve.is_empty() {
        return String::new();
    }
    let over_passes = |value: &dyn Fn(&PassFigures) -> f64| -> Vec<(f64, f64)> {
        curve
            .iter()
            .map(|pass| (pass.pass as f64, value(pass)))
            .collect()
    };
    let drawn = [
        plots::line("Loss (nats)", &over_passes(&|pass| pass.loss)),
        plots::line(
            "P@20 of the encoder alone (%)",
            &over_passes(&|pass| pass.p20),
        ),
        plots::line(
            "MRR@20 of the encoder alone (%)",
            &over_passes(&|pass| pass.mrr20),
        ),
    ];
    let speeds: f64 = curve.iter().map(|pass| pass.sessions_per_second).sum();
    format!(
        "<h2>The encoder, pass by pass</h2><div class=plots>{}</div><p class=note>{:.0} sessions \
         per second on average.</p>",
        drawn.concat(),
        speeds / curve.len() as f64
    )
}

fn parameters(record: &RunRecord) -> String {
    let parameters = serde_json::to_value(record.parameters).unwrap_or_default();
    let mut rows = String::new();
    for (name, value) in parameters.as_object().into_iter().flatten() {
        let name = name.replace('_', " ");
        // Writing into a String can't fail.
        let _ = write!(rows, "<tr><td>{name}<td class=n>{value}");
    }
    format!("<h2>Chosen parameters</h2><table>{rows}</table>")
}

fn files(manifest: &Manifest) -> String {
    let mut rows = String::new();
    for (name, entry) in &manifest.files {
        let _ = write!(
            rows,
            "<tr><td>{}<td class=n>{}<td><code>{}</code>",
            escape(name),
            entry.bytes,
            entry.sha256
        );
    }
    format!("<h2>The bundle</h2><table><tr><th>file<th>bytes<th>SHA-256{rows}</table>")
}
