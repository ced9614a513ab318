//! What is audited: the mechanism as it ships, and the ways in which it could be broken.
//!
//! An audit that passes says little unless it is known to fail where it should. So the faults
//! that such code has had elsewhere are seeded here, behind the same interface, and the audit has
//! to catch each of them.

use crate::{Mechanism, Parameters, PrivacyError, Sigma};
use rand::{Rng, SeedableRng};

/// Something that releases a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// As it ships.
    Shipped,
    /// σ is half of what it should be.
    HalfTheNoise,
    /// τ is five less than it should be.
    ThresholdMinusFive,
    /// Every cell of a window gets the noise of the same stream from its start.
    StreamReusedInWindow,
    /// Every window gets the noises of the same stream from its start.
    StreamReusedAcrossWindows,
    /// The device reports one cell more than L.
    OneCellMore,
}

impl Subject {
    /// Every seeded fault.
    pub const FAULTS: [Self; 5] = [
        Self::HalfTheNoise,
        Self::ThresholdMinusFive,
        Self::StreamReusedInWindow,
        Self::StreamReusedAcrossWindows,
        Self::OneCellMore,
    ];

    /// What it is, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shipped => "as shipped",
            Self::HalfTheNoise => "half the noise",
            Self::ThresholdMinusFive => "τ − 5",
            Self::StreamReusedInWindow => "random stream reused for each cell",
            Self::StreamReusedAcrossWindows => "random stream reused for each window",
            Self::OneCellMore => "L + 1 cells",
        }
    }

    /// How many cells one profile changes.
    pub fn cells(self, parameters: &Parameters) -> u32 {
        parameters.cells + u32::from(self == Self::OneCellMore)
    }

    /// The mechanism that it uses.
    pub fn mechanism(self, parameters: &Parameters) -> Result<Mechanism, PrivacyError> {
        let sigma = match self {
            Self::HalfTheNoise => Sigma::from_steps(parameters.sigma.steps() / 2)?,
            _ => parameters.sigma,
        };
        let threshold = match self {
            Self::ThresholdMinusFive => parameters.threshold.saturating_sub(5),
            _ => parameters.threshold,
        };
        Mechanism::new(sigma, threshold)
    }

    /// Releases one window with these counts into `released`.
    pub fn release<R: Rng + SeedableRng>(
        self,
        mechanism: &Mechanism,
        counts: &[u64],
        random: &mut R,
        released: &mut Vec<Option<u64>>,
    ) {
        released.clear();
        let publish = |random: &mut R, count| mechanism.release(count, random);
        match self {
            Self::StreamReusedInWindow => {
                let seed = random.next_u64();
                let again = || R::seed_from_u64(seed);
                released.extend(counts.iter().map(|&count| publish(&mut again(), count)));
            }
            Self::StreamReusedAcrossWindows => {
                let mut same = R::seed_from_u64(0);
                released.extend(counts.iter().map(|&count| publish(&mut same, count)));
            }
            _ => released.extend(counts.iter().map(|&count| publish(random, count))),
        }
    }
}
