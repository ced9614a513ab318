//! Values inside values: paths lead to them, and objects and lists never become ids.

use crate::support::{Shop, the_notice};
use datafusion::arrow::array::{
    ArrayRef, Int64Array, Int64Builder, ListBuilder, MapBuilder, RecordBatch, StringArray,
    StringBuilder, StructArray, StructBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use parquet::arrow::ArrowWriter;
use std::path::Path;
use std::sync::Arc;

fn write_parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[test]
fn an_object_is_no_id_and_the_error_lists_the_paths_inside_it() {
    let shop = Shop::with(
        "log.jsonl",
        r#"{"user_id":"u","product":{"id":"p1","price":2.5,"tags":["red","new"]},"item_count":3}
{"user_id":"u","product":{"id":"p2","maker":{"name":"Ode"}},"item_count":1}
"#,
    );
    let error = shop.error("log.jsonl");
    for words in [
        "no column for item_id",
        "product (objects or lists)",
        "product.id, product.price, product.tags[], product.maker.name",
        "--column 'item_id=product.id'",
    ] {
        assert!(error.contains(words), "'{words}' is not in: {error}");
    }
    assert!(
        !error.contains("=item_count") && !error.contains("'item_count'"),
        "{error}"
    );

    // The same where it was said.
    let said = shop.with_columns("log.jsonl", &["item_id=product"]);
    let error = said.err().unwrap().to_string();
    for words in [
        "'product'",
        "holds objects or lists",
        "--column 'item_id=product.id'",
    ] {
        assert!(error.contains(words), "'{words}' is not in: {error}");
    }
}

#[test]
fn a_plain_column_is_taken_before_an_object_of_a_likelier_name() {
    let shop = Shop::with(
        "log.jsonl",
        "{\"user_id\":\"u\",\"item\":{\"name\":\"A\"},\"product_id\":\"p1\"}\n",
    );
    let (_, prepared) = shop.prepare(&shop.options("log.jsonl")).unwrap();
    assert_eq!(prepared.sessions(), [["p1"]]);
}

#[test]
fn a_dotted_path_leads_to_the_value_in_json_csv_and_parquet() {
    let jsonl = r#"{"who":{"id":7},"product":{"id":"p1","price":2.5}}
{"who":{"id":7},"product":{"id":"p2","price":null}}
{"who":{"id":7},"product":null}
"#;
    let csv = "who,product\n\"{\"\"id\"\": 7}\",\"{\"\"id\"\": \"\"p1\"\", \"\"price\"\": 2.5}\"\n\
        \"{\"\"id\"\": 7}\",\"{\"\"id\"\": \"\"p2\"\"}\"\n\"{\"\"id\"\": 7}\",\n";
    let shop = Shop::with("log.jsonl", jsonl).and("log.csv", csv);
    let who: StructArray = vec![(
        Arc::new(Field::new("id", DataType::Int64, true)),
        Arc::new(Int64Array::from(vec![7, 7, 7])) as ArrayRef,
    )]
    .into();
    let product_fields: Fields = vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("price", DataType::Float64, true),
    ]
    .into();
    let product = StructArray::new(
        product_fields,
        vec![
            Arc::new(StringArray::from(vec![Some("p1"), Some("p2"), None])),
            Arc::new(datafusion::arrow::array::Float64Array::from(vec![
                Some(2.5),
                None,
                None,
            ])),
        ],
        Some(vec![true, true, false].into()),
    );
    write_parquet(
        &shop.path("log.parquet"),
        vec![("who", Arc::new(who)), ("product", Arc::new(product))],
    );
    // A text column with JSON in it.
    write_parquet(
        &shop.path("text.parquet"),
        vec![
            ("who", text(&["{\"id\":7}"; 3])),
            (
                "product",
                text(&["{\"id\":\"p1\",\"price\":2.5}", "{\"id\":\"p2\"}", "null"]),
            ),
        ],
    );
    let columns = [
        "user_id=who.id",
        "item_id=product.id",
        "price=product.price",
    ];
    for name in ["log.jsonl", "log.csv", "log.parquet", "text.parquet"] {
        let (_, prepared) = shop.with_columns(name, &columns).unwrap();
        assert_eq!(prepared.sessions(), [["p1", "p2"]], "{name}");
        assert_eq!(prepared.events[0].user.as_deref(), Some("7"), "{name}");
        assert_eq!(prepared.events[0].price, Some(2.5), "{name}");
        // A line of names comes before the rows of CSV.
        let line = if name == "log.csv" { 4 } else { 3 };
        assert_eq!(prepared.dropped(), [("missing_item", line)], "{name}");
    }
    // A mapping file says the same.
    let shop = shop.and(
        "mapping.toml",
        "[events]\nuser_id = \"who.id\"\nitem_id = \"product.id\"\n",
    );
    let mut options = shop.options("log.jsonl");
    options.mapping = Some(shop.path("mapping.toml"));
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [["p1", "p2"]]);
}

#[test]
fn each_element_of_a_list_is_an_event_and_the_row_is_repeated() {
    let shop = Shop::with(
        "log.jsonl",
        r#"{"user_id":"u","timestamp":1717236000,"action":"buy","items":[{"item_id":"a","price":1},{"item_id":"b","price":2}]}
{"user_id":"u","timestamp":1717236060,"action":"view","items":[]}
{"user_id":"u","timestamp":1717236120,"action":"view"}
{"user_id":"v","timestamp":1717236180,"action":"view","items":[{"item_id":"c"}]}
"#,
    );
    let element: Fields = vec![
        Field::new("item_id", DataType::Utf8, true),
        Field::new("price", DataType::Int64, true),
    ]
    .into();
    let mut items = ListBuilder::new(StructBuilder::from_fields(element, 4));
    let rows: [&[(&str, Option<i64>)]; 4] =
        [&[("a", Some(1)), ("b", Some(2))], &[], &[], &[("c", None)]];
    for (row, elements) in rows.iter().enumerate() {
        for (id, price) in *elements {
            let builder = items.values();
            builder
                .field_builder::<StringBuilder>(0)
                .unwrap()
                .append_value(id);
            builder
                .field_builder::<Int64Builder>(1)
                .unwrap()
                .append_option(*price);
            builder.append(true);
        }
        items.append(row != 2);
    }
    write_parquet(
        &shop.path("log.parquet"),
        vec![
            ("user_id", text(&["u", "u", "u", "v"])),
            (
                "timestamp",
                Arc::new(Int64Array::from(vec![
                    1_717_236_000,
                    1_717_236_060,
                    1_717_236_120,
                    1_717_236_180,
                ])),
            ),
            ("action", text(&["buy", "view", "view", "view"])),
            ("items", Arc::new(items.finish())),
        ],
    );
    for name in ["log.jsonl", "log.parquet"] {
        let columns = ["item_id=items[].item_id", "price=items[].price"];
        let (summary, prepared) = shop.with_columns(name, &columns).unwrap();
        assert_eq!(prepared.sessions(), [vec!["a", "b"], vec!["c"]], "{name}");
        let events: Vec<_> = prepared
            .events
            .iter()
            .map(|e| (e.action, e.price))
            .collect();
        assert_eq!(
            events,
            [(2, Some(1.0)), (2, Some(2.0)), (0, None)],
            "{name}"
        );
        // Rows of no item are dropped by name, with their lines, and are no sign of a wrong column.
        assert_eq!(
            prepared.dropped(),
            [("no_element", 2), ("no_element", 3)],
            "{name}"
        );
        assert_eq!(summary.rows_read, 5, "{name}");
        assert!(
            prepared.rejected[0].fields.contains("\"action\":\"view\""),
            "{name}"
        );
    }
    // The list alone is no id.
    let error = shop.with_columns("log.parquet", &["item_id=items"]);
    let error = error.err().unwrap().to_string();
    assert!(
        error.contains("items[].item_id, items[].price")
            && error.contains("--column 'item_id=items[].item_id'"),
        "{error}"
    );
}

#[test]
fn lists_in_lists_and_lists_of_plain_values_are_events_too() {
    let shop = Shop::with(
        "orders.jsonl",
        r#"{"customer":"u","orders":[{"no":"o1","lines":[{"sku":"a"},{"sku":"b"}]},{"no":"o2","lines":[]},{"no":"o3","lines":[{"sku":"c"}]}]}
"#,
    )
    .and("skus.jsonl", "{\"user_id\":\"u\",\"skus\":[\"a\",7,null]}\n");
    let columns = ["item_id=orders[].lines[].sku", "session_id=orders[].no"];
    let (_, prepared) = shop.with_columns("orders.jsonl", &columns).unwrap();
    assert_eq!(prepared.sessions(), [vec!["a", "b"], vec!["c"]]);
    assert_eq!(prepared.events[2].source_session.as_deref(), Some("o3"));
    assert_eq!(prepared.dropped(), [("no_element", 1)]);
    let (_, prepared) = shop
        .with_columns("skus.jsonl", &["item_id=skus[]"])
        .unwrap();
    assert_eq!(prepared.sessions(), [["a", "7"]]);

    let shop = shop.and(
        "two.jsonl",
        "{\"user_id\":\"u\",\"seen\":[\"a\"],\"bought\":[{\"price\":1}]}\n",
    );
    let columns = ["item_id=seen[]", "price=bought[].price"];
    let error = shop
        .with_columns("two.jsonl", &columns)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("seen[]") && error.contains("bought[].price") && error.contains("two lists"),
        "{error}"
    );
}

#[test]
fn the_key_of_a_list_of_keys_and_values_is_a_path() {
    let shop = Shop::with(
        "log.jsonl",
        r#"{"user_id":"u","event_params":[{"key":"ga_session_id","value":{"string_value":null,"int_value":"17"}},{"key":"item","value":{"string_value":"a"}}],"attributes":[{"name":"shop","value":"north"}]}
{"user_id":"u","event_params":[{"key":"item","value":{"string_value":"b"}},{"key":"ga_session_id","value":{"int_value":18}}]}
"#,
    );
    let columns = [
        "item_id=event_params.item",
        "session_id=event_params.ga_session_id",
        "category=attributes.shop",
    ];
    let (_, prepared) = shop.with_columns("log.jsonl", &columns).unwrap();
    let sessions: Vec<_> = prepared
        .events
        .iter()
        .map(|e| e.source_session.clone().unwrap())
        .collect();
    assert_eq!(prepared.sessions(), [["a"], ["b"]]);
    assert!(
        sessions[0].ends_with("17") && sessions[1].ends_with("18"),
        "{sessions:?}"
    );
    assert_eq!(prepared.items["a"].category.as_deref(), Some("north"));
    // The keys are listed.
    let error = shop.error("log.jsonl");
    assert!(
        error.contains("event_params.ga_session_id, event_params.item"),
        "{error}"
    );
}

#[test]
fn the_keys_of_a_map_in_parquet_are_paths() {
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for id in ["a", "b"] {
        map.keys().append_value("item");
        map.values().append_value(id);
        map.keys().append_value("colour");
        map.values().append_value("red");
        map.append(true).unwrap();
    }
    let shop = Shop::new();
    write_parquet(
        &shop.path("log.parquet"),
        vec![
            ("user_id", text(&["u", "u"])),
            ("properties", Arc::new(map.finish())),
        ],
    );
    let (_, prepared) = shop
        .with_columns("log.parquet", &["item_id=properties.item"])
        .unwrap();
    assert_eq!(prepared.sessions(), [["a", "b"]]);
    let error = shop.error("log.parquet");
    assert!(
        error.contains("properties.item, properties.colour"),
        "{error}"
    );
}

#[test]
fn a_path_that_leads_nowhere_is_an_error_that_says_what_there_is() {
    let shop = Shop::with(
        "log.jsonl",
        "{\"user_id\":\"u\",\"item_id\":\"a\",\"product\":{\"id\":\"a\",\"price\":2}}\n",
    );
    let error = shop.with_columns("log.jsonl", &["item_id=product.idd"]);
    let error = error.err().unwrap().to_string();
    for words in [
        "'product.idd'",
        "no value in any row",
        "product.id, product.price",
    ] {
        assert!(error.contains(words), "'{words}' is not in: {error}");
    }
    let error = shop.with_columns("log.jsonl", &["price=item_id.price"]);
    let error = error.err().unwrap().to_string();
    assert!(
        error.contains("'item_id.price'") && error.contains("plain values"),
        "{error}"
    );
    let error = shop.with_columns("log.jsonl", &["price=goods.price"]);
    assert!(
        error
            .err()
            .unwrap()
            .to_string()
            .contains("no column 'goods.price'")
    );
}

#[test]
fn a_column_with_dots_in_its_name_is_that_column() {
    let shop = Shop::with("log.csv", "user_id,product.id,product\nu,a,b\n");
    let (_, prepared) = shop
        .with_columns("log.csv", &["item_id=product.id"])
        .unwrap();
    assert_eq!(prepared.sessions(), [["a"]]);
}

#[test]
fn nested_values_among_plain_ones_cost_the_row_as_ids_and_the_value_elsewhere() {
    let shop = Shop::with(
        "log.jsonl",
        r#"{"user_id":"u","item_id":"a","title":"A"}
{"user_id":"u","item_id":{"id":"b"},"title":"B"}
{"user_id":"u","item_id":"c","title":["C"]}
{"user_id":"u","item_id":"[1]","title":"[1]"}
"#,
    )
    .and("log.csv", "user_id,item_id\nu,a\nu,\"{\"\"id\"\": 5}\"\n");
    let (summary, prepared) = shop.prepare(&shop.options("log.jsonl")).unwrap();
    assert_eq!(prepared.sessions(), [["a", "c"]]);
    assert_eq!(
        prepared.dropped(),
        [("unreadable_row", 2), ("unreadable_row", 4)]
    );
    assert!(
        prepared.rejected[0].reason.contains("item_id.id"),
        "{}",
        prepared.rejected[0].reason
    );
    assert_eq!(prepared.items["c"].title, None);
    assert!(the_notice(&summary, "nested_values").contains("line 3"));
    let (_, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    assert_eq!(prepared.dropped(), [("unreadable_row", 3)]);
}

#[test]
fn a_list_without_end_costs_the_row() {
    let ids: Vec<_> = (0..10_001).map(|n| format!("\"{n}\"")).collect();
    let shop = Shop::with(
        "log.jsonl",
        &format!(
            "{{\"user_id\":\"u\",\"skus\":[{}]}}\n{{\"user_id\":\"u\",\"skus\":[\"a\"]}}\n",
            ids.join(",")
        ),
    );
    let (_, prepared) = shop.with_columns("log.jsonl", &["item_id=skus[]"]).unwrap();
    assert_eq!(prepared.sessions(), [["a"]]);
    assert_eq!(prepared.dropped(), [("unreadable_row", 1)]);
    assert!(prepared.rejected[0].reason.contains("10000 elements"));
}
