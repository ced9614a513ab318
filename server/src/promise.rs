//! What is promised for a window, and how two promises become one.
//!
//! A visitor relies on the manifest that their browser had, the operator on the configuration.
//! Both may change while a window is open. So a window keeps the strongest of all: the higher
//! level, the smallest ε and δ, the largest k; and the largest L, because a profile may have
//! reported as much as any manifest allowed.

use vitrine_core::privacy::{Guarantee, Level, Privacy};

/// What is promised for one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promise {
    /// The level.
    pub level: Level,
    /// The fewest reports that a cell needs.
    pub k: u32,
    /// L: the most cells that one browser profile may have changed.
    pub cells: u32,
    /// The most metrics that one browser profile may have reported; 0: none was asked for.
    pub metrics: u32,
    /// What the private level promises, wherever it was promised.
    pub guarantee: Option<Guarantee>,
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
            cells: privacy.budget(),
            metrics: privacy.metrics,
            guarantee: privacy.guarantee,
        }
    }

    /// This promise, and the configuration's.
    pub fn and(self, policy: &Policy) -> Self {
        let asked = (policy.level == Level::Private).then_some(policy.guarantee);
        let guarantee = match (self.guarantee, asked) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        };
        Self {
            level: self.level.max(policy.level),
            guarantee,
            ..self
        }
    }
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
        assert_eq!((public.k, public.cells), (2, 8));
        assert_eq!(public.and(&policy(Level::Unlinkable, 1.0)), public);

        let private = public.and(&policy(Level::Private, 2.0));
        assert_eq!(private.level, Level::Private);
        assert_eq!(private.guarantee.map(|g| g.epsilon), Some(2.0));
        // A configuration that asks for less takes nothing back.
        for weaker in [policy(Level::Unlinkable, 1.0), policy(Level::Private, 4.0)] {
            assert_eq!(private.and(&weaker), private);
        }
        let stricter = private.and(&policy(Level::Private, 1.0));
        assert_eq!(stricter.guarantee.map(|g| g.epsilon), Some(1.0));
    }
}
