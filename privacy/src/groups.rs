//! A count that no small part of the reports can carry alone.
//!
//! Reports fall into 20 groups by the hash of their nonces. Honest nonces are random, so a cell's
//! reports are spread evenly, and each group's count is about Poisson with the same mean. A group
//! far above what the others make likely is cut down to the most that is: reports from one broken
//! or naive sender gather in few groups, honest ones do not.
//!
//! A trimmed mean of the groups would say the same of large counts, and delete small ones: of two
//! reports it keeps nothing, because 18 groups of 20 are empty. Here the middle groups only say
//! what is likely; what is likely is counted whole.
//!
//! It is no defence against a forger who draws nonces at random as honest devices do.

/// How many groups there are.
pub const GROUPS: usize = 20;
/// Groups that are left out at either end when the usual count is estimated.
const TRIMMED: usize = 2;
/// An honest group passes its limit with probability e^−14, below 10⁻⁶.
const TAIL: f64 = 14.0;
/// Added to the middle groups' sum: with nothing seen, a Poisson mean of 3 is still possible at
/// 5 % (the rule of three).
const UNSEEN: f64 = 3.0;

/// How many of a cell's reports count, from their number by group.
///
/// With λ = (sum of the middle 16 groups + 3) / 16, a group counts for at most
/// λ + √(2λt) + t/3, t = 14: by Bernstein's inequality a Poisson variable of mean λ is above that
/// with probability at most e^−t (Boucheron, Lugosi, Massart 2013, section 2.4).
///
/// ```
/// use vitrine_privacy::groups::{GROUPS, counted};
///
/// let mut groups = [0; GROUPS];
/// groups[3] = 2;
/// assert_eq!(counted(&groups), 2);
/// groups[7] = 1000;
/// assert!(counted(&groups) < 15);
/// ```
pub fn counted(groups: &[u64; GROUPS]) -> u64 {
    let mut sorted = *groups;
    sorted.sort_unstable();
    let middle: u64 = sorted[TRIMMED..GROUPS - TRIMMED].iter().sum();
    let mean = (middle as f64 + UNSEEN) / (GROUPS - 2 * TRIMMED) as f64;
    let most = mean + (2.0 * mean * TAIL).sqrt() + TAIL / 3.0;
    groups.iter().map(|&count| count.min(most as u64)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_pcg::Pcg64;

    /// A cell's reports thrown into groups, as random nonces do.
    fn thrown(reports: u64, random: &mut Pcg64) -> [u64; GROUPS] {
        let mut groups = [0; GROUPS];
        for _ in 0..reports {
            groups[random.next_u64() as usize % GROUPS] += 1;
        }
        groups
    }

    #[test]
    fn limits_are_those_worked_out_by_hand() {
        // Nothing in the middle: λ = 3/16, and 0.1875 + √(5.25) + 4.667 = 7.15.
        let mut groups = [0; GROUPS];
        groups[0] = 100;
        assert_eq!(counted(&groups), 7);
        // 16 groups of 9: λ = 147/16 = 9.1875, and 9.1875 + √257.25 + 4.667 = 29.89.
        let mut groups = [9; GROUPS];
        groups[19] = 500;
        assert_eq!(counted(&groups), 19 * 9 + 29);
    }

    #[test]
    fn honest_counts_of_every_size_are_whole() {
        let mut random = Pcg64::seed_from_u64(1);
        for reports in [1, 2, 3, 5, 10, 50, 200, 2000] {
            for _ in 0..2000 {
                let groups = thrown(reports, &mut random);
                assert_eq!(counted(&groups), reports, "{groups:?}");
            }
        }
    }

    #[test]
    fn what_one_group_carries_alone_is_cut() {
        let mut random = Pcg64::seed_from_u64(2);
        let mut groups = thrown(40, &mut random);
        groups[4] += 400;
        assert!((40..65).contains(&counted(&groups)), "{groups:?}");
    }
}
