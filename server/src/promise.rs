//! The promise of a window, and how several become one.
//!
//! A visitor relies on the manifest that their browser had, the operator on the configuration.
//! Both may change while a window is open. So a window keeps the strongest of all: the higher
//! level, the smallest ε, δ and ceiling, the largest k. For L it keeps the largest share of each
//! table: the sum bounds what one profile reported under any sequence of the manifests.
//!
//! Which manifests those are is read from the store, not only from what was live when a report
//! came: a browser may have spent its budget under a manifest that was replaced before the first
//! report arrived. A device spends only under a manifest that it fetched in the window by its own
//! clock. So every manifest counts that was live in the window or in the one before it.

use crate::live::Live;
use std::sync::Arc;
use vitrine_core::privacy::{Guarantee, Level, Privacy};
use vitrine_core::window::WindowName;
use vitrine_store::{Current, Promised, StoreError};

/// What is promised for one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promise {
    /// The level.
    pub level: Level,
    /// The fewest reports that a cell needs.
    pub k: u32,
    /// The most cells that one browser profile may have reported, by table.
    pub cells: Cells,
    /// What the private level promises, wherever it was promised.
    pub guarantee: Option<Guarantee>,
    /// The most ε that private releases may add up to over the windows of any one year.
    pub epsilon_ceiling: Option<f64>,
}

/// Numbers of cells by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    /// Transition cells.
    pub transitions: u32,
    /// Item cells.
    pub items: u32,
    /// Impression cells.
    pub impressions: u32,
    /// Metric cells; 0: none was asked for.
    pub metrics: u32,
}

impl Cells {
    /// L: all tables together.
    pub fn total(&self) -> u32 {
        [self.transitions, self.items, self.impressions, self.metrics]
            .into_iter()
            .fold(0, u32::saturating_add)
    }

    fn max(self, other: Self) -> Self {
        Self {
            transitions: self.transitions.max(other.transitions),
            items: self.items.max(other.items),
            impressions: self.impressions.max(other.impressions),
            metrics: self.metrics.max(other.metrics),
        }
    }
}

/// What the operator's configuration asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// The level of every window, at least.
    pub level: Level,
    /// ε and δ of a window at the private level, at most.
    pub guarantee: Guarantee,
    /// The most ε that private releases may add up to over the windows of any one year.
    pub epsilon_ceiling: Option<f64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            level: Level::Unlinkable,
            guarantee: Guarantee::default(),
            epsilon_ceiling: None,
        }
    }
}

impl Promise {
    /// What a manifest promises.
    pub fn of(privacy: &Privacy) -> Self {
        Self {
            level: privacy.level,
            k: privacy.k,
            cells: Cells {
                transitions: privacy.transitions,
                items: privacy.items,
                impressions: privacy.impressions,
                metrics: privacy.metrics,
            },
            guarantee: privacy.guarantee,
            epsilon_ceiling: None,
        }
    }

    /// What keeps both promises.
    pub fn and(self, other: Self) -> Self {
        Self {
            level: self.level.max(other.level),
            k: self.k.max(other.k),
            cells: self.cells.max(other.cells),
            guarantee: match (self.guarantee, other.guarantee) {
                (Some(one), Some(other)) => Some(one.and(other)),
                (one, other) => one.or(other),
            },
            epsilon_ceiling: match (self.epsilon_ceiling, other.epsilon_ceiling) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
        }
    }

    /// This promise, and the configuration's.
    pub fn under(self, policy: &Policy) -> Self {
        let guarantee = (policy.level == Level::Private).then_some(policy.guarantee);
        self.and(Self {
            level: policy.level,
            k: 0,
            cells: Cells::default(),
            guarantee,
            epsilon_ceiling: policy.epsilon_ceiling,
        })
    }
}

/// The promises of the manifests that were live, by window.
pub struct Promises {
    live: Arc<Live>,
    policy: Policy,
    /// The manifest that was live when `published` was read.
    current: Option<Arc<Current>>,
    published: Vec<Promised>,
}

impl Promises {
    /// Of the manifests in a store, under a configuration.
    pub fn new(live: Arc<Live>, policy: Policy) -> Self {
        Self {
            live,
            policy,
            current: None,
            published: Vec::new(),
        }
    }

    /// Reads the store's manifests again where another one is live; `false` when none is.
    pub fn refresh(&mut self) -> Result<bool, StoreError> {
        let Some(current) = self.live.current() else {
            return Ok(false);
        };
        let same = |seen: &Arc<Current>| seen.digest == current.digest;
        if !self.current.as_ref().is_some_and(same) {
            self.published = self.live.store().promises()?;
            self.current = Some(current);
        }
        Ok(true)
    }

    /// The promise of a window, by what the last refresh read.
    pub fn of(&self, window: WindowName) -> Option<Promise> {
        let current = self.current.iter().map(|current| Promised {
            privacy: current.manifest.privacy.clone(),
            until: None,
        });
        let published: Vec<Promised> = self.published.iter().cloned().chain(current).collect();
        promised(&published, window).map(|promise| promise.under(&self.policy))
    }
}

/// What the manifests promise for a window; `None` where none that was live in it, or in the one
/// before, has windows of its length.
pub fn promised(published: &[Promised], window: WindowName) -> Option<Promise> {
    let since = window.start().saturating_sub(window.seconds);
    published
        .iter()
        .filter(|promised| promised.until.is_none_or(|until| until >= since))
        .filter(|promised| promised.privacy.window_seconds == window.seconds)
        .map(|promised| Promise::of(&promised.privacy))
        .reduce(Promise::and)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(level: Level, epsilon: f64) -> Policy {
        Policy {
            level,
            guarantee: Guarantee {
                epsilon,
                ..Guarantee::default()
            },
            ..Policy::default()
        }
    }

    #[test]
    fn the_stronger_promise_holds_whoever_made_it() {
        let public = Promise::of(&Privacy::default());
        assert_eq!((public.k, public.cells.total()), (2, 8));
        assert_eq!(public.under(&policy(Level::Unlinkable, 1.0)), public);

        let private = public.under(&policy(Level::Private, 2.0));
        assert_eq!(private.level, Level::Private);
        assert_eq!(private.guarantee.map(|g| g.epsilon), Some(2.0));
        // A configuration that asks for less takes nothing back.
        for weaker in [policy(Level::Unlinkable, 1.0), policy(Level::Private, 4.0)] {
            assert_eq!(private.under(&weaker), private);
        }
        let stricter = private.under(&policy(Level::Private, 1.0));
        assert_eq!(stricter.guarantee.map(|g| g.epsilon), Some(1.0));
    }

    #[test]
    fn a_split_that_changed_counts_with_the_largest_share_of_each_table() {
        let split = |transitions, items, impressions| {
            Promise::of(&Privacy {
                transitions,
                items,
                impressions,
                ..Privacy::default()
            })
        };
        let all = split(4, 2, 2).and(split(0, 8, 0)).and(split(0, 0, 8));
        assert_eq!(all.cells.total(), 4 + 8 + 8);
    }

    #[test]
    fn the_lowest_ceiling_holds() {
        let ceiling = |epsilon_ceiling| Policy {
            epsilon_ceiling,
            ..Policy::default()
        };
        let promise = Promise::of(&Privacy::default())
            .under(&ceiling(Some(20.0)))
            .under(&ceiling(None))
            .under(&ceiling(Some(10.0)));
        assert_eq!(promise.epsilon_ceiling, Some(10.0));
    }
}
