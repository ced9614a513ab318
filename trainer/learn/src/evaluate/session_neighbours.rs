//! Rankers that look for past sessions like this one: SKNN and VSKNN (Ludewig & Jannach, UMUAI
//! 2018, arXiv 1803.09587), STAN (Garg et al., SIGIR 2019, arXiv 1907.00150) and VSTAN (Ludewig et
//! al., UMUAI 2021, arXiv 1910.12781).
//!
//! They need the sessions themselves, so they can't be shipped to a browser; here they are a
//! measure. Histories need not hold times, so a session's age is its distance from the end of train
//! as a share of train.

use crate::dataset::Sessions;
use std::collections::HashMap;
use vitrine_core::score::Event;

/// One of the four, with parameters near those published for shops.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// Its name in tables.
    pub name: &'static str,
    /// Sessions that share an item, the latest ones, that are compared.
    sample: usize,
    /// The most alike of them, which vote.
    neighbours: usize,
    /// How an item of the session counts by how long ago it was seen.
    recency: Recency,
    /// Share of train after which a session counts 1/e.
    age: Option<f64>,
    /// Events from the shared item after which a neighbour's item counts 1/e.
    distance: Option<f64>,
    /// Weight of an item's inverse frequency.
    rarity: f64,
}

#[derive(Clone, Copy, Debug)]
enum Recency {
    /// Every item counts 1.
    Flat,
    /// (place / length)².
    Quadratic,
    /// e^(−events since / this).
    Exponential(f64),
}

/// SKNN, VSKNN, STAN, VSTAN.
pub const METHODS: [Method; 4] = [
    Method {
        name: "sknn",
        sample: 1000,
        neighbours: 100,
        recency: Recency::Flat,
        age: None,
        distance: None,
        rarity: 0.0,
    },
    Method {
        name: "vsknn",
        sample: 1000,
        neighbours: 100,
        recency: Recency::Quadratic,
        age: None,
        distance: None,
        rarity: 1.0,
    },
    Method {
        name: "stan",
        sample: 2500,
        neighbours: 500,
        recency: Recency::Exponential(3.0),
        age: Some(0.5),
        distance: Some(3.0),
        rarity: 0.0,
    },
    Method {
        name: "vstan",
        sample: 2500,
        neighbours: 500,
        recency: Recency::Exponential(3.0),
        age: Some(0.5),
        distance: Some(3.0),
        rarity: 0.1,
    },
];

/// Train's sessions, and where each item occurs.
pub struct Neighbourhoods {
    /// Rows of each session, in order.
    sessions: Vec<Vec<u32>>,
    /// Sessions of each row; they rise.
    of_row: Vec<Vec<u32>>,
}

impl Neighbourhoods {
    /// For `items` rows.
    pub fn of(items: usize, train: &Sessions) -> Self {
        let mut of_row = vec![Vec::new(); items];
        let sessions: Vec<Vec<u32>> = train
            .iter()
            .map(|session| session.iter().filter_map(|event| event.row).collect())
            .collect();
        for (at, rows) in sessions.iter().enumerate() {
            for &row in rows {
                let list: &mut Vec<u32> = &mut of_row[row as usize];
                if list.last() != Some(&(at as u32)) {
                    list.push(at as u32);
                }
            }
        }
        Self { sessions, of_row }
    }

    /// Scores of the items that the session's neighbours hold.
    pub fn scores(&self, method: &Method, input: &[Event]) -> HashMap<u32, f64> {
        let weights = weights(method.recency, input);
        let mut candidates: Vec<u32> = weights
            .keys()
            .flat_map(|&row| {
                let list = &self.of_row[row as usize];
                &list[list.len().saturating_sub(method.sample)..]
            })
            .copied()
            .collect();
        candidates.sort_unstable_by(|a, b| b.cmp(a));
        candidates.dedup();
        candidates.truncate(method.sample);
        let mut neighbours: Vec<(f64, u32)> = candidates
            .into_iter()
            .map(|session| (self.likeness(method, &weights, session), session))
            .collect();
        neighbours.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut scores = HashMap::new();
        for &(likeness, session) in neighbours.iter().take(method.neighbours) {
            let rows = &self.sessions[session as usize];
            let weight = |row| weights.get(row).copied().unwrap_or(0.0);
            // The shared item that was seen last in this visit.
            let shared = (0..rows.len())
                .max_by(|&a, &b| weight(&rows[a]).total_cmp(&weight(&rows[b])))
                .unwrap_or(0);
            for (place, &row) in rows.iter().enumerate() {
                let near = method.distance.map_or(1.0, |scale| {
                    (-(place.abs_diff(shared) as f64) / scale).exp()
                });
                *scores.entry(row).or_insert(0.0) += likeness * near;
            }
        }
        let sessions = self.sessions.len() as f64;
        for (row, score) in &mut scores {
            let frequency = self.of_row[*row as usize].len() as f64;
            *score *= 1.0 + method.rarity * (sessions / frequency).ln();
        }
        scores
    }

    fn likeness(&self, method: &Method, weights: &HashMap<u32, f64>, session: u32) -> f64 {
        let mut rows = self.sessions[session as usize].clone();
        rows.sort_unstable();
        rows.dedup();
        let shared: f64 = rows.iter().filter_map(|row| weights.get(row)).sum();
        let age = 1.0 - f64::from(session) / self.sessions.len() as f64;
        let fresh = method.age.map_or(1.0, |scale| (-age / scale).exp());
        shared / ((rows.len() * weights.len()) as f64).sqrt() * fresh
    }
}

/// What each item of the session counts; an item that was seen again counts by its last time.
fn weights(recency: Recency, input: &[Event]) -> HashMap<u32, f64> {
    let rows: Vec<u32> = input.iter().filter_map(|event| event.row).collect();
    let length = rows.len();
    rows.into_iter()
        .enumerate()
        .map(|(place, row)| {
            let weight = match recency {
                Recency::Flat => 1.0,
                Recency::Quadratic => ((place + 1) as f64 / length as f64).powi(2),
                Recency::Exponential(scale) => (-((length - 1 - place) as f64) / scale).exp(),
            };
            (row, weight)
        })
        .collect()
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;
    use vitrine_core::Action;

    fn events(rows: &[u32]) -> Vec<Event> {
        let event = |&row| Event {
            row: Some(row),
            action: Action::View,
        };
        rows.iter().map(event).collect()
    }

    fn neighbourhoods(sessions: &[&[u32]]) -> Neighbourhoods {
        let mut train = Sessions::new();
        for rows in sessions {
            train.push(events(rows));
        }
        Neighbourhoods::of(6, &train)
    }

    #[test]
    fn the_cosine_of_sets_votes() {
        let known = neighbourhoods(&[&[0, 1, 2], &[0, 3], &[4, 5]]);
        let scores = known.scores(&METHODS[0], &events(&[0, 1]));
        // 2/√(3·2) of the first session, 1/√(2·2) of the second; the third shares nothing.
        assert!((scores[&2] - 2.0 / 6f64.sqrt()).abs() < 1e-12);
        assert!((scores[&3] - 0.5).abs() < 1e-12);
        assert_eq!(scores.get(&5), None);
    }

    #[test]
    fn stan_prefers_the_latest_item_the_latest_session_and_what_is_near() {
        let stan = &METHODS[2];
        let known = neighbourhoods(&[&[0, 2], &[1, 3], &[1, 4, 4, 5]]);
        let scores = known.scores(stan, &events(&[0, 1]));
        assert!(scores[&3] > scores[&2], "1 was seen after 0");
        let same = neighbourhoods(&[&[0, 2], &[0, 3]]);
        let scores_of_age = same.scores(stan, &events(&[0]));
        assert!(scores_of_age[&3] > scores_of_age[&2]);
        assert!(scores[&4] > scores[&5], "5 is farther from the shared item");
    }

    #[test]
    fn a_rare_item_counts_more_where_rarity_counts() {
        let known = neighbourhoods(&[&[0, 1, 2], &[1, 3], &[1, 4]]);
        let input = events(&[0]);
        let flat = known.scores(&METHODS[2], &input);
        let rare = known.scores(&METHODS[3], &input);
        assert!(rare[&2] / flat[&2] > rare[&1] / flat[&1]);
    }
}
