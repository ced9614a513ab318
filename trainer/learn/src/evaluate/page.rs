//! `--report`: a page about a bundle for those who look after the shop.

use super::Evaluation;
use super::breakdown::{Breakdown, Group};
use super::calibration::{Calibration, Reliability};
use super::comparison::Comparison;
use super::protocol::Protocol;
use super::samples::Sample;
use crate::files::write_atomically;
use crate::page::{escape, head};
use crate::plots;
use crate::report::notices;
use std::path::Path;
use vitrine_core::dataset::DatasetFacts;

/// Writes the page.
///
/// # Errors
/// What the system says of the file.
pub fn write(
    path: &Path,
    found: &Evaluation,
    facts: &DatasetFacts,
    samples: &[Sample],
) -> std::io::Result<()> {
    write_atomically(path, page(found, facts, samples).as_bytes())
}

fn page(found: &Evaluation, facts: &DatasetFacts, samples: &[Sample]) -> String {
    let mut html = head(&format!("How well {} is ranked", facts.name));
    html += &summary(found, facts);
    html += &notices(&found.doubts);
    html += &figures(found);
    if let Some(against) = &found.against {
        html += &difference(found.protocol, against);
    }
    if let Some(breakdown) = &found.breakdown {
        html += &groups(breakdown);
        html += &catalogue(breakdown);
    }
    if let Some(calibration) = &found.calibration {
        html += &reliability(calibration);
    }
    html += &sessions(samples);
    html + "</html>\n"
}

fn summary(found: &Evaluation, facts: &DatasetFacts) -> String {
    let [low, high] = found.figures.intervals.p20;
    let question = match found.protocol {
        Protocol::NextItem => {
            "After each step of a visit, all items are ranked and the item that the visitor \
             opened next is looked for; it may be one that was seen before."
        }
        Protocol::LeaveOneOut => {
            "The last item of each customer is hidden; all items that the customer does not have \
             yet are ranked, and the hidden one is looked for."
        }
    };
    format!(
        "<p>Of 100 times, the next item stands among the first 20 <strong>{:.1} times</strong> \
         ({low:.1} to {high:.1}).{}</p><p class=note>Measured on bundle version {}, as it ships, \
         on {} steps of {} visits that it has not learned from. {question} Where other items \
         score the same, they count as before it, and an item that the bundle does not know \
         counts as not found: it knows {:.1} % of them.</p>",
        found.figures.metrics.p20,
        if facts.synthetic {
            " <strong>The history is synthetic.</strong>"
        } else {
            ""
        },
        found.version,
        found.figures.metrics.examples,
        found.sessions,
        found.labels_known,
    )
}

fn figures(found: &Evaluation) -> String {
    let mut rows = vec![(bundle_name(found), &found.figures)];
    if let Some(figures) = &found.without_encoder {
        rows.push((
            "the table alone, which ranks until the encoder is loaded",
            figures,
        ));
    }
    rows.extend(
        found
            .baselines
            .iter()
            .map(|(name, figures)| (baseline_name(name), figures)),
    );
    let body: String = rows
        .into_iter()
        .map(|(name, figures)| {
            let values = found.protocol.shown(figures.metrics.measures());
            let intervals = found.protocol.shown(figures.intervals);
            let cells = values.into_iter().zip(intervals);
            let cells =
                cells.map(|((_, value), (_, [low, high]))| cell(format!("{value:.2}"), low, high));
            format!("<tr><td>{name}{}", cells.collect::<String>())
        })
        .collect();
    format!(
        "<h2>Beside simple rules</h2><table>{}{body}</table><p class=note>Percent; below each \
         figure, the range in which it would lie on other visits of the same kind, 95 times of \
         100. P@20 and HR@k: how often the next item is among the first 20, or k. MRR@20: the \
         mean of 1/place, so that the first place counts most. NDCG@k: as MRR, but later places \
         lose less.</p>",
        heading(found.protocol)
    )
}

fn bundle_name(found: &Evaluation) -> &'static str {
    match found.without_encoder {
        Some(_) => "<strong>the bundle</strong>, table and encoder",
        None => "<strong>the bundle</strong>",
    }
}

fn baseline_name(name: &str) -> &str {
    match name {
        "pop" => "the most popular items",
        "s-pop" => "the visit's own items, then the most popular",
        "markov" => "what was opened right after the last item",
        "sequential-rules" => "what was opened within ten steps of the last item",
        "item-knn" => "what shares most visits with the last item",
        "sknn" => "visits with the same items",
        "vsknn" => "the same, the latest items counting more",
        "stan" => "the same, late visits and what is near counting more",
        "vstan" => "the same, rare items counting more",
        other => other,
    }
}

fn reliability(found: &Calibration) -> String {
    let places: Vec<String> = (1..=found.groups.len()).map(|at| at.to_string()).collect();
    let of = |value: fn(&Reliability) -> f64| found.groups.iter().map(value).collect();
    let series = [
        ("said".to_owned(), of(|group| group.said)),
        ("opened".to_owned(), of(|group| group.opened)),
    ];
    format!(
        "<h2>What a score is worth</h2>{}<p class=note>The listed items of all steps in {} groups,          from the lowest scores to the highest: how likely their scores say they are to be opened          next, and how many of them were, in percent. Scores become probabilities by isotonic          regression on one half of the visits, and are judged on the other. On average the two          are {:.2} points apart.</p>",
        plots::curves("likely and opened, %", &places, &series),
        found.groups.len(),
        found.error,
    )
}

fn heading(protocol: Protocol) -> String {
    let names = protocol.shown(super::metrics::Measures::<()>::default());
    let cells = names.map(|(name, ())| format!("<th>{name}"));
    format!("<tr><th>{}", cells.concat())
}

fn cell(value: String, low: f64, high: f64) -> String {
    format!("<td class=n>{value}<br><small class=note>{low:.2} to {high:.2}</small>")
}

fn difference(protocol: Protocol, against: &Comparison) -> String {
    let cells = protocol.shown(against.difference).map(|(_, difference)| {
        let [low, high] = difference.interval;
        cell(format!("{:+.2}", difference.value), low, high)
    });
    format!(
        "<h2>Against version {}</h2><table>{}<tr><td>better (+) or worse (−) by{}</table>\
         <p>Of {} next items, {} stand higher than with version {0}, {} lower, {} alike.</p>\
         <p class=note>Percent points. A range that does not hold 0 is a difference that chance \
         does not explain.</p>",
        against.version,
        heading(protocol),
        cells.concat(),
        against.wins + against.ties + against.losses,
        against.wins,
        against.losses,
        against.ties,
    )
}

fn groups(breakdown: &Breakdown) -> String {
    let plot = |title: &str, groups: &[Group], value: &dyn Fn(&Group) -> f64| {
        let bars: Vec<(&str, f64)> = groups
            .iter()
            .filter(|group| group.examples > 0)
            .map(|group| (group.group.as_str(), value(group)))
            .collect();
        plots::bars(title, &bars)
    };
    let p20 = |group: &Group| group.p20;
    let mrr20 = |group: &Group| group.mrr20;
    let (length, popularity) = (&breakdown.by_length, &breakdown.by_label_popularity);
    let plots = [
        plot("P@20 (%) by items seen before", length, &p20),
        plot("MRR@20 (%) by items seen before", length, &mrr20),
        plot(
            "P@20 (%) by popularity tenth of the next item",
            popularity,
            &p20,
        ),
        plot(
            "MRR@20 (%) by popularity tenth of the next item",
            popularity,
            &mrr20,
        ),
    ];
    let rows: String = [
        ("seen before", length),
        ("popularity tenth", popularity),
        ("next item in the history", &breakdown.by_label_known),
    ]
    .into_iter()
    .flat_map(|(title, groups)| groups.iter().map(move |group| (title, group)))
    .filter(|(_, group)| group.examples > 0)
    .map(|(title, group)| {
        format!(
            "<tr><td>{title}<td>{}<td class=n>{:.2}<td class=n>{:.2}<td class=n>{}",
            group.group, group.p20, group.mrr20, group.examples
        )
    })
    .collect();
    format!(
        "<h2>For which visits and items</h2><div class=plots>{}</div><p class=note>Tenth 1 holds \
         the least popular tenth of the items, tenth 10 the most popular.</p><details><summary>\
         In numbers</summary><table><tr><th><th><th>P@20<th>MRR@20<th>steps{rows}</table>\
         </details>",
        plots.concat()
    )
}

fn catalogue(breakdown: &Breakdown) -> String {
    let (percentile, novelty) = (breakdown.popularity_percentile, breakdown.novelty);
    format!(
        "<h2>What is shown of the catalogue</h2><table>\
         <tr><td>items that are among somebody's first 20<td class=n>{:.1} %\
         <tr><td>how unevenly the places go to items (Gini; 0 all alike, 1 one takes all)\
         <td class=n>{:.3}\
         <tr><td>a shown item is more popular than … of the items<td class=n>{:.1} %\
         <tr><td>an item that was opened next is more popular than … of the items\
         <td class=n>{:.1} %\
         <tr><td>novelty of a shown item (bits; +1 is half as popular)<td class=n>{:.2}\
         <tr><td>novelty of an item that was opened next<td class=n>{:.2}</table>",
        breakdown.coverage20,
        breakdown.gini20,
        percentile.recommended,
        percentile.labels,
        novelty.recommended,
        novelty.labels
    )
}

fn sessions(samples: &[Sample]) -> String {
    let cards: String = samples.iter().map(session).collect();
    format!(
        "<h2>Some visits</h2><p class=note>Spread evenly over all, not chosen by how well they \
         turned out. The reason is the part that gave most to the item's score.</p>{cards}"
    )
}

fn session(sample: &Sample) -> String {
    let seen: Vec<String> = sample
        .seen
        .iter()
        .map(|(name, action)| match action {
            vitrine_core::Action::View => escape(name),
            vitrine_core::Action::AddToCart => format!("{} (into the basket)", escape(name)),
            vitrine_core::Action::Buy => format!("{} (bought)", escape(name)),
        })
        .collect();
    let ranked: String = sample
        .ranked
        .iter()
        .map(|placed| {
            let name = escape(&placed.name);
            let name = match placed.is_next {
                true => format!("<strong>{name}</strong> ✓"),
                false => name,
            };
            format!(
                "<li>{name} <span class=note>{}</span>",
                escape(&placed.reason)
            )
        })
        .collect();
    let place = match sample.rank {
        0 => "not among the first 20".to_owned(),
        rank => format!("place {rank}"),
    };
    format!(
        "<section><h3>{}</h3><ol>{ranked}</ol><p>Then came <strong>{}</strong>: {place}.</p>\
         </section>",
        seen.join(" → "),
        escape(&sample.next)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::samples::Placed;
    use vitrine_core::Action;

    #[test]
    fn a_visit_reads_from_what_was_seen_to_what_came_next() {
        let sample = Sample {
            seen: vec![
                ("Kettle <1 l>".into(), Action::View),
                ("Tea & cup".into(), Action::Buy),
            ],
            ranked: vec![Placed {
                name: "Teapot".into(),
                reason: "goes with Tea & cup".into(),
                is_next: true,
            }],
            next: "Teapot".into(),
            rank: 1,
        };
        let html = session(&sample);
        assert!(
            html.contains("Kettle &lt;1 l&gt; → Tea &amp; cup (bought)"),
            "{html}"
        );
        assert!(html.contains("<strong>Teapot</strong> ✓"), "{html}");
        assert!(html.contains("goes with Tea &amp; cup"), "{html}");
        assert!(html.contains("place 1."), "{html}");
        let missed = Sample { rank: 0, ..sample };
        assert!(session(&missed).contains("not among the first 20"));
    }
}
