//! How many connections the public listener keeps, and for how long one may stand still.
//!
//! A connection costs a file, and one that fetches a bundle another; a process has so many files. A
//! client that does nothing is ended by the framework after five seconds (no head, or a connection
//! that is kept and not used), one that sends a report's body slowly after `feedback_body_seconds`,
//! and one that does not take what it asked for by the kernel after [`STALL`]. Somebody who starts
//! anew as often as that could still hold every file, or by reading a little now and then; so one
//! network has a share of the connections and not all of them.
//!
//! A connection too many is closed when it comes, before a byte of it is read. Behind a proxy all
//! connections are the proxy's, and dividing them is for the proxy.

use crate::network::{Network, Senders};
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::SockRef;
use std::any::Any;
use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a client may leave what it asked for in the kernel's buffer, without reading any of it.
const STALL: Duration = Duration::from_secs(30);
/// Files that the server opens besides: the database's, its threads', the admin listener's.
const OTHER_FILES: u64 = 200;

/// The connections of the public listener.
pub struct Connections {
    most: usize,
    per_network: Option<NonZeroUsize>,
    senders: Arc<Senders>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    networks: HashMap<Network, usize>,
}

/// A connection's place among them, free again when it is dropped.
struct Place {
    connections: Arc<Connections>,
    network: Option<Network>,
}

impl Connections {
    /// So many in all, and of one network; `None`: as many as there are.
    pub fn new(most: usize, per_network: Option<NonZeroUsize>, senders: Arc<Senders>) -> Arc<Self> {
        Arc::new(Self {
            most: affordable(most),
            per_network,
            senders,
            open: Mutex::default(),
        })
    }

    /// Called with each connection that comes, and with what is kept for as long as it lasts.
    pub fn accept(self: &Arc<Self>, connection: &dyn Any, kept: &mut Extensions) {
        let Some(stream) = connection.downcast_ref::<TcpStream>() else {
            return;
        };
        let socket = SockRef::from(stream);
        // A connection whose other end is gone already has no address.
        let place = stream.peer_addr().ok().and_then(|peer| self.place(peer));
        match place {
            Some(place) => {
                kept.insert(place);
                end_when_stalled(&socket);
            }
            // It may be closed already.
            None => drop(socket.shutdown(Shutdown::Both)),
        }
    }

    fn place(self: &Arc<Self>, peer: SocketAddr) -> Option<Place> {
        let network = self.senders.of_connection(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.most {
            return None;
        }
        if let Some(network) = network {
            let of_network = open.networks.entry(network).or_default();
            if self
                .per_network
                .is_some_and(|most| *of_network >= most.get())
            {
                return None;
            }
            *of_network += 1;
        }
        open.all += 1;
        Some(Place {
            connections: Arc::clone(self),
            network,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let open = &self.connections.open;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        let Some(network) = self.network else {
            return;
        };
        if let Some(of_network) = open.networks.get_mut(&network) {
            *of_network -= 1;
            if *of_network == 0 {
                open.networks.remove(&network);
            }
        }
    }
}

/// As many connections as the process may open files for, whose limit is raised as far as needed.
fn affordable(connections: usize) -> usize {
    let needed = |connections: usize| 2 * connections as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    // No limit is given as none.
    let soft = limit.current.unwrap_or(u64::MAX);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    let wanted = needed(connections);
    if wanted <= soft {
        return connections;
    }
    let raised = Rlimit {
        current: Some(wanted.min(hard)),
        maximum: limit.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted.min(hard),
        Err(_) => soft,
    };
    let affordable = usize::try_from(files.saturating_sub(OTHER_FILES) / 2).unwrap_or(connections);
    let affordable = affordable.clamp(1, connections);
    if affordable < connections {
        tracing::warn!(
            files,
            connections = affordable,
            "the system lets this process open too few files for so many connections; raise its limit \
             (LimitNOFILE of its unit) or lower `connections`"
        );
    }
    affordable
}

#[cfg(target_os = "linux")]
fn end_when_stalled(socket: &SockRef<'_>) {
    if let Err(error) = socket.set_tcp_user_timeout(Some(STALL)) {
        tracing::debug!(%error, "a client that stops reading is not ended");
    }
}

/// Only Linux has the option.
#[cfg(not(target_os = "linux"))]
fn end_when_stalled(_socket: &SockRef<'_>) {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn connections(most: usize, per_network: usize, behind_proxy: bool) -> Arc<Connections> {
        let senders = Arc::new(Senders::new(behind_proxy, true));
        Connections::new(most, NonZeroUsize::new(per_network), senders)
    }

    fn open(connections: &Arc<Connections>, address: &str, count: usize) -> Vec<Place> {
        let peer: SocketAddr = address.parse().unwrap();
        (0..count).filter_map(|_| connections.place(peer)).collect()
    }

    #[test]
    fn one_network_has_a_share_of_all_places_and_gives_them_back() {
        let connections = connections(5, 3, false);
        let attacker = open(&connections, "203.0.113.7:1", 10);
        assert_eq!(attacker.len(), 3);
        assert!(open(&connections, "203.0.113.99:1", 1).is_empty(), "same");
        let others = open(&connections, "198.51.100.7:1", 10);
        assert_eq!(others.len(), 2, "five in all");
        drop(attacker);
        assert_eq!(open(&connections, "192.0.2.7:1", 10).len(), 3);
        drop(others);
        let counted = connections.open.lock().unwrap();
        assert_eq!((counted.all, counted.networks.len()), (0, 0));
    }

    #[test]
    fn behind_a_proxy_only_the_sum_counts() {
        let connections = connections(5, 3, true);
        assert_eq!(open(&connections, "203.0.113.7:1", 10).len(), 5);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_client_that_stops_reading_is_ended_by_the_kernel() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let socket = SockRef::from(&stream);
        end_when_stalled(&socket);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(STALL));
    }
}
