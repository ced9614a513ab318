//! How neighbour lists are written: both sides of the format.
//!
//! A list is sorted by row and written as gaps, `row − previous row − 1`, in byte planes: the low
//! bytes of all gaps, then the next bytes, and so on. High bytes are small and alike, so that the
//! compression of the web (brotli, gzip) finds what there is to find. Weights are bytes, or
//! 4-bit levels whose squares they are: small weights matter by their ratios.

use crate::bundle::BundleError;
use crate::manifest::file;
use std::ops::Range;

/// Bits of a neighbour's weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum WeightBits {
    /// Weights in 255 even steps.
    #[default]
    Eight,
    /// Weights in 15 steps of their square roots.
    Four,
}

impl From<WeightBits> for u8 {
    fn from(bits: WeightBits) -> Self {
        match bits {
            WeightBits::Eight => 8,
            WeightBits::Four => 4,
        }
    }
}

impl TryFrom<u8> for WeightBits {
    type Error = String;

    fn try_from(bits: u8) -> Result<Self, String> {
        match bits {
            8 => Ok(Self::Eight),
            4 => Ok(Self::Four),
            other => Err(format!("{other} is not a number of bits: use 8 or 4")),
        }
    }
}

impl WeightBits {
    /// The largest weight in units of its row.
    fn largest(self) -> f32 {
        match self {
            Self::Eight => 255.0,
            Self::Four => 225.0,
        }
    }

    /// A share of the largest weight in units; 0 when it rounds to nothing.
    fn units(self, share: f32) -> u8 {
        match self {
            Self::Eight => (255.0 * share).round().min(255.0) as u8,
            Self::Four => {
                let level = (15.0 * share.sqrt()).round().min(15.0) as u8;
                level * level
            }
        }
    }
}

/// Neighbour lists as they are stored, M entries in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Entries of each row; `[N]`.
    pub count: Vec<u8>,
    /// Byte planes of the gaps, the lowest first; `[P × M]`.
    pub gap: Vec<u8>,
    /// P.
    pub planes: usize,
    /// Weights; `[M]`, or `[⌈M / 2⌉]` with the first of two levels in the low half.
    pub weight: Vec<u8>,
    /// Value of one unit of each row, the upper half of an f32 (bfloat16); `[N]`.
    pub scale: Vec<u16>,
}

/// Writes lists of positive finite weights for `lists.len()` items; a weight that rounds to
/// nothing is dropped.
pub fn encode(lists: &[Vec<(u32, f32)>], bits: WeightBits) -> Encoded {
    let planes = plane_count(lists.len());
    let mut encoded = Encoded {
        planes,
        ..Encoded::default()
    };
    let mut gaps: Vec<u32> = Vec::new();
    let mut weights: Vec<u8> = Vec::new();
    for list in lists {
        let largest = list.iter().fold(0.0_f32, |max, entry| max.max(entry.1));
        let scale = to_half(largest / bits.largest());
        let most = from_half(scale) * bits.largest();
        let before = weights.len();
        let mut list = list.clone();
        list.sort_unstable_by_key(|entry| entry.0);
        let mut next = 0;
        for (row, value) in list {
            let units = bits.units(value / most);
            if units > 0 {
                gaps.push(row - next);
                weights.push(units);
                next = row + 1;
            }
        }
        encoded.count.push((weights.len() - before) as u8);
        encoded.scale.push(scale);
    }
    encoded.gap = self::planes(&gaps, planes);
    encoded.weight = match bits {
        WeightBits::Eight => weights,
        WeightBits::Four => weights
            .chunks(2)
            .map(|pair| {
                let level = |units: &u8| units.isqrt();
                level(&pair[0]) | pair.get(1).map_or(0, level) << 4
            })
            .collect(),
    };
    encoded
}

/// P, the planes that gaps between N `rows` take.
pub(crate) fn plane_count(rows: usize) -> usize {
    (1..4).find(|planes| rows <= 1 << (8 * planes)).unwrap_or(4)
}

/// Gaps in P byte planes, `[P × M]`.
pub(crate) fn planes(gaps: &[u32], count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|plane| gaps.iter().map(move |gap| gap.to_le_bytes()[plane]))
        .collect()
}

/// Gaps in byte planes `[P × M]`, read where they are.
#[derive(Clone, Copy)]
pub struct Gaps<'a> {
    planes: &'a [u8],
    entries: usize,
}

impl<'a> Gaps<'a> {
    /// Gaps of M `entries` in `[P × M]` bytes.
    pub fn new(planes: &'a [u8], entries: usize) -> Self {
        Self { planes, entries }
    }

    /// The rows of one list.
    #[inline]
    pub fn rows(self, list: Range<usize>) -> impl Iterator<Item = u32> + 'a {
        list.scan(0_u32, move |next, entry| {
            let row = next.wrapping_add(self.gap(entry));
            *next = row.wrapping_add(1);
            Some(row)
        })
    }

    // The browser's module is compiled for size, and would call it.
    #[inline(always)]
    fn gap(self, entry: usize) -> u32 {
        let (mut gap, mut at, mut shift) = (0, entry, 0);
        while at < self.planes.len() {
            gap |= u32::from(self.planes[at]) << shift;
            at += self.entries;
            shift += 8;
        }
        gap
    }

    /// Checks one list against the number of items.
    ///
    /// # Errors
    /// [`BundleError::Content`] when the list leaves the items.
    pub fn check(self, list: Range<usize>, items: u32) -> Result<(), BundleError> {
        let mut next = 0_u64;
        for entry in list {
            let row = next + u64::from(self.gap(entry));
            if row >= u64::from(items) {
                return Err(BundleError::content(
                    file::TABLES,
                    format!("tensor 'neighbour_gap' leads beyond the {items} items"),
                ));
            }
            next = row + 1;
        }
        Ok(())
    }
}

/// Weights as they are stored: bytes `[M]`, or levels `[⌈M / 2⌉]`.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    /// The tensor.
    pub bytes: &'a [u8],
    /// How it is to be read.
    pub bits: WeightBits,
}

impl Weights<'_> {
    /// The weight of an entry in units of its row.
    #[inline]
    pub fn at(self, entry: usize) -> u8 {
        match self.bits {
            WeightBits::Eight => self.bytes[entry],
            WeightBits::Four => {
                let level = self.bytes[entry / 2] >> (4 * (entry % 2)) & 15;
                level * level
            }
        }
    }
}

/// The nearest bfloat16 to a finite number that is not negative.
pub fn to_half(value: f32) -> u16 {
    let bits = value.to_bits();
    // To even where both are as near, as the format's definition has it.
    let rounding = 0x7fff + ((bits >> 16) & 1);
    ((bits + rounding) >> 16) as u16
}

/// The number that a bfloat16 stands for.
pub fn from_half(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;

    #[test]
    fn gaps_lead_back_to_rows() {
        let mut lists = vec![vec![]; 70_000];
        lists[0] = vec![(69_999, 1.0), (0, 0.5), (300, 0.25)];
        lists[69_999] = vec![(65_536, 1.0)];
        let encoded = encode(&lists, WeightBits::Eight);
        assert_eq!(encoded.planes, 3);
        let gaps = Gaps::new(&encoded.gap, 4);
        assert_eq!(gaps.rows(0..3).collect::<Vec<_>>(), [0, 300, 69_999]);
        assert_eq!(gaps.rows(3..4).collect::<Vec<_>>(), [65_536]);
        assert!(gaps.check(0..3, 70_000).is_ok() && gaps.check(0..3, 69_999).is_err());
    }

    #[test]
    fn a_gap_beyond_the_items_is_refused() {
        let error = Gaps::new(&[1, 1], 2).check(0..2, 3).unwrap_err();
        assert!(error.to_string().contains("3 items"), "{error}");
        assert!(Gaps::new(&[1, 0], 2).check(0..2, 3).is_ok());
        // Four planes of 255: no sum may come round.
        assert!(Gaps::new(&[255; 8], 2).check(0..2, 3).is_err());
    }

    #[test]
    fn four_bits_are_squares_of_levels() {
        let lists = vec![vec![(0, 1.0), (1, 0.3), (2, 0.0001)], vec![], vec![]];
        let encoded = encode(&lists, WeightBits::Four);
        // The third rounds to nothing; √0.3 · 15 = 8.2 rounds to 8.
        assert_eq!(encoded.count, [2, 0, 0]);
        let weights = Weights {
            bytes: &encoded.weight,
            bits: WeightBits::Four,
        };
        assert_eq!([weights.at(0), weights.at(1)], [225, 64]);
        assert!((from_half(encoded.scale[0]) * 225.0 - 1.0).abs() < 0.004);
    }

    #[test]
    fn halves_round_to_the_nearest() {
        assert_eq!(from_half(to_half(1.0)), 1.0);
        assert_eq!(from_half(to_half(0.0)), 0.0);
        let third = from_half(to_half(1.0 / 3.0));
        assert!((third - 1.0 / 3.0).abs() < 1.0 / 3.0 / 256.0);
    }
}
