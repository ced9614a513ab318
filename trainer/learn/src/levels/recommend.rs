//! Which level and window to choose, by a rule that is stated and not by taste.

use super::{Levels, Outcome, Rule};

/// What is recommended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recommendation {
    /// The way to treat the field.
    pub outcome: Outcome,
    /// Whether it keeps as much as was asked for.
    pub enough: bool,
}

/// The strongest promise that keeps at least `keep` percent of the field's value, at the largest
/// number of windows (the shortest windows) and then the smallest L at which it does. Where none
/// does, what keeps most at k ≥ 2. k = 1 is never recommended: a single report would be read.
pub fn recommend(levels: &Levels, keep: f64) -> Option<Recommendation> {
    let allowed = |outcome: &&Outcome| outcome.rule != Rule::Unlinkable(1);
    let strength = |rule: Rule| Rule::LEVELS.iter().position(|&level| level == rule);
    let enough = levels
        .outcomes
        .iter()
        .filter(|outcome| outcome.kept >= keep);
    let best = enough.filter(allowed).max_by(|a, b| {
        let by_promise = strength(a.rule).cmp(&strength(b.rule));
        let by_window = a.windows.cmp(&b.windows);
        by_promise.then(by_window).then(b.cells.cmp(&a.cells))
    });
    if let Some(&outcome) = best {
        return Some(Recommendation {
            outcome,
            enough: true,
        });
    }
    let most = levels.outcomes.iter().filter(allowed);
    most.max_by(|a, b| a.kept.total_cmp(&b.kept))
        .map(|&outcome| Recommendation {
            outcome,
            enough: false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::TableForm;

    fn outcome(rule: Rule, windows: usize, cells: u32, kept: f64) -> Outcome {
        Outcome {
            rule,
            cells,
            windows,
            released: 0,
            p20: 0.0,
            mrr20: 0.0,
            kept,
        }
    }

    #[test]
    fn the_strongest_promise_that_keeps_enough_and_never_a_single_report() {
        let levels = |outcomes| Levels {
            dataset: String::new(),
            history_sessions: 1,
            field_sessions: 1,
            field_days: None,
            form: TableForm::FirstOrder,
            history: outcome(Rule::History, 1, 0, 0.0),
            whole: outcome(Rule::Whole, 1, 0, 100.0),
            outcomes,
        };
        let (one, two, three) = (
            Rule::Unlinkable(1),
            Rule::Unlinkable(2),
            Rule::Unlinkable(3),
        );
        let dense = levels(vec![
            outcome(one, 1, 8, 99.0),
            outcome(two, 1, 8, 80.0),
            outcome(three, 1, 8, 60.0),
            outcome(three, 4, 16, 55.0),
            outcome(three, 4, 8, 52.0),
            outcome(Rule::Private(4.0), 1, 8, 20.0),
        ]);
        let chosen = |levels: &Levels, keep| {
            recommend(levels, keep).map(|r| (r.outcome.rule, r.outcome.windows, r.outcome.cells))
        };
        assert_eq!(chosen(&dense, 50.0), Some((three, 4, 8)));
        assert_eq!(chosen(&dense, 70.0), Some((two, 1, 8)));
        assert_eq!(chosen(&dense, 10.0), Some((Rule::Private(4.0), 1, 8)));
        let short = recommend(&dense, 90.0);
        assert_eq!(
            short.map(|r| (r.outcome.rule, r.enough)),
            Some((two, false))
        );
        assert_eq!(chosen(&levels(vec![]), 50.0), None);
    }
}
