//! Plots as SVG text: no script, no font of their own, colours from the page.
//!
//! Written by hand: the four kinds needed here are shorter than the set-up of a plotting library,
//! scale with the page, follow its dark mode, and each mark carries a `<title>` that a pointer and
//! a screen reader find.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;

/// Text that is safe inside HTML and SVG.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// 1234567 as 1,234,567.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An axis from data to pixels.
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Scale {
    fn at(&self, value: f64) -> f64 {
        let place = |v: f64| {
            if self.logarithmic {
                v.max(f64::MIN_POSITIVE).log10()
            } else {
                v
            }
        };
        let (low, high) = (place(self.low), place(self.high));
        let share = if high > low {
            (place(value) - low) / (high - low)
        } else {
            0.0
        };
        self.from + share * (self.to - self.from)
    }

    /// Round values between the ends.
    fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let powers = self.low.log10().ceil() as i32..=self.high.log10().floor() as i32;
            return powers.map(|power| 10f64.powi(power)).collect();
        }
        let span = self.high - self.low;
        if span <= 0.0 {
            return vec![self.low];
        }
        let rough = span / 5.0;
        let magnitude = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * magnitude)
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }
}

fn horizontal(low: f64, high: f64, logarithmic: bool) -> Scale {
    Scale {
        low,
        high,
        from: LEFT,
        to: WIDTH - RIGHT,
        logarithmic,
    }
}

fn vertical(low: f64, high: f64, logarithmic: bool) -> Scale {
    Scale {
        low,
        high,
        from: HEIGHT - BOTTOM,
        to: TOP,
        logarithmic,
    }
}

fn label(value: f64) -> String {
    if value >= 1e6 {
        format!("{}M", (value / 1e5).round() / 10.0)
    } else if value >= 1e4 {
        format!("{}k", (value / 1e2).round() / 10.0)
    } else if value.fract().abs() < 1e-9 {
        thousands(value.max(0.0) as u64)
    } else {
        format!("{value:.1}")
    }
}

fn frame(
    body: &str,
    x_ticks: &[(f64, String)],
    y: &Scale,
    x_title: &str,
    y_title: &str,
    alt: &str,
) -> String {
    let mut svg = format!(
        r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
        escape(alt)
    );
    for tick in y.ticks() {
        let at = y.at(tick);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0,
            label(tick)
        );
    }
    svg.push_str(body);
    let base = HEIGHT - BOTTOM;
    let _ = write!(
        svg,
        r#"<line class="axis" x1="{LEFT}" x2="{:.1}" y1="{base}" y2="{base}"/>"#,
        WIDTH - RIGHT
    );
    for (at, text) in x_ticks {
        let _ = write!(
            svg,
            r#"<text class="tick" x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            base + 17.0,
            escape(text)
        );
    }
    let _ = write!(
        svg,
        r#"<text class="title" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text><text class="title" transform="translate(13 {:.1}) rotate(-90)" text-anchor="middle">{}</text></svg>"#,
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 7.0,
        escape(x_title),
        (TOP + base) / 2.0,
        escape(y_title)
    );
    svg
}

/// Columns over consecutive values; the last one may stand for "this and more".
pub(super) fn columns(bars: &[(String, u64)], x_title: &str, y_title: &str, alt: &str) -> String {
    let highest = bars.iter().map(|(_, n)| *n).max().unwrap_or(1).max(1) as f64;
    let y = vertical(0.0, highest * 1.05, false);
    let step = (WIDTH - RIGHT - LEFT) / bars.len().max(1) as f64;
    let every = bars.len().div_ceil(16).max(1);
    let (mut body, mut ticks) = (String::new(), Vec::new());
    for (place, (name, n)) in bars.iter().enumerate() {
        let (left, top) = (LEFT + step * place as f64, y.at(*n as f64));
        let _ = write!(
            body,
            r#"<rect class="mark" x="{:.1}" y="{top:.1}" width="{:.1}" height="{:.1}" rx="1.5"><title>{}: {}</title></rect>"#,
            left + step * 0.1,
            step * 0.8,
            (HEIGHT - BOTTOM - top).max(0.0),
            escape(name),
            thousands(*n)
        );
        if place % every == 0 || place + 1 == bars.len() {
            ticks.push((left + step / 2.0, name.clone()));
        }
    }
    frame(&body, &ticks, &y, x_title, y_title, alt)
}

/// Points on two logarithmic axes, joined.
pub(super) fn log_log(points: &[(f64, f64)], x_title: &str, y_title: &str, alt: &str) -> String {
    let ends = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::MAX, 1f64), |(low, high), v| (low.min(v), high.max(v)))
    };
    let (x_low, x_high) = ends(&mut points.iter().map(|p| p.0));
    let (y_low, y_high) = ends(&mut points.iter().map(|p| p.1));
    let x = horizontal(x_low.min(1.0), x_high.max(10.0), true);
    let y = vertical(y_low.min(1.0), y_high.max(10.0), true);
    let line: Vec<_> = points
        .iter()
        .map(|(a, b)| format!("{:.1},{:.1}", x.at(*a), y.at(*b)))
        .collect();
    let body = format!(r#"<polyline class="line" points="{}"/>"#, line.join(" "));
    let ticks: Vec<_> = x
        .ticks()
        .into_iter()
        .map(|tick| (x.at(tick), label(tick)))
        .collect();
    frame(&body, &ticks, &y, x_title, y_title, alt)
}

/// Stacked columns over time, one per bucket: train, valid, test.
pub(super) fn over_time(
    buckets: &[(i64, [u64; 3])],
    bucket_ms: i64,
    date: &dyn Fn(i64) -> String,
    y_title: &str,
    alt: &str,
) -> String {
    let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else {
        return String::new();
    };
    let (start, end) = (first.0 as f64, (last.0 + bucket_ms) as f64);
    let highest = buckets
        .iter()
        .map(|(_, n)| n.iter().sum::<u64>())
        .max()
        .unwrap_or(1);
    let x = horizontal(start, end, false);
    let y = vertical(0.0, highest.max(1) as f64 * 1.05, false);
    let width = (x.at(start + bucket_ms as f64) - x.at(start)).max(0.6);
    let mut body = String::new();
    for (from, counts) in buckets {
        let mut below = 0;
        for (part, n) in ["train", "valid", "test"].iter().zip(counts) {
            if *n == 0 {
                continue;
            }
            let (bottom, top) = (y.at(below as f64), y.at((below + n) as f64));
            below += n;
            let _ = write!(
                body,
                r#"<rect class="{part}" x="{:.1}" y="{top:.1}" width="{:.2}" height="{:.1}"><title>{}: {} {part}</title></rect>"#,
                x.at(*from as f64),
                (width * 0.92).max(0.5),
                bottom - top,
                escape(&date(*from)),
                thousands(*n)
            );
        }
    }
    let ticks = (0..=4).map(|n| {
        let at = start + (end - start) * (0.06 + 0.22 * f64::from(n));
        (x.at(at), date(at as i64))
    });
    frame(&body, &ticks.collect::<Vec<_>>(), &y, "", y_title, alt)
}

/// A bar of shares with its legend in the marks.
pub(super) fn share_bar(shares: &[(&str, &str, u64)], alt: &str) -> String {
    let total = shares.iter().map(|(_, _, n)| *n).sum::<u64>().max(1) as f64;
    let mut svg = format!(
        r#"<svg viewBox="0 0 {WIDTH} 26" role="img" aria-label="{}">"#,
        escape(alt)
    );
    let mut at = 0.0;
    for (name, class, n) in shares {
        let width = *n as f64 / total * WIDTH;
        let _ = write!(
            svg,
            r#"<rect class="{class}" x="{at:.1}" y="0" width="{:.1}" height="26"><title>{}: {}</title></rect>"#,
            (width - 1.0).max(0.0),
            escape(name),
            thousands(*n)
        );
        at += width;
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn plots_of_nothing_and_of_one_value_have_no_bad_number() {
        for svg in [
            columns(&[], "x", "y", "none"),
            columns(&[("2".into(), 0)], "x", "y", "zero"),
            log_log(&[], "x", "y", "none"),
            log_log(&[(1.0, 5.0)], "x", "y", "one"),
            over_time(&[(0, [1, 0, 2])], 1000, &|_| "day".into(), "y", "one"),
        ] {
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            vertical(0.0, 97.0, false).ticks(),
            [0.0, 20.0, 40.0, 60.0, 80.0]
        );
        assert_eq!(
            vertical(1.0, 5000.0, true).ticks(),
            [1.0, 10.0, 100.0, 1000.0]
        );
    }
}
