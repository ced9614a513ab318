//! Each preset on a small file in that data set's own format.

use crate::support::{DAY, Shop};
use vitrine_prepare::{Preset, TestPart};

#[test]
fn behaviour_reads_the_plain_form() {
    let shop = Shop::with(
        "events.csv",
        "user_id,item_id,timestamp,action,rating\n\
         u1,a,2024-06-01T10:00:00Z,view,\n\
         u1,b,2024-06-01T10:01:00Z,add_to_cart,\n\
         u2,c,2024-06-01T10:01:30Z,view,\n\
         u1,b,2024-06-01T10:05:00Z,buy,5\n",
    );
    let (summary, prepared) = shop.under(Preset::Behaviour, "events.csv");
    assert_eq!(prepared.sessions(), [vec!["a", "b", "b"], vec!["c"]]);
    let actions: Vec<_> = prepared.events.iter().map(|e| e.action).collect();
    assert_eq!(actions, [0, 1, 2, 0]);
    assert_eq!(prepared.events[0].user.as_deref(), Some("u1"));
    assert_eq!(prepared.events[0].ts, Some((DAY + 36_000) * 1000));
    assert_eq!(prepared.items["b"].counts, [2, 0, 1, 1]);
    assert_eq!(summary.events, 4);
    assert_eq!(summary.dataset.facts.source, "behaviour");
}

#[test]
fn retailrocket_reads_events_and_properties_from_its_folder() {
    let shop = Shop::with(
        "events.csv",
        "timestamp,visitorid,event,itemid,transactionid\n\
         1717200000000,7,view,10,\n\
         1717200060000,7,addtocart,10,\n\
         1717200120000,7,transaction,10,400\n\
         1717200180000,8,view,11,\n",
    )
    .and(
        "item_properties_part1.csv",
        "timestamp,itemid,property,value\n\
         1717000000000,10,categoryid,1338\n\
         1717100000000,10,categoryid,1339\n\
         1717000000000,10,888,1116713 960601\n",
    )
    .and(
        "item_properties_part2.csv",
        "timestamp,itemid,property,value\n\
         1717000000000,10,available,0\n\
         1717000000000,12,available,1\n",
    )
    .and("category_tree.csv", "categoryid,parentid\n1338,\n");
    let (_, prepared) = shop.under(Preset::Retailrocket, "");
    assert_eq!(prepared.sessions(), [vec!["10", "10", "10"], vec!["11"]]);
    let actions: Vec<_> = prepared.events.iter().map(|e| e.action).collect();
    assert_eq!(actions, [0, 1, 2, 0]);
    // The later property counts.
    assert_eq!(prepared.items["10"].category.as_deref(), Some("1339"));
    let stock = ["10", "11", "12"].map(|id| prepared.items[id].in_stock);
    assert_eq!(stock, [Some(false), Some(true), Some(true)]);
    assert_eq!(prepared.items["12"].counts, [0, 0, 0, 0]);
}

#[test]
fn diginetica_adds_the_time_frame_to_the_date() {
    let shop = Shop::with(
        "train-item-views.csv",
        "sessionId;userId;itemId;timeframe;eventdate\n\
         1;NA;81766;526309;2016-05-09\n\
         1;NA;31331;1031018;2016-05-09\n\
         1;NA;32118;243569;2016-05-09\n\
         2;55;81766;0;2016-05-10\n",
    )
    .and(
        "train-purchases.csv",
        "sessionId;userId;timeframe;eventdate;ordernumber;itemId\n\
         1;NA;1100000;2016-05-09;90;31331\n",
    )
    .and(
        "product-categories.csv",
        "itemId;categoryId\n81766;1096\n31331;312\n",
    )
    .and(
        "products.csv",
        "itemId;pricelog2;product.name.tokens\n81766;10;4875,776\n",
    );
    let (summary, prepared) = shop.under(Preset::Diginetica, "");
    // By time frame, not by row: 243 s, 526 s, 1031 s, then the purchase at 1100 s.
    assert_eq!(
        prepared.sessions(),
        [vec!["32118", "81766", "31331", "31331"], vec!["81766"]]
    );
    assert_eq!(prepared.events[3].action, 2);
    assert_eq!(summary.orders_added, 1);
    assert_eq!(prepared.events[0].user, None);
    assert_eq!(prepared.events[4].user.as_deref(), Some("55"));
    let item = &prepared.items["81766"];
    assert_eq!(
        (item.category.as_deref(), item.title.as_deref()),
        (Some("1096"), Some("4875,776"))
    );
}

#[test]
fn yoochoose_has_no_header() {
    let shop = Shop::with(
        "yoochoose-clicks.dat",
        "1,2014-04-07T10:51:09.277Z,214536502,0\n\
         1,2014-04-07T10:54:09.868Z,214536500,S\n\
         2,2014-04-07T13:56:37.614Z,214662742,5\n",
    )
    .and(
        "yoochoose-buys.dat",
        "2,2014-04-07T14:00:00.000Z,214662742,12462,2\n",
    );
    let (summary, prepared) = shop.under(Preset::Yoochoose, "");
    assert_eq!(
        prepared.sessions(),
        [
            vec!["214536502", "214536500"],
            vec!["214662742", "214662742"]
        ]
    );
    let bought = &prepared.events[3];
    assert_eq!(
        (bought.action, bought.quantity, bought.price),
        (2, Some(2), Some(12462.0))
    );
    assert_eq!(summary.orders_added, 1);
    assert_eq!(prepared.items["214662742"].category.as_deref(), Some("5"));
}

#[test]
fn rees46_reads_its_months_and_drops_removals_by_name() {
    let head = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n";
    let shop = Shop::new()
        .and(
            "2019-Nov.csv",
            format!("{head}2019-11-01 00:00:00 UTC,view,3,2053,,,9.5,541,s2\n"),
        )
        .and(
            "2019-Oct.csv",
            format!(
                "{head}2019-10-01 00:00:00 UTC,view,44600062,2103807459595387724,,shiseido,35.79,541312140,s1\n\
                 2019-10-01 00:00:10 UTC,cart,44600062,2103807459595387724,appliances.kitchen,shiseido,35.79,541312140,s1\n\
                 2019-10-01 00:00:20 UTC,remove_from_cart,44600062,2103807459595387724,,shiseido,35.79,541312140,s1\n\
                 2019-10-01 00:00:30 UTC,purchase,44600062,2103807459595387724,,shiseido,35.79,541312140,s1\n"
            ),
        );
    let (_, prepared) = shop.under(Preset::Rees46, "");
    let actions: Vec<_> = prepared
        .events
        .iter()
        .map(|e| (e.session, e.action))
        .collect();
    assert_eq!(actions, [(0, 0), (0, 1), (0, 2), (1, 0)]);
    assert_eq!(prepared.dropped(), [("returned", 4)]);
    assert!(prepared.rejected[0].file.ends_with("2019-Oct.csv"));
    let item = &prepared.items["44600062"];
    assert_eq!(item.price, Some(35.79_f64));
    // The last category told, a code before an id within a row.
    assert_eq!(item.category.as_deref(), Some("2103807459595387724"));
    assert_eq!(prepared.events[0].source_session.as_deref(), Some("s1"));
}

#[test]
fn vitrine_honours_positions_and_the_published_split() {
    let shop = Shop::with(
        "events.csv",
        "session_id,user_id,position,item_id,ts,event,split,price,quantity\n\
         5,1,1,b,,interaction,train,,\n\
         5,1,0,a,,view,train,,\n\
         9,2,0,c,,buy,test,0,1\n\
         9,2,1,c,,return,test,1,1\n\
         9,2,2,new,,buy,test,2.5,3\n",
    )
    .and(
        "items.csv",
        "item_id,title,median_price,is_product\n\
         a,An Apple,0.5,true\nc,A Cherry,,true\nnever,A Nut,3,true\npost,Postage,1,false\n",
    );
    let mut options = shop.options("");
    options.preset = Preset::Vitrine;
    // As by default: with a published split nothing is dropped for being rare or short.
    options.rules = Default::default();
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [vec!["a", "b"], vec!["c", "new"]]);
    let splits: Vec<_> = prepared.events.iter().map(|e| e.split.as_str()).collect();
    assert_eq!(splits, ["train", "train", "test", "test"]);
    // A price of nothing is no price, but the gift was a purchase.
    assert_eq!(
        (prepared.events[2].action, prepared.events[2].price),
        (2, None)
    );
    assert_eq!(prepared.dropped(), [("returned", 5)]);
    assert_eq!(summary.dataset.facts.shortest_prefix, 1);
    assert_eq!(
        summary.dataset.facts.split_rule,
        "the split that the source publishes"
    );
    assert_eq!(summary.dataset.facts.from, None);
    let titles: Vec<_> = prepared
        .items
        .iter()
        .map(|(id, i)| (id.as_str(), i.title.as_deref()))
        .collect();
    assert_eq!(
        titles,
        [
            ("a", Some("An Apple")),
            ("b", None),
            ("c", Some("A Cherry")),
            ("never", Some("A Nut")),
            ("new", None)
        ]
    );
    assert_eq!(prepared.items["a"].price, Some(0.5));
    assert_eq!(prepared.items["new"].price, Some(2.5));
}

#[test]
fn common_names_are_recognised_without_a_preset() {
    let shop = Shop::with(
        "clicks.csv",
        "Customer ID;Product;Event Time;Event Type\n\
         7;red shoe;2024-06-01 10:00;Page View\n\
         7;blue shoe;2024-06-01 10:02;Add to Cart\n",
    );
    let mut options = shop.options("clicks.csv");
    options.test = TestPart::None;
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [["red shoe", "blue shoe"]]);
    assert_eq!(prepared.events[1].action, 1);
    assert_eq!(summary.dataset.facts.name, "clicks");
}

#[test]
fn a_preset_or_a_column_that_does_not_exist_is_named() {
    let error = "retail".parse::<Preset>().unwrap_err().to_string();
    assert!(error.contains("retailrocket"), "{error}");
}
