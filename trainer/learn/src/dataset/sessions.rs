//! Sessions, and the examples that point into them.

use super::Split;
use vitrine_core::score::Event;

/// Sessions laid end to end.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    /// Where each session starts in `events`, and the end; `[sessions + 1]`.
    pub start: Vec<usize>,
    /// Events of all sessions, oldest first within each.
    pub events: Vec<Event>,
}

impl Sessions {
    /// No session yet.
    pub fn new() -> Self {
        Self {
            start: vec![0],
            events: Vec::new(),
        }
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.start.len() - 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The events of one session.
    pub fn get(&self, session: usize) -> &[Event] {
        &self.events[self.start[session]..self.start[session + 1]]
    }

    /// Adds a session.
    pub fn push(&mut self, events: impl IntoIterator<Item = Event>) {
        self.events.extend(events);
        self.start.push(self.events.len());
    }

    /// All sessions in order.
    pub fn iter(&self) -> impl Iterator<Item = &[Event]> {
        (0..self.len()).map(|session| self.get(session))
    }
}

/// A view of each of these rows.
#[cfg(test)]
pub(crate) fn views(rows: &[u32]) -> Vec<Event> {
    let view = |&row| Event {
        row: Some(row),
        action: vitrine_core::Action::View,
    };
    rows.iter().map(view).collect()
}

#[cfg(test)]
impl Sessions {
    /// Sessions that do nothing but view.
    pub(crate) fn of_views(sessions: &[&[u32]]) -> Self {
        let mut all = Self::new();
        for rows in sessions {
            all.push(views(rows));
        }
        all
    }
}

/// Next-item examples: in `session`, the events before `position` are the input, the event at
/// `position` is the label.
#[derive(Clone, Debug)]
pub struct Examples {
    /// The sessions that the examples point into.
    pub sessions: Sessions,
    /// Session and position of each label, sessions rising.
    pub at: Vec<(u32, u32)>,
}

impl Examples {
    /// Every event after the first `shortest` of a session is a label once.
    pub fn every_prefix(sessions: Sessions, shortest: usize) -> Self {
        let mut at = Vec::new();
        for (session, events) in sessions.iter().enumerate() {
            at.extend((shortest..events.len()).map(|position| (session as u32, position as u32)));
        }
        Self { sessions, at }
    }

    /// How many examples there are.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// At most about `most` examples, evenly spread.
    pub fn thinned(&self, most: usize) -> Self {
        let stride = self.len().div_ceil(most.max(1)).max(1);
        Self {
            sessions: self.sessions.clone(),
            at: self.at.iter().copied().step_by(stride).collect(),
        }
    }

    /// Input and label of one example; the label is `None` when the model can't know the item.
    pub fn get(&self, example: usize) -> (&[Event], Option<u32>) {
        let (session, position) = self.at[example];
        let events = self.sessions.get(session as usize);
        let position = position as usize;
        (&events[..position], events[position].row)
    }
}

/// Collects the examples of one split.
pub(super) struct ExamplesOfSplit {
    split: Split,
    shortest: usize,
    examples: Examples,
}

impl ExamplesOfSplit {
    pub(super) fn new(split: Split, shortest: usize) -> Self {
        let examples = Examples {
            sessions: Sessions::new(),
            at: Vec::new(),
        };
        Self {
            split,
            shortest,
            examples,
        }
    }

    pub(super) fn add(&mut self, events: &[Event], splits: &[Split]) {
        let labels: Vec<usize> = (self.shortest..events.len())
            .filter(|&position| splits[position] == self.split)
            .collect();
        if let Some(&last) = labels.last() {
            let session = self.examples.sessions.len() as u32;
            self.examples.sessions.push(events[..=last].iter().copied());
            self.examples
                .at
                .extend(labels.iter().map(|&position| (session, position as u32)));
        }
    }

    pub(super) fn finish(self) -> Examples {
        self.examples
    }
}
