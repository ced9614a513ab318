//! Times: under which names, in which writings, in which zone.

use crate::support::{DAY, Event, Shop, notice};
use datafusion::arrow::array::{
    ArrayRef, Date32Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use parquet::arrow::ArrowWriter;
use std::sync::Arc;

const MINUTE: i64 = 60_000;

fn times(events: &[Event]) -> Vec<Option<i64>> {
    events.iter().map(|event| event.ts).collect()
}

/// Two events of 2024-06-01, ten and eleven o'clock, in this writing under this name.
fn log(name: &str, ten: &str, eleven: &str) -> Shop {
    Shop::with(
        "log.tsv",
        &format!("user_id\titem_id\t{name}\nu\ta\t{ten}\nu\tb\t{eleven}\n"),
    )
}

const TEN: i64 = (DAY + 10 * 3600) * 1000;
const ELEVEN: i64 = (DAY + 11 * 3600) * 1000;

#[test]
fn the_names_of_time_columns_that_shops_use_are_recognised() {
    for name in [
        "order_date",
        "event_timestamp",
        "purchased_at",
        "occurred_at",
        "visit_time",
        "created",
        "placed_on",
        "Created at",
        "date_created",
        "orderDate",
        "eventTime",
        "order_purchase_timestamp",
        "transaction_date",
        "Datum",
        "server_time",
        "viewed_at",
        "InvoiceDate",
    ] {
        let (_, prepared) =
            log(name, "2024-06-01T10:00:00Z", "2024-06-01T11:00:00Z").read("log.tsv");
        assert_eq!(times(&prepared.events), [Some(TEN), Some(ELEVEN)], "{name}");
        // An hour apart: two sessions.
        assert_eq!(prepared.sessions().len(), 2, "{name}");
    }
}

#[test]
fn a_column_of_times_under_an_unknown_name_is_taken_where_it_is_the_only_one() {
    let shop = log("wann_war_das", "2024-06-01 10:00", "2024-06-01 11:00");
    let (summary, prepared) = shop.read("log.tsv");
    assert_eq!(times(&prepared.events), [Some(TEN), Some(ELEVEN)]);
    let (finding, advice) = notice(&summary, "time_by_values");
    assert!(
        finding.contains("'wann_war_das'") && advice.contains("--column timestamp=wann_war_das"),
        "{finding} {advice}"
    );
    // Numbers of ten digits that are as good as times, and a number that is none.
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,clock,score\nu,a,1717236000,17\nu,b,1717239600,18\n",
    );
    let (_, prepared) = shop.read("log.csv");
    assert_eq!(times(&prepared.events), [Some(TEN), Some(ELEVEN)]);
}

#[test]
fn of_several_columns_of_times_under_unknown_names_none_is_taken() {
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,begin,finish\nu,a,2024-06-01,2024-06-02\nu,b,2024-06-03,2024-06-04\n",
    );
    let (summary, prepared) = shop.read("log.csv");
    assert_eq!(times(&prepared.events), [None, None]);
    assert_eq!(notice(&summary, "time_by_values").0, "");
    // A birthday or a delivery is another thing's time.
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,birth_day_of_child,estimated_delivery\nu,a,2014-06-01,2024-06-02\n",
    );
    let (_, prepared) = shop.read("log.csv");
    assert_eq!(times(&prepared.events), [None]);
}

#[test]
fn a_known_name_whose_values_are_no_times_gives_way_to_the_times() {
    let shop = Shop::with(
        "log.csv",
        "user_id,item_id,time,moment\nu,a,35.5,2024-06-01 10:00\nu,b,0.3,2024-06-01 11:00\n",
    );
    let (_, prepared) = shop.read("log.csv");
    assert_eq!(times(&prepared.events), [Some(TEN), Some(ELEVEN)]);
}

#[test]
fn a_day_and_a_time_of_day_in_two_columns_are_joined() {
    let text = "user_id,item_id,date,time\nu,a,2024-06-01,10:00\nu,b,2024-06-01,11:00:00\n";
    let wanted = [Some(TEN), Some(ELEVEN)];
    let shop = Shop::with("log.csv", text);
    assert_eq!(times(&shop.read("log.csv").1.events), wanted);
    let shop = Shop::with(
        "log.csv",
        &text.replace("date,time", "order_date,order_time"),
    );
    assert_eq!(times(&shop.read("log.csv").1.events), wanted);
    let shop = Shop::with("log.csv", &text.replace("date,time", "tag,uhrzeit"));
    let mut options = shop.options("log.csv");
    options.columns = vec!["timestamp=tag+uhrzeit".parse().unwrap()];
    assert_eq!(times(&shop.prepare(&options).unwrap().1.events), wanted);
    let shop = shop.and("map.toml", "[events]\ntimestamp = [\"tag\", \"uhrzeit\"]\n");
    let mut options = shop.options("log.csv");
    options.mapping = Some(shop.path("map.toml"));
    assert_eq!(times(&shop.prepare(&options).unwrap().1.events), wanted);
    // In the shop's own zone, summer time and all.
    options.timezone = Some("Europe/Berlin".parse().unwrap());
    let berlin = [TEN, ELEVEN].map(|ms| Some(ms - 120 * MINUTE));
    assert_eq!(times(&shop.prepare(&options).unwrap().1.events), berlin);
    let shop = Shop::with("log.csv", &text.replace("11:00:00", "eleven"));
    let mut options = shop.options("log.csv");
    options.columns = vec!["timestamp=date+time".parse().unwrap()];
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert!(
        prepared.rejected[0]
            .reason
            .contains("'eleven' is no time of day")
    );
}

fn parquet(shop: &Shop, name: &str, times: ArrayRef) {
    let text = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
    let columns = [
        ("user_id", text(vec!["u", "u"])),
        ("item_id", text(vec!["a", "b"])),
        (name, times),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(shop.path("log.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn days_as_whole_numbers_are_days_since_1970_or_dates_in_digits() {
    let shop = Shop::new();
    let wanted = [Some(DAY * 1000), Some((DAY + 86_400) * 1000)];
    for column in [
        Arc::new(Int32Array::from(vec![19_875, 19_876])) as ArrayRef,
        Arc::new(Int64Array::from(vec![20_240_601, 20_240_602])),
        Arc::new(Date32Array::from(vec![19_875, 19_876])),
        Arc::new(Int64Array::from(vec![45_444, 45_445])),
    ] {
        parquet(&shop, "order_date", column.clone());
        let (_, prepared) = shop.read("log.parquet");
        assert_eq!(times(&prepared.events), wanted, "{column:?}");
    }
    parquet(
        &shop,
        "date",
        Arc::new(Int32Array::from(vec![19_875, 19_876])),
    );
    let (summary, _) = shop.read("log.parquet");
    let (finding, advice) = notice(&summary, "times_as_days");
    assert!(
        finding.contains("19875 as 2024-06-01") && advice.contains("--timestamp-format days"),
        "{finding} {advice}"
    );
}

#[test]
fn a_format_counts_for_numbers_too() {
    let shop = Shop::new();
    parquet(
        &shop,
        "date",
        Arc::new(Int64Array::from(vec![202_406_011_000, 202_406_011_100])),
    );
    let mut options = shop.options("log.parquet");
    options.timestamp_format = Some("%Y%m%d%H%M".into());
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(times(&prepared.events), [Some(TEN), Some(ELEVEN)]);
    parquet(&shop, "date", Arc::new(Int64Array::from(vec![1, 2])));
    options.timestamp_format = Some("days".into());
    options.rules.earliest_ms = Some(0);
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(
        times(&prepared.events),
        [Some(86_400_000), Some(2 * 86_400_000)]
    );
}

#[test]
fn unambiguous_dates_decide_the_order_of_day_and_month_for_all() {
    // The first date is ambiguous, the last is not.
    let (_, prepared) = log("date", "01/06/2024 10:00", "13/06/2024 10:00").read("log.tsv");
    assert_eq!(
        times(&prepared.events),
        [Some(TEN), Some(TEN + 12 * 1440 * MINUTE)]
    );
    let (_, prepared) = log("date", "06/01/2024 10:00 AM", "6/13/24 10:00 AM").read("log.tsv");
    assert_eq!(
        times(&prepared.events),
        [Some(TEN), Some(TEN + 12 * 1440 * MINUTE)]
    );
    let (_, prepared) =
        log("date", "01.06.2024 10:00", "Jun 1, 2024 11:00:00.000 AM").read("log.tsv");
    assert_eq!(times(&prepared.events), [Some(TEN), Some(ELEVEN)]);
}

#[test]
fn dates_that_nothing_decides_ask_for_a_format() {
    let shop = log("date", "01/06/2024", "02/06/2024");
    let error = shop.error("log.tsv");
    for words in [
        "log.tsv",
        "'01/06/2024'",
        "--timestamp-format day-first",
        "'%d/%m/%Y %H:%M'",
    ] {
        assert!(error.contains(words), "'{words}' is not in: {error}");
    }
    let mut options = shop.options("log.tsv");
    options.timestamp_format = Some("day-first".into());
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.events[0].ts, Some(DAY * 1000));
    options.timestamp_format = Some("%m/%d/%Y".into());
    let (_, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.events[0].ts, Some(1_704_499_200_000));
}

#[test]
fn times_without_a_zone_are_utc_and_said_or_in_the_zone_that_is_given() {
    let shop = log("date", "2024-06-01 12:00", "2024-06-01 13:00")
        .and("map.toml", "timezone = \"Europe/Berlin\"\n");
    let (summary, prepared) = shop.read("log.tsv");
    assert_eq!(prepared.events[0].ts, Some(TEN + 120 * MINUTE));
    let (finding, advice) = notice(&summary, "times_without_zone");
    assert!(
        finding.contains("2 of 2") && advice.contains("--timezone Europe/Berlin"),
        "{finding} {advice}"
    );
    let mut options = shop.options("log.tsv");
    options.mapping = Some(shop.path("map.toml"));
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(times(&prepared.events), [Some(TEN), Some(ELEVEN)]);
    assert_eq!(notice(&summary, "times_without_zone").0, "");
    // The flag stands above the file.
    options.timezone = Some("UTC".parse().unwrap());
    let (summary, prepared) = shop.prepare(&options).unwrap();
    assert_eq!(prepared.events[0].ts, Some(TEN + 120 * MINUTE));
    assert_eq!(notice(&summary, "times_without_zone").0, "");
    let shop = shop.and("map.toml", "timezone = \"Berlin\"\n");
    let error = shop
        .prepare(&options_with_map(&shop))
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("Did you mean 'Europe/Berlin'?"), "{error}");
    // Days and times with a zone need none.
    let (summary, _) = log("date", "2024-06-01", "2024-06-01T10:00Z").read("log.tsv");
    assert_eq!(notice(&summary, "times_without_zone").0, "");
}

fn options_with_map(shop: &Shop) -> vitrine_prepare::Options {
    let mut options = shop.options("log.tsv");
    options.mapping = Some(shop.path("map.toml"));
    options
}

#[test]
fn a_bad_time_costs_the_row_only_where_no_session_says_where_it_belongs() {
    let rows = "x,u,a,1717236000\nx,u,b,soon\n,u,c,soon\n,u,d,1717236100\n";
    let shop = Shop::with(
        "log.csv",
        &format!("session_id,user_id,item_id,timestamp\n{rows}"),
    );
    let (summary, prepared) = shop.read("log.csv");
    assert_eq!(prepared.dropped(), [("bad_time", 4)]);
    assert_eq!(prepared.events.len(), 3);
    let (finding, _) = notice(&summary, "unread_values");
    assert!(
        finding.contains("1 of 4 rows") && finding.contains("'soon'"),
        "{finding}"
    );
    // A column of times that can't be read at all is no history without times.
    let shop = Shop::with(
        "log.csv",
        "session_id,item_id,timestamp\ns,a,soon\ns,b,later\ns,c,1717236000\n",
    );
    let error = shop.error("log.csv");
    assert!(
        error.contains("2 of 3 rows") && error.contains("'soon'"),
        "{error}"
    );
}
