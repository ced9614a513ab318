//! Orders alone, their states, their lines, and orders in two files.

use crate::support::{Shop, notice};
use vitrine_core::Action;
use vitrine_prepare::TestPart;

#[test]
fn cancelled_refunded_failed_and_unpaid_orders_are_no_purchases() {
    let shop = Shop::with("events.csv", "user_id,item_id,timestamp\nu,a,1717236000\n").and(
        "orders.csv",
        "order_id,customer_id,sku,order_date,status,cancelled_at\n\
         1,u,a,1717236100,completed,\n\
         2,u,a,1717236200,cancelled,\n\
         3,u,a,1717236300,wc-refunded,\n\
         4,u,a,1717236400,failed,\n\
         5,u,a,1717236500,Pending payment,\n\
         6,u,a,1717236600,processing,2024-06-02T10:00Z\n\
         7,u,a,1717236700,packed,\n",
    );
    let mut options = shop.options("");
    options.test = TestPart::None;
    let (summary, prepared) = shop.prepare(&options).unwrap();
    let void: Vec<_> = [3, 4, 5, 6, 7].map(|line| ("void_order", line)).into();
    assert_eq!(prepared.dropped(), void);
    assert_eq!(summary.orders_added, 2);
    assert!(
        prepared.rejected[0].reason.contains("'cancelled'")
            && prepared.rejected[4].reason.contains("2024-06-02"),
        "{:?}",
        prepared.rejected
    );
    let rules = prepared.report["rules"].as_array().unwrap();
    let rule = rules
        .iter()
        .find(|rule| rule["rule"] == "void_order")
        .unwrap();
    assert_eq!(rule["rows"], 5);
    let (finding, advice) = notice(&summary, "unknown_status");
    assert!(
        finding.contains("'packed' (1 rows)") && advice.contains("[orders.statuses]"),
        "{finding} {advice}"
    );
    let shop = shop.and("map.toml", "[orders.statuses]\npacked = \"void\"\n");
    options.mapping = Some(shop.path("map.toml"));
    let (summary, _) = shop.prepare(&options).unwrap();
    assert_eq!(summary.orders_added, 1);
}

#[test]
fn a_status_that_is_not_the_order_s_changes_nothing() {
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,timestamp,action,status\nu,a,1717236000,buy,200\nu,b,1717236010,buy,404\n",
    );
    let (summary, prepared) = shop.read("log.csv");
    assert_eq!(prepared.events.len(), 2);
    assert_eq!(notice(&summary, "unknown_status").0, "");
}

const ORDERS: &str = "order_id,user_id,item_id,timestamp,quantity,status\n\
    1,u,a,1717236000,1,paid\n1,u,b,1717236000,2,paid\n2,v,a,1717236100,1,cancelled\n";

#[test]
fn a_shop_with_orders_only_gives_them_as_events_that_are_all_purchases() {
    let shop = Shop::with("orders.csv", ORDERS);
    let mut options = shop.options("orders.csv");
    options.test = TestPart::None;
    options.all_actions = Some(Action::Buy);
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [["a", "b"]]);
    assert!(prepared.events.iter().all(|event| event.action == 2));
    assert_eq!(prepared.dropped(), [("void_order", 4)]);
    assert_eq!(notice(&summary, "orders_as_events").0, "");
    // Whatever the source tells.
    let shop = Shop::with("log.csv", "user_id,item_id,action\nu,a,view\nu,b,gaze\n");
    let mut options = shop.options("log.csv");
    options.all_actions = Some(Action::AddToCart);
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert!(prepared.events.iter().all(|event| event.action == 1));
    assert_eq!(prepared.dropped(), []);
}

#[test]
fn an_events_file_that_is_plainly_one_of_orders_is_read_as_purchases_and_said() {
    let shop = Shop::with("export.csv", ORDERS);
    let (summary, prepared) = shop.read("export.csv");
    assert!(prepared.events.iter().all(|event| event.action == 2));
    let (finding, advice) = notice(&summary, "orders_as_events");
    assert!(
        finding.contains("export.csv") && advice.contains("--all-actions buy"),
        "{finding} {advice}"
    );
    // A log of views in which some rows bear the order is none.
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,timestamp,order_id,price\nu,a,1717236000,,1\nu,b,1717236010,7,1\n",
    );
    let (summary, prepared) = shop.read("log.csv");
    assert!(prepared.events.iter().all(|event| event.action == 0));
    assert_eq!(notice(&summary, "orders_as_events").0, "");
}

#[test]
fn fields_of_an_order_s_first_line_are_carried_down_to_its_others() {
    let shop = Shop::with(
        "orders.csv",
        "order_id,email,item_id,created_at,status,qty\n\
         1,u@x,a,2024-06-01T10:00Z,paid,1\n\
         1,,b,,,2\n\
         2,v@x,c,2024-06-01T10:00Z,refunded,1\n\
         2,,d,,,1\n\
         3,w@x,a,2024-06-01T10:00Z,,1\n\
         3,,c,,,1\n",
    );
    let (_, prepared) = shop.read("orders.csv");
    assert_eq!(prepared.sessions(), [["a", "b"], ["a", "c"]]);
    assert_eq!(prepared.events[1].user.as_deref(), Some("u@x"));
    // The state as well, but not that of the order before.
    assert_eq!(prepared.dropped(), [("void_order", 4), ("void_order", 5)]);
}

#[test]
fn lines_are_carried_down_across_the_pieces_in_which_a_file_is_read() {
    let mut text = String::from("order_id,email,item_id,created_at,qty\n");
    text += "1,u@x,a,2024-06-01T10:00Z,1\n";
    (0..20_000).for_each(|n| text += &format!("1,,i{n},,1\n"));
    let (_, prepared) = Shop::with("orders.csv", &text).read("orders.csv");
    assert_eq!(prepared.events.len(), 20_001);
    assert!(
        prepared
            .events
            .iter()
            .all(|event| event.user.as_deref() == Some("u@x"))
    );
}

#[test]
fn lines_that_name_no_order_belong_to_the_one_above_and_are_said() {
    let shop = Shop::with(
        "orders.csv",
        "order_id,email,item_id,created_at,qty\n\
         1,u@x,a,2024-06-01T10:00Z,1\n,,b,,2\n2,v@x,c,2024-06-01T10:00Z,1\n",
    );
    let (summary, prepared) = shop.read("orders.csv");
    assert_eq!(prepared.sessions(), [vec!["a", "b"], vec!["c"]]);
    assert!(
        notice(&summary, "lines_without_order")
            .0
            .contains("1 of 3 rows")
    );
}

#[test]
fn orders_and_their_lines_in_two_files_are_joined_by_the_order() {
    let lines = "order_id,product_id,price,qty\n1,a,5,1\n1,b,6,2\n2,c,7,1\n3,d,8,1\n9,a,5,1\n";
    let heads = "id,customer,created,order_status\n\
        1,u,2024-06-01T10:00Z,delivered\n2,v,2024-06-01T11:00Z,canceled\n3,w,never,delivered\n";
    let map = "[events.join]\nfile = \"orders.csv\"\norder_id = \"id\"\nuser_id = \"customer\"\n";
    let shop = Shop::with("lines.csv", lines)
        .and("orders.csv", heads)
        .and("map.toml", map);
    let mut options = shop.options("lines.csv");
    options.test = TestPart::None;
    options.mapping = Some(shop.path("map.toml"));
    options.all_actions = Some(Action::Buy);
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [["a", "b"]]);
    let first = &prepared.events[0];
    assert_eq!((first.user.as_deref(), first.price), (Some("u"), Some(5.0)));
    assert_eq!(
        prepared.dropped(),
        [("void_order", 4), ("bad_time", 5), ("missing_visitor", 6)]
    );
    assert!(
        prepared.rejected[1]
            .reason
            .contains("line 4 of the orders: timestamp 'never'"),
        "{}",
        prepared.rejected[1].reason
    );
    assert!(
        notice(&summary, "lines_without_head")
            .0
            .contains("1 of 5 rows")
    );
    assert_eq!(summary.rows_read, 5);
    assert_eq!(prepared.report["inputs"][1]["input"], "events.join");

    // The same beside a log.
    let shop = shop
        .and(
            "log.csv",
            "user_id,item_id,timestamp\nu,a,2024-06-01T09:50Z\nv,c,2024-06-01T09:50Z\n",
        )
        .and("map.toml", map.replace("events", "orders"));
    let mut options = shop.options("log.csv");
    options.orders = Some(shop.path("lines.csv"));
    options.mapping = Some(shop.path("map.toml"));
    options.test = TestPart::None;
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(summary.orders_added, 1);
    assert_eq!(prepared.sessions(), [vec!["a", "a"], vec!["c"]]);
}

#[test]
fn a_join_without_its_file_or_column_is_named() {
    let shop = Shop::with("lines.csv", "order_id,product_id\n1,a\n")
        .and("map.toml", "[events.join]\nfile = \"nowhere.csv\"\n");
    let mut options = shop.options("lines.csv");
    options.mapping = Some(shop.path("map.toml"));
    let error = shop.prepare(&options).err().unwrap().to_string();
    assert!(error.contains("nowhere.csv: no such file"), "{error}");
    let shop = shop.and("nowhere.csv", "number,customer\n1,u\n").and(
        "map.toml",
        "[events.join]\nfile = \"nowhere.csv\"\norder_id = \"id\"\n",
    );
    let error = shop.prepare(&options).err().unwrap().to_string();
    assert!(
        error.contains("no column 'id'") && error.contains("nowhere.csv"),
        "{error}"
    );
}
