//! Devices, servers and releases over one database, and what must hold of them.

use crate::device::{Device, cell};
use crate::step::{DEVICES, LENGTHS, Network, SERVERS, SPLITS, Step, TABS};
use proptest::test_runner::TestCaseError;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use tokio::runtime::Runtime;
use vitrine_core::cell::{Cell, Report};
use vitrine_core::privacy::{Level, Privacy};
use vitrine_core::window::{Admission, WindowName};
use vitrine_server::clock::Clock;
use vitrine_server::promise::{Policy, Promise, promised};
use vitrine_server::release::release;
use vitrine_server::storage::{Database, Location, Recorded, Refusal, Row, ServerId};
use vitrine_store::Promised;

/// A fault of an earlier version, put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A budget that begins anew only when the window's number rises.
    NumberAlone,
    /// Limits for each table and none for their sum.
    EachTableForItself,
    /// A server that counts a report in the window of its own clock.
    ServersClock,
    /// Reports from a device whose budget ends with the page.
    StorageInMemory,
    /// Promises of the manifest that is live when a report comes, and of no other.
    LiveManifestAlone,
    /// A release that goes by its own clock.
    ReleasesClock,
}

impl Fault {
    pub const ALL: [Self; 6] = [
        Self::NumberAlone,
        Self::EachTableForItself,
        Self::ServersClock,
        Self::StorageInMemory,
        Self::LiveManifestAlone,
        Self::ReleasesClock,
    ];
}

/// What sequences have met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Met {
    pub sequences: u64,
    pub steps: u64,
    pub profiles: u64,
    pub manifests: u64,
    pub clocks: u64,
    pub broken: u64,
    pub accepted: u64,
    pub refused: u64,
    pub releases: u64,
}

impl Met {
    pub fn add(&mut self, other: Self) {
        self.sequences += 1;
        self.steps += other.steps;
        self.profiles += other.profiles;
        self.manifests += other.manifests;
        self.clocks += other.clocks;
        self.broken += other.broken;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.releases += other.releases;
    }
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sequences of {} steps: {} profiles, {} manifests, {} clocks set, {} failures of \
             storage and network, {} reports accepted, {} refused, {} windows released",
            self.sequences,
            self.steps,
            self.profiles,
            self.manifests,
            self.clocks,
            self.broken,
            self.accepted,
            self.refused,
            self.releases
        )
    }
}

struct Held(u64);

impl Clock for Held {
    fn now(&self) -> u64 {
        self.0
    }
}

struct Server {
    id: ServerId,
    skew: i64,
}

/// A report that was accepted: whose it is, and in which window the server counts it.
struct Accepted {
    profile: u64,
    window: WindowName,
    cell: Cell,
}

pub struct World {
    fault: Option<Fault>,
    runtime: Runtime,
    folder: tempfile::TempDir,
    database: Database,
    truth: u64,
    manifests: Vec<Promised>,
    devices: Vec<Device>,
    servers: Vec<Server>,
    /// Requests as they went over the network, and whose they were.
    captured: Vec<(u64, Report)>,
    accepted: HashMap<String, Accepted>,
    released: BTreeSet<WindowName>,
    nonces: u128,
    met: Met,
}

type Kept = Result<(), TestCaseError>;

fn broken<T>(what: String) -> Result<T, TestCaseError> {
    Err(TestCaseError::fail(what))
}

impl World {
    pub fn new(fault: Option<Fault>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let location = Location::File(folder.path().join("vitrine.db"));
        let database = runtime.block_on(Database::open(&location)).unwrap();
        let server = || Server {
            id: ServerId::random().unwrap(),
            skew: 0,
        };
        let mut world = Self {
            fault,
            runtime,
            folder,
            database,
            truth: 1_700_000_000,
            manifests: Vec::new(),
            devices: (0..DEVICES as u64).map(Device::new).collect(),
            servers: (0..SERVERS).map(|_| server()).collect(),
            captured: Vec::new(),
            accepted: HashMap::new(),
            released: BTreeSet::new(),
            nonces: 0,
            met: Met {
                profiles: DEVICES as u64,
                ..Met::default()
            },
        };
        world.publish(0, 0, false);
        for device in 0..DEVICES {
            for tab in 0..TABS {
                world.fetch(device, tab);
            }
        }
        world
    }

    pub fn met(&self) -> Met {
        self.met
    }

    /// Lets the steps happen, then lets everything end and checks the sums.
    pub fn run(&mut self, steps: &[Step]) -> Kept {
        for step in steps {
            self.met.steps += 1;
            self.step(step)?;
        }
        self.end()
    }

    fn step(&mut self, step: &Step) -> Kept {
        match *step {
            Step::Pass(seconds) => self.truth += seconds,
            Step::Publish {
                split,
                length,
                private,
            } => self.publish(split, length, private),
            Step::DeviceClock { device, skew } => {
                self.met.clocks += 1;
                self.devices[device].skew = skew;
            }
            Step::ServerClock { server, skew } => {
                self.met.clocks += 1;
                self.servers[server].skew = skew;
            }
            Step::Fetch { device, tab } => self.fetch(device, tab),
            Step::Spend {
                device,
                tab,
                table,
                cell: number,
                stored,
            } => {
                self.met.broken += u64::from(!stored);
                self.nonces += 1;
                let moment = (self.truth, stored);
                let cell = cell(table, number);
                self.devices[device].spend(tab, cell, self.nonces, moment, self.fault);
            }
            Step::Send {
                device,
                server,
                network,
            } => return self.send(device, server, network),
            Step::Clear { device } => {
                let skew = self.devices[device].skew;
                self.devices[device] = Device::new(self.met.profiles);
                self.devices[device].skew = skew;
                self.met.profiles += 1;
            }
            Step::Damage { device } => {
                self.met.broken += 1;
                self.devices[device].damage();
            }
            Step::Replay { server, captured } => {
                if let Some((profile, report)) =
                    self.captured.get(captured % self.captured.len().max(1))
                {
                    let (profile, report) = (*profile, report.clone());
                    self.post(server, profile, &report)?;
                }
            }
            Step::Release { skew } => return self.release(skew),
        }
        Ok(())
    }

    fn fetch(&mut self, device: usize, tab: usize) {
        let live = self.live().privacy.clone();
        self.devices[device].fetch(tab, &live, self.truth, self.fault);
    }

    fn publish(&mut self, split: usize, length: usize, private: bool) {
        let (transitions, items, impressions) = SPLITS[split];
        let level = match private {
            true => Level::Private,
            false => Level::Unlinkable,
        };
        if let Some(last) = self.manifests.last_mut() {
            last.until = Some(self.truth);
        }
        self.manifests.push(Promised {
            privacy: Privacy {
                window_seconds: LENGTHS[length],
                transitions,
                items,
                impressions,
                ..Privacy::at(level)
            },
            until: None,
        });
        self.met.manifests += 1;
    }

    fn send(&mut self, device: usize, server: usize, network: Network) -> Kept {
        let Some(report) = self.devices[device].next(self.truth) else {
            return Ok(());
        };
        let profile = self.devices[device].profile;
        self.captured.push((profile, report.clone()));
        let recorded = match network {
            Network::RequestLost => None,
            Network::Sound => Some(self.post(server, profile, &report)?),
            Network::AnswerLost => {
                self.post(server, profile, &report)?;
                None
            }
            Network::Twice => {
                self.post(server, profile, &report)?;
                Some(self.post((server + 1) % SERVERS, profile, &report)?)
            }
        };
        match recorded {
            None => {
                self.met.broken += 1;
                self.devices[device].again(report);
            }
            Some(Recorded::Refused(Refusal::Early(_))) => self.devices[device].again(report),
            Some(Recorded::Accepted | Recorded::Duplicate) => {
                if !self.accepted.contains_key(&report.nonce) {
                    return broken(format!("{report:?} is acknowledged and nowhere"));
                }
            }
            Some(Recorded::Conflict | Recorded::Refused(_)) => {}
        }
        Ok(())
    }

    /// A server takes a report; its answer.
    fn post(
        &mut self,
        server: usize,
        profile: u64,
        report: &Report,
    ) -> Result<Recorded, TestCaseError> {
        let Server { id, skew } = &self.servers[server];
        let clock = Held(self.truth.saturating_add_signed(*skew));
        let mut row = Row::of(report).unwrap();
        if self.fault == Some(Fault::ServersClock) {
            row.window = self.live().privacy.window_at(clock.now());
        }
        let mut promises = HashMap::new();
        if row.window.admits(clock.now()) == Admission::Open
            && let Some(promise) = self.promise(row.window)
        {
            promises.insert(row.window, promise);
        }
        let recorded = self.runtime.block_on(async {
            self.database.note_clock(id, &clock).await.unwrap();
            let rows = [row.clone()];
            self.database
                .record(&promises, &clock, &rows)
                .await
                .unwrap()
        });
        if recorded[0] == Recorded::Accepted {
            self.met.accepted += 1;
            let accepted = Accepted {
                profile,
                window: row.window,
                cell: report.cell.clone(),
            };
            if self.released.contains(&row.window) {
                return broken(format!("{report:?} entered a window that is released"));
            }
            if self
                .accepted
                .insert(report.nonce.clone(), accepted)
                .is_some()
            {
                return broken(format!("{report:?} is counted twice"));
            }
        } else if matches!(recorded[0], Recorded::Refused(_)) {
            self.met.refused += 1;
        }
        Ok(recorded[0])
    }

    fn live(&self) -> &Promised {
        self.manifests.last().unwrap()
    }

    fn promise(&self, window: WindowName) -> Option<Promise> {
        match self.fault {
            Some(Fault::LiveManifestAlone) => promised(std::slice::from_ref(self.live()), window),
            _ => promised(&self.manifests, window),
        }
    }

    /// A release of all that is closed, on a machine whose clock is off.
    fn release(&mut self, skew: i64) -> Kept {
        let clock = Held(self.truth.saturating_add_signed(skew));
        for server in &self.servers {
            let now = Held(self.truth.saturating_add_signed(server.skew));
            let noted = self.database.note_clock(&server.id, &now);
            self.runtime.block_on(noted).unwrap();
        }
        let windows = self.runtime.block_on(self.database.windows()).unwrap();
        let mut done = Vec::new();
        if self.fault == Some(Fault::ReleasesClock) {
            for window in windows
                .iter()
                .filter(|w| !w.released && w.end() <= clock.now())
            {
                let policy = Policy::default();
                let released = self.database.release(window, &policy, &clock);
                let released = self.runtime.block_on(released).unwrap();
                done.extend(released.map(|released| (window.window, released)));
            }
        } else {
            let location = Location::File(self.folder.path().join("vitrine.db"));
            let out = self.folder.path().join("released");
            let policy = Policy::default();
            let outcome = release(&location, &policy, None, &out, &clock);
            let outcome = self.runtime.block_on(outcome).unwrap();
            if let Some(refused) = outcome.refused {
                return broken(format!("a release was refused: {refused}"));
            }
            let reports = outcome.reports.into_iter();
            done.extend(reports.filter_map(|report| Some((report.window, report.released?))));
        }
        for (number, released) in done {
            let window = windows.iter().find(|w| w.window == number).unwrap();
            let counted = released.noise.map(|noise| noise.cells);
            self.check(
                window.name(),
                window.promise.cells.total(),
                counted,
                released.reports,
            )?;
        }
        Ok(())
    }

    /// Checks what a release counted against what was accepted.
    fn check(
        &mut self,
        window: WindowName,
        noted: u32,
        calibrated: Option<u32>,
        reports: u64,
    ) -> Kept {
        self.met.releases += 1;
        for server in &self.servers {
            if self.truth.saturating_add_signed(server.skew) < window.end() {
                return broken(format!("{window:?} is released while a server has it open"));
            }
        }
        if !self.released.insert(window) {
            return broken(format!("{window:?} is released twice"));
        }
        if let Some(other) = self
            .released
            .iter()
            .find(|other| **other != window && other.overlaps(window))
        {
            return broken(format!("{window:?} and {other:?} are released and overlap"));
        }
        let inside = self.accepted.values().filter(|a| a.window == window);
        let mut cells: BTreeMap<u64, BTreeSet<&Cell>> = BTreeMap::new();
        let mut expected = 0;
        for accepted in inside {
            expected += 1;
            cells
                .entry(accepted.profile)
                .or_default()
                .insert(&accepted.cell);
        }
        if reports != expected {
            return broken(format!(
                "{window:?}: {expected} accepted, {reports} counted"
            ));
        }
        // No manifest allows a profile more than this in one window.
        let most = self
            .manifests
            .iter()
            .map(|m| m.privacy.budget())
            .max()
            .unwrap();
        for (profile, cells) in cells {
            let distinct = cells.len() as u32;
            let allowed = most.min(noted).min(calibrated.unwrap_or(noted));
            if distinct > allowed {
                return broken(format!(
                    "{window:?}: {distinct} cells of profile {profile}, L is {allowed}"
                ));
            }
        }
        Ok(())
    }

    /// Everything ends: clocks are right again, all windows close and are released.
    fn end(&mut self) -> Kept {
        for server in &mut self.servers {
            server.skew = 0;
        }
        let longest = LENGTHS.iter().max().unwrap();
        self.truth += 3 * longest;
        self.release(0)?;
        for accepted in self.accepted.values() {
            if !self.released.contains(&accepted.window) {
                return broken(format!(
                    "reports of {:?} are never released",
                    accepted.window
                ));
            }
        }
        self.come_back()
    }

    /// A profile that comes back may report again, two windows later at the latest: a damaged
    /// budget counts as spent in the window in which it is found.
    fn come_back(&mut self) -> Kept {
        let live = self.live().privacy.clone();
        let longest = LENGTHS.iter().max().unwrap();
        let tables = [live.transitions, live.items, live.impressions];
        let table = tables.iter().position(|&limit| limit > 0).unwrap() as u8;
        for device in &mut self.devices {
            // A clock that was years ahead has spent those years' windows, and no others.
            device.skew = 0;
            let mut allowed = false;
            for visit in 0..2 {
                let truth = self.truth + 2 * visit * longest;
                self.nonces += 1;
                device.fetch(0, &live, truth, self.fault);
                let cell = cell(table, crate::step::CELLS + visit as u32);
                allowed = device.spend(0, cell, self.nonces, (truth, true), self.fault);
            }
            if !allowed && !device.exhausted_ahead {
                return broken(format!("profile {} is silenced", device.profile));
            }
        }
        Ok(())
    }
}
