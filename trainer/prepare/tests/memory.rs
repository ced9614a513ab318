//! Small files that stand for gigabytes: what they take is measured in a process of its own.

#![cfg(target_os = "linux")]
// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use datafusion::arrow::array::{ArrayRef, ListArray, RecordBatch, StringArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field};
use flate2::{Compression as Level, write::GzEncoder};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use vitrine_prepare::{Options, prepare};

/// Megabytes that SQL may take.
const SQL_MB: usize = 512;
/// Megabytes that a run may take beyond what the process had: those, and half as many for batches
/// under way.
const MOST_MB: u64 = 768;

/// Peak resident memory since the last reset.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kb = line.unwrap().split_ascii_whitespace().nth(1).unwrap();
    kb.parse::<u64>().unwrap() / 1024
}

fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// Prepares a file; the error, and the megabytes that it took.
fn run(path: &Path) -> (Option<String>, u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut options = Options::new(path, dir.path().join("out"));
    options.rules.min_item_events = Some(1);
    options.memory_mb = SQL_MB;
    if path.ends_with("lists.parquet") {
        options.columns = vec!["item_id=items[]".parse().unwrap()];
    }
    reset_peak();
    let before = peak_mb();
    let error = prepare(&options, &()).err().map(|error| error.to_string());
    (error, peak_mb().saturating_sub(before))
}

/// A file of `users` in `rows` rows, written as `properties` say.
fn parquet(path: &Path, users: &[String], rows: usize, properties: WriterPropertiesBuilder) {
    let text = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
    let mut writer = None;
    let mut left = rows;
    // In pieces, so that the test itself stays small.
    while left > 0 {
        let piece = left.min(64);
        let batch = RecordBatch::try_from_iter([
            (
                "user_id",
                text(
                    users
                        .iter()
                        .cycle()
                        .take(piece)
                        .map(String::as_str)
                        .collect(),
                ),
            ),
            ("item_id", text(vec!["i"; piece])),
        ])
        .unwrap();
        let writer = writer.get_or_insert_with(|| {
            let file = std::fs::File::create(path).unwrap();
            ArrowWriter::try_new(file, batch.schema(), Some(properties.clone().build())).unwrap()
        });
        writer.write(&batch).unwrap();
        left -= piece;
    }
    writer.unwrap().close().unwrap();
}

fn gzip(path: &Path, write: impl FnOnce(&mut dyn Write)) {
    let file = std::fs::File::create(path).unwrap();
    let mut encoder = GzEncoder::new(std::io::BufWriter::new(file), Level::fast());
    write(&mut encoder);
    encoder.finish().unwrap().flush().unwrap();
}

#[test]
fn a_small_file_takes_little_memory_whatever_it_stands_for() {
    let dir = tempfile::tempdir().unwrap();
    let zstd = || {
        WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
    };
    let a = |length: usize| "a".repeat(length);
    let mut wrong = Vec::new();
    let mut check = |name: &str, words: Option<&[&str]>, make: &dyn Fn(&Path)| {
        let path = dir.path().join(name);
        make(&path);
        let bytes = std::fs::metadata(&path).unwrap().len();
        let (error, mb) = run(&path);
        println!("{name}: {bytes} bytes took {mb} MB; {error:?}");
        if mb > MOST_MB {
            wrong.push(format!("{name}: {bytes} bytes took {mb} MB"));
        }
        let told = match (words, &error) {
            (None, None) => true,
            (Some(words), Some(error)) => {
                error.contains(name) && words.iter().all(|word| error.contains(word))
            }
            _ => false,
        };
        if !told {
            wrong.push(format!("{name}: {error:?}"));
        }
    };

    // A dictionary of one value of 256 kB, repeated: 4096 rows are a gigabyte.
    check(
        "dictionary.parquet",
        Some(&["user_id", "262144 bytes", "4096", "line 1:"]),
        &|path| {
            let properties = zstd().set_dictionary_page_size_limit(1 << 24);
            parquet(path, &[a(1 << 18)], 4096, properties);
        },
    );
    // The longest value that is read is prepared like any other.
    check("long.parquet", None, &|path| {
        let users: Vec<_> = (0..64).map(|user| format!("{user:04096}")).collect();
        parquet(path, &users, 1024, zstd());
    });
    // One page of 300 MB.
    check("page.parquet", Some(&["smaller pages"]), &|path| {
        let properties = zstd().set_dictionary_enabled(false);
        parquet(path, &[a(300 << 20)], 1, properties);
    });
    // The same in gzip.
    check("gzip.parquet", Some(&["smaller pages"]), &|path| {
        let properties = zstd()
            .set_dictionary_enabled(false)
            .set_compression(Compression::GZIP(GzipLevel::default()));
        parquet(path, &[a(300 << 20)], 1, properties);
    });
    // Each value has all of the one before in common with it.
    check(
        "shared.parquet",
        Some(&["user_id", "524288 bytes"]),
        &|path| {
            let properties = zstd()
                .set_dictionary_enabled(false)
                .set_writer_version(WriterVersion::PARQUET_2_0)
                .set_encoding(Encoding::DELTA_BYTE_ARRAY);
            parquet(path, &[a(1 << 19)], 2048, properties);
        },
    );
    // Lists of one value, repeated: each row has a million of elements, the file 8 million.
    check(
        "lists.parquet",
        Some(&["line 1:", "more than the 10000 elements"]),
        &|path| {
            let ids = StringArray::from(vec!["i"; 1 << 20]);
            let field = Arc::new(Field::new("element", DataType::Utf8, false));
            let offsets = OffsetBuffer::from_lengths([1 << 20]);
            let list = ListArray::new(field, offsets, Arc::new(ids), None);
            let row = RecordBatch::try_from_iter([
                (
                    "user_id",
                    Arc::new(StringArray::from(vec!["u"])) as ArrayRef,
                ),
                ("items", Arc::new(list) as ArrayRef),
            ])
            .unwrap();
            let file = std::fs::File::create(path).unwrap();
            let properties = zstd().build();
            let mut writer = ArrowWriter::try_new(file, row.schema(), Some(properties)).unwrap();
            for _ in 0..8 {
                writer.write(&row).unwrap();
            }
            writer.close().unwrap();
        },
    );
    // 1,000 lines of a mebibyte less a little.
    let long_field = |out: &mut dyn Write, before: &str, after: &str| {
        let value = a((1 << 20) - 100);
        for _ in 0..1000 {
            writeln!(out, "{before}{value}{after}").unwrap();
        }
    };
    check(
        "fields.csv.gz",
        Some(&["user_id", "1048476 bytes", "line 2:"]),
        &|path| {
            gzip(path, |out| {
                writeln!(out, "user_id,item_id").unwrap();
                long_field(out, "", ",i");
            });
        },
    );
    check(
        "lines.jsonl.gz",
        Some(&["user_id", "1048476 bytes", "line 1:"]),
        &|path| {
            gzip(path, |out| {
                long_field(out, r#"{"item_id":"i","user_id":""#, r#""}"#);
            });
        },
    );
    check(
        "endless.csv.gz",
        Some(&["longer than a mebibyte", "line 2:"]),
        &|path| {
            gzip(path, |out| {
                writeln!(out, "user_id,item_id").unwrap();
                let piece = a(1 << 20);
                for _ in 0..800 {
                    write!(out, "{piece}").unwrap();
                }
            });
        },
    );
    // A quote that never closes, over lines of a mebibyte.
    check(
        "quoted.csv.gz",
        Some(&["a quote is opened", "line 2:"]),
        &|path| {
            gzip(path, |out| {
                writeln!(out, "user_id,item_id\n\"open,i").unwrap();
                long_field(out, "", ",i");
            });
        },
    );
    // Names of columns without end.
    check(
        "keys.jsonl.gz",
        Some(&["more than 10000 columns"]),
        &|path| {
            gzip(path, |out| {
                for line in 0..1000 {
                    let keys: Vec<_> = (0..1000).map(|n| format!("\"k{line}-{n}\":1")).collect();
                    writeln!(out, "{{{}}}", keys.join(",")).unwrap();
                }
            });
        },
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
