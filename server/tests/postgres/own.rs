//! What only PostgreSQL has: passwords, roles, several servers at once, a crash of the database.

use crate::cluster::{Cluster, PASSWORD, USER};
use crate::database::{Database, try_query};
use crate::house::{House, Server, refused, view};
use crate::release::said;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let mut house = House::new();
    let shared = Cluster::shared();
    for (location, named) in [
        (shared.url(USER, "canary-wrong", "postgres"), "password"),
        (
            shared.url(USER, PASSWORD, "canary-nowhere"),
            "canary-nowhere",
        ),
        (
            format!("postgres://{USER}:{PASSWORD}@127.0.0.1:1/shop"),
            "postgres://127.0.0.1:1/shop",
        ),
    ] {
        house.database.location = location;
        for (command, what) in [
            (house.command(&["--log", "debug"]), "serve"),
            (house.release_command(1, &[]), "release"),
        ] {
            let said = refused(command);
            assert!(
                said.contains("cannot connect to the database"),
                "{what}: {said}"
            );
            assert!(said.contains(named), "{what}: {said}");
            for secret in [PASSWORD, "canary-wrong"] {
                assert!(!said.contains(secret), "{what}: {said}");
            }
        }
    }
}

#[test]
fn a_database_that_does_not_flush_is_refused() {
    let mut house = House::new();
    let cluster = Cluster::start("-c fsync=off", "unlimited");
    house.database = Database::of(&cluster);
    let said = refused(house.command(&[]));
    assert!(said.contains("fsync = off"), "{said}");
}

#[test]
fn the_trainers_role_reads_what_is_released_and_no_raw_row() {
    const ROLE: &str = include_str!("../../roles/vitrine_trainer.sql");
    let house = House::new();
    let server = house.start(&[]);
    crate::release::report(&server, 0, &[("released", 2)]);
    let output = house.release(1, &[]);
    assert!(output.status.success(), "{}", said(&output));
    let location = &house.database.location;
    run(try_query(location, &[ROLE])).unwrap();
    let as_trainer = |sql| run(try_query(location, &["SET ROLE vitrine_trainer", sql]));
    let released = as_trainer("SELECT cell, count FROM released_cell").unwrap();
    assert_eq!(released[0][1], "2");
    assert_eq!(
        as_trainer("SELECT level FROM privacy_ledger")
            .unwrap()
            .len(),
        1
    );
    for sql in [
        "SELECT * FROM raw_cell",
        "SELECT * FROM surviving_cell",
        "SELECT * FROM spent_nonce",
        "SELECT * FROM group_count",
        "DELETE FROM released_cell",
        "CREATE TABLE copy AS SELECT * FROM raw_cell",
    ] {
        let refused = as_trainer(sql).unwrap_err().to_string();
        assert!(refused.contains("permission denied"), "{sql}: {refused}");
    }
}

#[test]
fn two_servers_over_one_database_count_a_nonce_once() {
    let house = House::new();
    let servers = [house.start(&[]), house.start(&[])];
    std::thread::scope(|scope| {
        for client in 0..8_usize {
            let servers = &servers;
            scope.spawn(move || {
                // Each sends the same reports, in an order of its own.
                for at in 0..40_usize {
                    let nonce = match client % 2 {
                        0 => at,
                        _ => 39 - at,
                    };
                    let answer = servers[client % 2].report(&view(nonce as u128, "a"));
                    assert_eq!(answer.status, 204);
                }
            });
        }
    });
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 40);
}

/// The server loses its connection in the midst of a batch, and finds the database again.
#[test]
fn a_database_that_crashes_loses_nothing_that_was_acknowledged() {
    let mut house = House::new();
    let cluster = Cluster::start("", "unlimited");
    house.database = Database::of(&cluster);
    let server: Server = house.start(&["--access-log", "false"]);
    let mut acknowledged = 0;
    for round in 0..3_u128 {
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..8_u128)
                .map(|client| {
                    let server = &server;
                    scope.spawn(move || {
                        let mut stored = 0;
                        for at in 0..60_u128 {
                            let nonce = round << 96 | client << 64 | at;
                            match server.report(&view(nonce, "a")).status {
                                204 => stored += 1,
                                status => assert_eq!(status, 503),
                            }
                        }
                        stored
                    })
                })
                .collect();
            cluster.crash();
            acknowledged += clients.into_iter().map(|c| c.join().unwrap()).sum::<u64>();
        });
    }
    // A report whose answer was lost may be stored; one that was answered must be.
    let stored = house.count("SELECT count(*) FROM raw_cell");
    assert!(stored >= acknowledged, "{stored} of {acknowledged}");
    // All are sent again, as clients do: then each is there once.
    for nonce in (0..3_u128)
        .flat_map(|r| (0..8_u128).flat_map(move |c| (0..60).map(move |at| r << 96 | c << 64 | at)))
    {
        assert_eq!(server.report(&view(nonce, "a")).status, 204);
    }
    assert_eq!(house.count("SELECT count(*) FROM raw_cell"), 3 * 8 * 60);
}

/// A limit on the size of the database's files stands in for a full disk.
#[test]
fn a_full_disk_refuses_reports_loses_none_and_recovers() {
    let mut house = House::new();
    // 2 MiB a file: above all that a new database holds, and the log's segments have 1 MiB.
    let cluster = Cluster::start("-c autovacuum=off", "4096");
    house.database = Database::of(&cluster);
    let server = house.start(&["--access-log", "false"]);
    let long = "x".repeat(100);
    let mut acknowledged = Vec::new();
    let mut refused = None;
    let report = |nonce: u128| server.report(&view(nonce, &format!("{nonce}-{long}")));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..16_u128)
            .map(|client| {
                let report = &report;
                scope.spawn(move || {
                    let mut stored = Vec::new();
                    for nonce in (client..16_000).step_by(16) {
                        let answer = report(nonce);
                        match answer.status {
                            204 => stored.push(nonce),
                            _ => return (stored, Some((nonce, answer))),
                        }
                    }
                    (stored, None)
                })
            })
            .collect();
        for client in clients {
            let (stored, stopped) = client.join().unwrap();
            acknowledged.extend(stored);
            refused = refused.take().or(stopped);
        }
    });
    let (nonce, answer) = refused.expect("the limit was reached");
    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (503, "unavailable")
    );
    let log = server.log();
    assert!(log.contains("refused to store reports"), "{log}");
    assert_eq!(
        house.count("SELECT count(*) FROM raw_cell"),
        acknowledged.len() as u64
    );

    cluster.make_room();
    assert_eq!(report(nonce).status, 204, "{}", server.log());
    assert_eq!(report(acknowledged[0]).status, 204);
    assert_eq!(
        house.count("SELECT count(*) FROM raw_cell"),
        acknowledged.len() as u64 + 1
    );
}

/// Rows in order of arrival, beside a proxy's log, would date every cell; so would `xmin`.
#[test]
fn shuffled_rows_say_nothing_of_when_they_came() {
    let house = House::new();
    let server = house.start(&[]);
    for nonce in 0..40 {
        assert_eq!(server.report(&view(nonce, "a")).status, 204);
    }
    let physical = || {
        let rows = house
            .database
            .query("SELECT encode(nonce, 'hex') FROM raw_cell ORDER BY ctid");
        rows.concat()
    };
    let transactions =
        || house.count("SELECT count(DISTINCT CAST(CAST(xmin AS TEXT) AS BIGINT)) FROM raw_cell");
    let came = physical();
    assert_eq!(transactions(), 40);
    run(async {
        let location = house.database.location.parse().unwrap();
        let mut database = vitrine_server::storage::Database::open(&location)
            .await
            .unwrap();
        database.shuffle().await.unwrap();
        database.close().await.unwrap();
    });
    let mut sorted = came.clone();
    sorted.sort();
    assert_ne!(came, sorted);
    assert_eq!(physical(), sorted);
    assert_eq!(transactions(), 1);
    // A retry still counts once.
    assert_eq!(server.report(&view(7, "a")).status, 204);
    assert_eq!(physical(), sorted);
}
