//! A killed process: what was acknowledged is there, and nothing twice.

use crate::house::{House, Server, view};
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Several clients report, each its own items; returns what was acknowledged before the server
/// was gone.
fn report_until_killed(server: &mut Server, round: u64) -> BTreeSet<String> {
    let acknowledged = Mutex::new(BTreeSet::new());
    let gone = AtomicBool::new(false);
    let count = AtomicU64::new(0);
    let pid = server.child.id().to_string();
    std::thread::scope(|scope| {
        for client in 0..8_u64 {
            let (server, gone, count, acknowledged) = (&*server, &gone, &count, &acknowledged);
            scope.spawn(move || {
                let url = format!("http://{}/v1/feedback", server.address);
                for at in 0.. {
                    if gone.load(Ordering::Relaxed) {
                        return;
                    }
                    let item = format!("item-{round}-{client}-{at}");
                    let nonce = u128::from(round) << 96 | u128::from(client) << 64 | at;
                    let body = view(nonce, &item).to_string();
                    let headers = [("content-type", "application/json")];
                    match server.request("POST", &url, &headers, body.as_bytes()) {
                        Ok(answer) => {
                            assert_eq!(answer.status, 204);
                            acknowledged.lock().unwrap().insert(item);
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(_) => return,
                    }
                }
            });
        }
        while count.load(Ordering::Relaxed) < 50 + 17 * (round % 20) {
            std::thread::yield_now();
        }
        Command::new("kill").args(["-9", &pid]).status().unwrap();
        gone.store(true, Ordering::Relaxed);
    });
    acknowledged.into_inner().unwrap()
}

#[test]
fn a_killed_server_has_every_acknowledged_report_once() {
    let house = House::new();
    let mut acknowledged = BTreeSet::new();
    // docs/server.md names the command that asks for fifty.
    let rounds = std::env::var("VITRINE_KILL_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        let mut server = house.start(&["--access-log", "false"]);
        acknowledged.extend(report_until_killed(&mut server, round));
        server.wait();
        // The next start recovers the log; here it is read by another process before that.
        let stored = house.raw_items();
        let distinct: BTreeSet<_> = stored.iter().cloned().collect();
        assert_eq!(stored.len(), distinct.len(), "a report is stored twice");
        let lost: Vec<_> = acknowledged.difference(&distinct).collect();
        assert!(
            lost.is_empty(),
            "round {round}: acknowledged and lost: {lost:?}"
        );
    }
    // Retries of acknowledged reports after all that still count once.
    let server = house.start(&[]);
    let before = house.count("SELECT count(*) FROM raw_cell");
    assert_eq!(server.report(&view(0, "item-0-0-0")).status, 204);
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), before);
}
