//! Ranking on the device: the bundle, the visitor's session and the encoder's answer together.

use crate::Action;
use crate::best::best;
use crate::bundle::Bundle;
use crate::diversity::{diversified, head};
use crate::facets::Filter;
use crate::order::{self, Bits};
use crate::score::{Event, Query, Scorer, Terms, contribution};
use crate::session::Session;
use crate::tables::Tables;
use serde::Serialize;

/// An item of the caller's list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Its place in the caller's list.
    pub index: u32,
    /// Its score; 0 when the model does not know the item.
    pub score: f32,
    /// Whether the model knows the item.
    pub known: bool,
}

/// An item of the whole catalogue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommended {
    /// Row in the bundle.
    #[serde(skip)]
    pub row: u32,
    /// Item id.
    pub id: String,
    /// Its score.
    pub score: f32,
}

/// Why an item stands where it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The explained item.
    pub item: String,
    /// Its score.
    pub score: f32,
    /// What the score is made of.
    pub terms: Terms,
    /// The session's items that brought it here, strongest first.
    pub because: Vec<Because>,
}

/// What one item of the session gave to the score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Because {
    /// Item id.
    pub item: String,
    /// The latest that was done with it.
    pub action: Action,
    /// Its part of the neighbour term, or of the repeat term where it is the item itself.
    pub contribution: f32,
}

/// Ranks for one visitor.
pub struct Ranker {
    bundle: Bundle,
    session: Session,
    /// The session's events by row, in step with `session`.
    events: Vec<Event>,
    scorer: Scorer,
    /// The encoder's answer, or that there is none, when the scorer has not seen the session yet.
    unseen: Option<Option<Query>>,
}

impl Ranker {
    /// A ranker with an empty session.
    pub fn new(bundle: Bundle) -> Self {
        let scorer = Scorer::new(bundle.items());
        let mut ranker = Self {
            bundle,
            session: Session::default(),
            events: Vec::new(),
            scorer,
            unseen: None,
        };
        ranker.follow_session();
        ranker
    }

    /// The bundle.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Goes on with another bundle of the same shop. The session is kept; the encoder's earlier
    /// answer is dropped.
    pub fn exchange(&mut self, bundle: Bundle) {
        self.scorer = Scorer::new(bundle.items());
        self.bundle = bundle;
        self.follow_session();
    }

    /// The visitor's session, as it is stored on the device.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Records an event at `now` (Unix time in seconds). The encoder's earlier answer is dropped.
    pub fn track(&mut self, item: &str, action: Action, now: u64) {
        self.session.push(item, action, now, self.bundle.limits());
        // The rows of what the session has kept are known.
        let kept = self.session.events().len() - 1;
        let surplus = self.events.len().saturating_sub(kept);
        self.events.drain(..surplus);
        let row = self.bundle.row(item);
        self.events.push(Event { row, action });
        self.set_query(None);
    }

    /// Takes up a stored session, unless it is over at `now`.
    pub fn restore(&mut self, session: Session, now: u64) {
        self.session = if session.is_over(now, self.bundle.limits().gap) {
            Session::default()
        } else {
            session
        };
        self.follow_session();
    }

    /// Forgets the session.
    pub fn clear(&mut self) {
        self.session = Session::default();
        self.follow_session();
    }

    fn follow_session(&mut self) {
        let events = self.session.events();
        let surplus = events.len().saturating_sub(self.bundle.max_session());
        self.events = events[surplus..]
            .iter()
            .map(|event| Event {
                row: self.bundle.row(&event.item),
                action: event.action,
            })
            .collect();
        self.set_query(None);
    }

    /// The encoder's input for the session: `[t, D + 3]`, each row an item's vector and the
    /// one-hot code of the action, oldest first. Empty without an encoder or a known item.
    pub fn encoder_input(&self) -> Vec<f32> {
        encoder_input(self.bundle.tables(), &self.events)
    }

    /// Gives the encoder's answer `[D]` for the running session, or takes it away. An answer of
    /// another width or with a number that is not finite is as good as none.
    pub fn set_query(&mut self, query: Option<&[f32]>) {
        self.unseen = Some(query.and_then(Query::new));
    }

    /// Lets the scorer see the session: once for all events since the last list.
    fn settle(&mut self) {
        if let Some(query) = self.unseen.take() {
            self.scorer.set(self.bundle.tables(), &self.events, query);
        }
    }

    /// Orders the caller's list: known items by score, then unknown ones; the caller's order
    /// decides among equals.
    pub fn rank(&mut self, ids: &[&str]) -> Vec<Ranked> {
        self.settle();
        let ranked: Vec<Ranked> = (0..)
            .zip(ids)
            .map(|(index, id)| {
                let row = self.bundle.row(id);
                Ranked {
                    index,
                    score: row.map_or(0.0, |row| self.score(row)),
                    known: row.is_some(),
                }
            })
            .collect();
        let key = |item: &Ranked| order::key(item.known, item.score, item.index);
        sorted(ranked, key)
    }

    /// The `n` best items of the catalogue that pass `filter` and are not in `exclude`; ties go
    /// to the lower row. A filter by facets on a bundle without them lets nothing pass.
    pub fn recommend(&mut self, n: usize, filter: &Filter, exclude: &[&str]) -> Vec<Recommended> {
        self.recommend_diverse(n, filter, exclude, 0.0)
    }

    /// The same, with `diversity` in 0..=1: at 0 the best items, at 1 such as resemble one another
    /// least. See [`crate::diversity`]; the scores are the items' own.
    pub fn recommend_diverse(
        &mut self,
        n: usize,
        filter: &Filter,
        exclude: &[&str],
        diversity: f32,
    ) -> Vec<Recommended> {
        self.best_rows(n, filter, exclude, diversity)
            .into_iter()
            .filter_map(|(row, score)| {
                let id = self.bundle.id(row)?;
                Some(Recommended { row, id, score })
            })
            .collect()
    }

    /// The same, as rows and scores.
    pub fn best_rows(
        &mut self,
        n: usize,
        filter: &Filter,
        exclude: &[&str],
        diversity: f32,
    ) -> Vec<(u32, f32)> {
        if diversity > 0.0 {
            let head = self.best(head(n), filter, exclude);
            diversified(&self.bundle, head, n, diversity.min(1.0))
        } else {
            self.best(n, filter, exclude)
        }
    }

    fn best(&mut self, n: usize, filter: &Filter, exclude: &[&str]) -> Vec<(u32, f32)> {
        self.settle();
        let mut excluded = Bits::none(self.bundle.items() as usize);
        let named = exclude.iter().filter_map(|id| self.bundle.row(id));
        named.for_each(|row| excluded.insert(row));
        if filter.unseen {
            let seen = self.events.iter().filter_map(|event| event.row);
            seen.for_each(|row| excluded.insert(row));
        }
        let test = self.bundle.facets().map(|facets| facets.test(filter));
        let passes = |row: u32| {
            !excluded.holds(row)
                && match &test {
                    Some(test) => test(row),
                    None => !filter.needs_facets(),
                }
        };
        best(self.bundle.tables(), &self.scorer, n, passes)
    }

    /// Takes the score of an item apart; `None` when the model does not know it.
    pub fn explain(&mut self, id: &str) -> Option<Explanation> {
        self.settle();
        let row = self.bundle.row(id)?;
        let tables = self.bundle.tables();
        let terms = self.scorer.terms(tables, &self.events, row);
        let surplus = self.session.events().len() - self.events.len();
        let kept = &self.session.events()[surplus..];
        let mut because: Vec<Because> = Vec::new();
        for (distance, (event, seen)) in self.events.iter().zip(kept).rev().enumerate() {
            let mut part = contribution(tables, distance, *event, row);
            let first_met = !because.iter().any(|b| b.item == seen.item);
            if event.row == Some(row) && first_met {
                part += terms.repeat;
            }
            match because.iter_mut().find(|b| b.item == seen.item) {
                Some(known) => known.contribution += part,
                None => because.push(Because {
                    item: seen.item.clone(),
                    action: seen.action,
                    contribution: part,
                }),
            }
        }
        because.retain(|b| b.contribution > 0.0);
        let because = (0..).zip(because).collect();
        let because = sorted(because, |(place, b): &(u32, Because)| {
            order::key(true, b.contribution, *place)
        });
        let because = because.into_iter().map(|(_, because)| because).collect();
        Some(Explanation {
            item: id.into(),
            score: self.score(row),
            terms,
            because,
        })
    }

    fn score(&self, row: u32) -> f32 {
        self.scorer.score(self.bundle.tables(), row)
    }
}

/// A list in the order of its keys, which hold the places.
fn sorted<T>(list: Vec<T>, key: impl Fn(&T) -> u64) -> Vec<T> {
    let mut keys: Vec<u64> = list.iter().map(key).collect();
    keys.sort_unstable();
    let mut list: Vec<Option<T>> = list.into_iter().map(Some).collect();
    let taken = keys.iter().map(|&key| list[order::place(key)].take());
    taken.flatten().collect()
}

/// The encoder's input for a session: `[t, D + 3]`, each row an item's vector and the one-hot
/// code of the action, oldest first; the items that the model knows, at most the latest T.
pub fn encoder_input(tables: &Tables, session: &[Event]) -> Vec<f32> {
    if tables.dim() == 0 {
        return Vec::new();
    }
    let width = tables.dim() + Action::COUNT;
    let mut input = Vec::with_capacity(session.len() * width);
    for event in session {
        let Some(row) = event.row else { continue };
        let scale = tables.vector_scale(row);
        input.extend(tables.vector(row).iter().map(|&v| f32::from(v) * scale));
        let one_hot = Action::ALL.map(|action| f32::from(u8::from(action == event.action)));
        input.extend(one_hot);
    }
    input
}
