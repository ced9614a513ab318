//! How much each item is asked for, and whether it is on the rise.

use crate::dataset::Sessions;

/// The part of the sessions, from the latest, that counts as recent.
const RECENT: f64 = 0.1;

/// Demand by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// Events; `[N]`.
    pub count: Vec<f64>,
    /// ln of events at the recent rate over events of the whole history, one added to each; `[N]`.
    /// 0 for steady demand, above it for an item on the rise.
    pub trend: Vec<f64>,
}

impl Demand {
    /// Of `items` rows in sessions, which are in time order.
    pub fn of(items: usize, sessions: &Sessions) -> Self {
        let mut count = vec![0.0; items];
        let mut recent = vec![0.0; items];
        let from = sessions.len() - (sessions.len() as f64 * RECENT).ceil() as usize;
        for (at, session) in sessions.iter().enumerate() {
            for row in session.iter().filter_map(|event| event.row) {
                count[row as usize] += 1.0;
                if at >= from {
                    recent[row as usize] += 1.0;
                }
            }
        }
        let trend = count
            .iter()
            .zip(&recent)
            .map(|(count, recent)| ((recent / RECENT + 1.0) / (count + 1.0)).ln())
            .collect();
        Self { count, trend }
    }

    /// Adds events that came back from the field.
    pub fn add(&mut self, events: &[f64]) {
        for (count, more) in self.count.iter_mut().zip(events) {
            *count += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitrine_core::Action;
    use vitrine_core::score::Event;

    #[test]
    fn what_is_seen_of_late_is_on_the_rise() {
        let mut sessions = Sessions::new();
        for at in 0..20 {
            sessions.push([u32::from(at >= 18), 2].map(|row| Event {
                row: Some(row),
                action: Action::View,
            }));
        }
        let demand = Demand::of(3, &sessions);
        assert_eq!(demand.count, [18.0, 2.0, 20.0]);
        assert_eq!(demand.trend, [(1.0_f64 / 19.0).ln(), 7.0_f64.ln(), 0.0]);
    }
}
