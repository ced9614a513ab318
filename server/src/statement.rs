//! What `release` and `privacy` say about ε, in words that a privacy officer can quote.

use crate::ledger::{Ledger, Total};
use crate::promise::Policy;
use crate::storage::Forecast;
use std::fmt::Write as _;
use vitrine_core::metric;
use vitrine_core::privacy::{Level, NoiseFacts};

/// The ledger: a line for each release, then the sums.
pub fn ledger(ledger: &Ledger, policy: &Policy, now: u64, waiting: usize) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:>8} {:>10} {:>10} {:>6} {:>8} {:>6} {:>4} {:>3} {:>8}",
        "window", "released", "level", "ε", "exact δ", "σ", "τ", "L", "ρ"
    );
    for entry in ledger.entries() {
        let (window, on, level) = (entry.window, &entry.released_on, entry.level.name());
        let _ = write!(text, "{window:>8} {on:>10} {level:>10}");
        let _ = match &entry.spent {
            Some(spent) => {
                let noise = &spent.noise;
                let delta = spent.noise_delta + spent.threshold_delta;
                writeln!(
                    text,
                    " {:>6} {delta:>8.1e} {:>6} {:>4} {:>3} {:>8.5}",
                    noise.epsilon, noise.sigma, noise.threshold, noise.cells, noise.rho
                )
            }
            None => match entry.metric_epsilon.filter(|_| entry.level == Level::Local) {
                Some(epsilon) => writeln!(text, " {epsilon:>6}"),
                None => writeln!(text, " {:>6}", "none"),
            },
        };
    }
    let _ = writeln!(text, "last year: {}", total(&ledger.last_year(now)));
    let _ = writeln!(text, "so far: {}", total(&ledger.so_far()));
    let _ = match policy.epsilon_ceiling {
        Some(ceiling) => writeln!(text, "epsilon_ceiling: {ceiling} over any one year"),
        None => writeln!(text, "epsilon_ceiling: none"),
    };
    let _ = write!(
        text,
        "windows that are not released, the open one included: {waiting}"
    );
    text
}

/// What a dry run says of a window.
pub fn forecast(window: u64, forecast: &Forecast) -> String {
    let Forecast {
        level,
        reports,
        cells,
        expected,
        noise,
        epsilon_ceiling,
        year,
    } = forecast;
    let about = match noise {
        Some(_) => format!("about {expected:.0} with this level's noise"),
        None => format!("{expected:.0}"),
    };
    let end = match year {
        Ok(year) => {
            let cost = cost(*level, noise.as_ref(), year);
            let ceiling = epsilon_ceiling.filter(|_| noise.is_some());
            let ceiling = ceiling.map(|ceiling| format!(" of {ceiling} allowed"));
            format!("{cost}{}", ceiling.unwrap_or_default())
        }
        Err(refused) => format!("; refused: {refused}"),
    };
    format!(
        "window {window}, dry run, nothing is changed: {reports} reports name {cells} cells, of \
         which {about} would be released{end}"
    )
}

/// What a release costs, as the end of a sentence.
pub fn cost(level: Level, noise: Option<&NoiseFacts>, year: &Total) -> String {
    let Some(noise) = noise else {
        return match level {
            Level::Local => format!(
                "; local: metrics only, with the devices' own noise, ε {} for this window and {} \
                 over its year",
                metric::EPSILON,
                year.metric_epsilon
            ),
            _ => "; the unlinkable level is not differential privacy".into(),
        };
    };
    let NoiseFacts {
        epsilon,
        delta,
        sigma,
        threshold,
        cells,
        ..
    } = noise;
    format!(
        "; private: ε {epsilon} and δ {delta:e} for this window (σ {sigma}, τ {threshold}, L \
         {cells}), ε {:.2} over its year",
        year.epsilon()
    )
}

fn total(total: &Total) -> String {
    let mut text = match total.private {
        0 => "no private release".to_owned(),
        releases => format!(
            "ε {:.2} at δ {:.1e} from {releases} private {}",
            total.epsilon(),
            total.delta(),
            if releases == 1 { "release" } else { "releases" }
        ),
    };
    if total.unlinkable > 0 {
        let _ = write!(
            text,
            "; besides, {} at the unlinkable level, which no ε bounds",
            total.unlinkable
        );
    }
    if total.metrics > 0 {
        let _ = write!(
            text,
            "; ε {} on the devices for metrics of {} {}",
            total.metric_epsilon,
            total.metrics,
            if total.metrics == 1 {
                "window"
            } else {
                "windows"
            }
        );
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::ledger::{Entry, Spent};
    use vitrine_core::privacy::Guarantee;

    #[test]
    fn the_ledger_says_what_was_spent_and_what_no_epsilon_bounds() {
        let parameters = vitrine_privacy::calibrate(Guarantee::default(), 8).unwrap();
        let private = Entry {
            window: 2800,
            window_seconds: 604_800,
            released_on: "2023-09-07".into(),
            level: Level::Private,
            spent: Some(Spent::from(&parameters)),
            metric_epsilon: None,
        };
        let public = Entry {
            window: 2700,
            released_on: "2021-10-07".into(),
            level: Level::Unlinkable,
            spent: None,
            ..private.clone()
        };
        let entries = Ledger::new(vec![private, public]);
        let text = ledger(&entries, &Policy::default(), 2801 * 604_800, 1);
        // ρ = 8/(2·3.5²) = 0.32653; δ = 3.78e−7 + 4.54e−7.
        let lines: Vec<_> = text.lines().map(str::trim_start).collect();
        assert!(lines[1].ends_with("unlinkable   none"), "{text}");
        assert_eq!(
            lines[2].split_whitespace().collect::<Vec<_>>().join(" "),
            "2800 2023-09-07 private 4 8.3e-7 3.5 20 8 0.32653"
        );
        assert_eq!(
            lines[3],
            "last year: ε 4.11 at δ 1.5e-6 from 1 private release"
        );
        let so_far = "so far: ε 4.11 at δ 1.5e-6 from 1 private release; besides, 1 at the \
                      unlinkable level, which no ε bounds";
        assert_eq!(lines[4], so_far);
    }
}
