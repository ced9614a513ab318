//! The test part, and the sessions far from all others in time.
//!
//! The test part is a share of the *sessions*, not of the time between the first and the last: one
//! event of the year 2000 would otherwise put nearly the whole of a shop's history into the test.

use crate::engine::{Engine, statement};
use crate::error::PrepareError;
use crate::notice::Notices;
use crate::options::{DAY_MS, Options, TestPart};
use crate::pipeline::{single, whole, whole_at};
use crate::report::thousands;
use crate::rules::date;
use datafusion::arrow::array::RecordBatch;

/// Outliers are at most this share of the sessions at one end of the history, …
const OUTLIERS: f64 = 0.01;
/// … or this many, as long as they are no more than a tenth.
const FEW: u64 = 5;
/// No pause of fewer days makes an outlier; a shop may close for a holiday.
const LONGEST_PAUSE: i64 = 30;

/// Where the test part begins, and how that came about.
pub(crate) struct Split {
    /// The first moment of the test part, where it is given as days.
    pub from_ms: Option<i64>,
    /// The sessions before the test part, where it is given as a share.
    pub train_sessions: Option<i64>,
    /// The rule as a sentence.
    pub rule: String,
}

/// Decides on the split; `span` is the row of `transform/50_span.sql`.
pub(crate) async fn split(
    engine: &mut Engine<'_>,
    span: &RecordBatch,
    options: &Options,
    published: bool,
    notices: &Notices,
) -> Result<Split, PrepareError> {
    let none = |rule: &str| Split {
        from_ms: None,
        train_sessions: None,
        rule: rule.into(),
    };
    if published {
        return Ok(none("the split that the source publishes"));
    }
    let last = match whole(span, "last_ms") {
        Some(last) => Some(regular_end(engine, last, notices).await?),
        None => None,
    };
    let sessions = whole(span, "sessions").unwrap_or(0);
    Ok(match (options.test, last) {
        (TestPart::None, _) => none("everything is for training"),
        (TestPart::Share(share), last) => {
            let tested = ((sessions as f64 * share).round() as i64).max(i64::from(share > 0.0));
            Split {
                from_ms: None,
                // A single session is for training.
                train_sessions: Some((sessions - tested).max(1)),
                rule: format!(
                    "{}the last {:.0} % of the sessions in {} are for testing",
                    if last.is_some() {
                        ""
                    } else {
                        "without times, "
                    },
                    share * 100.0,
                    if last.is_some() {
                        "the order of time"
                    } else {
                        "the source's order"
                    },
                ),
            }
        }
        (TestPart::Days(days), Some(last)) => Split {
            from_ms: Some(last - i64::from(days) * DAY_MS),
            train_sessions: None,
            rule: format!("sessions that start in the last {days} days are for testing"),
        },
        (TestPart::Days(_), None) => {
            return Err(PrepareError::Option(
                "--test-days needs times, and the events have none; without it the last tenth of the sessions is for testing".into(),
            ));
        }
    })
}

/// The end of the sessions without those that are far behind all others, which are said.
async fn regular_end(
    engine: &mut Engine<'_>,
    last: i64,
    notices: &Notices,
) -> Result<i64, PrepareError> {
    let mut days = Vec::new();
    for batch in engine
        .rows(&statement!("transform/52_sessions_by_day"))
        .await?
    {
        for row in 0..batch.num_rows() {
            let count = whole_at(&batch, "sessions", row).and_then(|n| u64::try_from(n).ok());
            days.push((
                whole_at(&batch, "day", row).unwrap_or(0),
                count.unwrap_or(0),
            ));
        }
    }
    let Some(regular) = regular(&days) else {
        return Ok(last);
    };
    let outside = |day: i64| day < regular.0 || day > regular.1;
    let outliers: Vec<_> = days.iter().filter(|(day, _)| outside(*day)).collect();
    let (Some((first_out, _)), Some((last_out, _))) = (outliers.first(), outliers.last()) else {
        return Ok(last);
    };
    let sessions = outliers.iter().map(|(_, n)| n).sum();
    let days_of = |day: &i64| date(day * DAY_MS);
    notices.add(
        "time_outliers",
        format!(
            "{} {} far from all others in time: {} to {}, where the others begin from {} to {}.",
            thousands(sessions),
            if sessions == 1 {
                "session begins"
            } else {
                "sessions begin"
            },
            days_of(first_out),
            days_of(last_out),
            days_of(&regular.0),
            days_of(&regular.1),
        ),
        format!(
            "Leave them out with --earliest {} --latest {} if their times are wrong.",
            days_of(&regular.0),
            days_of(&regular.1)
        ),
    );
    engine.set("regular_until", (regular.1 + 1) * DAY_MS);
    let end = single(engine.rows(&statement!("transform/54_regular_end")).await?);
    Ok(whole(&end, "last_ms").unwrap_or(last))
}

/// The first and the last regular day, where some days at an end are none: few sessions, behind a
/// pause that is longer than nine tenths of the history last.
fn regular(days: &[(i64, u64)]) -> Option<(i64, i64)> {
    let all: u64 = days.iter().map(|(_, n)| n).sum();
    let at_most = ((all as f64 * OUTLIERS) as u64).max(FEW.min(all / 10));
    let quantile = |share: f64| {
        let mut seen = 0;
        let wanted = all as f64 * share;
        let found = days.iter().find(|(_, n)| {
            seen += n;
            seen as f64 >= wanted
        });
        found.map(|(day, _)| *day)
    };
    let pause = (quantile(0.95)? - quantile(0.05)?).max(LONGEST_PAUSE);
    let end = |days: &mut dyn Iterator<Item = &(i64, u64)>| {
        let (mut seen, mut before, mut regular) = (0, None, None);
        for (day, sessions) in days {
            if let Some(before) = before
                && i64::abs(day - before) > pause
            {
                regular = Some(*day);
            }
            seen += sessions;
            if seen > at_most {
                break;
            }
            before = Some(*day);
        }
        regular
    };
    let first = end(&mut days.iter());
    let last = end(&mut days.iter().rev());
    (first.is_some() || last.is_some()).then_some(())?;
    Some((
        first.or(days.first().map(|d| d.0))?,
        last.or(days.last().map(|d| d.0))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_are_few_and_behind_a_long_pause() {
        let shop: Vec<(i64, u64)> = (1000..1060).map(|day| (day, 4)).collect();
        assert_eq!(regular(&shop), None);
        // Two sessions 900 days before 240 others.
        let early = [&[(100, 2)][..], &shop].concat();
        assert_eq!(regular(&early), Some((1000, 1059)));
        let both = [&early[..], &[(1200, 1), (2000, 1)]].concat();
        assert_eq!(regular(&both), Some((1000, 1059)));
        // A tenth of the sessions is a part of the history, however far away.
        let many = [&[(100, 30)][..], &shop].concat();
        assert_eq!(regular(&many), None);
        // A quiet start: a session a month, years before the shop grew.
        let quiet: Vec<_> = (0..30).map(|n| (100 + n * 30, 1)).chain(shop).collect();
        assert_eq!(regular(&quiet), None);
        assert_eq!(regular(&[]), None);
        assert_eq!(regular(&[(5, 1)]), None);
    }
}
