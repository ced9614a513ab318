//! How many encapsulated reports are taken.
//!
//! A relay sends the reports of all its visitors from a few addresses, so the limit by network
//! ([`crate::limit`]) would stop it. Relays that the operator names have one quota together
//! instead; encapsulated reports from anywhere else count as ordinary ones from there.

use crate::limit::{Limit, sender};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// The relays that are known, and their quota.
pub struct Relays {
    networks: Vec<IpNet>,
    behind_proxy: bool,
    quota: Option<DefaultDirectRateLimiter>,
}

impl Relays {
    /// Relays in these networks, which may send `per_minute` reports together; `None`: as many as
    /// they like.
    pub fn new(networks: Vec<IpNet>, behind_proxy: bool, per_minute: Option<NonZeroU32>) -> Self {
        Self {
            networks,
            behind_proxy,
            quota: per_minute.map(|count| RateLimiter::direct(Quota::per_minute(count))),
        }
    }

    /// Counts an encapsulated report from `peer`, or, behind a proxy, from the last address of
    /// `forwarded`. `others` limits whoever is not a relay.
    ///
    /// # Errors
    /// In how many seconds the next one is taken.
    pub fn check(
        &self,
        peer: Option<IpAddr>,
        forwarded: Option<&str>,
        others: Option<&Limit>,
    ) -> Result<(), u64> {
        let sender = sender(self.behind_proxy, peer, forwarded);
        let named = |address: IpAddr| self.networks.iter().any(|one| one.contains(&address));
        if !sender.is_some_and(named) {
            return others.map_or(Ok(()), |limit| limit.check(peer, forwarded));
        }
        let Some(quota) = &self.quota else {
            return Ok(());
        };
        quota.check().map_err(|refused| {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            wait.as_secs().saturating_add(1)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::clock::SystemClock;
    use std::sync::Arc;

    #[test]
    fn a_relay_has_its_quota_and_everybody_else_the_limit_of_a_network() {
        let three = NonZeroU32::new(3).unwrap();
        let limit = Limit::new(three, false, Arc::new(SystemClock::default())).unwrap();
        let networks = vec!["203.0.113.0/28".parse().unwrap()];
        let relays = Relays::new(networks, false, NonZeroU32::new(5));
        let passing = |address: &str| {
            let peer = Some(address.parse().unwrap());
            let taken = |_: &u8| relays.check(peer, None, Some(&limit)).is_ok();
            (0..10).filter(taken).count()
        };
        assert_eq!(passing("203.0.113.1"), 5);
        assert_eq!(passing("203.0.113.2"), 0, "one quota for all relays");
        assert_eq!(passing("203.0.113.17"), 3, "no relay");
        assert_eq!(passing("::ffff:203.0.113.3"), 0, "a relay");
    }
}
