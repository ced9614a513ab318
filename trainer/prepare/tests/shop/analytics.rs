//! Exports of analytics tools under their presets, each a small file after the tool's published
//! schema: sessions, items, actions and times.

use crate::support::{Prepared, Shop};
use std::path::PathBuf;
use vitrine_prepare::{Options, Preset, Summary};

/// Prepares a fixture under a preset, leaving every event in.
fn prepared(preset: Preset, name: &str) -> (Summary, Prepared) {
    let shop = Shop::new();
    let mut options: Options = shop.options("");
    options.events = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/shop/fixtures")
        .join(name);
    options.preset = preset;
    shop.prepare(&options).unwrap()
}

/// Item, action and seconds after ten o'clock of each event.
fn events(prepared: &Prepared) -> Vec<(&str, i64, i64)> {
    let ten = 1_717_236_000;
    let events = prepared.events.iter();
    events
        .map(|e| (e.item.as_str(), e.action, e.ts.unwrap() / 1000 - ten))
        .collect()
}

/// Rows that were dropped, by rule.
fn dropped(summary: &Summary) -> Vec<(&str, u64)> {
    let mut dropped: Vec<_> = summary
        .dropped
        .iter()
        .map(|(rule, n)| (rule.as_str(), *n))
        .collect();
    dropped.sort_unstable();
    dropped
}

#[test]
fn ga4_in_json_and_parquet_is_read_with_its_sessions_and_items() {
    for name in ["ga4.json", "ga4.parquet"] {
        let (summary, prepared) = prepared(Preset::Ga4, name);
        assert_eq!(
            events(&prepared),
            [
                ("SKU_1", 0, 5),
                ("SKU_1", 1, 20),
                ("SKU_2", 0, 40),
                ("SKU_1", 2, 90),
                ("SKU_2", 2, 90),
                ("SKU_2", 0, 500),
                ("SKU_1", 0, 54_000),
            ],
            "{name}"
        );
        let sessions: Vec<_> = prepared.events.iter().map(|e| e.session).collect();
        assert_eq!(sessions, [0, 0, 0, 0, 0, 1, 2], "{name}");
        assert_eq!(
            prepared.events[0].user.as_deref(),
            Some("1711.11"),
            "{name}"
        );
        let mug = &prepared.items["SKU_1"];
        assert_eq!(mug.title.as_deref(), Some("Blue mug"), "{name}");
        assert_eq!(mug.category.as_deref(), Some("Mugs"), "{name}");
        assert_eq!(
            (prepared.events[3].price, prepared.events[3].quantity),
            (Some(9.5), Some(2)),
            "{name}"
        );
        // A list of two that was seen is two rows.
        assert_eq!(
            dropped(&summary),
            [("ignored_action", 2), ("no_element", 2), ("returned", 1)],
            "{name}"
        );
    }
}

#[test]
fn segment_takes_products_from_the_list_or_from_the_call() {
    let (summary, prepared) = prepared(Preset::Segment, "segment.jsonl");
    assert_eq!(
        events(&prepared),
        [
            ("p1", 0, 10),
            ("p1", 1, 30),
            ("p1", 2, 120),
            ("p2", 2, 120),
            ("p2", 0, 3600),
        ]
    );
    assert_eq!(
        prepared.sessions(),
        [vec!["p1", "p1", "p1", "p2"], vec!["p2"]]
    );
    // The visitor is one before and after the login.
    assert_eq!(prepared.events[2].user.as_deref(), Some("a-1"));
    assert_eq!(
        (prepared.events[2].price, prepared.events[2].quantity),
        (Some(19.0), Some(2))
    );
    assert_eq!(prepared.items["p2"].title.as_deref(), Some("Uno"));
    assert_eq!(
        dropped(&summary),
        [("ignored_action", 2), ("no_element", 2), ("returned", 1)]
    );
}

#[test]
fn snowplow_takes_products_from_the_entities_of_an_action() {
    let (summary, prepared) = prepared(Preset::Snowplow, "snowplow.jsonl");
    assert_eq!(
        events(&prepared),
        [
            ("A1", 0, 10),
            ("A1", 1, 20),
            ("A1", 2, 120),
            ("B2", 2, 120),
            ("B2", 0, 7200),
            ("B2", 0, 10_800),
        ]
    );
    let sessions: Vec<_> = prepared.events.iter().map(|e| e.session).collect();
    assert_eq!(sessions, [0, 0, 0, 0, 1, 2]);
    assert_eq!(prepared.events[3].quantity, Some(2));
    assert_eq!(
        prepared.items["A1"].category.as_deref(),
        Some("Shoes/Running")
    );
    assert_eq!(
        dropped(&summary),
        [("ignored_action", 2), ("no_element", 3)]
    );
}

#[test]
fn matomo_takes_views_from_actions_and_purchases_from_orders() {
    let (summary, prepared) = prepared(Preset::Matomo, "matomo.json");
    assert_eq!(
        events(&prepared),
        [
            ("SKU_1", 0, 30),
            ("SKU_1", 2, 180),
            ("SKU_2", 2, 180),
            ("SKU_2", 0, 3900),
            ("SKU_2", 1, 4000),
        ]
    );
    assert_eq!(
        prepared.sessions(),
        [vec!["SKU_1", "SKU_1", "SKU_2"], vec!["SKU_2", "SKU_2"]]
    );
    assert_eq!(prepared.events[0].user.as_deref(), Some("c0ffee0000000001"));
    assert_eq!(prepared.items["SKU_2"].title.as_deref(), Some("Lamp"));
    assert_eq!(dropped(&summary), [("no_element", 2)]);
}

#[test]
fn a_preset_without_its_columns_says_what_the_file_has() {
    let shop = Shop::with(
        "log.jsonl",
        "{\"user_pseudo_id\":\"u\",\"event_name\":\"view_item\",\"ecommerce\":{\"items\":[{\"sku\":\"a\"}]}}\n",
    );
    let mut options = shop.options("log.jsonl");
    options.preset = Preset::Ga4;
    let error = shop.prepare(&options).err().unwrap().to_string();
    assert!(
        error.contains("no column for item_id") && error.contains("ecommerce.items[].sku"),
        "{error}"
    );
    // A flag stands above the preset.
    options.columns = vec!["item_id=ecommerce.items[].sku".parse().unwrap()];
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [["a"]]);
}
