//! One thing that happens, and how sequences of them are drawn.

use proptest::prelude::*;

/// Window lengths in seconds. Their grace is a 28th.
pub const LENGTHS: [u64; 3] = [2800, 5600, 4200];
/// How a manifest splits L: transitions, items, impressions.
pub const SPLITS: [(u32, u32, u32); 5] = [(4, 2, 2), (0, 8, 0), (2, 0, 6), (8, 4, 4), (1, 1, 0)];
/// How far a clock is from the truth, in seconds: right, a little, hours, windows, years.
const SKEWS: [i64; 9] = [0, 0, 30, -30, 90, -90, 3600, -3600, 100_000_000];
/// Devices, servers and tabs of a device.
pub const DEVICES: usize = 3;
pub const SERVERS: usize = 2;
pub const TABS: usize = 2;
/// Different cells of a table.
pub const CELLS: u32 = 12;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// Time passes, in seconds.
    Pass(u64),
    /// A manifest goes live.
    Publish {
        split: usize,
        length: usize,
        private: bool,
    },
    /// A device's clock is set, in seconds from the truth.
    DeviceClock { device: usize, skew: i64 },
    /// A server's clock is set a little off the truth, in seconds.
    ServerClock { server: usize, skew: i64 },
    /// A tab fetches the manifest, as a page that is opened or that looks for a newer one.
    Fetch { device: usize, tab: usize },
    /// A tab spends a cell; the device's storage may refuse to write.
    Spend {
        device: usize,
        tab: usize,
        table: u8,
        cell: u32,
        stored: bool,
    },
    /// A device sends what waits first.
    Send {
        device: usize,
        server: usize,
        network: Network,
    },
    /// The visitor clears the browser's storage: from now on a new profile.
    Clear { device: usize },
    /// The stored budget is damaged.
    Damage { device: usize },
    /// An attacker sends a captured request once more.
    Replay { server: usize, captured: usize },
    /// A release runs on a machine whose clock is off, in seconds.
    Release { skew: i64 },
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub enum Network {
    /// It arrives, and so does its answer.
    Sound,
    /// It never arrives.
    RequestLost,
    /// The server dies, or the connection, after the report is on the disk.
    AnswerLost,
    /// It arrives twice.
    Twice,
}

/// Draws sequences.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 40..240)
}

fn step() -> impl Strategy<Value = Step> {
    let device = || 0..DEVICES;
    let tab = || 0..TABS;
    let server = || 0..SERVERS;
    let network = prop_oneof![
        6 => Just(Network::Sound),
        1 => Just(Network::RequestLost),
        1 => Just(Network::AnswerLost),
        1 => Just(Network::Twice),
    ];
    prop_oneof![
        5 => prop_oneof![6 => 1_u64..60, 2 => 1_u64..1500, 1 => 2700_u64..6000].prop_map(Step::Pass),
        2 => (0..SPLITS.len(), prop_oneof![4 => Just(0), 1 => 0..LENGTHS.len()], any::<bool>())
            .prop_map(|(split, length, private)| Step::Publish { split, length, private }),
        1 => (device(), prop::sample::select(&SKEWS[..]))
            .prop_map(|(device, skew)| Step::DeviceClock { device, skew }),
        1 => (server(), -80_i64..80).prop_map(|(server, skew)| Step::ServerClock { server, skew }),
        8 => (device(), tab()).prop_map(|(device, tab)| Step::Fetch { device, tab }),
        40 => (device(), tab(), 0_u8..3, 0..CELLS, prop::bool::weighted(0.95)).prop_map(
            |(device, tab, table, cell, stored)| Step::Spend { device, tab, table, cell, stored }
        ),
        30 => (device(), server(), network)
            .prop_map(|(device, server, network)| Step::Send { device, server, network }),
        1 => device().prop_map(|device| Step::Clear { device }),
        1 => device().prop_map(|device| Step::Damage { device }),
        2 => (server(), any::<prop::sample::Index>())
            .prop_map(|(server, captured)| Step::Replay { server, captured: captured.index(1000) }),
        2 => prop::sample::select(vec![0_i64, 0, 60, -60, 3000, 100_000])
            .prop_map(|skew| Step::Release { skew }),
    ]
}
