//! Order without comparing twice: whole numbers that sort as what they stand for.

/// A key that sorts scores from high to low, as `f32::total_cmp` has it, and equal ones by their
/// place, below 2³¹; those that are not `known` come after all others, by place alone.
pub(crate) fn key(known: bool, score: f32, place: u32) -> u64 {
    let bits = if known { score.to_bits() } else { 0 };
    // Negative numbers rise as their bits fall.
    let rising = if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    };
    u64::from(!known) << 63 | u64::from(!rising) << 31 | u64::from(place)
}

/// The place in a key.
pub(crate) fn place(key: u64) -> usize {
    key as usize & 0x7fff_ffff
}

/// Rows as one bit each.
#[derive(Default)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// None of N `rows`.
    pub(crate) fn none(rows: usize) -> Self {
        Self(vec![0; rows.div_ceil(64)])
    }

    /// Takes a row in.
    pub(crate) fn insert(&mut self, row: u32) {
        self.0[row as usize / 64] |= 1 << (row % 64);
    }

    /// Whether a row was taken in.
    #[inline]
    pub(crate) fn holds(&self, row: u32) -> bool {
        self.0[row as usize / 64] >> (row % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_scores_do_and_the_unknown_come_last() {
        let scores = [
            f32::INFINITY,
            3.0,
            1.0,
            1e-40,
            0.0,
            -0.0,
            -1.0,
            -2.5,
            f32::NEG_INFINITY,
        ];
        let mut keys: Vec<u64> = (0_u32..)
            .zip(scores)
            .map(|(at, s)| key(true, s, at))
            .collect();
        keys.extend([
            key(true, 1.0, 100),
            key(false, 0.0, 101),
            key(false, 9.0, 102),
        ]);
        let sorted = |keys: &[u64]| {
            let mut keys = keys.to_vec();
            keys.sort_unstable();
            keys.into_iter().map(place).collect::<Vec<_>>()
        };
        let expected = [0, 1, 2, 100, 3, 4, 5, 6, 7, 8, 101, 102];
        assert_eq!(sorted(&keys), expected);
        keys.reverse();
        assert_eq!(sorted(&keys), expected);
    }

    #[test]
    fn bits_hold_what_was_taken_in() {
        let mut bits = Bits::none(130);
        for row in [0, 63, 64, 129] {
            assert!(!bits.holds(row));
            bits.insert(row);
        }
        let held: Vec<u32> = (0..130).filter(|&row| bits.holds(row)).collect();
        assert_eq!(held, [0, 63, 64, 129]);
    }
}
