//! Duplicates, bots, rare items, short sessions: each by name, with a threshold and a count.

use crate::support::{DAY, Shop};
use vitrine_prepare::TestPart;

#[test]
fn exact_duplicates_go_but_a_visitor_who_comes_back_stays() {
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,timestamp,action\n\
         u,a,1717236000,view\nu,a,1717236000,view\nu,a,1717236001,view\nu,a,1717236000,add_to_cart\n",
    )
    .and("order.csv", "session_id,item_id\ns,a\ns,a\ns,b\n");
    let (_, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    assert_eq!(prepared.dropped(), [("duplicate", 3)]);
    // Without times or positions nothing tells a copy from a second look.
    let (_, prepared) = shop.prepare(&shop.options("order.csv")).unwrap();
    assert_eq!(prepared.sessions(), [["a", "a", "b"]]);
}

#[test]
fn bots_are_found_by_rate_and_by_length_and_buyers_of_much_are_none() {
    let mut rows = String::from("user_id,item_id,timestamp,action\n");
    for n in 0..70 {
        rows += &format!("fast,i{n},{},view\n", DAY + 60_000 + n / 2);
        rows += &format!("long,i{n},{},view\n", DAY + n * 120);
        rows += &format!("wholesale,i{n},{},buy\n", DAY + 30_000);
        rows += &format!("person,i{n},{},view\n", DAY + n * 3600);
    }
    let shop = Shop::with("log.csv", &rows);
    let mut options = shop.options("log.csv");
    options.rules.max_clicks_per_session = Some(60);
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(
        summary.dropped,
        [
            ("bot_by_length".to_string(), 70),
            ("bot_by_rate".to_string(), 70)
        ]
    );
    assert_eq!(prepared.events.len(), 140);
    assert!(
        prepared.rejected[0].reason.contains("70 clicks"),
        "{}",
        prepared.rejected[0].reason
    );
    options.rules.max_clicks_per_session = Some(1000);
    options.rules.max_clicks_per_minute = Some(1000);
    options.rules.max_clicks_per_day = Some(69);
    let (summary, _) = shop.prepare(&options).unwrap();
    // `person` looks at 24 items a day.
    assert_eq!(summary.dropped, [("bot_by_length".to_string(), 140)]);
}

#[test]
fn times_to_the_day_can_not_make_a_bot() {
    let rows: String = (0..100).map(|n| format!("u,i{n},2024-06-01\n")).collect();
    let shop = Shop::with("log.csv", &format!("user_id,item_id,date\n{rows}"));
    let (summary, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    assert_eq!(summary.events, 100);
    assert!(
        prepared.report["rules"]
            .to_string()
            .contains(r#"{"drops":"(off)","on":false,"rows":0,"rule":"bot_by_rate"}"#)
    );
}

#[test]
fn rare_items_leave_the_training_part_only_and_short_sessions_follow() {
    // Sessions on days 0 to 9; day 9 is the test. `once` and `late` occur once each.
    let mut rows = String::from("session_id,item_id,timestamp\n");
    for day in 0..10 {
        let time = DAY + day * 86_400;
        let other = match day {
            3 => "once",
            9 => "late",
            _ => "b",
        };
        rows += &format!("s{day},a,{time}\ns{day},{other},{}\n", time + 30);
    }
    let shop = Shop::with("log.csv", &rows);
    let mut options = shop.options("log.csv");
    options.rules = Default::default();
    options.test = TestPart::Days(1);
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(
        summary.dropped,
        [
            ("rare_item".to_string(), 1),
            ("short_session".to_string(), 1)
        ]
    );
    assert_eq!(prepared.sessions().len(), 9);
    assert_eq!(prepared.sessions()[8], ["a", "late"]);
    assert!(!prepared.items.contains_key("once"));
    assert_eq!(prepared.report["new_in_test"], 1);
}

#[test]
fn ratings_below_a_threshold_go_when_asked() {
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,timestamp,rating\nu,a,1717236000,5\nu,b,1717236001,1.5\nu,c,1717236002,\n",
    );
    let mut options = shop.options("log.csv");
    options.rules.min_rating = Some(2.0);
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [["a", "c"]]);
    assert_eq!(prepared.dropped(), [("low_rating", 3)]);
}

#[test]
fn postage_is_not_a_product() {
    let shop = Shop::with("events.csv", "session_id,item_id\ns,a\ns,POST\ns,b\n").and(
        "items.csv",
        "item_id,title,is_product\na,Apple,true\nPOST,Postage,false\n",
    );
    let mut options = shop.options("events.csv");
    options.items = Some(shop.path("items.csv"));
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [["a", "b"]]);
    assert_eq!(prepared.dropped(), [("not_a_product", 3)]);
    assert!(!prepared.items.contains_key("POST"));
}

#[test]
fn features_are_standardised_over_the_catalogue() {
    // Prices e^0, e^1, e^2: mean 1, deviation sqrt(2/3).
    let shop = Shop::with("events.csv", "session_id,item_id\ns,a\ns,a\ns,a\ns,b\n").and(
        "items.csv",
        "item_id,price\na,1\nb,2.718281828459045\nc,7.38905609893065\nd,0\n",
    );
    let mut options = shop.options("events.csv");
    options.items = Some(shop.path("items.csv"));
    let (_, prepared) = shop.prepare(&options).unwrap();
    let z = (2.0f64 / 3.0).sqrt().recip();
    let close = |value: Option<f64>, wanted: f64| (value.unwrap() - wanted).abs() < 1e-5;
    assert!(close(prepared.items["a"].price_z, -z));
    assert!(close(prepared.items["b"].price_z, 0.0));
    assert!(close(prepared.items["c"].price_z, z));
    assert_eq!(
        (prepared.items["d"].price, prepared.items["d"].price_z),
        (None, None)
    );
    // ln 4, ln 2, 0, 0.
    let logs = [4f64.ln(), 2f64.ln(), 0.0, 0.0];
    let mean = logs.iter().sum::<f64>() / 4.0;
    let deviation = (logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
    assert!(close(
        prepared.items["a"].popularity_z,
        (logs[0] - mean) / deviation
    ));
    assert!(close(prepared.items["d"].popularity_z, -mean / deviation));
}

#[test]
fn the_report_accounts_for_every_row() {
    let mut rows = String::from("user_id,item_id,timestamp,action\n");
    for n in 0..300 {
        rows += &format!("u{},i{},{},view\n", n % 7, n % 13, DAY + n * 100);
        if n % 50 == 0 {
            rows += &format!("u{},i{},{},view\nu,,0,x\n", n % 7, n % 13, DAY + n * 100);
        }
    }
    let shop = Shop::with("log.csv", &rows);
    let mut options = shop.options("log.csv");
    options.rules = Default::default();
    let (summary, prepared) = shop.prepare(&options).unwrap();
    let dropped: u64 = summary.dropped.iter().map(|(_, n)| n).sum();
    assert_eq!(summary.rows_read, 312);
    assert_eq!(summary.rows_read, summary.events + dropped);
    assert_eq!(prepared.report["kept"], summary.events);
    assert_eq!(prepared.report["dropped"], dropped);
    assert_eq!(prepared.rejected.len() as u64, dropped);
    let parts: u64 = prepared.report["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["events"].as_u64().unwrap())
        .sum();
    assert_eq!(parts, summary.events);
    assert_eq!(prepared.page.matches("<svg ").count(), 4);
    assert!(!prepared.page.contains("NaN"));
}
