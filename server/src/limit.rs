//! How many reports one network may send: a minute's by GCRA (ITU-T I.371, through `governor`), a
//! day's by count.
//!
//! Of a network only an HMAC is held, in memory, under a random salt that is drawn anew each day and
//! never written: tomorrow nobody can tell which network yesterday's key was. A day's counts end
//! with its salt.
//!
//! The minute's limit keeps a burst from filling the queue. The day's keeps one network from filling
//! a window: at a minute's limit alone it could send a million reports before the next morning. Few
//! of a day's reports may name items that no catalogue has ([`crate::catalogue`]), because there is
//! no end to such names.

use crate::clock::Clock;
use crate::network::Network;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

const DAY_SECONDS: u64 = 24 * 3600;
/// Networks that are kept apart at a time by the minute's limit: bounds its memory to some megabytes.
/// When more send at once, the new ones share one limit.
const IN_A_MINUTE: usize = 100_000;
/// The same for the day's counts, whose entries stay until midnight: some fifty megabytes, which only
/// a flood from a million networks takes.
const IN_A_DAY: usize = 1_000_000;
const SHARED: Key = [0; 16];

type Key = [u8; 16];

/// What one network may send; `None`: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Reports in a minute, and at once.
    pub per_minute: Option<NonZeroU32>,
    /// Reports in a day.
    pub per_day: Option<NonZeroU32>,
    /// Reports in a day that name an item which no catalogue has.
    pub unlisted_per_day: Option<NonZeroU32>,
}

/// The limit of every network.
pub struct Limit {
    quotas: Quotas,
    clock: Arc<dyn Clock>,
    today: RwLock<Day>,
}

struct Day {
    number: u64,
    salt: [u8; 32],
    minute: Option<DefaultKeyedRateLimiter<Key>>,
    sent: Mutex<HashMap<Key, Sent>>,
}

/// What a network sent today.
#[derive(Clone, Copy, Default)]
struct Sent {
    reports: u32,
    unlisted: u32,
}

impl Day {
    fn new(number: u64, quotas: &Quotas) -> Result<Self, getrandom::Error> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt)?;
        let minute = quotas.per_minute.map(Quota::per_minute);
        Ok(Self {
            number,
            salt,
            minute: minute.map(RateLimiter::keyed),
            sent: Mutex::default(),
        })
    }

    /// The network's key, which nothing but today's salt connects with it.
    fn key(&self, network: Network) -> Key {
        let mut key = Key::default();
        // HMAC takes a key of any length.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.salt) {
            mac.update(&network.0);
            key.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        }
        key
    }

    fn check_minute(&self, mut key: Key) -> Result<(), u64> {
        let Some(minute) = &self.minute else {
            return Ok(());
        };
        if minute.len() >= IN_A_MINUTE {
            minute.retain_recent();
            if minute.len() >= IN_A_MINUTE {
                key = SHARED;
            }
        }
        minute.check_key(&key).map_err(|refused| {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            wait.as_secs().saturating_add(1)
        })
    }

    /// Counts a report, unless as many came today as may.
    fn count(
        &self,
        key: Key,
        limit: Option<NonZeroU32>,
        counter: fn(&mut Sent) -> &mut u32,
    ) -> Result<(), Spent> {
        let Some(limit) = limit else {
            return Ok(());
        };
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let room = sent.len() < IN_A_DAY || sent.contains_key(&key);
        let count = counter(sent.entry(if room { key } else { SHARED }).or_default());
        if *count >= limit.get() {
            return Err(Spent);
        }
        *count += 1;
        Ok(())
    }
}

/// The day's reports were sent.
struct Spent;

impl Limit {
    /// # Errors
    /// When the system has no random numbers for the salt.
    pub fn new(quotas: Quotas, clock: Arc<dyn Clock>) -> Result<Self, getrandom::Error> {
        let today = Day::new(clock.now() / DAY_SECONDS, &quotas)?;
        Ok(Self {
            quotas,
            clock,
            today: RwLock::new(today),
        })
    }

    /// Counts a report.
    ///
    /// # Errors
    /// In how many seconds the next report is taken.
    pub fn check(&self, network: Network) -> Result<(), u64> {
        self.today(|day, left| {
            let key = day.key(network);
            day.check_minute(key)?;
            let counted = day.count(key, self.quotas.per_day, |sent| &mut sent.reports);
            counted.map_err(|Spent| left)
        })
    }

    /// Counts a report that names an item which no catalogue has.
    ///
    /// # Errors
    /// In how many seconds the next such report is taken.
    pub fn check_unlisted(&self, network: Network) -> Result<(), u64> {
        self.today(|day, left| {
            let key = day.key(network);
            let limit = self.quotas.unlisted_per_day;
            let counted = day.count(key, limit, |sent| &mut sent.unlisted);
            counted.map_err(|Spent| left)
        })
    }

    /// With what was counted today, and the seconds until tomorrow.
    fn today<T>(&self, ask: impl Fn(&Day, u64) -> T) -> T {
        let now = self.clock.now();
        let number = now / DAY_SECONDS;
        let left = DAY_SECONDS - now % DAY_SECONDS;
        {
            let today = self.today.read().unwrap_or_else(PoisonError::into_inner);
            if today.number == number {
                return ask(&today, left);
            }
        }
        let mut today = self.today.write().unwrap_or_else(PoisonError::into_inner);
        if today.number != number {
            match Day::new(number, &self.quotas) {
                Ok(day) => *today = day,
                Err(error) => tracing::error!(%error, "yesterday's salt stays in use"),
            }
        }
        ask(&today, left)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[derive(Default)]
    struct Held(AtomicU64);

    impl Clock for Held {
        fn now(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn limit(per_minute: u32, per_day: u32, unlisted_per_day: u32) -> (Limit, Arc<Held>) {
        let clock = Arc::new(Held::default());
        let quotas = Quotas {
            per_minute: NonZeroU32::new(per_minute),
            per_day: NonZeroU32::new(per_day),
            unlisted_per_day: NonZeroU32::new(unlisted_per_day),
        };
        (Limit::new(quotas, clock.clone()).unwrap(), clock)
    }

    fn network(number: u32) -> Network {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        Network(bytes)
    }

    /// How many of a hundred reports pass.
    fn passing(limit: &Limit, number: u32) -> usize {
        (0..100)
            .filter(|_| limit.check(network(number)).is_ok())
            .count()
    }

    #[test]
    fn a_network_has_one_limit_and_another_its_own() {
        let (limit, _) = limit(3, 0, 0);
        assert_eq!(passing(&limit, 1), 3);
        assert_eq!(passing(&limit, 1), 0);
        assert_eq!(passing(&limit, 2), 3);
        // Three a minute: the next is taken after twenty seconds.
        let wait = limit.check(network(1));
        assert!((19..=21).contains(&wait.unwrap_err()), "{wait:?}");
    }

    #[test]
    fn a_day_has_a_limit_of_its_own_and_few_reports_of_unlisted_items() {
        let (limit, clock) = limit(0, 7, 2);
        clock.0.store(DAY_SECONDS - 60, Ordering::Relaxed);
        assert_eq!(passing(&limit, 1), 7);
        assert_eq!(limit.check(network(1)), Err(60));
        let unlisted = |number| {
            let tried = (0..10).map(|_| limit.check_unlisted(network(number)));
            tried.filter(Result::is_ok).count()
        };
        assert_eq!((unlisted(1), unlisted(1), unlisted(2)), (2, 0, 2));
        clock.0.store(DAY_SECONDS, Ordering::Relaxed);
        assert_eq!(passing(&limit, 1), 7);
        assert_eq!(unlisted(1), 2);
    }

    #[test]
    fn each_day_has_a_salt_of_its_own() {
        let (limit, clock) = limit(3, 0, 0);
        let key = |limit: &Limit| limit.today.read().unwrap().key(network(1));
        let monday = key(&limit);
        assert_eq!(passing(&limit, 1), 3);
        assert_eq!(key(&limit), monday);
        clock.0.store(DAY_SECONDS, Ordering::Relaxed);
        assert_eq!(passing(&limit, 1), 3);
        assert_ne!(key(&limit), monday);
    }

    #[test]
    fn memory_is_bounded_however_many_networks_send() {
        let (limit, _) = limit(3, 3, 3);
        for number in 0..(IN_A_DAY as u32 + 50) {
            let _ = limit.check_unlisted(network(number));
        }
        for number in 0..(IN_A_MINUTE as u32 + 50) {
            let _ = limit.check(network(number));
        }
        let today = limit.today.read().unwrap();
        assert!(today.minute.as_ref().unwrap().len() <= IN_A_MINUTE + 1);
        assert!(today.sent.lock().unwrap().len() <= IN_A_DAY + 1);
    }
}
