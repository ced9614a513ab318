//! The page of a search for hyper-parameters: every trial, and how far it came.

use crate::files::write_atomically;
use crate::page::head;
use crate::plots;
use crate::tune::Trial;
use std::fmt::Write;
use std::path::Path;

/// Writes the page; `trials` stand best first.
///
/// # Errors
/// What the system says of the file.
pub fn write(path: &Path, trials: &[Trial]) -> std::io::Result<()> {
    write_atomically(path, page(trials).as_bytes())
}

fn page(trials: &[Trial]) -> String {
    let mut html = head("Search for hyper-parameters");
    html += "<p class=note>All trials make one pass, the better third goes on to three times as \
             many, and so on. Judged by P@20 + MRR@20 of the encoder alone on validation. Trial 0 \
             is the recipe as it was given; the first row is what was written.</p><div class=plots>";
    let longest = trials.iter().max_by_key(|trial| trial.rungs.len());
    let places: Vec<String> = longest.map_or_else(Vec::new, |trial| {
        let passes = trial.rungs.iter().map(|rung| rung.passes.to_string());
        passes.collect()
    });
    let series: Vec<(String, Vec<f64>)> = trials
        .iter()
        .map(|trial| {
            let worth = trial.rungs.iter().map(|rung| rung.figures.worth());
            (format!("trial {}", trial.number), worth.collect())
        })
        .collect();
    html += &plots::curves("P@20 + MRR@20 over passes (%)", &places, &series);
    html += "</div><table><tr><th>trial<th>passes<th>P@20<th>MRR@20<th>backbone<th>rate<th>decay\
             <th>dropout<th>temperature<th>hidden<th>negatives<th>their power<th>batch";
    for trial in trials {
        let p = &trial.parameters;
        // Writing into a String can't fail.
        let _ = write!(
            html,
            "<tr><td class=n>{}<td class=n>{}<td class=n>{:.2}<td class=n>{:.2}<td>{}\
             <td class=n>{:.5}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}\
             <td class=n>{}<td class=n>{}<td class=n>{}",
            trial.number,
            trial.passes(),
            trial.figures().p20,
            trial.figures().mrr20,
            p.backbone.name(),
            p.learning_rate,
            p.learning_rate_decay,
            p.dropout,
            p.temperature,
            p.hidden,
            p.negatives,
            p.negative_power,
            p.batch
        );
    }
    html += "</table></html>\n";
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::EncoderParameters;
    use crate::run::Figures;
    use crate::tune::Rung;

    #[test]
    fn every_trial_has_a_line_and_a_row() {
        let rung = |passes: usize, p20: f64| Rung {
            passes,
            figures: Figures { p20, mrr20: 10.0 },
        };
        let trial = |number: usize, rungs: Vec<Rung>| Trial {
            number,
            parameters: EncoderParameters::default(),
            rungs,
        };
        let trials = [
            trial(1, vec![rung(1, 30.0), rung(3, 40.0)]),
            trial(0, vec![rung(1, 20.0)]),
        ];
        let html = page(&trials);
        assert!(
            html.contains("trial 0") && html.contains("trial 1"),
            "{html}"
        );
        assert_eq!(html.matches("<td>gru").count(), 2);
        assert!(html.contains("<td class=n>3<td class=n>40.00"), "{html}");
    }
}
