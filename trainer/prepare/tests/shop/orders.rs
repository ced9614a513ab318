//! Orders: confirmed, added, placed, refused.

use crate::support::Shop;
use vitrine_prepare::TestPart;

const EVENTS: &str = "user_id,session_id,item_id,timestamp,action\n\
    u,s1,a,1717236000,view\n\
    u,s1,a,1717236060,buy\n\
    u,s2,b,1717300000,view\n\
    v,s3,c,1717236000,view\n";

#[test]
fn order_lines_confirm_join_or_become_purchases() {
    let shop = Shop::with("events.csv", EVENTS).and(
        "orders.csv",
        "order_id,user_id,item_id,timestamp,quantity,price\n\
         1,u,a,1717239000,2,9.5\n\
         2,u,b,1717300500,1,4\n\
         3,v,c,1717400000,1,5\n\
         4,v,unheard,1717236000,1,5\n\
         5,,c,1717236000,1,5\n\
         6,v,c,,1,5\n\
         7,v,c,1717236000,-1,5\n\
         ,,c,1717236000,1,5\n",
    );
    let mut options = shop.options("");
    options.test = TestPart::None;
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!((summary.orders_matched, summary.orders_added), (1, 3));
    let bought: Vec<_> = prepared
        .events
        .iter()
        .filter(|e| e.action == 2)
        .map(|e| {
            (
                e.item.as_str(),
                e.source_session.as_deref(),
                e.quantity,
                e.price,
            )
        })
        .collect();
    assert_eq!(
        bought,
        [
            // Was in the behaviour; the order lends quantity and price.
            ("a", Some("s1"), Some(2), Some(9.5)),
            // A guest's order is a visit of its own.
            ("c", Some("order 5"), Some(1), Some(5.0)),
            // Eight minutes after the last event of s2.
            ("b", Some("s2"), Some(1), Some(4.0)),
            // Two days later: a session of its own.
            ("c", None, Some(1), Some(5.0)),
        ]
    );
    assert_eq!(
        prepared.dropped(),
        [
            ("unknown_item", 5),
            ("missing_time", 7),
            ("returned", 8),
            ("missing_visitor", 9)
        ]
    );
    assert!(prepared.rejected[0].reason.contains("'unheard'"));
    assert!(prepared.rejected[0].file.ends_with("orders.csv"));
    let dropped: u64 = summary.dropped.iter().map(|(_, n)| n).sum();
    assert_eq!(
        summary.rows_read,
        summary.events + summary.orders_matched + dropped
    );
}

#[test]
fn items_of_the_items_file_are_known_to_orders() {
    let shop = Shop::with("events.csv", EVENTS)
        .and("orders.csv", "order_id,session_id,item_id\n1,s3,d\n")
        .and("items.csv", "item_id,title\nd,Date\n,Nothing\n");
    let (summary, prepared) = shop.prepare(&shop.options("")).unwrap();
    assert_eq!(summary.orders_added, 1);
    assert!(prepared.sessions().contains(&vec!["c", "d"]));
    assert_eq!(prepared.items["d"].title.as_deref(), Some("Date"));
    assert_eq!(prepared.items["d"].counts, [1, 0, 0, 1]);
    assert_eq!(prepared.dropped(), [("missing_item", 3)]);
}

#[test]
fn a_published_split_takes_no_orders_in() {
    let shop = Shop::with(
        "events.csv",
        "session_id,position,item_id,split\ns,0,a,train\ns,1,b,train\nt,0,a,test\nt,1,b,test\n",
    )
    .and("orders.csv", "session_id,item_id\ns,a\n");
    let (summary, prepared) = shop.prepare(&shop.options("")).unwrap();
    assert_eq!((summary.orders_added, summary.events), (0, 4));
    assert_eq!(prepared.dropped(), [("missing_split", 2)]);
}
