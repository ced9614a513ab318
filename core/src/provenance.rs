//! `provenance.json`: how a retrained bundle differs from the one that it is to follow.
//!
//! The trainer has the history and measures; whoever promotes the bundle has not, and judges by
//! this file. The manifest names it by hash like any other file, so the signature covers it. A
//! browser never fetches it.
//!
//! What is judged is the quality on held-out examples and how often each item is shown: a forger
//! who wants an item seen must move the second, whatever they do to the first.

use crate::Digest;
use serde::{Deserialize, Serialize};

/// The schema that this build reads and writes.
pub const SCHEMA: &str = "vitrine.provenance/1";
/// The longest file that is read, in bytes.
pub const MAX_PROVENANCE_BYTES: u64 = 1024 * 1024;
/// How many items are named in [`Exposure::moved`], at most.
pub const MAX_MOVES: usize = 200;

/// What is known of a retrained bundle beside its manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// SHA-256 of the manifest that the bundle was compared with.
    pub against: Digest,
    /// Version of that manifest.
    pub version: u64,
    /// What both were measured on.
    pub held_out: HeldOut,
    /// Figures of the bundle before.
    pub before: Figures,
    /// Figures of this bundle.
    pub after: Figures,
    /// What each of them shows.
    pub exposure: Exposure,
    /// How much may change.
    pub bounds: Bounds,
}

/// What two bundles were measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// Next items that were asked for.
    pub examples: u64,
    /// Whether neither bundle learned from them. Where the data have no test split, the latest
    /// sessions of train serve, of which both learned.
    pub unseen: bool,
}

/// P@20 and MRR@20, in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Share of next items among the first 20.
    #[serde(rename = "p@20")]
    pub p20: f64,
    /// Mean of 1/rank within the first 20.
    #[serde(rename = "mrr@20")]
    pub mrr20: f64,
}

/// How often items stand among the first 20, on the held-out examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// An item in less than this share of the lists counts as if it were in so many, in percent.
    pub floor: f64,
    /// Share of all places that went to other items, in percent: the total variation distance.
    pub shift: f64,
    /// The items that moved most, by ratio, at most [`MAX_MOVES`].
    pub moved: Vec<Move>,
}

/// An item whose exposure changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// The shop's id.
    pub item: String,
    /// Share of lists that show it, before, in percent.
    pub before: f64,
    /// The same after.
    pub after: f64,
}

/// How far a bundle may be from the one before it without somebody looking.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// The most that P@20 and MRR@20 may fall, in percent of what they were.
    pub fall: f64,
    /// The most by which an item's exposure may be multiplied or divided.
    pub growth: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            fall: 2.0,
            growth: 3.0,
        }
    }
}

/// Why a bundle stays a candidate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has no `provenance.json`.
    #[error(
        "it says nothing of how it compares with version {live}, which is live: `vitrine retrain` \
         writes that down, and bundles of `train` and `compress` have none"
    )]
    Unknown {
        /// The live version.
        live: u64,
    },
    /// The file is not of this build's form.
    #[error("its provenance.json is refused: {0}")]
    Malformed(String),
    /// It was compared with another bundle.
    #[error(
        "it was compared with version {against}, and version {live} is live: retrain from the \
         run whose bundle is live"
    )]
    Another {
        /// The version that it was compared with.
        against: u64,
        /// The live version.
        live: u64,
    },
    /// It is too far from the live one.
    #[error("{}", .0.join("; "))]
    Moved(Vec<String>),
}

impl Provenance {
    /// Parses the file.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] with what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let malformed = |reason: String| Refusal::Malformed(reason);
        let found: Self = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
        if found.schema != SCHEMA {
            return Err(malformed(format!(
                "it has another schema than '{SCHEMA}': update Vitrine"
            )));
        }
        let figures = [found.before, found.after].map(|f| [f.p20, f.mrr20]);
        let moves = found
            .exposure
            .moved
            .iter()
            .flat_map(|m| [m.before, m.after]);
        let shares = figures.into_iter().flatten().chain(moves);
        if !shares
            .into_iter()
            .all(|share| (0.0..=100.0).contains(&share))
        {
            return Err(malformed("a share is not between 0 and 100 %".into()));
        }
        found
            .bounds
            .check()
            .map_err(|(field, reason)| malformed(format!("bounds.{field} {reason}")))?;
        if !(found.exposure.floor > 0.0 && found.exposure.floor <= 100.0) {
            return Err(malformed("exposure.floor is not above 0 %".into()));
        }
        Ok(found)
    }

    /// The file as it is written.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Checks that the bundle is within its bounds of the one that it was compared with.
    ///
    /// # Errors
    /// [`Refusal::Moved`] with a clause for each figure and item beyond them.
    pub fn judge(&self) -> Result<(), Refusal> {
        let mut reasons = Vec::new();
        for (name, before, after) in [
            ("P@20", self.before.p20, self.after.p20),
            ("MRR@20", self.before.mrr20, self.after.mrr20),
        ] {
            if after < before * (1.0 - self.bounds.fall / 100.0) {
                reasons.push(format!(
                    "{name} on held-out sessions fell from {before:.2} to {after:.2} %, by more \
                     than {} % of itself",
                    self.bounds.fall
                ));
            }
        }
        let floor = self.exposure.floor;
        let beyond = self.exposure.moved.iter().filter(|moved| {
            let ratio = moved.ratio(floor);
            ratio > self.bounds.growth || ratio * self.bounds.growth < 1.0
        });
        let beyond: Vec<&Move> = beyond.collect();
        for moved in beyond.iter().take(5) {
            reasons.push(format!(
                "item {} was in {:.2} % of the lists and would be in {:.2} %, more than {} times \
                 as {}",
                moved.item,
                moved.before,
                moved.after,
                self.bounds.growth,
                if moved.after > moved.before {
                    "many"
                } else {
                    "few"
                }
            ));
        }
        if beyond.len() > 5 {
            reasons.push(format!("and {} more items", beyond.len() - 5));
        }
        match reasons.is_empty() {
            true => Ok(()),
            false => Err(Refusal::Moved(reasons)),
        }
    }
}

impl Move {
    /// By what the item's exposure was multiplied, with `floor` in place of less.
    pub fn ratio(&self, floor: f64) -> f64 {
        self.after.max(floor) / self.before.max(floor)
    }
}

impl Bounds {
    /// Checks the ranges; the field and what is wrong with it.
    ///
    /// # Errors
    /// When nothing, or anything, would pass.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if !(0.0..=100.0).contains(&self.fall) {
            return Err(("fall", "is not between 0 and 100"));
        }
        if !(self.growth > 1.0 && self.growth.is_finite()) {
            return Err(("growth", "is not above 1"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn provenance() -> Provenance {
        Provenance {
            schema: SCHEMA.into(),
            against: Digest::of(b"before"),
            version: 4,
            held_out: HeldOut {
                examples: 1000,
                unseen: true,
            },
            before: Figures {
                p20: 50.0,
                mrr20: 20.0,
            },
            after: Figures {
                p20: 49.0,
                mrr20: 21.0,
            },
            exposure: Exposure {
                floor: 0.5,
                shift: 4.0,
                moved: vec![moved("mug", 0.1, 1.5), moved("jug", 4.5, 1.5)],
            },
            bounds: Bounds::default(),
        }
    }

    fn moved(item: &str, before: f64, after: f64) -> Move {
        Move {
            item: item.into(),
            before,
            after,
        }
    }

    #[test]
    fn what_is_at_its_bounds_passes_and_what_is_beyond_is_named() {
        // 49 is 2 % below 50; 1.5 is three times the floor of 0.5, and 4.5 three times 1.5.
        provenance().judge().unwrap();
        let change = |f: &dyn Fn(&mut Provenance)| {
            let mut found = provenance();
            f(&mut found);
            found.judge().unwrap_err().to_string()
        };
        let said = change(&|p| p.after.p20 = 48.9);
        assert!(said.starts_with("P@20") && said.contains("48.90"), "{said}");
        let said = change(&|p| p.exposure.moved[0].after = 1.6);
        assert!(said.contains("item mug") && said.contains("many"), "{said}");
        let said = change(&|p| p.exposure.moved[1].after = 1.4);
        assert!(said.contains("item jug") && said.contains("few"), "{said}");
        let said = change(&|p| p.exposure.moved = vec![moved("cup", 0.0, 2.0); 7]);
        assert!(said.contains("2 more items"), "{said}");
    }

    #[test]
    fn the_file_is_read_as_written_and_nonsense_is_refused() {
        let found = provenance();
        assert_eq!(Provenance::parse(&found.to_bytes()).unwrap(), found);
        let change = |f: &dyn Fn(&mut Provenance)| {
            let mut found = provenance();
            f(&mut found);
            Provenance::parse(&found.to_bytes())
                .unwrap_err()
                .to_string()
        };
        assert!(change(&|p| p.schema = "vitrine.provenance/2".into()).contains("update"));
        assert!(change(&|p| p.bounds.growth = 1.0).contains("bounds.growth"));
        assert!(change(&|p| p.bounds.fall = -1.0).contains("bounds.fall"));
        assert!(change(&|p| p.after.p20 = 101.0).contains("share"));
        assert!(change(&|p| p.exposure.floor = 0.0).contains("floor"));
        assert!(Provenance::parse(b"{}").is_err());
    }
}
