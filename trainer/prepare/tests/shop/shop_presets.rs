//! Each preset for a shop system's export on a small file made to the vendor's published columns.

use crate::support::{DAY, Prepared, Shop, notice};
use std::path::{Path, PathBuf};
use vitrine_prepare::{Options, Preset, Summary, TestPart};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/shop/fixtures")
        .join(name)
}

/// Prepares a fixture under a preset with every event in.
fn under(preset: Preset, events: &Path, items: Option<&str>) -> (Summary, Prepared) {
    let shop = Shop::new();
    let mut options = Options {
        events: events.into(),
        items: items.map(fixture),
        ..shop.options("")
    };
    options.preset = preset;
    options.test = TestPart::None;
    options.rules.earliest_ms = Some(0);
    shop.prepare(&options).unwrap()
}

#[test]
fn shopify_orders_are_purchases_by_sku_with_the_first_line_s_fields() {
    let (summary, prepared) = under(
        Preset::ShopifyOrders,
        &fixture("shopify-orders.csv"),
        Some("shopify-products.csv"),
    );
    assert_eq!(
        prepared.sessions(),
        [["MUG-B", "LAMP"], ["Gift card", "MUG-B"]]
    );
    assert!(prepared.events.iter().all(|event| event.action == 2));
    let last = &prepared.events[3];
    assert_eq!(last.user.as_deref(), Some("+4915100000000"));
    assert_eq!(
        (last.price, last.quantity),
        (Some(12.9_f32.into()), Some(1))
    );
    // Half past nine in a shop two hours east of Greenwich.
    assert_eq!(last.ts, Some((DAY + 86_400 + 7 * 3600 + 1800) * 1000));
    assert_eq!(prepared.dropped(), [("void_order", 4), ("void_order", 7)]);
    let (finding, advice) = notice(&summary, "preset_caveat");
    assert!(
        finding.contains("no product ids") && advice.contains("itemKey: 'sku'"),
        "{finding} {advice}"
    );
    let red = &prepared.items["MUG-R"];
    assert_eq!(
        (red.title.as_deref(), red.category.as_deref(), red.in_stock),
        (Some("Mug"), Some("Mugs"), Some(false)),
        "a variant has its product's title"
    );
    assert_eq!(
        red.image.as_deref(),
        Some("https://cdn.example/mug-red.jpg")
    );
    assert_eq!(prepared.items["MUG-B"].in_stock, Some(true));
    assert!(!prepared.items["Gift card"].listed);
}

#[test]
fn a_log_of_views_beside_shopify_s_orders_stays_one_of_views() {
    let shop = Shop::with(
        "log.csv",
        "customer_email,sku,event_time,event\nada@example.com,LAMP,2024-06-01T07:50:00Z,product view\n",
    );
    let mut options = shop.options("log.csv");
    options.orders = Some(fixture("shopify-orders.csv"));
    options.preset = Preset::ShopifyOrders;
    options.test = TestPart::None;
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions()[0], ["LAMP", "LAMP"]);
    let actions: Vec<_> = prepared.events.iter().map(|event| event.action).collect();
    assert_eq!(actions[..2], [0, 2]);
}

#[test]
fn woocommerce_orders_are_purchases_of_products_and_guests_are_many() {
    let (_, prepared) = under(
        Preset::WoocommerceOrders,
        &fixture("woocommerce-orders.csv"),
        None,
    );
    // Products, not the numbers of the lines; three customers, of whom two have the id 0.
    assert_eq!(
        prepared.sessions(),
        [vec!["31", "32"], vec!["32"], vec!["31"]]
    );
    let users: Vec<_> = prepared.events.iter().map(|e| e.user.as_deref()).collect();
    assert_eq!(
        users[1..],
        [
            Some("ada@example.com"),
            Some("bo@example.com"),
            Some("cy@example.com")
        ]
    );
    assert!(prepared.events.iter().all(|event| event.action == 2));
    assert_eq!(prepared.dropped(), [("void_order", 6), ("void_order", 7)]);
    assert_eq!(prepared.items["31"].title.as_deref(), Some("Mug"));
}

#[test]
fn a_merchant_feed_stands_beside_a_log_with_common_names() {
    let shop = Shop::with(
        "log.csv",
        "visitor_id,sku,event_time\nu,MUG-B,1717236000\nu,LAMP,1717236010\n",
    );
    let (_, prepared) = under(
        Preset::MerchantFeed,
        &shop.path("log.csv"),
        Some("merchant-feed.tsv"),
    );
    assert_eq!(prepared.sessions(), [["MUG-B", "LAMP"]]);
    let of = |id: &str| {
        let item = &prepared.items[id];
        (item.price, item.in_stock, item.category.as_deref())
    };
    assert_eq!(of("MUG-B"), (Some(9.9), Some(true), Some("Mugs")));
    assert_eq!(of("LAMP"), (Some(1040.5), Some(true), Some("Lamps")));
    // A variant without a type has that of its group.
    assert_eq!(of("MUG-R"), (Some(12.9), Some(false), Some("Mugs")));
}

#[test]
fn movielens_reads_ratings_and_movies() {
    let (_, prepared) = under(
        Preset::Movielens,
        &fixture("ratings.csv"),
        Some("movies.csv"),
    );
    assert_eq!(prepared.sessions(), [vec!["307"], vec!["307", "481"]]);
    let item = &prepared.items["481"];
    assert_eq!(
        (item.title.as_deref(), item.category.as_deref()),
        (Some("Kalifornia (1993)"), Some("Drama|Thriller"))
    );
}

#[test]
fn recbole_reads_its_atomic_files_from_their_folder() {
    let shop = Shop::new();
    for name in ["ml.inter", "ml.item"] {
        std::fs::copy(fixture(name), shop.path(name)).unwrap();
    }
    let (_, prepared) = under(Preset::Recbole, &shop.path(""), None);
    assert_eq!(prepared.sessions(), [vec!["242", "302"], vec!["302"]]);
    let item = &prepared.items["302"];
    assert_eq!(
        (item.title.as_deref(), item.category.as_deref()),
        (Some("L.A. Confidential"), Some("Crime Film-Noir"))
    );
    assert_eq!(prepared.dropped(), []);
}

#[test]
fn an_export_that_is_read_without_its_preset_says_which_it_is() {
    let of = |name: &str| {
        let shop = Shop::new();
        let mut options = Options::new(fixture(name), shop.out());
        options.rules.min_item_events = Some(1);
        options.rules.min_session_length = Some(1);
        options.test = TestPart::None;
        vitrine_prepare::prepare(&options, &())
    };
    for (name, preset) in [
        ("shopify-orders.csv", "--preset shopify-orders"),
        // Its item_id is the number of a line.
        ("woocommerce-orders.csv", "--preset woocommerce-orders"),
    ] {
        let (_, advice) = notice(&of(name).unwrap(), "like_a_preset");
        assert!(advice.contains(preset), "{advice}");
    }
    for (name, preset) in [
        ("ratings.csv", "--preset movielens"),
        ("ml.inter", "--preset recbole"),
    ] {
        let error = of(name).err().unwrap().to_string();
        assert!(error.contains(preset), "{error}");
    }
}
