//! `report.html`: one self-contained page for whoever answers for the data.

use super::chart::{columns, escape, log_log, over_time, share_bar, thousands};
use super::{Coverage, Report, RuleCount};
use crate::dataset::Protocol;
use crate::rules::date;
use std::fmt::Write;

/// Longest session with a column of its own.
const LONGEST_COLUMN: u64 = 40;

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let name = escape(&report.dataset.facts.name);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{name}: data quality</title><style>{STYLE}</style></head><body><main>"
    );
    let _ = write!(
        html,
        "<h1>{name}</h1><p class=\"lead\">{}</p>",
        lead(report)
    );
    if report.dataset.facts.synthetic {
        html.push_str("<p class=\"notice\">Everything in these data is synthetic: a simulator drew the items, the visitors and what they did.</p>");
    }
    html.push_str(&notices(report));
    html.push_str(&cards(report));
    section(&mut html, "What came in, what was kept", &kept(report));
    section(&mut html, "What each rule dropped", &rules(report));
    section(&mut html, "Training and test", &parts(report));
    section(&mut html, "Length of sessions", &lengths(report));
    section(&mut html, "Popularity of items", &popularity(report));
    section(&mut html, "Coverage in time", &time(report));
    section(&mut html, "The catalogue", &catalogue(report));
    section(&mut html, "Most popular items", &top_items(report));
    if !report.examples.is_empty() {
        section(&mut html, "Examples of dropped rows", &examples(report));
    }
    html.push_str("</main></body></html>\n");
    html
}

fn section(html: &mut String, title: &str, body: &str) {
    let _ = write!(html, "<section><h2>{title}</h2>{body}</section>");
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".into();
    }
    let share = part as f64 / whole as f64 * 100.0;
    match share {
        0.0 => "0 %".into(),
        s if s < 0.1 => "&lt; 0.1 %".into(),
        s if s < 10.0 => format!("{s:.1} %"),
        s => format!("{s:.0} %"),
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn read_rows(report: &Report) -> u64 {
    report.inputs.iter().map(|input| input.rows).sum()
}

fn lead(report: &Report) -> String {
    let files: Vec<_> = report
        .inputs
        .iter()
        .map(|input| {
            let more = match input.files.len() {
                1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            let first = input.files.first().map_or("", |path| file_name(path));
            format!("{} from {}{more}", input.input, escape(first))
        })
        .collect();
    let span = report.dataset.span_ms.map_or_else(
        || "without times".to_string(),
        |(first, last)| format!("{} to {}", date(first), date(last)),
    );
    format!(
        "{}; read as “{}”, {span}.",
        files.join(", "),
        report.dataset.facts.source
    )
}

fn notices(report: &Report) -> String {
    if report.notices.is_empty() {
        return String::new();
    }
    let mut html = String::from("<div class=\"notice\"><h2>Look at this</h2><ul>");
    for notice in &report.notices {
        let _ = write!(
            html,
            "<li><b>{}</b> {}</li>",
            escape(&notice.finding),
            escape(&notice.advice)
        );
    }
    html.push_str("</ul></div>");
    html
}

fn cards(report: &Report) -> String {
    let mut html = String::from("<div class=\"cards\">");
    for (value, what) in [
        (thousands(report.kept), "events kept"),
        (thousands(report.sessions.sessions), "sessions"),
        (thousands(report.dataset.facts.items), "items with events"),
        (thousands(report.users), "known visitors"),
        (
            percent(report.dropped, read_rows(report)),
            "of the rows dropped",
        ),
    ] {
        let _ = write!(html, "<div><b>{value}</b><span>{what}</span></div>");
    }
    html.push_str("</div>");
    html
}

fn kept(report: &Report) -> String {
    let catalogue: u64 = report
        .inputs
        .iter()
        .filter(|input| input.input == "items")
        .map(|input| input.rows)
        .sum();
    let mut html = share_bar(
        &[
            ("kept as events", "train", report.kept),
            ("confirmed a purchase", "valid", report.orders_matched),
            ("dropped", "bad", report.dropped),
        ],
        "Shares of the rows kept, merged and dropped",
    );
    let _ = write!(
        html,
        "<p class=\"legend\"><i class=\"train\"></i>{} kept as events <i class=\"valid\"></i>{} order lines confirmed a purchase <i class=\"bad\"></i>{} dropped</p><table><thead><tr><th>Input</th><th>Columns found</th><th class=\"n\">Rows</th></tr></thead><tbody>",
        thousands(report.kept),
        thousands(report.orders_matched),
        thousands(report.dropped),
    );
    for input in &report.inputs {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td></tr>",
            input.input,
            input.columns.join(", "),
            thousands(input.rows)
        );
    }
    html.push_str("</tbody></table>");
    if report.orders_added > 0 {
        let _ = write!(
            html,
            "<p>{} order lines had no purchase in the behaviour and were added as such.</p>",
            thousands(report.orders_added)
        );
    }
    if catalogue > 0 {
        html.push_str("<p>Rows of the items file become the catalogue, not events.</p>");
    }
    html
}

fn rules(report: &Report) -> String {
    let (mut busy, idle): (Vec<_>, Vec<_>) = report.rules.iter().partition(|rule| rule.rows > 0);
    busy.sort_by_key(|rule| std::cmp::Reverse(rule.rows));
    let mut html = String::new();
    if busy.is_empty() {
        html.push_str("<p>No rule dropped anything.</p>");
    } else {
        html.push_str(&rule_table(report, &busy));
        html.push_str(
            "<p>Every dropped row stands in <code>rejected.csv</code> with its file, line and reason.</p>",
        );
    }
    let _ = write!(
        html,
        "<details><summary>{} rules that dropped nothing</summary>{}</details>",
        idle.len(),
        rule_table(report, &idle)
    );
    html
}

fn rule_table(report: &Report, rules: &[&RuleCount]) -> String {
    let rows = read_rows(report);
    let most = rules.iter().map(|rule| rule.rows).max().unwrap_or(0).max(1);
    let mut html = String::from(
        "<table><thead><tr><th>Rule</th><th>Drops</th><th class=\"n\">Rows</th><th class=\"n\">Share</th><th class=\"w\"></th></tr></thead><tbody>",
    );
    for rule in rules {
        let (drops, n, share) = if rule.on {
            (
                escape(&rule.drops),
                thousands(rule.rows),
                percent(rule.rows, rows),
            )
        } else {
            ("not applied".into(), String::new(), String::new())
        };
        let _ = write!(
            html,
            "<tr><td><code>{}</code></td><td>{drops}</td><td class=\"n\">{n}</td><td class=\"n\">{share}</td><td><div class=\"bar\" style=\"width:{:.1}%\"></div></td></tr>",
            rule.rule,
            rule.rows as f64 / most as f64 * 100.0,
        );
    }
    html.push_str("</tbody></table>");
    html
}

fn parts(report: &Report) -> String {
    let mut html = format!("<p>The rule: {}.", escape(&report.dataset.facts.split_rule));
    if report.dataset.protocol == Protocol::LeaveOneOut {
        html.push_str(" The parts lie within each visitor's sequence.");
    }
    html.push_str("</p><table><thead><tr><th>Part</th><th class=\"n\">Sessions</th><th class=\"n\">Events</th><th class=\"n\">Items</th><th class=\"n\">Views</th><th class=\"n\">Baskets</th><th class=\"n\">Purchases</th></tr></thead><tbody>");
    for part in &report.parts {
        let _ = write!(html, "<tr><td>{}</td>", part.part);
        for n in [
            part.sessions,
            part.events,
            part.items,
            part.views,
            part.adds,
            part.buys,
        ] {
            let _ = write!(html, "<td class=\"n\">{}</td>", thousands(n));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
    let test = report.parts.iter().find(|part| part.part == "test");
    if let Some(test) = test {
        let _ = write!(
            html,
            "<p>{} of the test events ({}) are on items that training never saw.</p>",
            thousands(report.new_in_test),
            percent(report.new_in_test, test.events)
        );
    }
    html
}

fn lengths(report: &Report) -> String {
    let longest = report.sessions.longest.min(LONGEST_COLUMN);
    let first = report.sessions.shortest.min(longest);
    let mut bars: Vec<(String, u64)> = (first..=longest)
        .map(|length| (length.to_string(), 0))
        .collect();
    for (length, n) in &report.sessions.histogram {
        let place = (length - first).min((bars.len() - 1) as u64);
        if let Some((_, count)) = usize::try_from(place)
            .ok()
            .and_then(|place| bars.get_mut(place))
        {
            *count += n;
        }
    }
    if report.sessions.longest > LONGEST_COLUMN
        && let Some((name, _)) = bars.last_mut()
    {
        name.push('+');
    }
    format!(
        "{}<p>{} sessions; mean {:.1}, median {}, longest {}.</p>",
        columns(
            &bars,
            "events in the session",
            "sessions",
            "Histogram of session lengths"
        ),
        thousands(report.sessions.sessions),
        report.sessions.mean,
        report.sessions.median,
        thousands(report.sessions.longest)
    )
}

fn popularity(report: &Report) -> String {
    let (mut rank, mut points) = (0u64, Vec::new());
    for (events, items) in &report.popularity {
        points.push(((rank + 1) as f64, *events as f64));
        rank += items;
        points.push((rank as f64, *events as f64));
    }
    let (all, tenth) = (report.kept, rank.div_ceil(10));
    let (mut seen, mut head) = (0, 0);
    for (events, items) in &report.popularity {
        let taken = (tenth - seen).min(*items);
        head += taken * events;
        seen += taken;
    }
    format!(
        "{}<p>The most popular tenth of the items has {} of the events.</p>",
        log_log(
            &points,
            "rank of the item",
            "events",
            "Events of each item by rank, both logarithmic"
        ),
        percent(head, all)
    )
}

fn time(report: &Report) -> String {
    let Some(Coverage { bucket_ms, buckets }) = &report.coverage else {
        return "<p>These data have no times: only the order of events is known.</p>".into();
    };
    let hours = *bucket_ms < 24 * 60 * 60 * 1000;
    let label = move |ms: i64| {
        let format = if hours { "%m-%d %H:%M" } else { "%Y-%m-%d" };
        chrono::DateTime::from_timestamp_millis(ms)
            .map_or_else(String::new, |time| time.format(format).to_string())
    };
    let unit = match bucket_ms / 60_000 {
        1 => "minute".into(),
        n if n < 60 => format!("{n} minutes"),
        60 => "hour".into(),
        1440 => "day".into(),
        n => format!("{} days", n / 1440),
    };
    let with_events = buckets.len() as u64;
    let all = buckets
        .first()
        .zip(buckets.last())
        .map_or(0, |(first, last)| {
            ((last.0 - first.0) / bucket_ms + 1) as u64
        });
    format!(
        "{}<p class=\"legend\"><i class=\"train\"></i>train <i class=\"valid\"></i>valid <i class=\"test\"></i>test, events per {unit}; {} of {} have events.</p>",
        over_time(
            buckets,
            *bucket_ms,
            &label,
            "events",
            "Events over time by part"
        ),
        thousands(with_events),
        thousands(all)
    )
}

fn catalogue(report: &Report) -> String {
    let told = &report.catalogue;
    let mut html = format!(
        "<p>{} items, of which {} have no event.</p><table><tbody>",
        thousands(told.items),
        thousands(told.without_events)
    );
    for (what, n) in [
        ("with a title", told.with_title),
        ("with a category", told.with_category),
        ("with a price", told.with_price),
        ("with a picture", told.with_image),
        ("in stock", told.in_stock),
        ("with a stock that is not known", told.of_unknown_stock),
        ("no longer in the items file", told.unlisted),
    ] {
        let _ = write!(
            html,
            "<tr><td>{what}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"w\"><div class=\"bar good\" style=\"width:{:.1}%\"></div></td></tr>",
            thousands(n),
            percent(n, told.items),
            n as f64 / told.items.max(1) as f64 * 100.0
        );
    }
    html.push_str("</tbody></table>");
    html
}

fn top_items(report: &Report) -> String {
    let mut html = String::from(
        "<table><thead><tr><th>Item</th><th>Title</th><th>Category</th><th class=\"n\">Price</th><th class=\"n\">Events</th><th class=\"n\">Views</th><th class=\"n\">Baskets</th><th class=\"n\">Purchases</th></tr></thead><tbody>",
    );
    for item in &report.top_items {
        let _ = write!(
            html,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td class=\"n\">{}</td>",
            escape(&item.item_id),
            escape(item.title.as_deref().unwrap_or("")),
            escape(item.category.as_deref().unwrap_or("")),
            item.price
                .map_or_else(String::new, |price| format!("{price:.2}")),
        );
        for n in [item.events, item.views, item.adds, item.buys] {
            let _ = write!(html, "<td class=\"n\">{}</td>", thousands(n));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
    html
}

fn examples(report: &Report) -> String {
    let mut html = String::from(
        "<table><thead><tr><th>Rule</th><th>Where</th><th>Why</th><th>The row</th></tr></thead><tbody>",
    );
    for example in &report.examples {
        let fields: String = example.fields.chars().take(240).collect();
        let file = file_name(&example.file);
        let _ = write!(
            html,
            "<tr><td><code>{}</code></td><td>{}, line {}</td><td>{}</td><td><code class=\"raw\">{}</code></td></tr>",
            example.rule,
            escape(file),
            thousands(example.line),
            escape(&example.reason),
            escape(&fields)
        );
    }
    html.push_str("</tbody></table>");
    html
}
