//! JSON: the keys of all lines, lists of objects, and numbers as they stand there.

use crate::support::{Shop, the_notice};

/// Lines of views of item `a`, and then a line of its own.
fn late(first: usize, last: &str) -> String {
    let mut text: String = (0..first)
        .map(|n| format!("{{\"user_id\":\"u{}\",\"item_id\":\"a\"}}\n", n % 40))
        .collect();
    text.push_str(last);
    text
}

#[test]
fn a_key_that_first_appears_late_is_read_and_said() {
    let shop = Shop::with(
        "log.jsonl",
        &late(
            1100,
            "{\"user_id\":\"v\",\"item_id\":\"b\",\"action\":\"buy\"}\n",
        ),
    );
    let mut options = shop.options("log.jsonl");
    options.default_action = Some(vitrine_core::Action::View);
    let (summary, prepared) = shop.prepare(&options).unwrap();
    let bought = prepared.events.iter().filter(|event| event.action == 2);
    assert_eq!(bought.count(), 1);
    let finding = the_notice(&summary, "late_column");
    assert!(
        finding.contains("'action' first appears in line 1101"),
        "{finding}"
    );
}

#[test]
fn a_key_of_the_first_lines_is_not_late() {
    let shop = Shop::with(
        "log.jsonl",
        &late(
            900,
            "{\"user_id\":\"v\",\"item_id\":\"b\",\"title\":\"B\"}\n",
        ),
    );
    let (summary, prepared) = shop.prepare(&shop.options("log.jsonl")).unwrap();
    assert_eq!(prepared.items["b"].title.as_deref(), Some("B"));
    assert!(
        !summary
            .notices
            .iter()
            .any(|notice| notice.name == "late_column")
    );
}

#[test]
fn a_list_of_objects_and_objects_over_several_lines_are_read_with_their_lines() {
    let shop = Shop::with(
        "list.json",
        "[\n  {\"user_id\": \"u\", \"item_id\": \"a\"},\n  {\"user_id\": \"u\"},\n  {\"user_id\": \"u\",\n   \"item_id\": \"b]}\"}\n]\n",
    )
    .and("one-line.json", "[{\"user_id\":\"u\",\"item_id\":\"a\"},{\"user_id\":\"u\",\"item_id\":\"b]}\"}]")
    .and("pretty.json", "{\n  \"user_id\": \"u\",\n  \"item_id\": \"a\"\n}\n{\n  \"user_id\": \"u\",\n  \"item_id\": \"b]}\"\n}\n");
    for name in ["list.json", "one-line.json", "pretty.json"] {
        let (_, prepared) = shop.prepare(&shop.options(name)).unwrap();
        assert_eq!(prepared.sessions(), [["a", "b]}"]], "{name}");
    }
    let (_, prepared) = shop.prepare(&shop.options("list.json")).unwrap();
    assert_eq!(prepared.dropped(), [("missing_item", 3)]);

    let shop = shop.and(
        "cut.json",
        "[\n{\"user_id\":\"u\",\"item_id\":\"a\"},\n{\"user_id\":\"u\",",
    );
    let error = shop.error("cut.json");
    assert!(
        error.contains("cut.json is damaged or cut off") && error.contains("does not end"),
        "{error}"
    );
}

#[test]
fn whole_numbers_beyond_sixty_four_bits_stay_exact() {
    let shop = Shop::with(
        "log.jsonl",
        "{\"user_id\":18446744073709551617,\"item_id\":340282366920938463463374607431768211457}\n\
         {\"user_id\":18446744073709551618,\"item_id\":340282366920938463463374607431768211458}\n",
    );
    let (_, prepared) = shop.prepare(&shop.options("log.jsonl")).unwrap();
    assert_eq!(
        prepared.sessions(),
        [
            ["340282366920938463463374607431768211457"],
            ["340282366920938463463374607431768211458"]
        ]
    );
    assert_eq!(
        prepared.events[0].user.as_deref(),
        Some("18446744073709551617")
    );
}

#[test]
fn a_key_that_stands_twice_costs_the_row() {
    let shop = Shop::with(
        "log.jsonl",
        "{\"user_id\":\"u\",\"item_id\":\"a\",\"item_id\":\"b\"}\n{\"user_id\":\"u\",\"item_id\":\"c\",\"x\":1,\"x\":2}\n",
    );
    let (_, prepared) = shop.prepare(&shop.options("log.jsonl")).unwrap();
    assert_eq!(prepared.sessions(), [["c"]]);
    assert!(
        prepared.rejected[0]
            .reason
            .contains("'item_id' stands there twice"),
        "{}",
        prepared.rejected[0].reason
    );
}

#[test]
fn json_under_another_name_is_read_as_json() {
    let shop = Shop::with(
        "log.csv",
        "{\"user_id\":\"u\",\"item_id\":\"a\"}\n{\"user_id\":\"u\",\"item_id\":\"b\"}\n",
    );
    let (_, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    assert_eq!(prepared.sessions(), [["a", "b"]]);
}
