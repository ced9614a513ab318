//! CSV, JSON Lines and Parquet, in files and folders, say the same.

use crate::support::Shop;
use datafusion::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use flate2::{Compression, write::GzEncoder};
use parquet::arrow::ArrowWriter;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

const CSV: &str = "user_id,item_id,timestamp,action,price\n\
    13085,a,1717236000,view,1.5\n\
    ,b,1717236060,view,\n\
    13086,c,1717236120,buy,2.25\n";

/// The same rows, the ids as pandas would write them: floats, because one is missing.
fn write_parquet(path: &Path) {
    let times = TimestampMillisecondArray::from(vec![
        1_717_236_000_000,
        1_717_236_060_000,
        1_717_236_120_000,
    ]);
    let columns: [(&str, ArrayRef); 6] = [
        ("unused", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        (
            "user_id",
            Arc::new(Float64Array::from(vec![Some(13085.0), None, Some(13086.0)])),
        ),
        ("item_id", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ("timestamp", Arc::new(times)),
        (
            "action",
            Arc::new(StringArray::from(vec!["view", "view", "buy"])),
        ),
        (
            "price",
            Arc::new(Float64Array::from(vec![Some(1.5), None, Some(2.25)])),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_format_gives_the_same_result() {
    let jsonl = r#"{"user_id": 13085, "item_id": "a", "timestamp": 1717236000, "action": "view", "price": 1.5}
{"item_id": "b", "timestamp": 1717236060, "action": "view", "user_id": null}

{"item_id": "c", "user_id": "13086", "action": "buy", "timestamp": "1717236120", "price": 2.25, "more": {"x": 1}}
"#;
    let shop = Shop::with("plain.csv", CSV)
        .and("lines.jsonl", jsonl)
        .and("tabs.tsv", CSV.replace(',', "\t"))
        .and(
            "windows.csv",
            format!("\u{feff}{}", CSV.replace('\n', "\r\n")),
        )
        .and("packed.csv.gz", gzip(CSV))
        .and("packed.jsonl.gz", gzip(jsonl));
    write_parquet(&shop.path("table.parquet"));
    let mut results = Vec::new();
    for name in [
        "plain.csv",
        "lines.jsonl",
        "tabs.tsv",
        "windows.csv",
        "packed.csv.gz",
        "packed.jsonl.gz",
        "table.parquet",
    ] {
        let (_, prepared) = shop.prepare(&shop.options(name)).unwrap();
        assert_eq!(prepared.dropped().len(), 1, "{name}");
        assert_eq!(prepared.rejected[0].rule, "missing_visitor", "{name}");
        results.push((name, prepared.events, prepared.items));
    }
    let (_, events, items) = &results[0];
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].user.as_deref(), Some("13085"));
    for (name, other_events, other_items) in &results {
        assert_eq!(other_events, events, "{name}");
        assert_eq!(other_items, items, "{name}");
    }
}

#[test]
fn a_folder_is_read_file_by_file_with_lines_of_their_own() {
    let shop = Shop::new();
    std::fs::create_dir(shop.path("logs")).unwrap();
    let shop = shop
        .and(
            "logs/1.csv",
            "item_id,user_id,timestamp\na,u,1717236000\n,u,1717236010\n",
        )
        // Other order of columns.
        .and(
            "logs/2.csv",
            "timestamp,item_id,user_id\n1717236020,b,u\n1717236030,,u\n",
        )
        .and("logs/_SUCCESS", "");
    let (_, prepared) = shop.prepare(&shop.options("logs")).unwrap();
    assert_eq!(prepared.sessions(), [["a", "b"]]);
    let places: Vec<_> = prepared
        .rejected
        .iter()
        .map(|r| {
            (
                Path::new(&r.file).file_name().unwrap().to_str().unwrap(),
                r.line,
                r.rule.as_str(),
            )
        })
        .collect();
    assert_eq!(
        places,
        [("1.csv", 3, "missing_item"), ("2.csv", 3, "missing_item")]
    );
    assert_eq!(
        prepared.rejected[1].fields,
        r#"{"timestamp":"1717236030","user_id":"u"}"#
    );
}

#[test]
fn a_mapping_file_names_columns_actions_and_times() {
    let shop = Shop::with(
        "export.csv",
        "wer|was|wann|wie\nu1|a|01.06.2024 10:00|Angesehen\nu1|b|01.06.2024 10:01|Gekauft\nu1|b|01.06.2024 10:02|Gemerkt\n",
    )
    .and(
        "mapping.toml",
        "[events]\nuser_id = \"wer\"\nitem_id = \"was\"\ntimestamp = \"wann\"\naction = \"wie\"\n\
         timestamp_format = \"%d.%m.%Y %H:%M\"\ndelimiter = \"|\"\n\
         [events.actions]\nAngesehen = \"view\"\nGekauft = \"buy\"\nGemerkt = \"ignore\"\n",
    );
    let mut options = shop.options("export.csv");
    options.mapping = Some(shop.path("mapping.toml"));
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [["a", "b"]]);
    assert_eq!(prepared.events[1].action, 2);
    assert_eq!(prepared.dropped(), [("ignored_action", 4)]);
    // A flag stands above the file.
    options.columns = vec!["item_id=wer".parse().unwrap()];
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.sessions(), [["u1", "u1"]]);
}

#[test]
fn a_mapping_file_with_a_mistake_is_named() {
    let shop = Shop::with("e.csv", "user_id,item_id\nu,a\n");
    for (text, words) in [
        ("[events]\nitemid = \"x\"\n", "Did you mean 'item_id'?"),
        ("[event]\n", "event"),
        ("preset = \"shopify\"\n", "'shopify' is not a preset"),
        (
            "[events]\ntimestamp_format = \"dd.mm.yyyy\"\n",
            "timestamp_format",
        ),
        ("[events.actions]\nseen = \"look\"\n", "'look'"),
        ("[events\n", "mapping.toml"),
    ] {
        std::fs::write(shop.path("mapping.toml"), text).unwrap();
        let mut options = shop.options("e.csv");
        options.mapping = Some(shop.path("mapping.toml"));
        let error = shop.prepare(&options).err().unwrap().to_string();
        assert!(
            error.contains(words) && error.contains("mapping.toml"),
            "{error}"
        );
    }
}

#[test]
fn folders_may_be_called_anything() {
    let shop = Shop::new();
    let odd = shop.path("My *shop* [1] 100% über");
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("log.csv"), CSV).unwrap();
    let mut options = shop.options("My *shop* [1] 100% über/log.csv");
    options.out = odd.join("out [2]");
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.events.len(), 2);
}

/// Writes a Parquet file with times of the old INT96 type, as Spark and Impala do: nanoseconds of
/// the day, then the day, counted from noon of the first of January 4713 BC.
fn write_int96(path: &Path, days_and_seconds: &[(u32, u64)]) {
    use parquet::column::writer::ColumnWriter;
    use parquet::data_type::{ByteArray, Int96};
    let schema = "message log { required binary item_id (UTF8); required binary user_id (UTF8); required int96 timestamp; }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let file = std::fs::File::create(path).unwrap();
    let mut writer =
        parquet::file::writer::SerializedFileWriter::new(file, schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    while let Some(mut column) = group.next_column().unwrap() {
        match column.untyped() {
            ColumnWriter::ByteArrayColumnWriter(texts) => {
                let values: Vec<_> = (0..days_and_seconds.len())
                    .map(|n| ByteArray::from(format!("{n}").as_str()))
                    .collect();
                texts.write_batch(&values, None, None).unwrap();
            }
            ColumnWriter::Int96ColumnWriter(times) => {
                let values: Vec<_> = days_and_seconds
                    .iter()
                    .map(|(day, second)| {
                        let nanos = second * 1_000_000_000;
                        let mut value = Int96::new();
                        value.set_data(nanos as u32, (nanos >> 32) as u32, *day);
                        value
                    })
                    .collect();
                times.write_batch(&values, None, None).unwrap();
            }
            _ => panic!("another column"),
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn times_of_the_old_type_of_parquet_do_not_wrap() {
    let shop = Shop::new();
    // 2024-06-01 is the Julian day 2,460,463; 9999-12-31 is 5,373,484, which nanoseconds in 64 bits
    // take for 1816.
    write_int96(
        &shop.path("log.parquet"),
        &[(2_460_463, 36_000), (5_373_484, 0), (2_460_463, 36_001)],
    );
    let mut options = shop.options("log.parquet");
    options.max_bad_rows = 1.0;
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.events[0].ts, Some(1_717_236_000_000));
    assert_eq!(prepared.dropped(), [("impossible_time", 2)]);
    assert!(
        prepared.rejected[0].reason.contains("9999-12-31"),
        "{}",
        prepared.rejected[0].reason
    );
}

#[test]
fn decimal_ids_of_parquet_stay_exact() {
    use datafusion::arrow::array::Decimal128Array;
    let shop = Shop::new();
    let whole = Decimal128Array::from(vec![18_446_744_073_709_551_617, 18_446_744_073_709_551_618])
        .with_precision_and_scale(38, 0)
        .unwrap();
    // BigQuery's NUMERIC has nine decimals.
    let scaled = Decimal128Array::from(vec![1_001_000_000_000, 1_002_500_000_000])
        .with_precision_and_scale(38, 9)
        .unwrap();
    let columns: [(&str, ArrayRef); 2] =
        [("item_id", Arc::new(whole)), ("user_id", Arc::new(scaled))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(shop.path("log.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let (_, prepared) = shop.prepare(&shop.options("log.parquet")).unwrap();
    let ids: Vec<_> = prepared
        .events
        .iter()
        .map(|e| (e.item.as_str(), e.user.as_deref().unwrap()))
        .collect();
    assert_eq!(
        ids,
        [
            ("18446744073709551617", "1001"),
            ("18446744073709551618", "1002.5")
        ]
    );
}

#[test]
fn a_column_of_parquet_that_can_not_be_read_is_named() {
    use datafusion::arrow::array::FixedSizeBinaryArray;
    let shop = Shop::new();
    let digests =
        FixedSizeBinaryArray::try_from_iter([[0xff_u8; 20], [0xfe; 20]].into_iter()).unwrap();
    let columns: [(&str, ArrayRef); 3] = [
        ("item_id", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("user_id", Arc::new(StringArray::from(vec!["u", "u"]))),
        ("digest", Arc::new(digests)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(shop.path("log.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    assert!(shop.prepare(&shop.options("log.parquet")).is_ok());
    let error = shop
        .with_columns("log.parquet", &["title=digest"])
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("'digest'") && error.contains("log.parquet"),
        "{error}"
    );
    // A UUID of 16 bytes is an id.
    let ids = FixedSizeBinaryArray::try_from_iter([[0x0a_u8; 16], [0xff; 16]].into_iter()).unwrap();
    let columns: [(&str, ArrayRef); 2] = [
        ("item_id", Arc::new(ids)),
        ("user_id", Arc::new(StringArray::from(vec!["u", "u"]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(shop.path("uuid.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let (_, prepared) = shop.prepare(&shop.options("uuid.parquet")).unwrap();
    assert_eq!(
        prepared.events[0].item,
        "0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a"
    );
}

#[test]
fn ids_beyond_the_exact_whole_numbers_of_a_float_are_said() {
    let shop = Shop::new();
    let columns: [(&str, ArrayRef); 2] = [
        ("item_id", Arc::new(StringArray::from(vec!["a", "b"]))),
        (
            "user_id",
            Arc::new(Float64Array::from(vec![1.234_567_890_123_456_8e18, 7.0])),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(shop.path("log.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let (summary, _) = shop.prepare(&shop.options("log.parquet")).unwrap();
    let finding = crate::support::the_notice(&summary, "rounded_ids");
    assert!(
        finding.contains("1 values of 'user_id'") && finding.contains("line 1"),
        "{finding}"
    );
}
