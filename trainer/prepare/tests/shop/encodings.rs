//! Text as programs write it: encodings, line ends, escapes, joined files, and content that is
//! something else than its name says.

use crate::support::{Shop, names, the_notice};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

const HEAD: &str = "user_id,item_id,title\n";

fn windows_1252(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

fn utf_16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        })
        .collect()
}

#[test]
fn a_file_in_windows_1252_is_read_whole_and_said() {
    let mut text = HEAD.to_string();
    for n in 0..30 {
        text.push_str(&format!("u{n},größe-{},Café n° {n}\n", n % 10));
    }
    let shop = Shop::new().and("log.csv", windows_1252(&text));
    let (summary, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    assert_eq!((prepared.events.len(), prepared.dropped().len()), (30, 0));
    assert!(
        prepared.items["größe-3"]
            .title
            .as_deref()
            .unwrap()
            .starts_with("Café n°")
    );
    let finding = the_notice(&summary, "windows_1252");
    assert!(
        finding.contains("30 lines") && finding.contains("größe"),
        "{finding}"
    );
    // Names of columns, too, and JSON.
    let shop = shop
        .and("names.csv", windows_1252("user_id,item_id,größe\nu,a,B\n"))
        .and(
            "log.jsonl",
            windows_1252("{\"user_id\":\"u\",\"item_id\":\"a\",\"title\":\"Café\"}\n"),
        );
    let (_, prepared) = shop.with_columns("names.csv", &["title=größe"]).unwrap();
    assert_eq!(prepared.items["a"].title.as_deref(), Some("B"));
    let (_, prepared) = shop.prepare(&shop.options("log.jsonl")).unwrap();
    assert_eq!(prepared.items["a"].title.as_deref(), Some("Café"));
}

#[test]
fn an_encoding_that_is_said_is_taken_without_a_word() {
    let cyrillic: Vec<u8> = [
        b"user_id,item_id,title\nu,a,".as_slice(),
        &[0xcf, 0xe0, 0xeb, 0xfc, 0xf2, 0xee],
        b"\n",
    ]
    .concat();
    let shop = Shop::new()
        .and("log.csv", cyrillic)
        .and("mapping.toml", "[events]\nencoding = \"windows-1251\"\n");
    let mut options = shop.options("log.csv");
    options.mapping = Some(shop.path("mapping.toml"));
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.items["a"].title.as_deref(), Some("Пальто"));
    assert_eq!(names(&summary), ["no_test", "no_times"]);
    let shop = shop.and("mapping.toml", "[events]\nencoding = \"latin-9000\"\n");
    let error = shop.prepare(&options).err().unwrap().to_string();
    assert!(
        error.contains("'latin-9000'") && error.contains("windows-1252"),
        "{error}"
    );
}

#[test]
fn a_title_that_is_cut_within_a_character_costs_the_title() {
    let mut text = HEAD.as_bytes().to_vec();
    for n in 0..20 {
        text.extend(format!("u,i{n},靴 {n}\n").as_bytes());
    }
    text.extend(b"u,broken,\xe9\x9d\n");
    text.extend("u,last,靴\n".as_bytes());
    text.extend(b"u,i\xe9\x9d,x\n");
    let shop = Shop::new().and("log.csv", text);
    let (summary, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    assert_eq!(prepared.events.len(), 22);
    assert_eq!(prepared.items["broken"].title, None);
    assert_eq!(prepared.items["last"].title.as_deref(), Some("靴"));
    let finding = the_notice(&summary, "undecodable_values");
    assert!(
        finding.contains("1 values of 'title'") && finding.contains("line 22"),
        "{finding}"
    );
    // An id can't be told from another without its bytes.
    assert_eq!(prepared.dropped(), [("unreadable_row", 24)]);
}

#[test]
fn files_of_two_encodings_that_were_joined_are_both_read() {
    let mut text = HEAD.as_bytes().to_vec();
    for n in 0..40 {
        text.extend(format!("u,i{n},Café {n}\n").as_bytes());
    }
    for n in 40..80 {
        text.extend(windows_1252(&format!("u,i{n},Café {n}\n")));
    }
    let shop = Shop::new().and("log.csv", text);
    let (_, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    for n in [0, 39, 40, 79] {
        let title = format!("Café {n}");
        assert_eq!(
            prepared.items[&format!("i{n}")].title.as_deref(),
            Some(title.as_str())
        );
    }
}

#[test]
fn utf_16_is_read_with_and_without_a_mark() {
    let text = "user_id,item_id,title\nu,a,Größe 靴\nu,,x\n";
    let marked = format!("\u{feff}{text}");
    let shop = Shop::new()
        .and("le.csv", utf_16(text, false))
        .and("be.csv", utf_16(text, true))
        .and("marked-le.csv", utf_16(&marked, false))
        .and("marked-be.csv", utf_16(&marked, true))
        .and("tabs.txt", utf_16(&marked.replace(',', "\t"), false))
        .and("lines.jsonl", utf_16("{\"user_id\":\"u\",\"item_id\":\"a\",\"title\":\"Größe 靴\"}\n{\"user_id\":\"u\"}\n", false));
    for name in [
        "le.csv",
        "be.csv",
        "marked-le.csv",
        "marked-be.csv",
        "tabs.txt",
        "lines.jsonl",
    ] {
        let (_, prepared) = shop.prepare(&shop.options(name)).unwrap();
        assert_eq!(
            prepared.items["a"].title.as_deref(),
            Some("Größe 靴"),
            "{name}"
        );
        assert_eq!(prepared.rejected[0].rule, "missing_item", "{name}");
        // The report says it.
        let inputs = prepared.report["inputs"].to_string();
        assert!(inputs.contains("(UTF-16"), "{name}: {inputs}");
    }
}

#[test]
fn lines_that_end_in_carriage_returns_only_are_lines() {
    let shop = Shop::with(
        "mac.csv",
        "user_id,item_id,title\ru,a,\"two\nlines\"\ru,b,B\r,c,C\r",
    );
    let (_, prepared) = shop.prepare(&shop.options("mac.csv")).unwrap();
    assert_eq!(prepared.sessions(), [["a", "b"]]);
    assert_eq!(prepared.items["a"].title.as_deref(), Some("two\nlines"));
    assert_eq!(prepared.dropped(), [("missing_visitor", 4)]);
}

#[test]
fn backslashes_escape_where_a_quoted_field_shows_it_or_the_mapping_says_it() {
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,title\nu,a,\"TV 42\\\" wide, new\"\nu,b,Shoes\\, red\nu,c,\\N\n",
    );
    let (summary, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    assert_eq!(prepared.sessions(), [["a", "b", "c"]]);
    assert_eq!(
        prepared.items["a"].title.as_deref(),
        Some("TV 42\" wide, new")
    );
    assert_eq!(prepared.items["b"].title.as_deref(), Some("Shoes, red"));
    assert_eq!(prepared.items["c"].title, None);
    assert!(the_notice(&summary, "backslash_escapes").contains("line 2"));

    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,title\nu,b,Shoes\\, red\nu,c,one\\\ntwo\n",
    )
    .and("mapping.toml", "[events]\nescape = \"\\\\\"\n");
    let mut options = shop.options("log.csv");
    options.mapping = Some(shop.path("mapping.toml"));
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.items["b"].title.as_deref(), Some("Shoes, red"));
    assert_eq!(prepared.items["c"].title.as_deref(), Some("one\ntwo"));
    assert_eq!(names(&summary), ["no_test", "no_times"]);

    // A folder of Windows is no escape.
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,title\nu,a,\"C:\\new\\\"\nu,b,\"D:\\\"\n",
    );
    let (_, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    assert_eq!(prepared.items["a"].title.as_deref(), Some("C:\\new\\"));
}

#[test]
fn column_names_inside_a_file_are_skipped_and_said() {
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,title\nu,a,A\nuser_id,item_id,title\nu,b,B\n\u{feff}user_id,item_id,title\r\nu,c,C\n,d,D\n",
    );
    let (summary, prepared) = shop.prepare(&shop.options("log.csv")).unwrap();
    assert_eq!(prepared.sessions(), [["a", "b", "c"]]);
    assert!(!prepared.items.contains_key("item_id"));
    assert_eq!(prepared.dropped(), [("missing_visitor", 7)]);
    let finding = the_notice(&summary, "repeated_header");
    assert!(
        finding.contains("2 more times, first in line 3"),
        "{finding}"
    );

    // In another order they would give every row behind them to the wrong columns.
    for (name, other) in [
        ("order.csv", "item_id,user_id,title\na,u,A\n"),
        ("more.csv", "user_id,item_id,title,price\nu,b,B,1\n"),
    ] {
        let shop = Shop::with(name, &format!("user_id,item_id,title\nu,a,A\n{other}"));
        let error = shop.error(name);
        assert!(
            error.contains("line 3") && error.contains("another line of column names"),
            "{error}"
        );
    }
}

#[test]
fn two_columns_of_one_name_are_an_error_where_they_are_used() {
    let shop = Shop::with("log.csv", "user_id,price,item_id,price\nu,1,a,2\n");
    let error = shop.error("log.csv");
    for words in ["2 columns are called 'price'", "the 2. and the 4."] {
        assert!(error.contains(words), "'{words}' is not in: {error}");
    }
    let shop = Shop::with("log.csv", "user_id,Item ID,item id\nu,a,b\n");
    let error = shop.error("log.csv");
    assert!(
        error.contains("'Item ID' and 'item id' both read as item_id")
            && error.contains("--column 'item_id=Item ID'"),
        "{error}"
    );
    let (_, prepared) = shop.with_columns("log.csv", &["item_id=item id"]).unwrap();
    assert_eq!(prepared.sessions(), [["b"]]);
    let shop = Shop::with("log.csv", "user_id,note,item_id,note\nu,1,a,2\n");
    assert!(shop.prepare(&shop.options("log.csv")).is_ok());
}

#[test]
fn a_file_without_names_is_told_to_say_so() {
    let shop = Shop::with(
        "log.csv",
        "u1,p7,2024-06-01T10:00:00Z\nu1,p8,2024-06-01T10:01:00Z\n",
    )
    .and(
        "mapping.toml",
        "[events]\nheader = false\nuser_id = 1\nitem_id = 2\ntimestamp = 3\n",
    )
    .and("one.csv", "user_id^item_id\nu^a\n");
    let error = shop.error("log.csv");
    assert!(
        error.contains("header = false") && error.contains("'2024-06-01T10:00:00Z'"),
        "{error}"
    );
    let mut options = shop.options("log.csv");
    options.mapping = Some(shop.path("mapping.toml"));
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [["p7", "p8"]]);
    let error = shop.error("one.csv");
    assert!(error.contains("delimiter"), "{error}");
}

#[test]
fn compressed_files_are_read_whatever_their_name() {
    let text = "user_id,item_id\nu,a\nu,b\n";
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    let gzip = encoder.finish().unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let shop = Shop::new()
        .and("gzip.csv", &gzip)
        .and("plain.csv.gz", text)
        .and("zstd.csv.zst", &zstd)
        .and("zstd.csv", &zstd)
        .and("none", &gzip);
    for name in [
        "gzip.csv",
        "plain.csv.gz",
        "zstd.csv.zst",
        "zstd.csv",
        "none",
    ] {
        let (_, prepared) = shop.prepare(&shop.options(name)).unwrap();
        assert_eq!(prepared.sessions(), [["a", "b"]], "{name}");
    }
    let shop = shop.and("half.csv.zst", &zstd[..zstd.len() / 2]);
    let error = shop.error("half.csv.zst");
    assert!(error.contains("half.csv.zst"), "{error}");
}

#[test]
fn content_that_is_no_table_is_named_as_what_it_is() {
    let contents: [(&[u8], &str); 9] = [
        (b"PK\x03\x04\x14\0", "zip archive or an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"%PDF-1.7", "PDF"),
        (
            b"\n<!DOCTYPE html>\n<html><body>Log in</body></html>",
            "HTML page",
        ),
        (b"<?xml version=\"1.0\"?><rss/>", "XML"),
        (b"SQLite format 3\0", "SQLite"),
        (b"Obj\x01\x04", "Avro"),
    ];
    for (bytes, words) in contents {
        let shop = Shop::new().and("log.csv", bytes);
        let error = shop.error("log.csv");
        assert!(
            error.contains("log.csv is ") && error.contains(words),
            "{error}"
        );
    }
}

#[test]
fn a_long_value_costs_a_title_its_text_and_an_id_its_row() {
    let long = "x".repeat(5000);
    let shop = Shop::with(
        "log.csv",
        &format!("user_id,item_id,title\nu,a,{long}\nu,{long},B\nu,c,C\n"),
    )
    .and(
        "log.jsonl",
        format!("{{\"user_id\":\"u\",\"item_id\":\"a\",\"title\":\"{long}\"}}\n{{\"user_id\":\"u\",\"item_id\":\"{long}\"}}\n{{\"user_id\":\"u\",\"item_id\":\"c\"}}\n"),
    );
    for (name, lines) in [("log.csv", (2, 3)), ("log.jsonl", (1, 2))] {
        let (summary, prepared) = shop.prepare(&shop.options(name)).unwrap();
        assert_eq!(prepared.sessions(), [["a", "c"]], "{name}");
        assert_eq!(prepared.dropped(), [("unreadable_row", lines.1)], "{name}");
        assert!(prepared.rejected[0].reason.contains("5000 bytes"), "{name}");
        let finding = the_notice(&summary, "long_values");
        let line = format!("line {}", lines.0);
        assert!(
            finding.contains("1 values of 'title'") && finding.contains(&line),
            "{finding}"
        );
    }
}
