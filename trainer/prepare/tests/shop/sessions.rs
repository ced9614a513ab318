//! Where sessions begin and end, how they are numbered, and what is set aside for testing.

use crate::support::{DAY, Shop};
use rand::{Rng as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use vitrine_core::Action;
use vitrine_core::dataset::DatasetFacts;
use vitrine_core::session::{Limits, Session, SessionGap};
use vitrine_prepare::TestPart;

#[test]
fn a_pause_of_more_than_thirty_minutes_begins_a_session() {
    let at = |minute: i64| DAY + minute * 60;
    let shop = Shop::with(
        "log.csv",
        &format!(
            "user_id,item_id,timestamp\nu,a,{}\nu,b,{}\nv,x,{}\nu,c,{}\n",
            at(0),
            at(30),
            at(1),
            at(61)
        ),
    );
    let mut options = shop.options("log.csv");
    options.test = TestPart::None;
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [vec!["a", "b"], vec!["x"], vec!["c"]]);
    options.session_gap = SessionGap::of_seconds(31 * 60).unwrap();
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [vec!["a", "b", "c"], vec!["x"]]);
}

/// One rule for a session's end: `prepare` cuts a history in SQL where a device would begin a new
/// session, for pauses of exactly the gap, a second more and less, and parts of a second.
#[test]
fn a_history_is_cut_where_a_device_begins_a_session() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for seconds in [60, 1800, 7200, 86_400] {
        let gap = SessionGap::of_seconds(seconds).unwrap();
        let gap_ms = i64::from(seconds) * 1000;
        let mut rows = Vec::new();
        let mut on_devices = Vec::new();
        for user in 0..40 {
            let mut time = DAY * 1000 + random.random_range(0..1000);
            let mut device = Session::default();
            for place in 0..30 {
                let item = format!("u{user}e{place:02}");
                rows.push(format!("u{user},{item},{time}\n"));
                let limits = Limits { events: 100, gap };
                device.push(&item, Action::View, (time / 1000) as u64, limits);
                if device.events().len() == 1 {
                    on_devices.push(Vec::new());
                }
                on_devices.last_mut().unwrap().push(item);
                time += match random.random_range(0..8) {
                    0 => gap_ms,
                    1 => gap_ms + 1000,
                    2 => gap_ms - 1000,
                    3 => gap_ms + random.random_range(-999..=999),
                    4 => 0,
                    _ => random.random_range(0..2 * gap_ms),
                };
            }
        }
        // Only times say the order: the file tells it in any.
        rows.shuffle(&mut random);
        let text = format!("user_id,item_id,timestamp\n{}", rows.concat());
        let shop = Shop::with("log.csv", &text);
        let mut options = shop.options("log.csv");
        options.test = TestPart::None;
        options.session_gap = gap;
        let (summary, prepared) = shop.prepare(&options).unwrap();
        assert_eq!(summary.dataset.facts.session_gap, gap);
        let sorted = |mut sessions: Vec<Vec<String>>| {
            // Events of one moment stand in the order of the file.
            sessions.iter_mut().for_each(|session| session.sort());
            sessions.sort();
            sessions
        };
        let cut = prepared.sessions().into_iter().map(|session| {
            let items = session.iter().map(|item| item.to_string());
            items.collect()
        });
        assert_eq!(sorted(cut.collect()), sorted(on_devices), "{seconds} s");
    }
}

#[test]
fn sessions_of_the_source_are_kept_and_rows_out_of_order_sorted() {
    let shop = Shop::with(
        "log.csv",
        "session_id,item_id,timestamp\ns2,c,1717236100\ns1,b,1717236050\ns1,a,1717236000\ns1,z,1717299999\n",
    );
    let mut options = shop.options("log.csv");
    options.test = TestPart::None;
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [vec!["a", "b", "z"], vec!["c"]]);
}

#[test]
fn without_times_a_user_is_a_session_and_the_last_sessions_are_the_test() {
    let rows: String = (0..10)
        .flat_map(|u| (0..2).map(move |i| format!("u{u},i{i}\n")))
        .collect();
    let shop = Shop::with("log.csv", &format!("user_id,item_id\n{rows}"));
    let (summary, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    assert_eq!(prepared.sessions().len(), 10);
    let test: Vec<_> = prepared
        .events
        .iter()
        .filter(|e| e.split == "test")
        .collect();
    assert!(test.iter().all(|e| e.user.as_deref() == Some("u9")) && test.len() == 2);
    assert!(
        summary
            .dataset
            .facts
            .split_rule
            .contains("in the source's order")
    );
    assert!(prepared.page.contains("These data have no times"));
    let mut options = shop.options("log.csv");
    options.test = TestPart::Days(7);
    let error = shop.prepare(&options).err().unwrap().to_string();
    assert!(error.contains("--test-days needs times"), "{error}");
}

#[test]
fn the_test_part_begins_at_a_time_and_train_sessions_come_first() {
    // A session of two events every day for 20 days, newest first in the file.
    let rows: String = (0..20)
        .rev()
        .map(|day| {
            let time = DAY + day * 86_400;
            format!("s{day},a,{time}\ns{day},i{day},{}\n", time + 60)
        })
        .collect();
    let shop = Shop::with("log.csv", &format!("session_id,item_id,timestamp\n{rows}"));
    let (summary, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    // The last tenth of 20 sessions.
    let test: Vec<_> = prepared
        .events
        .iter()
        .filter(|e| e.split == "test")
        .collect();
    assert_eq!(test.len(), 4);
    assert_eq!(prepared.sessions()[0], ["a", "i0"]);
    assert_eq!(prepared.sessions()[19], ["a", "i19"]);
    assert_eq!(summary.dataset.facts.splits["train"].sessions, 18);
    assert_eq!(summary.dataset.facts.splits["test"].events, 4);
    assert_eq!(summary.dataset.facts.from, Some(DAY as u64));
    let mut options = shop.options("log.csv");
    options.test = TestPart::Days(5);
    let (summary, _) = shop.prepare(&options).unwrap();
    assert_eq!(summary.dataset.facts.splits["test"].sessions, 5);
    options.test = TestPart::None;
    let (summary, _) = shop.prepare(&options).unwrap();
    assert!(!summary.dataset.facts.splits.contains_key("test"));
}

#[test]
fn parts_within_a_sequence_are_honoured_event_by_event() {
    let shop = Shop::with(
        "events.csv",
        "session_id,position,item_id,event,split\n\
         1,0,a,buy,train\n1,1,b,buy,train\n1,2,c,buy,valid\n1,3,d,buy,test\n\
         2,0,a,buy,train\n2,1,d,buy,valid\n2,2,c,buy,test\n",
    );
    let (summary, prepared) = shop.prepare(&shop.options("events.csv")).unwrap();
    let splits: Vec<_> = prepared.events.iter().map(|e| e.split.as_str()).collect();
    assert_eq!(
        splits,
        ["train", "train", "valid", "test", "train", "valid", "test"]
    );
    let json = serde_json::to_value(&summary.dataset).unwrap();
    assert_eq!(json["protocol"], "leave_one_out");
    assert_eq!(summary.dataset.facts.splits["valid"].sessions, 2);
    // The trainer reads the same file as plain facts.
    let text = std::fs::read(shop.out().join("dataset.json")).unwrap();
    assert_eq!(
        serde_json::from_slice::<DatasetFacts>(&text).unwrap(),
        summary.dataset.facts
    );
}

#[test]
fn an_unknown_or_missing_split_is_rejected_where_one_is_published() {
    let shop = Shop::with(
        "events.csv",
        "session_id,position,item_id,split\n1,0,a,train\n1,1,b,train\n1,2,c,holdout\n2,0,d,\n2,1,e,test\n",
    );
    let (_, prepared) = shop.prepare(&shop.options("events.csv")).unwrap();
    assert_eq!(
        prepared.dropped(),
        [("unknown_split", 4), ("missing_split", 5)]
    );
}

#[test]
fn the_shortest_prefix_follows_the_shortest_session_unless_it_is_given() {
    let shop = Shop::with(
        "events.csv",
        "session_id,position,item_id,split\n1,0,a,train\n1,1,b,train\n1,2,c,train\n2,0,d,test\n2,1,e,test\n2,2,a,test\n2,3,a,test\n",
    );
    let mut options = shop.options("events.csv");
    let (summary, _) = shop.prepare(&options).unwrap();
    assert_eq!(summary.dataset.facts.shortest_prefix, 2);
    options.shortest_prefix = Some(1);
    let (summary, _) = shop.prepare(&options).unwrap();
    assert_eq!(summary.dataset.facts.shortest_prefix, 1);
    options.shortest_prefix = Some(0);
    assert!(shop.prepare(&options).is_err());
}

/// 238 sessions of two events, a session every six hours.
fn two_months() -> String {
    let rows = (0..238).flat_map(|n| {
        let time = DAY + n * 6 * 3600;
        [
            format!("u{n},i{},{time}\n", n % 9),
            format!("u{n},i{},{}\n", n % 7, time + 60),
        ]
    });
    format!("user_id,item_id,timestamp\n{}", rows.collect::<String>())
}

#[test]
fn events_of_another_century_do_not_turn_the_split_round() {
    for outliers in [
        "x,i1,2000-01-01\nx,i2,2000-01-01\n",
        "x,i1,2000-01-01\nx,i2,2000-01-01\ny,i1,1999-01-01\ny,i2,1999-01-01\n",
        "x,i1,2025-05-20\nx,i2,2025-05-20\n",
        "x,i1,2000-01-01\nx,i2,2000-01-01\ny,i1,2025-05-20\ny,i2,2025-05-20\n",
    ] {
        let shop = Shop::with("log.csv", &(two_months() + outliers));
        let (summary, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
        let sessions = prepared.sessions().len() as u64;
        let splits = &summary.dataset.facts.splits;
        assert_eq!(splits["test"].sessions, 24);
        assert_eq!(splits["train"].sessions, sessions - 24);
        let notice = &summary.notices[0];
        assert_eq!((summary.notices.len(), notice.name), (1, "time_outliers"));
        assert!(
            notice
                .finding
                .contains("the others begin from 2024-06-01 to 2024-07-30"),
            "{}",
            notice.finding
        );
        assert!(
            notice
                .advice
                .contains("--earliest 2024-06-01 --latest 2024-07-30")
        );
        assert!(prepared.page.contains("far from all others in time"));

        // Days count from the last regular time.
        let mut options = shop.options("log.csv");
        options.test = TestPart::Days(10);
        let (summary, _) = shop.prepare(&options).unwrap();
        let late = u64::from(outliers.contains("2025"));
        assert_eq!(summary.dataset.facts.splits["test"].sessions, 40 + late);

        // The advice holds.
        options.rules.earliest_ms = Some(DAY * 1000);
        options.rules.latest_ms = Some((DAY + 60 * 86_400) * 1000);
        let (summary, _) = shop.prepare(&options).unwrap();
        assert_eq!(summary.notices, []);
        assert_eq!(summary.events, 476);
    }
}

#[test]
fn sessions_of_one_day_are_split_by_their_place_in_the_source() {
    // Times to the day: the last tenth of the sessions, not the whole last day.
    let rows: String = (0..60)
        .flat_map(|n| (0..2).map(move |i| format!("s{n:02},i{i},2024-06-0{}\n", 1 + n / 30)))
        .collect();
    let shop = Shop::with("log.csv", &format!("session_id,item_id,timestamp\n{rows}"));
    let (summary, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    assert_eq!(summary.dataset.facts.splits["test"].sessions, 6);
    let test = prepared.events.iter().find(|event| event.split == "test");
    assert_eq!(test.unwrap().source_session.as_deref(), Some("s54"));
}
