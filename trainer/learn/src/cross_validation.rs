//! How train is cut into what is learned from and what is judged on, several times over.

use crate::dataset::{Dataset, Examples, Sessions};

/// A way to cut, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossValidation {
    /// The last tenths of train, each with the history before it: what a shop will meet, because
    /// what is learned from lies before what is judged on. 1 to 5; the first is the validation
    /// that `train` chooses by.
    RollingOrigin(usize),
    /// Every k-th session, each time others, with all other sessions: more examples, and each
    /// once, but what came later is learned from too. At least 2.
    KFold(usize),
}

impl CrossValidation {
    /// A name for each part.
    pub fn parts(self) -> Vec<String> {
        let (name, parts) = match self {
            Self::RollingOrigin(parts) => ("origin", parts),
            Self::KFold(parts) => ("fold", parts),
        };
        (0..parts).map(|part| format!("{name}-{part}")).collect()
    }

    /// Sessions to learn from and examples to judge on, by part.
    pub fn splits(self, data: &Dataset) -> Vec<(Sessions, Examples)> {
        let all = data.train.len();
        let shortest = data.facts.shortest_prefix.max(1);
        let split = |learned: &dyn Fn(usize) -> bool, judged: &dyn Fn(usize) -> bool| {
            let valid = part(&data.train, judged);
            (
                part(&data.train, learned),
                Examples::every_prefix(valid, shortest),
            )
        };
        match self {
            Self::RollingOrigin(origins) => (0..origins)
                .map(|origin| {
                    if origin == 0 {
                        return data.validation();
                    }
                    let (from, to) = (all * (9 - origin) / 10, all * (10 - origin) / 10);
                    split(&|at| at < from, &|at| (from..to).contains(&at))
                })
                .collect(),
            Self::KFold(folds) => (0..folds)
                .map(|fold| split(&|at| at % folds != fold, &|at| at % folds == fold))
                .collect(),
        }
    }
}

/// The sessions whose place `keep` wants.
fn part(sessions: &Sessions, keep: &dyn Fn(usize) -> bool) -> Sessions {
    let mut part = Sessions::new();
    for (at, session) in sessions.iter().enumerate() {
        if keep(at) {
            part.push(session.iter().copied());
        }
    }
    part
}
