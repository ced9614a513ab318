//! Sessions that users count for themselves, logins, and guests.

use crate::support::{DAY, Prepared, Shop, names};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use vitrine_prepare::{Options, SessionIds, Summary, TestPart};

/// Prepares `name` without a test part.
fn prepared(shop: &Shop, change: impl FnOnce(&mut Options)) -> (Summary, Prepared) {
    let mut options = shop.options("log.csv");
    options.test = TestPart::None;
    change(&mut options);
    shop.prepare(&options).unwrap()
}

fn finding<'a>(summary: &'a Summary, name: &str) -> &'a str {
    let found = summary.notices.iter().find(|notice| notice.name == name);
    &found
        .unwrap_or_else(|| panic!("no notice {name}: {:?}", names(summary)))
        .finding
}

/// 120 users with two sessions of three events each: `id(user, session, start)` names a session.
fn two_sessions_each(id: impl Fn(i64, i64, i64) -> String) -> String {
    let mut rows = String::from("user_id,session_id,item_id,timestamp\n");
    for user in 0..120 {
        for session in 1..=2 {
            let start = DAY + user * 1900 + (session - 1) * 3 * 86_400;
            for event in 0..3 {
                let item = (user + session * 7 + event) % 40;
                let _ = writeln!(
                    rows,
                    "u{user},{},i{item},{}",
                    id(user, session, start),
                    start + event * 20
                );
            }
        }
    }
    rows
}

#[test]
fn sessions_that_each_user_counts_from_one_are_a_user_and_a_number() {
    let shop = Shop::with("log.csv", &two_sessions_each(|_, n, _| n.to_string()));
    let (summary, prepared) = self::prepared(&shop, |_| {});
    assert_eq!(prepared.sessions().len(), 240);
    assert!(prepared.sessions().iter().all(|session| session.len() == 3));
    assert_eq!(
        prepared.events[0].source_session.as_deref(),
        Some("1 of u0")
    );
    let finding = finding(&summary, "sessions_per_user");
    assert!(
        finding.contains("2 of 2 session ids") && finding.contains("240 in all"),
        "{finding}"
    );
    // Said by a flag, it is no finding.
    let (summary, prepared) = self::prepared(&shop, |options| {
        options.session_ids = Some(SessionIds::PerUser)
    });
    assert_eq!(prepared.sessions().len(), 240);
    assert_eq!(names(&summary), Vec::<&str>::new());
    let (_, prepared) = self::prepared(&shop, |options| {
        options.session_ids = Some(SessionIds::Unique)
    });
    assert_eq!(prepared.sessions().len(), 2);
}

#[test]
fn a_session_named_by_the_second_it_began_is_of_one_user() {
    // Users come in pairs in the same second.
    let shop = Shop::with(
        "log.csv",
        &two_sessions_each(|_, _, start| start.to_string())
            .lines()
            .map(|line| match line.split_once(',') {
                Some((user, rest)) => format!("{user},{rest}\n{user}b,{rest}\n"),
                None => String::new(),
            })
            .skip(1)
            .fold(
                "user_id,session_id,item_id,timestamp\n".to_string(),
                |all, line| all + &line,
            ),
    );
    let (summary, prepared) = self::prepared(&shop, |_| {});
    assert_eq!(prepared.sessions().len(), 480);
    assert!(names(&summary).contains(&"sessions_per_user"));
}

#[test]
fn sessions_counted_by_user_without_times_are_told_by_their_number() {
    let rows: String = two_sessions_each(|_, n, _| n.to_string())
        .lines()
        .map(|line| line.rsplit_once(',').unwrap().0.to_string() + "\n")
        .collect();
    let shop = Shop::with("log.csv", &rows);
    let (_, prepared) = self::prepared(&shop, |_| {});
    assert_eq!(prepared.sessions().len(), 240);
}

#[test]
fn a_mapping_file_says_that_sessions_count_by_user() {
    let shop = Shop::with("log.csv", &two_sessions_each(|_, n, _| n.to_string()))
        .and("shop.toml", "session_ids = \"per-user\"\n");
    let (summary, prepared) = self::prepared(&shop, |options| {
        options.mapping = Some(shop.path("shop.toml"))
    });
    assert_eq!(prepared.sessions().len(), 240);
    assert_eq!(names(&summary), Vec::<&str>::new());
    let shop = shop.and("shop.toml", "session_ids = \"mine\"\n");
    let mut options = shop.options("log.csv");
    options.mapping = Some(shop.path("shop.toml"));
    let error = shop.prepare(&options).err().unwrap().to_string();
    assert!(
        error.contains("session_ids") && error.contains("per-user"),
        "{error}"
    );
}

#[test]
fn a_mapping_file_says_who_is_nobody_and_who_is_somebody() {
    let shop = Shop::with("log.csv", &orders_with_guests("WEB")).and(
        "shop.toml",
        "nobody = [\"WEB\"]\nsomebody = [\"7\"]\n[events]\ntimestamp = \"date_created\"\n",
    );
    let (summary, prepared) = self::prepared(&shop, |options| {
        options.mapping = Some(shop.path("shop.toml"));
    });
    assert_eq!(prepared.sessions().len(), 100);
    assert_eq!(names(&summary), Vec::<&str>::new());
    assert_eq!(
        prepared.report["dataset"]["options"]["nobody"],
        serde_json::json!(["WEB"])
    );
}

/// Sessions of four events; in every tenth the guest logs in after two.
fn logins(id: impl Fn(i64) -> String, guest: impl Fn(i64) -> String) -> String {
    let mut rows = String::from("user_id,session_id,item_id,timestamp\n");
    for session in 0..60 {
        for event in 0..4 {
            let user = match session % 10 {
                0 if event < 2 => guest(session),
                _ => format!("customer-{session}"),
            };
            let time = DAY + session * 5000 + event * 60;
            let _ = writeln!(
                rows,
                "{user},{},i{},{time}",
                id(session),
                (session + event) % 20
            );
        }
    }
    rows
}

#[test]
fn a_login_during_a_visit_does_not_split_a_session() {
    let uuid = |n: i64| format!("3f2504e0-4f89-11d3-9a0c-{n:012}");
    let short = |n: i64| format!("s{n}");
    let counting = |n: i64| (5000 + n).to_string();
    let cookie = |n: i64| format!("cookie-{n}");
    let nobody = |_: i64| "guest".to_string();
    let nothing = |_: i64| String::new();
    for id in [&uuid as &dyn Fn(i64) -> String, &short, &counting] {
        for guest in [&cookie as &dyn Fn(i64) -> String, &nobody, &nothing] {
            let shop = Shop::with("log.csv", &logins(id, guest));
            let (summary, prepared) = self::prepared(&shop, |_| {});
            assert_eq!(prepared.sessions().len(), 60);
            assert!(prepared.sessions().iter().all(|session| session.len() == 4));
            // Two users in a session are said; a guest is no second user.
            let cookies = guest(0).starts_with("cookie");
            assert_eq!(names(&summary).contains(&"shared_sessions"), cookies);
        }
    }
    let shop = Shop::with("log.csv", &logins(uuid, cookie));
    let (summary, _) = self::prepared(&shop, |_| {});
    assert!(finding(&summary, "shared_sessions").contains("6 of 60 session ids"));
    let (summary, _) = self::prepared(&shop, |options| {
        options.session_ids = Some(SessionIds::Unique)
    });
    assert_eq!(names(&summary), Vec::<&str>::new());
}

#[test]
fn a_row_of_a_session_that_counts_by_user_needs_its_user() {
    let rows = two_sessions_each(|_, n, _| n.to_string()) + &format!(",1,i0,{DAY}\n,2,i1,{DAY}\n");
    let shop = Shop::with("log.csv", &rows);
    let (_, prepared) = self::prepared(&shop, |_| {});
    assert_eq!(prepared.sessions().len(), 240);
    assert_eq!(
        prepared.dropped(),
        [("unplaced_visitor", 722), ("unplaced_visitor", 723)]
    );
    assert!(prepared.rejected[0].reason.contains("counts by user"));
}

/// An order export: 60 guests' orders of two lines, and 40 of customers with ids from 1.
fn orders_with_guests(guest: &str) -> String {
    let mut rows = String::from("order_id,customer_id,product_id,date_created\n");
    for order in 0..100 {
        let customer = match order {
            0..60 => guest.to_string(),
            n => (n - 59).to_string(),
        };
        for line in 0..2 {
            let time = DAY + order * 40;
            let _ = writeln!(
                rows,
                "{},{customer},p{},{time}",
                1000 + order,
                (order + line * 3) % 15
            );
        }
    }
    rows
}

#[test]
fn a_guests_order_is_a_visit_of_its_own() {
    for guest in [
        "0",
        "-1",
        "guest",
        "Guest",
        "(not set)",
        "undefined",
        "",
        "0.0",
        "00000000-0000-0000-0000-000000000000",
    ] {
        let shop = Shop::with("log.csv", &orders_with_guests(guest));
        let (summary, prepared) = self::prepared(&shop, |options| {
            options.columns = vec!["timestamp=date_created".parse().unwrap()];
        });
        assert_eq!(prepared.sessions().len(), 100, "{guest}");
        assert_eq!(summary.dropped, [], "{guest}");
        let guests = prepared.events.iter().filter(|event| event.user.is_none());
        assert_eq!(guests.count(), 120, "{guest}");
        assert!(
            prepared
                .events
                .iter()
                .any(|e| e.source_session.as_deref() == Some("order 1003")),
            "{guest}"
        );
        if !guest.is_empty() {
            let finding = finding(&summary, "placeholder_users");
            assert!(finding.contains("120 of 200 rows"), "{finding}");
            assert!(finding.contains("120 count by their order"), "{finding}");
        }
    }
}

#[test]
fn a_flag_says_who_is_nobody_and_who_is_somebody() {
    let shop = Shop::with("log.csv", &orders_with_guests("Laufkundschaft"));
    let times = || vec!["timestamp=date_created".parse().unwrap()];
    let (summary, prepared) = self::prepared(&shop, |options| {
        options.columns = times();
        options.nobody = vec!["Laufkundschaft".into(), "WEB".into()];
    });
    assert_eq!(prepared.sessions().len(), 100);
    assert_eq!(names(&summary), ["nobody_unseen"]);
    assert!(finding(&summary, "nobody_unseen").contains("WEB"));
    // Without the flag its behaviour shows it: sixty orders, each within half an hour of another.
    let (summary, prepared) = self::prepared(&shop, |options| options.columns = times());
    assert_eq!(prepared.sessions().len(), 100);
    assert!(finding(&summary, "crowd_users").contains("'Laufkundschaft' is several persons"));
    let (summary, prepared) = self::prepared(&shop, |options| {
        options.columns = times();
        options.somebody = vec!["Laufkundschaft".into()];
    });
    assert_eq!(prepared.sessions().len(), 41);
    assert!(!names(&summary).contains(&"crowd_users"));
}

#[test]
fn guests_of_one_id_keep_their_sessions_and_lose_what_nothing_places() {
    let mut rows = String::from("user_id,session_id,item_id,timestamp\n");
    for n in 0..60 {
        let _ = write!(
            rows,
            "0,g{n},i{},{}\n0,g{n},i{},{}\n",
            n % 7,
            DAY + n * 10,
            n % 5,
            DAY + n * 10 + 5
        );
        let _ = write!(
            rows,
            "c{n},,i{},{}\nc{n},,i{},{}\n",
            n % 7,
            DAY + n * 10,
            n % 5,
            DAY + n * 10 + 5
        );
    }
    let _ = write!(rows, "0,,i1,{DAY}\n0,,i2,{DAY}\n0,(not set),i3,{DAY}\n");
    let shop = Shop::with("log.csv", &rows);
    let (summary, prepared) = self::prepared(&shop, |_| {});
    assert_eq!(prepared.sessions().len(), 120);
    assert_eq!(summary.dropped, [("unplaced_visitor".to_string(), 3)]);
    assert!(
        prepared.rejected[0]
            .reason
            .contains("user '0' stands for nobody")
    );
    assert!(names(&summary).contains(&"placeholder_sessions"));
}

#[test]
fn a_person_numbered_zero_among_others_stays_one() {
    let mut rows = String::from("user_id,item_id,timestamp\n");
    for user in 0..30 {
        for event in 0..3 {
            let _ = writeln!(
                rows,
                "{user},i{},{}",
                (user + event) % 9,
                DAY + user * 50 + event
            );
        }
    }
    let shop = Shop::with("log.csv", &rows);
    let (summary, prepared) = self::prepared(&shop, |_| {});
    assert_eq!(prepared.sessions().len(), 30);
    let users: BTreeSet<_> = prepared.events.iter().map(|e| e.user.clone()).collect();
    assert!(users.contains(&Some("0".into())));
    assert_eq!((names(&summary), &summary.dropped[..]), (vec![], &[][..]));
    // With a crowd behind it, 0 is nobody; strangers are never one history.
    for stranger in 0..60 {
        let _ = writeln!(rows, "0,i{},{}", stranger % 9, DAY + 7 + stranger * 90);
    }
    let shop = Shop::with("log.csv", &rows);
    let (summary, prepared) = self::prepared(&shop, |_| {});
    assert_eq!(prepared.sessions().len(), 29);
    assert_eq!(summary.dropped, [("unplaced_visitor".to_string(), 63)]);
    let (summary, _) = self::prepared(&shop, |options| options.somebody = vec!["0".into()]);
    assert_eq!((names(&summary), &summary.dropped[..]), (vec![], &[][..]));
}

#[test]
fn users_and_sessions_that_became_floats_meet_those_that_did_not() {
    let shop = Shop::with(
        "events.csv",
        "user_id,session_id,item_id,timestamp,action\n\
         17850.0,7.0,a,1717236000,view\n17850.0,7.0,a,1717236060,buy\n13047.0,8.0,b,1717236000,view\n",
    )
    .and(
        "orders.csv",
        "order_id,user_id,session_id,item_id,timestamp\n1,17850,,a,1717236100\n2,13047,8,b,1717236100\n",
    );
    let mut options = shop.options("");
    options.test = TestPart::None;
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(summary.orders_matched, 1);
    assert_eq!(prepared.sessions(), [vec!["a", "a"], vec!["b", "b"]]);
    assert_eq!(prepared.events[0].user.as_deref(), Some("17850"));
    assert_eq!(names(&summary), ["float_ids", "float_ids"]);
}

#[test]
fn ids_that_a_spreadsheet_rounded_stop_the_run() {
    for (column, row) in [
        ("user_id", "4.00638E+12,s1,a,17"),
        ("session_id", "u,4.00638E+12,a,17"),
        ("item_id", "u,s1,4.00638E+12,17"),
        ("item_id", "u,s1,\"4,00638E+12\",17"),
        ("item_id", "u,s1,4.00638e+12,17"),
        ("order_id", "u,s1,a,4E+11"),
    ] {
        let shop = Shop::with(
            "log.csv",
            &format!("user_id,session_id,item_id,order_id\nu,s1,b,17\n{row}\nu,s1,c,18\n"),
        );
        let error = shop.error("log.csv");
        assert!(
            error.contains(column) && error.contains("E+1") | error.contains("e+1"),
            "{error}"
        );
        assert!(
            error.contains("as text") && error.contains("log.csv"),
            "{error}"
        );
    }
    // A stock-keeping unit may have an E in it.
    let shop = Shop::with("log.csv", "user_id,item_id\nu,12E45\nu,1E+X\n");
    assert!(shop.prepare(&shop.options("log.csv")).is_ok());
}
