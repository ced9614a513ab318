//! `vitrine-field walk`.

use crate::{Visited, read_visits};
use anyhow::{Context, ensure};
use clap::Args;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::PathBuf;
use vitrine_core::budget::{Budget, Moment};
use vitrine_core::cell::Report;
use vitrine_core::manifest::Manifest;
use vitrine_core::session::Session;
use vitrine_server::clock::{Clock as _, SystemClock};

/// Seconds between two events of a visit: no session ends in between.
const PACE: u64 = 30;
/// Devices that report at the same time.
const AT_ONCE: usize = 32;

#[derive(Args)]
pub struct Walk {
    /// Address of the server.
    #[arg(long)]
    url: String,
    /// Visits that `draw` wrote.
    #[arg(long)]
    visits: PathBuf,
    /// The first visit, from 0.
    #[arg(long)]
    from: usize,
    /// How many visits.
    #[arg(long)]
    count: usize,
    /// Seconds that the server's clock is ahead of the machine's.
    #[arg(long, default_value_t = 0)]
    clock_offset_seconds: i64,
}

impl Walk {
    /// Each visit has a device of its own, with the session and the budget that the browser's
    /// module keeps: it is the same code.
    pub fn run(&self) -> anyhow::Result<()> {
        let visits = read_visits(&self.visits)?;
        let end = self.from + self.count;
        let visits = visits.get(self.from..end).with_context(|| {
            format!(
                "there are {} visits, and {end} were asked for",
                visits.len()
            )
        })?;
        let manifest = ureq::get(format!("{}/manifest.json", self.url)).call()?;
        let manifest = Manifest::parse(&manifest.into_body().read_to_vec()?)?;
        let walks = visits.chunks(visits.len().div_ceil(AT_ONCE).max(1));
        let sent: anyhow::Result<Vec<u64>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (self.from as u64..)
                .zip(walks)
                .map(|(seed, visits)| {
                    let manifest = &manifest;
                    scope.spawn(move || self.devices(seed, visits, manifest))
                })
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined
                .map(|sent| sent.map_err(|_| anyhow::anyhow!("a thread of the walk ended"))?)
                .collect()
        });
        println!("{}", sent?.iter().sum::<u64>());
        Ok(())
    }

    /// One visit after the other; how many reports were sent.
    fn devices(
        &self,
        seed: u64,
        visits: &[Vec<Visited>],
        manifest: &Manifest,
    ) -> anyhow::Result<u64> {
        let agent = ureq::agent();
        let clock = SystemClock {
            offset_seconds: self.clock_offset_seconds,
        };
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut sent = 0;
        for visit in visits {
            let mut session = Session::default();
            let mut budget = Budget::default();
            let moment = Moment {
                now: clock.now(),
                validated: clock.now(),
            };
            let window = manifest.privacy.window_at(moment.now);
            let mut now = moment.now.saturating_sub(PACE * visit.len() as u64);
            for event in visit {
                now += PACE;
                session.push(&event.item, event.action, now, manifest.session_limits());
                let mut draw = || random.random();
                for cell in budget.after_event(&manifest.privacy, moment, &session, &mut draw) {
                    let nonce = format!("{:032x}", random.random::<u128>());
                    self.send(
                        &agent,
                        &Report {
                            nonce,
                            window,
                            cell,
                        },
                    )?;
                    sent += 1;
                }
            }
        }
        Ok(sent)
    }

    fn send(&self, agent: &ureq::Agent, report: &Report) -> anyhow::Result<()> {
        let answer = agent
            .post(format!("{}/v1/feedback", self.url))
            .header("content-type", "application/json")
            .send(serde_json::to_string(report)?)?;
        let status = answer.status();
        ensure!(status == 204, "the server answered {status}");
        Ok(())
    }
}
