//! Plots for the HTML pages, as inline SVG.

use plotters::coord::Shift;
use plotters::prelude::*;

const BLUE: RGBColor = RGBColor(37, 99, 235);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// A line over whole numbers from 1; nothing where it can't be drawn.
pub(crate) fn line(title: &str, points: &[(f64, f64)]) -> String {
    drawn(|area| draw_line(area, title, points))
}

/// A bar for each name and value, from 0 up; nothing where it can't be drawn.
pub(crate) fn bars(title: &str, values: &[(&str, f64)]) -> String {
    drawn(|area| draw_bars(area, title, values))
}

/// A curve for each name and its values, over named places; nothing where it can't be drawn.
pub(crate) fn curves(title: &str, places: &[String], series: &[(String, Vec<f64>)]) -> String {
    drawn(|area| draw_curves(area, title, places, series))
}

fn drawn(draw: impl Fn(&Area<'_>) -> Drawn) -> String {
    let mut svg = String::new();
    match draw_into(&mut svg, draw) {
        Ok(()) => svg,
        Err(_) => String::new(),
    }
}

fn draw_into(svg: &mut String, draw: impl Fn(&Area<'_>) -> Drawn) -> Drawn {
    let area = SVGBackend::with_string(svg, (420, 260)).into_drawing_area();
    area.fill(&WHITE)?;
    draw(&area)?;
    area.present()?;
    Ok(())
}

fn draw_line(area: &Area<'_>, title: &str, points: &[(f64, f64)]) -> Drawn {
    let values = points.iter().map(|point| point.1);
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let margin = ((high - low) * 0.1).max(0.01);
    let last = points.len() as f64;
    let mut chart = ChartBuilder::on(area)
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
    chart.draw_series(LineSeries::new(
        points.iter().copied(),
        BLUE.stroke_width(2),
    ))?;
    let dots = points
        .iter()
        .map(|&point| Circle::new(point, 3, BLUE.filled()));
    chart.draw_series(dots)?;
    Ok(())
}

fn draw_bars(area: &Area<'_>, title: &str, values: &[(&str, f64)]) -> Drawn {
    let high = values.iter().map(|value| value.1).fold(0.0, f64::max);
    let names = |at: &f64| {
        let whole = at.round();
        let is_whole = (at - whole).abs() < 1e-6 && whole >= 0.0;
        let named = is_whole.then(|| values.get(whole as usize)).flatten();
        named.map_or_else(String::new, |value| value.0.to_owned())
    };
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(28)
        .y_label_area_size(48)
        .build_cartesian_2d(-0.5..values.len() as f64 - 0.5, 0.0..(high * 1.1).max(0.01))?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(values.len() + 1)
        .x_label_formatter(&names)
        .draw()?;
    chart.draw_series(values.iter().enumerate().map(|(at, &(_, value))| {
        let at = at as f64;
        Rectangle::new([(at - 0.35, 0.0), (at + 0.35, value)], BLUE.filled())
    }))?;
    Ok(())
}

fn draw_curves(
    area: &Area<'_>,
    title: &str,
    places: &[String],
    series: &[(String, Vec<f64>)],
) -> Drawn {
    let values = || series.iter().flat_map(|(_, values)| values.iter().copied());
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    let margin = ((high - low) * 0.08).max(0.01);
    let name = |at: &f64| {
        let whole = at.round();
        let place = ((at - whole).abs() < 1e-6 && whole >= 0.0).then_some(whole as usize);
        let named = place.and_then(|place| places.get(place));
        named.cloned().unwrap_or_default()
    };
    let last = places.len() as f64 - 0.5;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(28)
        .y_label_area_size(48)
        .build_cartesian_2d(-0.5..last, low - margin..high + margin)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(places.len() + 1)
        .x_label_formatter(&name)
        .draw()?;
    for (at, (name, values)) in series.iter().enumerate() {
        let colour = RGBColor(37, 99, 235).mix(1.0 / (1.0 + 0.6 * at as f64));
        let points = values
            .iter()
            .enumerate()
            .map(|(at, &value)| (at as f64, value));
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)).point_size(2))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE)
        .label_font(("sans-serif", 12))
        .draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_above_their_names_and_text_is_escaped() {
        let svg = bars("P@20 <b>", &[("1", 40.0), ("3-4", 60.0), ("10+", 20.0)]);
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("3-4") && svg.contains("10+"), "{svg}");
        assert!(!svg.contains("<b>"), "{svg}");
        // One rectangle is the ground.
        assert_eq!(svg.matches("<rect").count(), 4);
        assert!(line("Loss", &[(1.0, 2.0), (2.0, 1.0)]).contains("<polyline"));
    }
}
