//! What a shopper is promised: the level, the guarantee behind it, and the limits that the device
//! keeps so that the guarantee holds.

use crate::window::WindowName;
use serde::{Deserialize, Serialize};

/// The most cells that one browser profile may be allowed in a window.
pub const MAX_CELLS: u32 = 64;
/// The most cells that one browser profile may have reported in a window whose manifests split L
/// differently: the largest share of each of the four tables.
pub const MAX_WORST_CASE: u32 = 4 * MAX_CELLS;

/// What a client must follow when it reports, and what is promised to it in return.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// The level.
    pub level: Level,
    /// Length of a window in seconds; windows are disjoint and the same for everybody: window
    /// w spans `[w, w + 1) · window_seconds` of Unix time.
    pub window_seconds: u64,
    /// At the `unlinkable` level, a cell is released when at least this many reports named it.
    pub k: u32,
    /// The most transition cells that one browser profile reports in a window.
    pub transitions: u32,
    /// The most item cells.
    pub items: u32,
    /// The most impression cells.
    pub impressions: u32,
    /// The most metric cells, 0 or 1: the device puts its own noise on it ([`crate::metric`]).
    pub metrics: u32,
    /// How many events later `to` may follow `from` in a transition.
    pub max_gap: u32,
    /// What the `private` level promises; present at that level and at no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guarantee: Option<Guarantee>,
}

/// What is promised to the shopper. A later level promises more than an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Cells named by at least k reports, with exact counts. Not differential privacy.
    Unlinkable,
    /// Noisy counts above a threshold: (ε, δ)-differential privacy per browser profile and window.
    Private,
    /// Metrics only, with noise from the device: ε-differential privacy of what a profile reports,
    /// against the server's operator too.
    Local,
}

impl Level {
    /// The level as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unlinkable => "unlinkable",
            Self::Private => "private",
            Self::Local => "local",
        }
    }

    /// The level that is written so.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Unlinkable, Self::Private, Self::Local]
            .into_iter()
            .find(|level| level.name() == name)
    }
}

/// (ε, δ)-differential privacy of one window's release, for adding or removing all that one
/// browser profile reported in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guarantee {
    /// ε, from 0.25 to 10.
    pub epsilon: f64,
    /// δ, from 1e-12 to 1e-6.
    pub delta: f64,
}

/// The δ of every guarantee that is shipped.
pub const DELTA: f64 = 1e-6;

impl Default for Guarantee {
    fn default() -> Self {
        Self {
            epsilon: 4.0,
            delta: DELTA,
        }
    }
}

impl Guarantee {
    /// Checks the ranges.
    pub fn check(&self) -> Result<(), GuaranteeError> {
        if !(0.25..=10.0).contains(&self.epsilon) {
            return Err(GuaranteeError {
                field: "epsilon",
                reason: "is not between 0.25 and 10",
            });
        }
        if !(1e-12..=DELTA).contains(&self.delta) {
            return Err(GuaranteeError {
                field: "delta",
                reason: "is not between 1e-12 and 1e-6",
            });
        }
        Ok(())
    }

    /// What keeps both promises.
    pub fn and(self, other: Self) -> Self {
        Self {
            epsilon: self.epsilon.min(other.epsilon),
            delta: self.delta.min(other.delta),
        }
    }
}

/// The noise of one window as it is published beside the counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseFacts {
    /// ε that is promised for the window.
    pub epsilon: f64,
    /// δ that is promised for the window.
    pub delta: f64,
    /// σ of the discrete Gaussian that was added to each count, in reports.
    pub sigma: f64,
    /// τ: a noisy count below it is not published, in reports.
    pub threshold: u64,
    /// L: the most cells that one browser profile may have changed.
    pub cells: u32,
    /// What the window costs in zero-concentrated differential privacy, L/2σ².
    pub rho: f64,
}

/// Why a guarantee is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct GuaranteeError {
    /// Which of its members.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Why privacy facts are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct FactsError {
    /// Path of the member with a leading dot, or nothing for the facts as a whole.
    pub field: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Default for Privacy {
    fn default() -> Self {
        Self {
            level: Level::Unlinkable,
            window_seconds: 7 * 24 * 3600,
            k: 2,
            transitions: 4,
            items: 2,
            impressions: 2,
            metrics: 0,
            max_gap: 3,
            guarantee: None,
        }
    }
}

impl Privacy {
    /// The defaults at a level.
    pub fn at(level: Level) -> Self {
        let default = Self {
            level,
            ..Self::default()
        };
        match level {
            Level::Unlinkable => default,
            Level::Private => Self {
                guarantee: Some(Guarantee::default()),
                ..default
            },
            Level::Local => Self {
                transitions: 0,
                items: 0,
                impressions: 0,
                metrics: 1,
                ..default
            },
        }
    }

    /// The whole budget of one browser profile in one window, L.
    pub fn budget(&self) -> u32 {
        [self.transitions, self.items, self.impressions, self.metrics]
            .into_iter()
            .fold(0, u32::saturating_add)
    }

    /// The window that holds `now`, Unix time in seconds.
    pub fn window_at(&self, now: u64) -> WindowName {
        WindowName::at(now, self.window_seconds)
    }

    /// Checks what the types alone cannot say.
    pub fn check(&self) -> Result<(), FactsError> {
        let fail = |field: &str, reason| {
            Err(FactsError {
                field: field.into(),
                reason,
            })
        };
        if self.window_seconds == 0 {
            return fail(".window_seconds", "is zero");
        }
        if self.k == 0 {
            return fail(".k", "is zero");
        }
        if self.budget() > MAX_CELLS {
            return fail("", "allows more than 64 cells in a window");
        }
        if self.max_gap == 0 || self.max_gap > 10 {
            return fail(".max_gap", "is not between 1 and 10");
        }
        if self.metrics > 1 {
            return fail(".metrics", "is above 1: the noise of a metric is for one");
        }
        match (self.level, self.guarantee) {
            (Level::Local, Some(_)) => fail(
                ".guarantee",
                "is given at the local level, whose ε is that of a metric and no setting",
            ),
            (Level::Local, None) if (self.budget(), self.metrics) != (1, 1) => fail(
                "",
                "allows more or less than one metric, which is all that the local level has",
            ),
            (Level::Local | Level::Unlinkable, None) => Ok(()),
            (Level::Unlinkable, Some(_)) => fail(
                ".guarantee",
                "is given at the unlinkable level, which is not differential privacy",
            ),
            (Level::Private, None) => fail(".guarantee", "is missing at the private level"),
            (Level::Private, Some(guarantee)) => match guarantee.check() {
                Err(error) => fail(&format!(".guarantee.{}", error.field), error.reason),
                Ok(()) if self.budget() == 0 => fail("", "allows no cell in a window"),
                Ok(()) => Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn private() -> Privacy {
        Privacy::at(Level::Private)
    }

    #[test]
    fn an_unlinkable_manifest_keeps_the_form_it_had() {
        let text = serde_json::to_string(&Privacy::default()).unwrap();
        assert!(!text.contains("guarantee"), "{text}");
        let text = serde_json::to_string(&private()).unwrap();
        assert!(
            text.ends_with(r#""guarantee":{"epsilon":4.0,"delta":1e-6}}"#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Privacy>(&text).unwrap(), private());
    }

    #[test]
    fn a_level_without_its_guarantee_is_refused() {
        private().check().unwrap();
        Privacy::default().check().unwrap();
        let change = |f: &dyn Fn(&mut Privacy)| {
            let mut privacy = private();
            f(&mut privacy);
            privacy.check().unwrap_err().to_string()
        };
        let epsilon = |epsilon| Guarantee {
            epsilon,
            delta: DELTA,
        };
        assert!(change(&|p| p.guarantee = None).starts_with(".guarantee is missing"));
        assert!(change(&|p| p.level = Level::Unlinkable).starts_with(".guarantee"));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 11.0] {
            let said = change(&|p| p.guarantee = Some(epsilon(wrong)));
            assert!(said.starts_with(".guarantee.epsilon"), "{said}");
        }
        let delta = Guarantee {
            delta: 1e-3,
            ..Guarantee::default()
        };
        assert!(change(&|p| p.guarantee = Some(delta)).starts_with(".guarantee.delta"));
        assert!(change(&|p| p.transitions = u32::MAX).contains("more than 64"));
    }

    #[test]
    fn the_local_level_is_one_metric_and_nothing_else() {
        let local = Privacy::at(Level::Local);
        local.check().unwrap();
        let change = |f: &dyn Fn(&mut Privacy)| {
            let mut privacy = local.clone();
            f(&mut privacy);
            privacy.check().unwrap_err().to_string()
        };
        assert!(change(&|p| p.items = 1).contains("one metric"));
        assert!(change(&|p| p.metrics = 0).contains("one metric"));
        assert!(change(&|p| p.metrics = 2).starts_with(".metrics"));
        assert!(change(&|p| p.guarantee = Some(Guarantee::default())).starts_with(".guarantee"));
    }

    #[test]
    fn the_stronger_of_two_promises_keeps_both() {
        let strict = Guarantee {
            epsilon: 1.0,
            delta: 1e-6,
        };
        let small = Guarantee {
            epsilon: 4.0,
            delta: 1e-9,
        };
        let both = strict.and(small);
        assert_eq!((both.epsilon, both.delta), (1.0, 1e-9));
        assert!(Level::Local > Level::Private && Level::Private > Level::Unlinkable);
        assert_eq!(Level::named("local"), Some(Level::Local));
        assert_eq!(Level::named("locked"), None);
    }
}
