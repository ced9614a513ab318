//! Catalogues: merchant feeds, the words for availability, items that are no longer sold.

use crate::support::{Prepared, Shop, notice};
use vitrine_prepare::{Options, Summary};

const EVENTS: &str = "user_id,item_id,timestamp\n\
    u,a,1717236000\nu,b,1717236010\nu,c,1717236020\nu,gone,1717236030\nv,gone,1717236040\n";

fn with_items(items: &str) -> (Summary, Prepared) {
    let shop = Shop::with("events.csv", EVENTS).and("items.csv", items);
    shop.prepare(&options(&shop)).unwrap()
}

fn options(shop: &Shop) -> Options {
    let mut options = shop.options("events.csv");
    options.items = Some(shop.path("items.csv"));
    options
}

#[test]
fn a_merchant_feed_is_read_by_its_own_names() {
    let feed = "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\tsale_price\tgoogle_product_category\tproduct_type\n\
        a\tA Mug\tBlue\thttps://shop/a\thttps://shop/a.jpg\tin_stock\t15.00 USD\t\tKitchen > Mugs\tMugs\n\
        b\tA Lamp\tRed\thttps://shop/b\thttps://shop/b.jpg\tout_of_stock\t1,299.00 USD\t999.00 USD\tHome > Lamps\t\n\
        c\tA Chair\tOak\thttps://shop/c\thttps://shop/c.jpg\tpreorder\t49.90 USD\t\tHome > Chairs\tChairs\n\
        d\tA Desk\tOak\thttps://shop/d\thttps://shop/d.jpg\tbackorder\t1,449.00 USD\t\tHome > Desks\tDesks\n";
    let shop = Shop::with("events.csv", EVENTS).and("items.csv", feed);
    let (_, prepared) = shop.prepare(&options(&shop)).unwrap();
    assert_eq!(prepared.dropped(), []);
    let item = &prepared.items["a"];
    assert_eq!(item.title.as_deref(), Some("A Mug"));
    assert_eq!(item.category.as_deref(), Some("Mugs"));
    assert_eq!(item.image.as_deref(), Some("https://shop/a.jpg"));
    assert_eq!(item.price, Some(15.0));
    let stock = ["a", "b", "c", "d"].map(|id| prepared.items[id].in_stock);
    assert_eq!(stock, [Some(true), Some(false), Some(true), Some(true)]);
    assert_eq!(prepared.items["b"].price, Some(1299.0));
    // The preset knows the sale's price, and the second name of the category.
    let mut options = options(&shop);
    options.preset = vitrine_prepare::Preset::MerchantFeed;
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.items["b"].price, Some(999.0));
    assert_eq!(
        prepared.items["b"].category.as_deref(),
        Some("Home > Lamps")
    );
    assert_eq!(prepared.events.len(), 5);
}

#[test]
fn an_unknown_word_for_stock_is_unknown_and_said_with_the_way_to_explain_it() {
    let shop = Shop::with("events.csv", EVENTS)
        .and(
            "items.csv",
            "item_id,availability\na,in stock\nb,on request\nc,\ngone,sold out\n",
        )
        .and("map.toml", "[items.stock]\n\"On Request\" = \"in\"\n");
    let (summary, prepared) = shop.prepare(&options(&shop)).unwrap();
    let stock = ["a", "b", "c", "gone"].map(|id| prepared.items[id].in_stock);
    assert_eq!(stock, [Some(true), None, None, Some(false)]);
    let (finding, advice) = notice(&summary, "unknown_stock");
    assert!(
        finding.contains("'on request' (1 rows)") && advice.contains("[items.stock]"),
        "{finding} {advice}"
    );
    assert!(
        notice(&summary, "stock_not_told")
            .0
            .contains("2 of 4 items")
    );
    assert_eq!(prepared.report["catalogue"]["of_unknown_stock"], 2);
    let mut options = options(&shop);
    options.mapping = Some(shop.path("map.toml"));
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.items["b"].in_stock, Some(true));
    assert_eq!(notice(&summary, "unknown_stock").0, "");
}

#[test]
fn a_catalogue_without_a_column_for_stock_can_be_sold() {
    let (summary, prepared) = with_items("item_id,title\na,A\nb,B\nc,C\ngone,G\n");
    assert!(
        prepared
            .items
            .values()
            .all(|item| item.in_stock == Some(true))
    );
    assert_eq!(notice(&summary, "stock_not_told").0, "");
}

#[test]
fn an_item_that_the_catalogue_no_longer_has_is_history_and_not_in_stock() {
    let (summary, prepared) = with_items("item_id,title\na,A\nb,B\nc,C\n");
    let gone = &prepared.items["gone"];
    assert_eq!(
        (gone.in_stock, gone.listed, gone.counts[0]),
        (Some(false), false, 2)
    );
    assert!(prepared.items["a"].listed);
    assert_eq!(prepared.events.len(), 5, "its events are learned from");
    let (finding, _) = notice(&summary, "unlisted_items");
    assert!(
        finding.contains("1 of 4 items")
            && finding.contains("2 in all")
            && finding.contains("'gone'"),
        "{finding}"
    );
    assert_eq!(prepared.report["catalogue"]["unlisted"], 1);
    // Without an items file nobody said that it is gone.
    let (summary, prepared) = Shop::with("events.csv", EVENTS).read("events.csv");
    assert_eq!(prepared.items["gone"].in_stock, Some(true));
    assert_eq!(notice(&summary, "unlisted_items").0, "");
}
