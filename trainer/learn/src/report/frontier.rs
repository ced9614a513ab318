//! The page of a compression sweep: bytes against quality.

use crate::files::write_atomically;
use crate::frontier::Point;
use crate::page::head;
use plotters::prelude::*;
use std::fmt::Write;
use std::path::Path;

/// Writes the page: all points, those of the frontier joined, the chosen one marked.
///
/// # Errors
/// What the system says of the file.
pub fn write(path: &Path, points: &[Point], best: &[Point], chosen: &Point) -> std::io::Result<()> {
    let mut html = head("Bytes against quality");
    html += "<p class=note>Every dot is a bundle as it would ship, judged on validation by the \
             code that runs in the browser. The line joins those that no smaller one beats; the \
             ring is the chosen one.</p><div class=plots>";
    type Value = fn(&Point) -> f64;
    let plots: [(&str, Value); 2] = [
        ("P@20 (%)", |point| point.figures.p20),
        ("MRR@20 (%)", |point| point.figures.mrr20),
    ];
    for (title, value) in plots {
        let mut svg = String::new();
        draw(&mut svg, title, points, best, chosen, value)
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        html += &svg;
    }
    html += "</div><table><tr><th>bytes<th>neighbours<th>bits<th>vectors<th>P@20<th>MRR@20";
    for point in best {
        // Writing into a String can't fail.
        let _ = write!(
            html,
            "<tr><td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{:.2}\
             <td class=n>{:.2}",
            point.bytes,
            point.neighbours,
            u8::from(point.weight_bits),
            point.dim,
            point.figures.p20,
            point.figures.mrr20
        );
    }
    html += "</table></html>\n";
    write_atomically(path, html.as_bytes())
}

fn draw(
    svg: &mut String,
    title: &str,
    points: &[Point],
    best: &[Point],
    chosen: &Point,
    value: fn(&Point) -> f64,
) -> Result<(), Box<dyn std::error::Error>> {
    let place = |point: &Point| (point.bytes as f64 / 1e6, value(point));
    let low = points.iter().map(value).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(value).fold(0.0, f64::max);
    let most = points
        .iter()
        .map(|point| place(point).0)
        .fold(0.0, f64::max);
    let margin = ((high - low) * 0.08).max(0.01);
    let area = SVGBackend::with_string(svg, (440, 320)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..most * 1.05, low - margin..high + margin)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("MB as it travels")
        .draw()?;
    let (grey, blue) = (RGBColor(148, 156, 172), RGBColor(37, 99, 235));
    chart.draw_series(
        points
            .iter()
            .map(|point| Circle::new(place(point), 2, grey.filled())),
    )?;
    chart.draw_series(LineSeries::new(
        best.iter().map(place),
        blue.stroke_width(2),
    ))?;
    chart.draw_series([Circle::new(place(chosen), 6, blue.stroke_width(2))])?;
    drop(chart);
    area.present()?;
    Ok(())
}
