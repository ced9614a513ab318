//! Whatever comes in: an error that names file, line and way out, or a rejected row; never a panic.

use crate::support::{DAY, Shop};
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use std::sync::Arc;

#[test]
fn wrong_columns_are_listed_with_the_wanted_ones_and_the_flag() {
    let shop = Shop::with("log.csv", "who,itm_id,when\nu,a,1\n");
    let error = shop.error("log.csv");
    for words in [
        "log.csv",
        "no column for item_id",
        "Did you mean 'itm_id'?",
        "The file has: who, itm_id, when.",
        "user_id",
        "--column item_id=itm_id",
        "--mapping",
    ] {
        assert!(error.contains(words), "'{words}' is not in: {error}");
    }
    let mut options = shop.options("log.csv");
    options.columns = vec![
        "item_id=itm_id".parse().unwrap(),
        "user_id=whoo".parse().unwrap(),
    ];
    let error = shop.prepare(&options).err().unwrap().to_string();
    assert!(
        error.contains("no column 'whoo'") && error.contains("Did you mean 'who'?"),
        "{error}"
    );
}

#[test]
fn rows_that_are_cut_off_or_malformed_are_kept_aside_with_their_line() {
    let mut text = b"user_id,item_id,timestamp,action\n\
        u1,a,2024-06-01T10:00:00Z,view\n\
        u1,b\n\
        u1,c,2024-06-01T10:01:00Z,view,extra\n\
        u1,\"d,2024-06-01T10:02:00Z,view\n\
        u1,e,2024-06-31T10:00:00Z,view\n\
        u1,f,2024-06-01T10:03:00Z,wave\n"
        .to_vec();
    text.extend_from_slice(b"u1,g\xff\xfe,2024-06-01T10:04:00Z,view\n");
    // A line beyond ASCII in UTF-8: the one before is damaged, and not in another encoding.
    text.extend_from_slice("u1,\"h\nhé\",2024-06-01T10:05:00Z,view\n".as_bytes());
    text.extend_from_slice(b"\nu1,i,2024-06-01T10:06:00Z,view\nu1,j,2024-06-0");
    let shop = Shop::new().and("log.csv", text);
    let mut options = shop.options("log.csv");
    options.max_bad_rows = 0.8;
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [["a", "h\nhé", "i"]]);
    assert_eq!(
        prepared.dropped(),
        [
            ("unreadable_row", 3),
            ("unreadable_row", 4),
            ("unreadable_row", 5),
            ("bad_time", 6),
            ("unknown_action", 7),
            ("unreadable_row", 8),
            ("unreadable_row", 13),
        ]
    );
    let reasons: Vec<_> = prepared
        .rejected
        .iter()
        .map(|r| r.reason.as_str())
        .collect();
    assert!(
        reasons[0].contains("2 fields where the first line has 4"),
        "{}",
        reasons[0]
    );
    assert!(reasons[2].contains("a quote is opened"), "{}", reasons[2]);
    assert!(reasons[3].contains("2024-06-31"), "{}", reasons[3]);
    assert!(
        reasons[4].contains("'wave'") && reasons[4].contains("[events.actions]"),
        "{}",
        reasons[4]
    );
    assert!(
        reasons[5].contains("column 'item_id' is no text in the file's encoding"),
        "{}",
        reasons[5]
    );
    assert_eq!(prepared.rejected[0].fields, r#"{"text":"u1,b"}"#);
    assert!(
        prepared.rejected[3]
            .fields
            .contains(r#""timestamp":"2024-06-31T10:00:00Z""#)
    );
    // The page shows them too.
    assert!(prepared.page.contains("unreadable_row") && prepared.page.contains("log.csv, line 3"));
}

#[test]
fn junk_json_is_kept_aside_with_its_line() {
    let shop = Shop::with(
        "log.jsonl",
        "{\"user_id\":\"u\",\"item_id\":\"a\"}\n{\"user_id\":\"u\",\"item_id\":\n[1,2]\n{\"user_id\":\"u\",\"item_id\":\"b\"}\n{\"user_id\":\"u\",\"item_id\":\"c\"}\n",
    );
    let (_, prepared) = shop.prepare(&shop.options("log.jsonl")).unwrap();
    assert_eq!(prepared.sessions(), [["a", "b", "c"]]);
    assert_eq!(
        prepared.dropped(),
        [("unreadable_row", 2), ("unreadable_row", 3)]
    );
    assert!(prepared.rejected[0].reason.contains("not a JSON object"));

    let shop = Shop::with("log.json", "[\n \"u\", \"a\"\n]\n");
    assert!(shop.error("log.json").contains("no JSON object"));
    let shop = Shop::with("log.jsonl", "hello\n");
    assert!(shop.error("log.jsonl").contains("no JSON object"));
}

#[test]
fn empty_files_missing_files_and_folders_without_data_are_named() {
    let shop = Shop::with("empty.csv", "")
        .and("blank.csv", "\n\n")
        .and("head.csv", "user_id,item_id\n")
        .and("empty.parquet", "")
        .and("picture.csv", [0x89, b'P', b'N', b'G', 0, 0, 1]);
    std::fs::create_dir(shop.path("folder")).unwrap();
    for (name, words) in [
        ("empty.csv", "is empty (0 bytes)"),
        ("blank.csv", "only blank lines"),
        ("head.csv", "no rows"),
        ("empty.parquet", "is empty (0 bytes)"),
        ("picture.csv", "is it the right file?"),
        ("nowhere.csv", "no such file or folder"),
        ("folder", "it is empty"),
    ] {
        let error = shop.error(name);
        assert!(error.contains(name) && error.contains(words), "{error}");
    }
}

#[test]
fn half_a_parquet_file_and_half_a_gzip_file_are_named() {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5000));
    let items: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..5000).map(|n| format!("i{n}")),
    ));
    let batch = RecordBatch::try_from_iter([("user_id", ids), ("item_id", items)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let shop = Shop::new().and("half.parquet", &bytes[..bytes.len() / 2]);
    let error = shop.error("half.parquet");
    assert!(
        error.contains("half.parquet is not a whole Parquet file"),
        "{error}"
    );

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let text: String = (0..5000)
        .map(|n| format!("u{n},{}\n", n * 7919 % 6007))
        .collect();
    std::io::Write::write_all(&mut encoder, format!("user_id,item_id\n{text}").as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let shop = Shop::new().and("half.csv.gz", &packed[..packed.len() / 2]);
    let error = shop.error("half.csv.gz");
    assert!(
        error.contains("half.csv.gz is damaged or cut off near line"),
        "{error}"
    );
}

#[test]
fn too_many_bad_rows_stop_the_run_with_the_first_of_them() {
    let rows: String = (0..20).map(|n| format!("u,i{n},last tuesday\n")).collect();
    let shop = Shop::with(
        "log.csv",
        &format!("user_id,item_id,timestamp\n{rows}u,a,{DAY}\n"),
    );
    let error = shop.error("log.csv");
    for words in [
        "20 of 21 rows",
        "50 %",
        "--max-bad-rows",
        "log.csv, line 2: ",
        "last tuesday",
    ] {
        assert!(error.contains(words), "'{words}' is not in: {error}");
    }
}

#[test]
fn rules_that_leave_nothing_are_named() {
    let shop = Shop::with(
        "log.csv",
        &format!("user_id,item_id,timestamp\nu1,a,{DAY}\nu2,b,{DAY}\n"),
    );
    let mut options = shop.options("log.csv");
    options.rules.min_session_length = Some(2);
    let error = shop.prepare(&options).err().unwrap().to_string();
    assert!(error.contains("short_session dropped 2"), "{error}");
}

#[test]
fn impossible_times_prices_and_quantities_are_named() {
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,timestamp,action,price,quantity\n\
         u,a,1717236000,buy,5,1\n\
         u,b,1970-01-01T00:00:10Z,view,,\n\
         u,c,2031-01-01,view,,\n\
         u,d,1717236001,buy,-3,1\n\
         u,e,1717236002,buy,0,1\n\
         u,f,1717236003,view,0,\n\
         u,g,1717236004,buy,1e9,1\n\
         u,h,1717236005,buy,2,999999\n\
         u,i,1717236006,buy,2,-1\n\
         u,j,1717236007,buy,cheap,1\n\
         u,k,1e300,view,,\n",
    );
    let mut options = shop.options("log.csv");
    options.max_bad_rows = 1.0;
    let (_, prepared) = shop.prepare(&options).unwrap();
    // A price or a quantity that can't be costs itself, not its row.
    assert_eq!(prepared.sessions(), [["a", "f", "g", "h", "j"]]);
    let told: Vec<_> = prepared.events[2..]
        .iter()
        .map(|e| (e.price, e.quantity))
        .collect();
    assert_eq!(told, [(None, Some(1)), (Some(2.0), None), (None, Some(1))]);
    assert_eq!(
        prepared.dropped(),
        [
            ("impossible_time", 3),
            ("impossible_time", 4),
            ("impossible_price", 5),
            ("impossible_price", 6),
            ("returned", 10),
            ("bad_time", 12),
        ]
    );
    assert!(
        prepared.rejected[1].reason.contains("2031-01-01"),
        "{}",
        prepared.rejected[1].reason
    );
}

#[test]
fn a_folder_with_other_things_and_an_old_result_are_treated_differently() {
    let shop = Shop::with("log.csv", "user_id,item_id\nu,a\n");
    std::fs::create_dir(shop.out()).unwrap();
    std::fs::write(shop.out().join("thesis.tex"), "x").unwrap();
    let error = shop
        .prepare(&shop.options("log.csv"))
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("thesis.tex"), "{error}");
    std::fs::remove_file(shop.out().join("thesis.tex")).unwrap();
    let (_, first) = shop.prepare(&shop.options("log.csv")).unwrap();
    let shop = shop.and("log.csv", "user_id,item_id\nu,b\n");
    let (_, second) = shop.prepare(&shop.options("log.csv")).unwrap();
    assert_eq!(
        (first.sessions(), second.sessions()),
        (vec![vec!["a"]], vec![vec!["b"]])
    );
    // A run that fails leaves the old result as it is.
    let shop = shop.and("log.csv", "");
    assert!(shop.prepare(&shop.options("log.csv")).is_err());
    assert_eq!(
        crate::support::Prepared::read(&shop.out()).sessions(),
        [["b"]]
    );
}

#[test]
fn titles_can_not_break_the_page() {
    let shop = Shop::with(
        "events.csv",
        "user_id,item_id,title\nu,<b>,<script>alert(1)</script>\n",
    );
    let (_, prepared) = shop.prepare(&shop.options("events.csv")).unwrap();
    assert!(!prepared.page.contains("<script>") && !prepared.page.contains("<b></code>"));
    assert!(prepared.page.contains("&lt;script&gt;"));
}
