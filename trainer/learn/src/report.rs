//! `report.html`: one page about a run, for people.

pub mod frontier;

use crate::encoder::train::PassFigures;
use crate::files::write_atomically;
use crate::run::{Figures, RunRecord};
use plotters::prelude::*;
use std::fmt::Write;
use std::path::Path;
use vitrine_core::manifest::Manifest;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;\
padding:0 1rem;color:#1d2330;background:#fff}h1{font-size:1.7rem}h2{margin-top:2.2rem;\
font-size:1.2rem}table{border-collapse:collapse}td,th{padding:.3rem .9rem .3rem 0;\
border-bottom:1px solid #e4e7ee;text-align:left}td.n{text-align:right;\
font-variant-numeric:tabular-nums}.note{color:#5b6475}svg{max-width:100%;height:auto}\
.plots{display:flex;flex-wrap:wrap;gap:1rem}";

/// Writes the page.
///
/// # Errors
/// What the system says of the file.
pub fn write(path: &Path, record: &RunRecord, manifest: &Manifest) -> std::io::Result<()> {
    write_atomically(path, page(record, manifest).as_bytes())
}

fn page(record: &RunRecord, manifest: &Manifest) -> String {
    let facts = &manifest.training;
    let mut html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
         content=\"width=device-width\"><title>Run on {0}</title><style>{STYLE}</style>\
         <h1>Run on {0}</h1><p>Bundle version {1}: {2} items, {3} sessions, {4} events{5}.{6}</p>",
        escape(&facts.dataset),
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
    let body: String = rows
        .into_iter()
        .filter_map(|(name, figures)| figures.map(|figures| row(&name, figures)))
        .collect();
    format!(
        "<h2>On validation</h2><p class=note>The last tenth of the training sessions, which the \
         judged models did not learn from. Share of next items among the first 20, and the mean \
         of 1/rank, in percent. The table and the fusion are judged as they ship: compressed, by \
         the code that runs in the browser.</p><table><tr><th><th>P@20<th>MRR@20{body}</table>"
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
    let line = |value: &dyn Fn(&PassFigures) -> f64| -> Vec<(f64, f64)> {
        curve
            .iter()
            .map(|pass| (pass.pass as f64, value(pass)))
            .collect()
    };
    let plots = [
        plot("Loss (nats)", &line(&|pass| pass.loss)),
        plot("P@20 of the encoder alone (%)", &line(&|pass| pass.p20)),
        plot("MRR@20 of the encoder alone (%)", &line(&|pass| pass.mrr20)),
    ];
    let speeds: f64 = curve.iter().map(|pass| pass.sessions_per_second).sum();
    format!(
        "<h2>The encoder, pass by pass</h2><div class=plots>{}</div><p class=note>{:.0} sessions \
         per second on average.</p>",
        plots.concat(),
        speeds / curve.len() as f64
    )
}

/// A line over passes as inline SVG; nothing where it can't be drawn.
fn plot(title: &str, points: &[(f64, f64)]) -> String {
    let mut svg = String::new();
    match draw(&mut svg, title, points) {
        Ok(()) => svg,
        Err(_) => String::new(),
    }
}

fn draw(
    svg: &mut String,
    title: &str,
    points: &[(f64, f64)],
) -> Result<(), Box<dyn std::error::Error>> {
    let values = points.iter().map(|point| point.1);
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let margin = ((high - low) * 0.1).max(0.01);
    let last = points.len() as f64;
    let area = SVGBackend::with_string(svg, (420, 260)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(28)
        .y_label_area_size(48)
        .build_cartesian_2d(0.5..last + 0.5, low - margin..high + margin)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(points.len().min(12))
        .x_label_formatter(&|pass| format!("{pass:.0}"))
        .draw()?;
    let blue = RGBColor(37, 99, 235);
    chart.draw_series(LineSeries::new(
        points.iter().copied(),
        blue.stroke_width(2),
    ))?;
    let dots = points
        .iter()
        .map(|&point| Circle::new(point, 3, blue.filled()));
    chart.draw_series(dots)?;
    drop(chart);
    area.present()?;
    Ok(())
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

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
