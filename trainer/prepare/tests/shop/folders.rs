//! Folders: all files below them, the columns in their names, and every file that is left out.

use crate::support::{Shop, names, the_notice};
use vitrine_prepare::Preset;

const ROWS: &str = "user_id,item_id,timestamp\n";

fn day(day: u32, item: &str) -> String {
    format!("{ROWS}u{day},{item},2024-06-{day:02}T10:00:00Z\n")
}

fn items(prepared: &crate::support::Prepared) -> Vec<&str> {
    prepared
        .events
        .iter()
        .map(|event| event.item.as_str())
        .collect()
}

#[test]
fn a_file_and_the_folders_of_days_beside_it_are_read() {
    let shop = Shop::with("h/events.csv", &day(1, "a"))
        .and("h/date=2024-06-02/part-0.csv", day(2, "b"))
        .and("h/date=2024-06-03/hour=10/part-0.csv", day(3, "c"))
        .and("h/date=2024-06-03/_SUCCESS", "");
    let (summary, prepared) = shop.prepare(&shop.options("h")).unwrap();
    assert_eq!(items(&prepared), ["a", "b", "c"]);
    assert_eq!(summary.notices, []);
}

#[test]
fn the_key_of_a_folder_is_a_column_that_the_files_lack() {
    let shop = Shop::with(
        "h/date=2024-06-01/type=view/0.csv",
        "user_id,item_id\nu,a\n",
    )
    .and("h/date=2024-06-02/type=buy/0.csv", "user_id,item_id\nu,b\n")
    .and(
        "h/date=2024-06-03/type=__HIVE_DEFAULT_PARTITION__/0.csv",
        "user_id,item_id\nu,c\n",
    );
    let mut options = shop.options("h");
    options.columns = vec!["action=type".parse().unwrap()];
    let (_, prepared) = shop.prepare(&options).unwrap();
    let events: Vec<_> = prepared
        .events
        .iter()
        .map(|e| (e.item.as_str(), e.action))
        .collect();
    assert_eq!(events, [("a", 0), ("b", 2)]);
    // 2024-06-01T00:00:00Z.
    assert_eq!(prepared.events[0].ts, Some(1_717_200_000_000));
    assert_eq!(prepared.dropped(), [("unknown_action", 2)]);
    // The file's own column counts more.
    let shop = Shop::with(
        "h/date=2024-06-01/0.csv",
        "user_id,item_id,date\nu,a,2024-06-05\n",
    );
    let (_, prepared) = shop.prepare(&shop.options("h")).unwrap();
    assert_eq!(prepared.events[0].ts, Some(1_717_545_600_000));
    // One file of such a folder has it too.
    let shop = Shop::with("h/date=2024-06-01/0.csv", "user_id,item_id\nu,a\n");
    let (_, prepared) = shop
        .prepare(&shop.options("h/date=2024-06-01/0.csv"))
        .unwrap();
    assert_eq!(prepared.events[0].ts, Some(1_717_200_000_000));
}

#[test]
fn a_file_beside_events_is_one_of_events_unless_its_name_says_otherwise() {
    let shop = Shop::with("h/events.csv", &day(1, "a"))
        .and("h/june.csv", day(2, "b"))
        .and("h/items.csv", "item_id,title\na,A\n")
        .and("h/items-2/more.csv", "item_id,title\nb,B\n")
        .and("h/customers.csv", "customer_id,name\n1,Ann\n")
        .and("h/book.xlsx", "PK\u{3}\u{4}")
        .and("h/README.md", "about")
        .and("h/shoe.png", "\u{89}PNG");
    let (summary, prepared) = shop.prepare(&shop.options("h")).unwrap();
    assert_eq!(items(&prepared), ["a", "b"]);
    assert_eq!(prepared.items["b"].title.as_deref(), Some("B"));
    let finding = the_notice(&summary, "files_not_read");
    for words in [
        "customers.csv (no column for item_id",
        "book.xlsx (no format",
    ] {
        assert!(finding.contains(words), "'{words}' is not in: {finding}");
    }
    for quiet in ["README", "shoe.png", "items.csv", "june.csv"] {
        assert!(!finding.contains(quiet), "{finding}");
    }
}

#[test]
fn items_beside_the_events_are_named_when_others_were_given() {
    let shop = Shop::with("h/events.csv", &day(1, "a"))
        .and("h/items.csv", "item_id,title\na,old\n")
        .and("items.csv", "item_id,title\na,new\n");
    let mut options = shop.options("h");
    options.items = Some(shop.path("items.csv"));
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.items["a"].title.as_deref(), Some("new"));
    assert!(the_notice(&summary, "files_not_read").contains("items.csv (named after items)"));
}

#[test]
fn ten_files_that_are_left_out_are_named_and_the_rest_counted() {
    let mut shop = Shop::with("h/events.csv", &day(1, "a"));
    for n in 0..15 {
        shop = shop.and(&format!("h/other-{n:02}.xlsx"), "x");
    }
    let (summary, _) = shop.prepare(&shop.options("h")).unwrap();
    let finding = the_notice(&summary, "files_not_read");
    assert!(
        finding.contains("other-09.xlsx") && finding.contains("and 5 more"),
        "{finding}"
    );
    assert!(!finding.contains("other-10.xlsx"), "{finding}");
}

#[test]
fn empty_parts_of_a_folder_are_passed_over_and_said() {
    let shop = Shop::with("h/1.csv", &day(1, "a"))
        .and("h/2.csv", "")
        .and("h/3.csv", ROWS)
        .and("h/4.csv", "\n\n")
        .and("h/5.csv", day(5, "b"));
    let (summary, prepared) = shop.prepare(&shop.options("h")).unwrap();
    assert_eq!(items(&prepared), ["a", "b"]);
    let finding = the_notice(&summary, "empty_files");
    assert!(finding.starts_with("3 files have no rows"), "{finding}");
    for name in ["2.csv", "3.csv", "4.csv"] {
        assert!(finding.contains(name), "{finding}");
    }
    // The dropped rows are found again in the right file.
    let shop = shop.and(
        "h/5.csv",
        format!("{ROWS},b,2024-06-05T10:00:00Z\nu,c,2024-06-05T10:00:00Z\n"),
    );
    let (_, prepared) = shop.prepare(&shop.options("h")).unwrap();
    assert!(prepared.rejected[0].file.ends_with("5.csv"));
    let shop = Shop::with("h/1.csv", "").and("h/2.csv", ROWS);
    assert!(shop.error("h").contains("have no rows"));
}

#[test]
fn files_of_a_log_with_other_columns_stop_the_run_with_their_names() {
    let shop = Shop::with("h/1.csv", "session_id,item_id,timestamp\ns,a,1717236000\n")
        .and("h/2.csv", "session_id,item_id\ns,b\n");
    let error = shop.error("h");
    for words in ["1.csv", "2.csv", "no column for timestamp"] {
        assert!(error.contains(words), "'{words}' is not in: {error}");
    }
    // A column that rows can do without is said.
    let shop = Shop::with("h/1.csv", "session_id,item_id,price\ns,a,1\n")
        .and("h/2.csv", "session_id,item_id\ns,b\n");
    let (summary, _) = shop.prepare(&shop.options("h")).unwrap();
    assert!(the_notice(&summary, "differing_columns").contains("price"));
    // A key that no line of one file has is null there.
    let shop = Shop::with(
        "h/1.jsonl",
        "{\"user_id\":\"u\",\"item_id\":\"a\",\"action\":\"buy\"}\n",
    )
    .and("h/2.jsonl", "{\"user_id\":\"u\",\"item_id\":\"b\"}\n");
    let (summary, _) = shop.prepare(&shop.options("h")).unwrap();
    assert!(the_notice(&summary, "differing_columns").contains("action"));
}

#[test]
fn one_table_in_two_forms_is_refused() {
    let shop = Shop::with("h/events.csv", &day(1, "a"))
        .and("h/events.jsonl", "{\"user_id\":\"u\",\"item_id\":\"a\"}\n");
    let error = shop.error("h");
    assert!(
        error.contains("events.csv")
            && error.contains("events.jsonl")
            && error.contains("two forms"),
        "{error}"
    );
}

#[test]
fn earlier_results_below_the_folder_are_not_read_again() {
    let shop = Shop::with("log.csv", &day(1, "a"));
    shop.prepare(&shop.options("")).unwrap();
    let (summary, prepared) = shop.prepare(&shop.options("")).unwrap();
    assert_eq!(items(&prepared), ["a"]);
    assert!(!names(&summary).contains(&"files_not_read"));
    // Another result is named.
    let mut options = shop.options("");
    options.out = shop.path("second");
    let (summary, _) = shop.prepare(&options).unwrap();
    assert!(the_notice(&summary, "files_not_read").contains("out (it was written by prepare)"));
}

#[test]
fn other_files_of_a_known_data_set_are_quiet() {
    let shop = Shop::with(
        "h/train-item-views.csv",
        "sessionId;userId;itemId;timeframe;eventdate\n1;NA;8;5;2016-05-09\n",
    )
    .and("h/train-queries.csv", "queryId;sessionId\n1;1\n")
    .and(
        "h/products.csv",
        "itemId;pricelog2;product.name.tokens\n8;10;4,7\n",
    )
    .and("h/notes.csv", "a;b\n1;2\n");
    let (summary, _) = shop.under(Preset::Diginetica, "h");
    let finding = the_notice(&summary, "files_not_read");
    assert!(
        finding.contains("notes.csv") && !finding.contains("train-queries"),
        "{finding}"
    );
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_back_is_named() {
    let shop = Shop::with("h/events.csv", &day(1, "a"));
    std::os::unix::fs::symlink(shop.path("h"), shop.path("h/again")).unwrap();
    let error = shop.error("h");
    assert!(error.contains("again") && error.contains("link"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_like_a_file_and_its_dropped_rows_are_found() {
    let shop = Shop::new();
    for (name, text) in [
        (
            "csv",
            format!("{ROWS}u,a,2024-06-01T10:00:00Z\n,b,2024-06-01T10:00:00Z\n"),
        ),
        (
            "json",
            "{\"user_id\":\"u\",\"item_id\":\"a\"}\n{\"item_id\":\"b\"}\n".to_string(),
        ),
    ] {
        let pipe = shop.path(name);
        let made = std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap();
        assert!(made.success());
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::write(pipe, text).unwrap()
        });
        let (_, prepared) = shop.prepare(&shop.options(name)).unwrap();
        writer.join().unwrap();
        assert_eq!(items(&prepared), ["a"]);
        assert_eq!(prepared.rejected[0].file, pipe.display().to_string());
        assert!(prepared.rejected[0].fields.contains("\"item_id\":\"b\""));
    }
}

#[test]
fn a_folder_without_readable_files_says_what_it_holds() {
    let shop = Shop::with("h/book.xlsx", "x");
    let error = shop.error("h");
    assert!(
        error.contains("book.xlsx") && error.contains(".parquet"),
        "{error}"
    );
    let shop = Shop::with("h/items.csv", "item_id\na\n");
    let error = shop.error("h");
    assert!(
        error.contains("files of items only") && error.contains("--events"),
        "{error}"
    );
}
