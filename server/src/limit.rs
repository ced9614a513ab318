//! How many reports one network may send: GCRA (ITU-T I.371, through `governor`) over a keyed hash
//! of the sender's network.
//!
//! This is the one place that looks at an address, and none is kept. It is cut to its /24 (IPv6:
//! /56), and of that only an HMAC is held, in memory, under a random salt that is drawn anew each
//! day and never written: tomorrow nobody can tell what yesterday's key was. A network is limited
//! and not a visitor, because one subscriber has a whole /56, and because behind one address there
//! may be a whole office: the default leaves room for both.
//!
//! It does not apply to the machine's own addresses: whoever comes from there is the operator or a
//! reverse proxy, and behind one all visitors would share a single limit. An operator with a proxy
//! says so (`behind_proxy`); only then is `X-Forwarded-For` believed, and of it only the last
//! address, the one that the nearest proxy wrote.

use crate::clock::Clock;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};

const DAY_SECONDS: u64 = 24 * 3600;
/// Networks that are kept apart at a time: bounds the memory to some megabytes. When more send at
/// once, the new ones share one limit.
const NETWORKS: usize = 100_000;
const SHARED: [u8; 16] = [0; 16];

type Key = [u8; 16];

/// The limit of every network.
pub struct Limit {
    quota: Quota,
    behind_proxy: bool,
    clock: Arc<dyn Clock>,
    today: RwLock<Day>,
}

struct Day {
    number: u64,
    salt: [u8; 32],
    networks: DefaultKeyedRateLimiter<Key>,
}

impl Day {
    fn new(number: u64, quota: Quota) -> Result<Self, getrandom::Error> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt)?;
        Ok(Self {
            number,
            salt,
            networks: RateLimiter::keyed(quota),
        })
    }

    /// The network's key, which nothing but today's salt connects with it.
    fn key(&self, address: IpAddr) -> Key {
        let mut key = Key::default();
        // HMAC takes a key of any length.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.salt) {
            match address {
                IpAddr::V4(address) => mac.update(&address.octets()[..3]),
                IpAddr::V6(address) => mac.update(&address.octets()[..7]),
            }
            key.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        }
        key
    }

    fn check(&self, address: IpAddr) -> Result<(), u64> {
        let mut key = self.key(address);
        if self.networks.len() >= NETWORKS {
            self.networks.retain_recent();
            if self.networks.len() >= NETWORKS {
                key = SHARED;
            }
        }
        self.networks.check_key(&key).map_err(|refused| {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            wait.as_secs().saturating_add(1)
        })
    }
}

impl Limit {
    /// A limit of `per_minute` reports a minute, as many of which may come at once.
    ///
    /// # Errors
    /// When the system has no random numbers for the salt.
    pub fn new(
        per_minute: NonZeroU32,
        behind_proxy: bool,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, getrandom::Error> {
        let quota = Quota::per_minute(per_minute);
        let today = Day::new(clock.now() / DAY_SECONDS, quota)?;
        Ok(Self {
            quota,
            behind_proxy,
            clock,
            today: RwLock::new(today),
        })
    }

    /// Counts a report from `peer`, or, where a proxy is trusted, from the last address of
    /// `forwarded`, the value of X-Forwarded-For.
    ///
    /// # Errors
    /// In how many seconds the next report is taken.
    pub fn check(&self, peer: Option<IpAddr>, forwarded: Option<&str>) -> Result<(), u64> {
        let sender = sender(self.behind_proxy, peer, forwarded);
        let Some(sender) = sender.filter(|sender| self.behind_proxy || !sender.is_loopback())
        else {
            return Ok(());
        };
        let number = self.clock.now() / DAY_SECONDS;
        {
            let today = self.today.read().unwrap_or_else(PoisonError::into_inner);
            if today.number == number {
                return today.check(sender);
            }
        }
        let mut today = self.today.write().unwrap_or_else(PoisonError::into_inner);
        if today.number != number {
            match Day::new(number, self.quota) {
                Ok(day) => *today = day,
                Err(error) => tracing::error!(%error, "yesterday's salt stays in use"),
            }
        }
        today.check(sender)
    }
}

/// Who sends: `peer`, or, behind a proxy, the last address of `forwarded`, the value of
/// X-Forwarded-For.
pub(crate) fn sender(
    behind_proxy: bool,
    peer: Option<IpAddr>,
    forwarded: Option<&str>,
) -> Option<IpAddr> {
    let named = forwarded.filter(|_| behind_proxy).and_then(last_address);
    named.or(peer).map(|address| address.to_canonical())
}

/// The last address of a list such as `203.0.113.7, 198.51.100.2`; some proxies add a port.
fn last_address(list: &str) -> Option<IpAddr> {
    let last = list.rsplit(',').next()?.trim();
    let socket = || last.parse().map(|socket: std::net::SocketAddr| socket.ip());
    last.parse().or_else(|_| socket()).ok()
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

    fn limit(behind_proxy: bool) -> (Limit, Arc<Held>) {
        let clock = Arc::new(Held::default());
        let three = NonZeroU32::new(3).unwrap();
        (
            Limit::new(three, behind_proxy, clock.clone()).unwrap(),
            clock,
        )
    }

    /// How many of ten reports pass.
    fn passing(limit: &Limit, peer: &str, forwarded: Option<&str>) -> usize {
        let peer = Some(peer.parse().unwrap());
        (0..10)
            .filter(|_| limit.check(peer, forwarded).is_ok())
            .count()
    }

    #[test]
    fn a_network_has_one_limit_and_another_its_own() {
        let (limit, _) = limit(false);
        assert_eq!(passing(&limit, "203.0.113.7", None), 3);
        assert_eq!(passing(&limit, "203.0.113.200", None), 0);
        assert_eq!(passing(&limit, "::ffff:203.0.113.1", None), 0);
        assert_eq!(passing(&limit, "203.0.114.7", None), 3);
        assert_eq!(passing(&limit, "2001:db8:0:1100::1", None), 3);
        assert_eq!(passing(&limit, "2001:db8:0:11ff::2", None), 0);
        assert_eq!(passing(&limit, "2001:db8:0:1200::1", None), 3);
        // Three a minute: the next is taken after twenty seconds.
        let wait = limit.check(Some("203.0.113.9".parse().unwrap()), None);
        assert!((19..=21).contains(&wait.unwrap_err()), "{wait:?}");
    }

    #[test]
    fn what_a_sender_writes_counts_only_behind_a_proxy() {
        let (alone, _) = limit(false);
        let forged = Some("198.51.100.1");
        assert_eq!(passing(&alone, "203.0.113.7", forged), 3);
        assert_eq!(passing(&alone, "203.0.113.7", Some("198.51.101.1")), 0);
        assert_eq!(passing(&alone, "127.0.0.1", forged), 10);

        let (proxied, _) = limit(true);
        // The sender wrote the first address, the proxy the last.
        assert_eq!(
            passing(&proxied, "127.0.0.1", Some("9.9.9.9, 198.51.100.1")),
            3
        );
        assert_eq!(
            passing(&proxied, "127.0.0.1", Some("8.8.8.8, 198.51.100.2:443")),
            0
        );
        assert_eq!(passing(&proxied, "127.0.0.1", Some("198.51.101.1")), 3);
        assert_eq!(passing(&proxied, "127.0.0.1", Some("unknown")), 3);
    }

    #[test]
    fn each_day_has_a_salt_of_its_own() {
        let (limit, clock) = limit(false);
        let address = "203.0.113.7".parse().unwrap();
        let key = |limit: &Limit| limit.today.read().unwrap().key(address);
        let monday = key(&limit);
        assert_eq!(passing(&limit, "203.0.113.7", None), 3);
        assert_eq!(key(&limit), monday);
        clock.0.store(DAY_SECONDS, Ordering::Relaxed);
        assert_eq!(passing(&limit, "203.0.113.7", None), 3);
        assert_ne!(key(&limit), monday);
    }

    #[test]
    fn memory_is_bounded_however_many_networks_send() {
        let (limit, _) = limit(false);
        for network in 0..(NETWORKS as u32 + 50) {
            let address = IpAddr::from((network << 8).to_be_bytes());
            let _ = limit.check(Some(address), None);
        }
        let today = limit.today.read().unwrap();
        assert!(today.networks.len() <= NETWORKS + 1);
    }
}
