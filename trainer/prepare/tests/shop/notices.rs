//! The notices of a run, the strict run, and the dry run.

use crate::support::{DAY, Shop, names};
use std::fmt::Write as _;
use vitrine_prepare::{Notice, Options, PrepareError, Summary, TestPart, prepare, preview};

fn run(shop: &Shop, name: &str, change: impl FnOnce(&mut Options)) -> Summary {
    let mut options = shop.options(name);
    options.test = TestPart::None;
    change(&mut options);
    shop.prepare(&options).unwrap().0
}

fn only(summary: &Summary) -> &Notice {
    assert_eq!(summary.notices.len(), 1, "{:?}", summary.notices);
    &summary.notices[0]
}

/// An honest small history: visits of three events by `visitors` people over a month.
fn honest(visitors: i64) -> String {
    let mut rows = String::from("user_id,item_id,timestamp,action\n");
    for visitor in 0..visitors {
        for event in 0..3 {
            let time = DAY + visitor * 9000 + event * 40;
            let item = (visitor * 7 + event * event) % 30;
            let _ = writeln!(rows, "v{visitor},i{item},{time},view");
        }
    }
    rows
}

fn catalogue(items: i64) -> String {
    let rows = (0..items).map(|n| format!("i{n},Title {n}\n"));
    format!("item_id,title\n{}", rows.collect::<String>())
}

#[test]
fn an_honest_small_history_has_nothing_to_look_at() {
    for visitors in [20, 60, 300] {
        let shop = Shop::with("events.csv", &honest(visitors)).and("items.csv", catalogue(30));
        let mut options = shop.options("");
        options.strict = true;
        options.rules = Default::default();
        let (summary, prepared) = shop.prepare(&options).unwrap();
        assert_eq!(summary.notices, [], "{visitors}");
        assert!(!prepared.page.contains("Look at this"));
    }
    // One faithful customer of a small shop.
    let mut rows = honest(20);
    for event in 0..40 {
        let _ = writeln!(rows, "fan,i{},{},view", event % 30, DAY + event * 7000);
    }
    let shop = Shop::with("events.csv", &rows);
    assert_eq!(names(&run(&shop, "events.csv", |_| {})), Vec::<&str>::new());
}

#[test]
fn missing_times_are_said_with_the_columns_that_look_like_them() {
    let rows = "user_id,item_id,price,first,last,color\n\
        u,a,17,2024-06-01 10:00Z,2024-06-01 10:05Z,red\n\
        u,b,12,2024-06-01 11:00Z,2024-06-01 11:05Z,blue\n";
    let shop = Shop::with("log.csv", rows);
    let summary = run(&shop, "log.csv", |_| {});
    let notice = only(&summary);
    assert_eq!(notice.name, "no_times");
    assert!(
        notice
            .finding
            .contains("'first' ('2024-06-01 10:00Z'), 'last' ('2024-06-01 10:05Z') may hold them"),
        "{}",
        notice.finding
    );
    assert!(!notice.finding.contains("price") && !notice.finding.contains("color"));
    assert!(
        notice.advice.contains("--column timestamp=first"),
        "{}",
        notice.advice
    );
    // The advice holds.
    let summary = run(&shop, "log.csv", |options| {
        options.columns = vec!["timestamp=first".parse().unwrap()];
    });
    assert_eq!(names(&summary), Vec::<&str>::new());
    let shop = Shop::with("log.csv", "user_id,item_id,seen\nu,a,42\nu,b,42\n");
    assert!(
        !only(&run(&shop, "log.csv", |_| {}))
            .finding
            .contains("'seen'")
    );
}

#[test]
fn an_items_file_that_knows_no_sold_item_stops_with_an_id_of_each_side() {
    let shop =
        Shop::with("events.csv", &honest(10)).and("items.csv", "item_id,title\nSKU-1,A\nSKU-2,B\n");
    let error = shop.prepare(&shop.options("")).err().unwrap().to_string();
    assert!(
        error.contains("none of the") && error.contains("'i"),
        "{error}"
    );
    assert!(
        error.contains("'SKU-1'") && error.contains("items.item_id="),
        "{error}"
    );
    assert!(!shop.out().exists());
    // A few known ones are said.
    let shop = Shop::with("events.csv", &honest(60)).and("items.csv", catalogue(6));
    let summary = run(&shop, "", |_| {});
    assert_eq!(
        names(&summary),
        ["few_items_known", "untitled_items", "unlisted_items"]
    );
    assert!(
        summary.notices[0].finding.contains("6 of the 30 items"),
        "{}",
        summary.notices[0].finding
    );
}

#[test]
fn items_without_titles_are_said_where_others_have_some() {
    let mut items = String::from("item_id,title\n");
    for item in 0..30 {
        let _ = writeln!(items, "i{item},{}", if item < 20 { "Title" } else { "" });
    }
    let shop = Shop::with("events.csv", &honest(60)).and("items.csv", items);
    let summary = run(&shop, "", |_| {});
    let notice = only(&summary);
    assert_eq!(notice.name, "untitled_items");
    assert!(
        notice.finding.starts_with("10 of 30 items"),
        "{}",
        notice.finding
    );
}

/// A visitor's bursts of 40 clicks, 800 a day, beside 60 people.
fn with_bursts() -> String {
    let mut rows = honest(60);
    for day in 0..5 {
        for burst in 0..20 {
            for click in 0..40 {
                let time = DAY + day * 86_400 + burst * 3600 + click;
                let _ = writeln!(rows, "robot,i{},{time},view", click % 30);
            }
        }
    }
    rows
}

#[test]
fn a_visitor_with_most_of_the_events_is_said() {
    let shop = Shop::with("log.csv", &with_bursts());
    let summary = run(&shop, "log.csv", |_| {});
    let notice = only(&summary);
    assert_eq!(notice.name, "one_visitor");
    assert!(
        notice
            .finding
            .contains("'robot' makes 4,000 of 4,180 rows (96 %)"),
        "{}",
        notice.finding
    );
    // The advice holds, and says what the rule took.
    let summary = run(&shop, "log.csv", |options| {
        options.rules.max_clicks_per_day = Some(400);
    });
    assert_eq!(only(&summary).name, "many_bots");
    assert!(only(&summary).finding.contains("'robot' alone has 4,000"));
}

#[test]
fn a_session_with_many_of_the_events_is_said() {
    let mut rows = String::from("session_id,item_id,timestamp\n");
    for event in 0..900 {
        let session = if event % 3 == 0 {
            "kiosk".into()
        } else {
            format!("s{}", event / 6)
        };
        let _ = writeln!(rows, "{session},i{},{}", event % 30, DAY + event * 500);
    }
    let shop = Shop::with("log.csv", &rows);
    let summary = run(&shop, "log.csv", |_| {});
    let notice = only(&summary);
    assert_eq!(notice.name, "one_session");
    assert!(
        notice
            .finding
            .starts_with("session_id 'kiosk' has 300 of 900 events (33 %)"),
        "{}",
        notice.finding
    );
}

#[test]
fn sessions_that_strangers_share_without_a_user_are_said_by_their_length() {
    // Every visitor counts sessions from 1, and no column says which visitor.
    let mut rows = String::from("session_id,item_id,timestamp\n");
    for visit in 0..240 {
        for event in 0..3 {
            let time = DAY + visit * 9000 + event * 40;
            let _ = writeln!(rows, "{},i{},{time}", visit % 40, (visit + event) % 30);
        }
    }
    let shop = Shop::with("log.csv", &rows);
    let summary = run(&shop, "log.csv", |_| {});
    let notice = only(&summary);
    assert_eq!(notice.name, "long_sessions");
    assert!(
        notice
            .finding
            .starts_with("40 of 40 sessions last more than a day (100 %)"),
        "{}",
        notice.finding
    );
}

#[test]
fn rows_that_could_not_be_used_are_said_from_a_tenth_on() {
    let mut rows = honest(60);
    for n in 0..30 {
        let _ = writeln!(rows, "w{n},i1,yesterday,view");
    }
    let shop = Shop::with("log.csv", &rows);
    let summary = run(&shop, "log.csv", |_| {});
    let notice = only(&summary);
    assert_eq!(notice.name, "many_dropped");
    assert!(
        notice.finding.starts_with("30 of 210 rows of events")
            && notice.finding.contains("bad_time"),
        "{}",
        notice.finding
    );
    let shop = Shop::with("a.csv", &honest(60)).and("b.csv", honest(60));
    assert_eq!(only(&run(&shop, "", |_| {})).name, "many_duplicates");
}

#[test]
fn a_test_part_larger_than_train_and_none_at_all_are_said() {
    let shop = Shop::with("log.csv", &honest(60));
    let summary = run(&shop, "log.csv", |options| options.test = TestPart::Days(5));
    let notice = only(&summary);
    assert_eq!(notice.name, "test_larger_than_train");
    assert!(notice.finding.contains("train only"), "{}", notice.finding);
    let summary = run(&shop, "log.csv", |options| {
        options.test = TestPart::Days(500)
    });
    assert_eq!(only(&summary).name, "no_train");
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,timestamp\nu,a,1717236000\nu,b,1717236001\n",
    );
    let summary = run(&shop, "log.csv", |options| {
        options.test = TestPart::Share(0.1)
    });
    assert_eq!(only(&summary).name, "no_test");
}

#[test]
fn events_that_all_bear_the_time_of_the_export_are_said() {
    let rows: String = (0..90)
        .map(|n| format!("v{},i{},2024-06-01T03:00:00Z\n", n / 3, n % 30))
        .collect();
    let shop = Shop::with("log.csv", &format!("user_id,item_id,timestamp\n{rows}"));
    assert_eq!(only(&run(&shop, "log.csv", |_| {})).name, "one_moment");
}

#[test]
fn a_strict_run_with_a_notice_fails_and_leaves_the_folder_as_it_was() {
    let shop = Shop::with("log.csv", &honest(60));
    let mut options = shop.options("log.csv");
    options.strict = true;
    shop.prepare(&options).unwrap();
    let before = std::fs::read(shop.out().join("events.parquet")).unwrap();

    let shop = shop.and("log.csv", with_bursts());
    let error = prepare(&options, &()).unwrap_err();
    let PrepareError::Strict {
        notices, refused, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!((notices.len(), &refused[..]), (1, &["one_visitor"][..]));
    let said = error.to_string();
    assert!(
        said.contains("one_visitor") && said.contains("--accept"),
        "{said}"
    );
    assert_eq!(
        std::fs::read(shop.out().join("events.parquet")).unwrap(),
        before
    );

    options.accept = vec!["one_visitor".into()];
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(summary.notices.len(), 1);
    assert!(prepared.page.contains("Look at this") && prepared.page.contains("4,000 of 4,180"));
    assert_eq!(prepared.report["notices"][0]["name"], "one_visitor");
}

#[test]
fn a_dry_run_tells_columns_and_rows_and_writes_nothing() {
    let shop = Shop::with(
        "events.csv",
        "Customer ID;sku;Event Time;Event Type;colour\n\
         7;a;2024-06-01 10:00;Page View;red\n\
         7;b;2024-06-01 10:02;Add to Cart;\n\
         8;c;never;view;\n",
    )
    .and("items.csv", "sku,title,in_stock\na,Apple,no\n");
    let mut options = shop.options("");
    options.columns = vec!["item_id=sku".parse().unwrap()];
    let preview = preview(&options).unwrap();
    let seen = serde_json::to_value(&preview).unwrap();
    assert_eq!(seen["inputs"][0]["input"], "events");
    assert_eq!(
        seen["inputs"][0]["columns"],
        serde_json::json!([
            {"name": "user_id", "from": ["Customer ID"], "how": "name"},
            {"name": "item_id", "from": ["sku"], "how": "said"},
            {"name": "action", "from": ["Event Type"], "how": "name"},
            {"name": "timestamp", "from": ["Event Time"], "how": "name"},
        ])
    );
    assert_eq!(
        seen["inputs"][0]["unused"],
        serde_json::json!([{"column": "colour", "sample": "red"}])
    );
    let rows = &seen["inputs"][0]["rows"];
    assert_eq!(
        rows[1],
        serde_json::json!({"line": 3, "values": {
            "user_id": "7", "item_id": "b", "timestamp": "2024-06-01T10:02:00Z", "action": "add_to_cart",
        }})
    );
    assert!(rows[2]["reason"].as_str().unwrap().contains("never"));
    assert_eq!(seen["inputs"][1]["rows"][0]["values"]["in_stock"], false);
    assert_eq!(seen["notices"], serde_json::json!([]));
    let left: Vec<_> = std::fs::read_dir(shop.path("")).unwrap().collect();
    assert_eq!(left.len(), 2);
}

#[test]
fn a_dry_run_says_that_times_are_missing() {
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,from,to\nu,a,2024-06-01,2024-06-02\n",
    );
    let preview = preview(&shop.options("log.csv")).unwrap();
    assert_eq!(preview.notices[0].name, "no_times");
    assert!(preview.notices[0].finding.contains("'from'"));
}

#[test]
fn an_input_is_never_the_output() {
    let shop = Shop::with("log.csv", &honest(20));
    shop.prepare(&shop.options("log.csv")).unwrap();
    for name in ["out", "out/events.parquet"] {
        let error = shop.prepare(&shop.options(name)).err().unwrap().to_string();
        assert!(error.contains("--out"), "{error}");
    }
    assert!(shop.out().join("events.parquet").exists());
}
