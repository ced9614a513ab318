//! Prices, quantities, ratings: a bad one costs itself, and the column decides its decimal mark.

use crate::support::{DAY, Prepared, Shop, notice};
use std::collections::BTreeMap;
use vitrine_prepare::options::Decimal;

/// A log whose rows have these prices, and a few more columns.
fn log(prices: &[&str]) -> Shop {
    let rows: String = prices
        .iter()
        .enumerate()
        .map(|(n, price)| format!("u\ti{n}\t{}\tbuy\t{price}\n", DAY + n as i64))
        .collect();
    Shop::with(
        "log.tsv",
        &format!("user_id\titem_id\ttimestamp\taction\tprice\n{rows}"),
    )
}

fn prices(prepared: &Prepared) -> Vec<Option<f64>> {
    prepared.events.iter().map(|event| event.price).collect()
}

#[test]
fn a_bad_price_quantity_rating_or_position_costs_the_value_and_is_counted() {
    let shop = Shop::with(
        "log.csv",
        "session_id,item_id,timestamp,action,price,quantity,rating,position\n\
         s,a,1717200000,buy,cheap,many,good,first\n\
         s,b,1717200001,buy,2.50,2,4.5,1\n\
         s,c,1717200002,view,-3,,,\n",
    );
    let (summary, prepared) = shop.read("log.csv");
    assert_eq!(prepared.events.len(), 3);
    assert_eq!(summary.dropped, []);
    let of = |item: &str| {
        let event = prepared.events.iter().find(|e| e.item == item).unwrap();
        (event.price, event.quantity)
    };
    assert_eq!(of("a"), (None, None));
    assert_eq!(of("b"), (Some(2.5), Some(2)));
    assert_eq!(of("c"), (None, None));
    let unread: BTreeMap<String, u64> = prepared.report["inputs"][0]["unread"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unread| {
            let column = unread["column"].as_str().unwrap().to_string();
            (column, unread["rows"].as_u64().unwrap())
        })
        .collect();
    let counts = [
        ("position", 1),
        ("price", 2),
        ("quantity", 1),
        ("rating", 1),
    ];
    assert_eq!(unread, counts.map(|(name, n)| (name.to_string(), n)).into());
    let found: Vec<_> = summary
        .notices
        .iter()
        .filter(|notice| notice.name == "unread_values")
        .map(|notice| notice.finding.as_str())
        .collect();
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(
        found.iter().any(|text| text.contains("2 of 3 rows")
            && text.contains("log.csv, line 2: price 'cheap' is not a number")
            && text.contains("line 4: price -3 is below zero")),
        "{found:?}"
    );
    assert!(prepared.page.contains("is below zero"));
}

#[test]
fn dear_items_of_a_shop_with_thousands_keep_their_rows_and_prices() {
    let shop = log(&["1,299.00", "15.00", "2,450.50", "12,000.00"]);
    let (summary, prepared) = shop.read("log.tsv");
    let read = [1299.0, 15.0, 2450.5, 12_000.0].map(Some);
    assert_eq!(prices(&prepared), read);
    assert_eq!(notice(&summary, "ambiguous_numbers").0, "");
    let shop = log(&["1.299,00 €", "15,00 €", "1.299 €", "€ 9"]);
    assert_eq!(
        prices(&shop.read("log.tsv").1),
        [1299.0, 15.0, 1299.0, 9.0].map(Some)
    );
    let shop = log(&["15.00 USD", "$15", "USD 1,299", "$1,299.00"]);
    assert_eq!(
        prices(&shop.read("log.tsv").1),
        [15.0, 15.0, 1299.0, 1299.0].map(Some)
    );
    let shop = log(&["1 299,00", "1'299.00", "12,5"]);
    assert_eq!(
        prices(&shop.read("log.tsv").1),
        [1299.0, 1299.0, 12.5].map(Some)
    );
}

#[test]
fn an_accountant_s_brackets_are_a_purchase_taken_back() {
    let (_, prepared) = log(&["(15.00)", "15.00"]).read("log.tsv");
    assert_eq!(prices(&prepared), [Some(15.0)]);
    assert_eq!(prepared.dropped(), [("impossible_price", 2)]);
}

/// The value that decides stands last, so that the first reading was wrong.
#[test]
fn the_decimal_mark_is_decided_for_the_column_and_not_for_each_value() {
    let (summary, prepared) = log(&["1.299", "2.450", "999", "12,50"]).read("log.tsv");
    assert_eq!(prices(&prepared), [1299.0, 2450.0, 999.0, 12.5].map(Some));
    assert_eq!(notice(&summary, "ambiguous_numbers").0, "");
    let (_, prepared) = log(&["1.299", "2.450", "999", "12.50"]).read("log.tsv");
    assert_eq!(
        prices(&prepared),
        [Some(1.299_f32), Some(2.45), Some(999.0), Some(12.5)].map(|p| p.map(f64::from))
    );
}

#[test]
fn a_column_of_ambiguous_prices_is_read_the_likelier_way_and_said() {
    let shop = log(&["1,299", "2,450", "49"]);
    let (summary, prepared) = shop.read("log.tsv");
    assert_eq!(prices(&prepared), [1299.0, 2450.0, 49.0].map(Some));
    let (finding, advice) = notice(&summary, "ambiguous_numbers");
    assert!(
        finding.contains("'1,299' was read as 1299") && advice.contains("--decimal ','"),
        "{finding} {advice}"
    );
    let mut options = shop.options("log.tsv");
    options.decimal = Some(Decimal::Comma);
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.events[2].price, Some(49.0));
    assert!((prepared.events[0].price.unwrap() - 1.299).abs() < 1e-6);
    assert_eq!(notice(&summary, "ambiguous_numbers").0, "");
    let shop = log(&["1.299", "2.450", "49"]);
    let (summary, prepared) = shop.read("log.tsv");
    assert_eq!(prices(&prepared), [1299.0, 2450.0, 49.0].map(Some));
    assert!(notice(&summary, "ambiguous_numbers").0.contains("'1.299'"));
}

#[test]
fn several_currencies_in_one_column_are_said() {
    let (summary, _) = log(&["15.00 USD", "12.00 EUR", "€9"]).read("log.tsv");
    let (finding, _) = notice(&summary, "mixed_currencies");
    assert!(finding.contains("EUR (2 rows), USD (1 rows)"), "{finding}");
}

#[test]
fn a_price_above_the_highest_is_unknown_until_the_highest_is_raised() {
    let shop = log(&["2500000", "1500000", "15"]);
    let (summary, prepared) = shop.read("log.tsv");
    assert_eq!(prices(&prepared), [None, None, Some(15.0)]);
    assert!(notice(&summary, "unread_values").1.contains("--max-price"));
    let mut options = shop.options("log.tsv");
    options.rules.max_price = Some(1e7);
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(
        prices(&prepared),
        [2_500_000.0, 1_500_000.0, 15.0].map(Some)
    );
}

#[test]
fn a_column_without_a_sign_of_its_own_follows_the_others_of_its_file() {
    let shop = Shop::with(
        "log.tsv",
        "user_id\titem_id\ttimestamp\taction\tprice\tquantity\n\
         u\ta\t1717200000\tbuy\t1.299,00\t1,000\nu\tb\t1717200001\tbuy\t19,90\t12\n",
    );
    let (summary, prepared) = shop.read("log.tsv");
    assert_eq!(prepared.events[0].quantity, Some(1));
    assert_eq!(notice(&summary, "ambiguous_numbers").0, "");
}
