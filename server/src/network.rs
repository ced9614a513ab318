//! Which network a request comes from: the unit of every limit on senders.
//!
//! This is the one place that looks at an address, and none is kept: it is cut to its /24 (IPv6:
//! /56) at once. A network is limited and not a visitor, because one subscriber has a whole /56, and
//! because behind one address there may be a whole office.
//!
//! Behind a proxy every connection has the proxy's address, and the sender's stands in
//! `X-Forwarded-For`. Only an operator who says so (`behind_proxy`) has it believed, and of it only
//! the last address of the last line, which the nearest proxy wrote: some proxies append to the
//! sender's line (nginx, Caddy), some add a line after it (HAProxy).

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

/// The first 24 bits of an IPv4 address, or 56 of an IPv6 address, behind a byte that says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(pub [u8; 8]);

impl Network {
    /// Of a canonical address.
    fn of(address: IpAddr) -> Self {
        let mut bytes = [0; 8];
        match address {
            IpAddr::V4(address) => {
                bytes[0] = 4;
                bytes[1..4].copy_from_slice(&address.octets()[..3]);
            }
            IpAddr::V6(address) => {
                bytes[0] = 6;
                bytes[1..].copy_from_slice(&address.octets()[..7]);
            }
        }
        Self(bytes)
    }
}

/// How senders are told apart.
#[derive(Debug)]
pub struct Senders {
    behind_proxy: bool,
    limit_loopback: bool,
    warned: AtomicBool,
}

impl Senders {
    /// By the settings of these names.
    pub fn new(behind_proxy: bool, limit_loopback: bool) -> Self {
        Self {
            behind_proxy,
            limit_loopback,
            warned: AtomicBool::new(false),
        }
    }

    /// The address that a request comes from.
    pub fn address(&self, request: &HttpRequest) -> Option<IpAddr> {
        self.of_headers(request.peer_addr(), request.headers())
    }

    fn of_headers(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer.map(|peer| peer.ip());
        let forwarded = headers.get_all(header::X_FORWARDED_FOR).next_back();
        let sender = match (self.behind_proxy, forwarded) {
            (true, Some(list)) => list.to_str().ok().and_then(last_address).or(peer),
            (true, None) => peer,
            (false, Some(_)) => {
                self.warn_once();
                peer
            }
            (false, None) => peer,
        };
        sender.map(|address| address.to_canonical())
    }

    /// The network at the other end of a connection; `None` where no limit applies to it, as behind
    /// a proxy.
    pub fn of_connection(&self, peer: SocketAddr) -> Option<Network> {
        match self.behind_proxy {
            true => None,
            false => self.limited(Some(peer.ip().to_canonical())),
        }
    }

    /// The network of an address; `None` where no limit applies to it.
    pub fn limited(&self, address: Option<IpAddr>) -> Option<Network> {
        let exempt = |address: &IpAddr| !self.limit_loopback && address.is_loopback();
        let limited = address.filter(|address| !exempt(address));
        limited.map(Network::of)
    }

    fn warn_once(&self) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a report came with X-Forwarded-For, which is not believed: behind a proxy set \
                 behind_proxy = true, or all its visitors share one limit; without one a sender \
                 wrote it"
            );
        }
    }
}

/// The last address of a list such as `203.0.113.7, 198.51.100.2`; some proxies add a port.
fn last_address(list: &str) -> Option<IpAddr> {
    let last = list.rsplit(',').next()?.trim();
    let socket = || last.parse().map(|socket: SocketAddr| socket.ip());
    last.parse().or_else(|_| socket()).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use actix_web::http::header::HeaderValue;

    fn network(address: &str) -> Network {
        let address: IpAddr = address.parse().unwrap();
        Network::of(address.to_canonical())
    }

    fn sender(senders: &Senders, peer: &str, lines: &[&str]) -> Option<Network> {
        let mut headers = HeaderMap::new();
        for line in lines {
            let value = HeaderValue::from_str(line).unwrap();
            headers.append(header::X_FORWARDED_FOR, value);
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 50_000);
        senders.limited(senders.of_headers(Some(peer), &headers))
    }

    #[test]
    fn a_network_is_a_24_or_a_56() {
        assert_eq!(network("203.0.113.7"), network("203.0.113.200"));
        assert_eq!(network("203.0.113.7"), network("::ffff:203.0.113.1"));
        assert_ne!(network("203.0.113.7"), network("203.0.114.7"));
        assert_eq!(network("2001:db8:0:1100::1"), network("2001:db8:0:11ff::2"));
        assert_ne!(network("2001:db8:0:1100::1"), network("2001:db8:0:1200::1"));
        // The bytes of another family's prefix are another network.
        assert_ne!(network("32.1.13.0"), network("2001:d00::"));
    }

    #[test]
    fn a_forwarded_address_counts_only_behind_a_proxy() {
        let alone = Senders::new(false, true);
        let peer = network("203.0.113.7");
        assert_eq!(sender(&alone, "203.0.113.7", &[]), Some(peer));
        assert_eq!(sender(&alone, "203.0.113.7", &["198.51.100.1"]), Some(peer));
        assert!(alone.warned.load(Ordering::Relaxed));

        let proxied = Senders::new(true, true);
        let wanted = Some(network("198.51.100.1"));
        for lines in [
            // The sender wrote the first address, the proxy the last.
            ["9.9.9.9, 198.51.100.1"].as_slice(),
            &["9.9.9.9,198.51.100.1:443"],
            // This proxy adds a line of its own.
            &["9.9.9.9", "198.51.100.1"],
            &["9.9.9.9, 8.8.8.8", "7.7.7.7", "198.51.100.1"],
        ] {
            assert_eq!(sender(&proxied, "127.0.0.1", lines), wanted, "{lines:?}");
        }
        let proxy = Some(network("127.0.0.1"));
        for lines in [&[][..], &["unknown"], &["198.51.100.1", "unknown"], &[""]] {
            assert_eq!(sender(&proxied, "127.0.0.1", lines), proxy, "{lines:?}");
        }
    }

    #[test]
    fn the_machine_itself_is_limited_unless_told_otherwise() {
        let limited = Senders::new(false, true);
        assert!(sender(&limited, "127.0.0.1", &[]).is_some());
        let exempt = Senders::new(false, false);
        for loopback in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(sender(&exempt, loopback, &[]), None, "{loopback}");
        }
        assert!(sender(&exempt, "203.0.113.7", &[]).is_some());
        // Behind a proxy a connection says nothing of its senders.
        let peer = "203.0.113.7:1".parse().unwrap();
        assert_eq!(Senders::new(true, true).of_connection(peer), None);
        assert_eq!(limited.of_connection(peer), Some(network("203.0.113.7")));
    }
}
