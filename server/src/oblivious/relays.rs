//! How many encapsulated reports are taken.
//!
//! A relay sends the reports of all its visitors from a few addresses, so the limit by network
//! ([`crate::limit`]) would stop it. Relays that the operator names have one quota together
//! instead; encapsulated reports from anywhere else count as ordinary ones from there.

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// The relays that are known, and their quota.
pub struct Relays {
    networks: Vec<IpNet>,
    quota: Option<DefaultDirectRateLimiter>,
}

impl Relays {
    /// Relays in these networks, which may send `per_minute` reports together; `None`: as many as
    /// they like.
    pub fn new(networks: Vec<IpNet>, per_minute: Option<NonZeroU32>) -> Self {
        Self {
            networks,
            quota: per_minute.map(|count| RateLimiter::direct(Quota::per_minute(count))),
        }
    }

    /// Whether an address is a relay's.
    pub fn are_at(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|one| one.contains(&address))
    }

    /// Counts an encapsulated report that a relay sent.
    ///
    /// # Errors
    /// In how many seconds the next one is taken.
    pub fn check(&self) -> Result<(), u64> {
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

    #[test]
    fn relays_are_told_by_their_networks_and_share_one_quota() {
        let networks = vec!["203.0.113.0/28".parse().unwrap()];
        let relays = Relays::new(networks, NonZeroU32::new(5));
        for (address, is_relay) in [
            ("203.0.113.1", true),
            ("203.0.113.15", true),
            ("203.0.113.17", false),
        ] {
            assert_eq!(relays.are_at(address.parse().unwrap()), is_relay);
        }
        let taken = (0..10).filter(|_| relays.check().is_ok());
        assert_eq!(taken.count(), 5);
    }
}
