//! Rankers that look for past sessions like this one: SKNN and VSKNN (Ludewig & Jannach, UMUAI
//! 2018, arXiv 1803.09587), STAN (Garg et al., SIGIR 2019, arXiv 1907.00150) and VSTAN (Ludewig et
//! al., UMUAI 2021, arXiv 1910.12781).
//!
//! They need the sessions themselves, so they can't be shipped to a browser; here they are a
//! measure, and teachers of the table. Histories need not hold times, so a session's age is its distance from the end of train
//! as a share of train.

use crate::dataset::Sessions;
use crate::table::covisits::Accumulator;
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

/// Train's sessions, where each item occurs, and what a method makes of them.
pub struct Neighbourhoods {
    method: Method,
    /// Rows of the sessions, in order, end to end.
    rows: Vec<u32>,
    /// Where each session starts in `rows`, and the end; `[sessions + 1]`.
    start: Vec<usize>,
    /// Sessions of each row; they rise.
    of_row: Vec<Vec<u32>>,
    /// How fresh each session is over the root of how many different rows it has.
    weight: Vec<f64>,
    /// What an item counts by its distance from the shared one.
    near: Vec<f64>,
    /// What each row's score is multiplied by.
    rarity: Vec<f64>,
}

/// Room to work in, which one question after another may use.
pub struct Scratch {
    /// What the rows of the question's session count; `[N]`.
    weight: Vec<f64>,
    /// What each train session shares with it; `[sessions]`.
    shared: Vec<f64>,
    score: Accumulator,
}

impl Neighbourhoods {
    /// For `items` rows.
    pub fn of(items: usize, train: &Sessions, method: Method) -> Self {
        let (mut rows, mut start) = (Vec::with_capacity(train.events.len()), vec![0]);
        let mut of_row: Vec<Vec<u32>> = vec![Vec::new(); items];
        let mut weight = Vec::with_capacity(train.len());
        let mut longest = 0;
        for (at, session) in train.iter().enumerate() {
            let mut distinct = 0;
            for row in session.iter().filter_map(|event| event.row) {
                rows.push(row);
                let list = &mut of_row[row as usize];
                if list.last() != Some(&(at as u32)) {
                    list.push(at as u32);
                    distinct += 1;
                }
            }
            start.push(rows.len());
            longest = longest.max(session.len());
            let age = 1.0 - at as f64 / train.len() as f64;
            let fresh = method.age.map_or(1.0, |scale| (-age / scale).exp());
            weight.push(fresh / f64::from(distinct).sqrt());
        }
        let near = |distance| {
            let decay = |scale: f64| (-(distance as f64) / scale).exp();
            method.distance.map_or(1.0, decay)
        };
        let rarity = |list: &Vec<u32>| {
            let frequency = list.len() as f64 / train.len() as f64;
            1.0 - method.rarity * frequency.ln()
        };
        Self {
            method,
            near: (0..longest).map(near).collect(),
            rarity: of_row.iter().map(rarity).collect(),
            rows,
            start,
            of_row,
            weight,
        }
    }

    /// How many sessions with an item are looked at.
    pub fn compared(&self, row: u32) -> usize {
        self.of_row[row as usize].len().min(self.method.sample)
    }

    /// Room for questions.
    pub fn scratch(&self) -> Scratch {
        Scratch {
            weight: vec![0.0; self.of_row.len()],
            shared: vec![0.0; self.weight.len()],
            score: Accumulator::new(self.of_row.len()),
        }
    }

    /// Scores of the items that the session's neighbours hold, by rising row; the train session
    /// `but`, where one is given, is none of them.
    pub fn scores(
        &self,
        input: &[Event],
        but: Option<u32>,
        scratch: &mut Scratch,
    ) -> Vec<(u32, f64)> {
        let weights = weights(self.method.recency, input);
        let neighbours = self.neighbours(&weights, but, scratch);
        for &(row, weight) in &weights {
            scratch.weight[row as usize] = weight;
        }
        for (likeness, session) in neighbours {
            let rows = &self.rows[self.start[session as usize]..self.start[session as usize + 1]];
            // The shared item that was seen last in this visit.
            let (mut shared, mut most) = (0, 0.0);
            for (place, &row) in rows.iter().enumerate() {
                if scratch.weight[row as usize] >= most {
                    (shared, most) = (place, scratch.weight[row as usize]);
                }
            }
            for (place, &row) in rows.iter().enumerate() {
                let near = self.near[place.abs_diff(shared)];
                scratch.score.add(row, likeness * near);
            }
        }
        for (row, _) in weights {
            scratch.weight[row as usize] = 0.0;
        }
        let mut scores = scratch.score.take_sorted();
        for (row, score) in &mut scores {
            *score *= self.rarity[*row as usize];
        }
        scores
    }

    /// The sessions most like one whose rows count what `weights` say, and how alike they are.
    fn neighbours(
        &self,
        weights: &[(u32, f64)],
        but: Option<u32>,
        scratch: &mut Scratch,
    ) -> Vec<(f64, u32)> {
        let (sample, most) = (self.method.sample, self.method.neighbours);
        let mut found = Vec::new();
        for &(row, weight) in weights {
            let list = &self.of_row[row as usize];
            // One more than are compared, in place of `but`. What is older than these is older
            // than all that are compared, so that its share is not missed.
            for &session in &list[list.len().saturating_sub(sample + 1)..] {
                let shared = &mut scratch.shared[session as usize];
                if *shared == 0.0 {
                    found.push(session);
                }
                *shared += weight;
            }
        }
        let others = found.iter().filter(|&&session| Some(session) != but);
        let mut compared: Vec<u32> = others.copied().collect();
        if compared.len() > sample {
            compared.select_nth_unstable_by(sample, |a, b| b.cmp(a));
            compared.truncate(sample);
        }
        let unit = 1.0 / (weights.len() as f64).sqrt();
        let alike = |session: u32| {
            let at = session as usize;
            (scratch.shared[at] * self.weight[at] * unit, session)
        };
        let mut neighbours: Vec<(f64, u32)> = compared.into_iter().map(alike).collect();
        for session in found {
            scratch.shared[session as usize] = 0.0;
        }
        if neighbours.len() > most {
            neighbours.select_nth_unstable_by(most, |a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
            neighbours.truncate(most);
        }
        // Sums of floating-point numbers depend on their order.
        neighbours.sort_unstable_by_key(|neighbour| neighbour.1);
        neighbours
    }
}

/// What each item of the session counts, above 0; an item that was seen again counts by its last
/// time.
fn weights(recency: Recency, input: &[Event]) -> Vec<(u32, f64)> {
    let rows: Vec<u32> = input.iter().filter_map(|event| event.row).collect();
    let length = rows.len();
    let mut weights: Vec<(u32, f64)> = Vec::with_capacity(length);
    for (place, &row) in rows.iter().enumerate().rev() {
        if weights.iter().all(|seen| seen.0 != row) {
            let weight: f64 = match recency {
                Recency::Flat => 1.0,
                Recency::Quadratic => ((place + 1) as f64 / length as f64).powi(2),
                Recency::Exponential(scale) => (-((length - 1 - place) as f64) / scale).exp(),
            };
            // An old event of a long session may weigh nothing in this format.
            weights.push((row, weight.max(f64::MIN_POSITIVE)));
        }
    }
    weights
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;
    use crate::dataset::views;
    use std::collections::HashMap;

    fn neighbourhoods(sessions: &[&[u32]], method: usize) -> Neighbourhoods {
        Neighbourhoods::of(6, &Sessions::of_views(sessions), METHODS[method])
    }

    fn scores(known: &Neighbourhoods, input: &[Event]) -> HashMap<u32, f64> {
        let mut scratch = known.scratch();
        let scores = known.scores(input, None, &mut scratch);
        // What one question leaves behind would change the next.
        assert_eq!(known.scores(input, None, &mut scratch), scores);
        scores.into_iter().collect()
    }

    #[test]
    fn the_cosine_of_sets_votes() {
        let known = neighbourhoods(&[&[0, 1, 2], &[0, 3], &[4, 5]], 0);
        let scores = scores(&known, &views(&[0, 1]));
        // 2/√(3·2) of the first session, 1/√(2·2) of the second; the third shares nothing.
        assert!((scores[&2] - 2.0 / 6f64.sqrt()).abs() < 1e-12);
        assert!((scores[&3] - 0.5).abs() < 1e-12);
        assert_eq!(scores.get(&5), None);
    }

    #[test]
    fn stan_prefers_the_latest_item_the_latest_session_and_what_is_near() {
        let known = neighbourhoods(&[&[0, 2], &[1, 3], &[1, 4, 4, 5]], 2);
        let voted = scores(&known, &views(&[0, 1]));
        assert!(voted[&3] > voted[&2], "1 was seen after 0");
        let same = neighbourhoods(&[&[0, 2], &[0, 3]], 2);
        let scores_of_age = scores(&same, &views(&[0]));
        assert!(scores_of_age[&3] > scores_of_age[&2]);
        assert!(voted[&4] > voted[&5], "5 is farther from the shared item");
    }

    #[test]
    fn a_rare_item_counts_more_where_rarity_counts() {
        let sessions: &[&[u32]] = &[&[0, 1, 2], &[1, 3], &[1, 4]];
        let input = views(&[0]);
        let flat = scores(&neighbourhoods(sessions, 2), &input);
        let rare = scores(&neighbourhoods(sessions, 3), &input);
        assert!(rare[&2] / flat[&2] > rare[&1] / flat[&1]);
    }

    #[test]
    fn a_session_is_no_neighbour_of_its_own_prefix() {
        let known = neighbourhoods(&[&[0, 1, 2], &[0, 3]], 3);
        let input = views(&[0]);
        let scores = known.scores(&input, Some(0), &mut known.scratch());
        let rows: Vec<u32> = scores.iter().map(|score| score.0).collect();
        assert_eq!(rows, [0, 3]);
    }
}
