//! One item under several forms of its id: events, orders and items file join, or it is said.

use crate::support::{DAY, Prepared, Shop, names};
use vitrine_prepare::{Summary, TestPart};

/// A shop whose events and items file write ids as given; the last item of the file is sold out.
fn joined(events: &[&str], items: &[&str]) -> (Summary, Prepared) {
    let rows: Vec<_> = (0..3)
        .flat_map(|user| {
            events
                .iter()
                .enumerate()
                .map(move |(n, id)| format!("u{user},{id},{}\n", DAY + user * 9000 + n as i64))
        })
        .collect();
    let stock: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(n, id)| format!("{id},Title {n},{}\n", n + 1 < items.len()))
        .collect();
    let shop = Shop::with(
        "events.csv",
        &format!("user_id,item_id,timestamp\n{}", rows.concat()),
    )
    .and(
        "items.csv",
        format!("item_id,title,in_stock\n{}", stock.concat()),
    );
    let mut options = shop.options("");
    options.test = TestPart::None;
    shop.prepare(&options).unwrap()
}

#[test]
fn an_id_that_became_a_float_joins_the_items_file() {
    for (events, items) in [
        (["1001.0", "1002.0"], ["1001", "1002"]),
        (["1001", "1002"], ["1001.0", "1002.0"]),
        (["1001.00", "1002.00"], ["1001", "1002"]),
        (["\"1001,0\"", "\"1002,0\""], ["1001", "1002"]),
        (["1001.0", "1002.0"], ["1001.0", "1002.0"]),
    ] {
        let (summary, prepared) = joined(&events, &items);
        assert_eq!(prepared.sessions()[0], ["1001", "1002"]);
        assert_eq!(prepared.items.len(), 2);
        assert_eq!(prepared.items["1001"].title.as_deref(), Some("Title 0"));
        assert_eq!(prepared.items["1001"].in_stock, Some(true));
        assert_eq!(prepared.items["1002"].in_stock, Some(false));
        assert_eq!(names(&summary), ["float_ids"]);
        assert!(summary.notices[0].finding.contains("is read as '1001'"));
    }
}

#[test]
fn zeros_in_front_join_where_each_file_has_one_form() {
    let (summary, prepared) = joined(&["00123", "00124"], &["123", "124"]);
    assert_eq!(
        prepared.items.keys().collect::<Vec<_>>(),
        ["00123", "00124"]
    );
    assert_eq!(prepared.items["00124"].in_stock, Some(false));
    assert_eq!(names(&summary), ["padded_ids"]);
    let (_, prepared) = joined(&["123.0", "124.0"], &["00123", "00124"]);
    assert_eq!(prepared.items.keys().collect::<Vec<_>>(), ["123", "124"]);
    assert_eq!(prepared.items["124"].in_stock, Some(false));
}

#[test]
fn ids_that_may_be_two_items_are_not_joined_and_said() {
    // 7 and 007 both stand in the items file: two items, and the events tell which.
    let (summary, prepared) = joined(&["7", "007", "8"], &["7", "007", "8"]);
    assert_eq!(prepared.items.len(), 3);
    assert_eq!(names(&summary), Vec::<&str>::new());
    // 0007 may be either.
    let (summary, prepared) = joined(&["7", "0007", "8"], &["7", "007", "8"]);
    assert_eq!(prepared.items.len(), 4);
    assert_eq!(
        names(&summary),
        ["ambiguous_ids", "untitled_items", "unlisted_items"]
    );
    assert!(summary.notices[0].finding.contains("'0007'"));
    // Versions: the items file has 1 and 1.0.
    let (_, prepared) = joined(&["1", "1.0", "2"], &["1", "1.0", "2"]);
    assert_eq!(prepared.items.len(), 3);
}

#[test]
fn forms_within_the_events_are_one_item_without_an_items_file() {
    let shop = Shop::with(
        "events.csv",
        "user_id,item_id,timestamp\nu,5,1717236000\nu,5.0,1717236001\nu,6,1717236002\n",
    );
    let (_, prepared) = shop.prepare(&shop.options("events.csv")).unwrap();
    assert_eq!(prepared.sessions(), [["5", "5", "6"]]);
}

#[test]
fn orders_join_by_the_same_rules() {
    let shop = Shop::with(
        "events.csv",
        "user_id,item_id,timestamp,action\nu,1001,1717236000,view\nu,1001,1717236060,buy\nu,1002,1717236070,view\n",
    )
    .and("orders.csv", "order_id,user_id,item_id,timestamp\n1,u,1001.0,1717236100\n");
    let mut options = shop.options("");
    options.test = TestPart::None;
    let (summary, _) = shop.prepare(&options).unwrap();
    assert_eq!((summary.orders_matched, summary.orders_added), (1, 0));
    assert_eq!(names(&summary), ["float_ids"]);
}

#[test]
fn whole_numbers_beyond_64_bits_stay_exact() {
    let long = ["36893488147419103232", "36893488147419103233"];
    let (summary, prepared) = joined(&long, &long);
    assert_eq!(prepared.sessions()[0], long);
    assert_eq!(names(&summary), Vec::<&str>::new());
    let (_, prepared) = joined(
        &["9007199254740993", "18446744073709551617"],
        &["9007199254740993", "18446744073709551617"],
    );
    assert_eq!(
        prepared.sessions()[0],
        ["9007199254740993", "18446744073709551617"]
    );
}

#[test]
fn nested_values_and_repeated_headers_never_become_items() {
    let shop = Shop::with(
        "events.csv",
        "user_id,item_id\nu,a\nu,\"{\"\"id\"\": 7, \"\"price\"\": 3}\"\nu,\"[{'id': 7}]\"\nuser_id,item_id\nu,b\nu,[x]\nu,c\nu,d\n",
    );
    let (summary, prepared) = shop.prepare(&shop.options("events.csv")).unwrap();
    assert_eq!(prepared.sessions(), [["a", "b", "[x]", "c", "d"]]);
    assert_eq!(
        prepared.dropped(),
        [("unreadable_row", 3), ("nested_id", 4)]
    );
    let names = names(&summary);
    assert!(
        names.contains(&"nested_ids") && names.contains(&"repeated_header"),
        "{names:?}"
    );
}

#[test]
fn a_history_of_nested_ids_alone_stops_with_an_example() {
    let shop = Shop::with(
        "events.csv",
        "user_id,item_id\nu,\"{\"\"id\"\": 7}\"\nu,\"{\"\"id\"\": 8}\"\n",
    );
    let error = shop.error("events.csv");
    assert!(
        error.contains("item_id (objects or lists)") && error.contains("item_id.id"),
        "{error}"
    );
}
