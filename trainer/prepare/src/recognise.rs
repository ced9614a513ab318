//! Which column is which, by a look at the values.
//!
//! A name says what a column is called, not what it holds: `time` may be seconds on the page,
//! `status` that of a request. Columns that nobody named are therefore chosen by name *and* by the
//! first rows of their file. Where no name is known, one column of times is taken as such, and said;
//! of several none is, because the wrong one would turn the history round.

use crate::columns::{Input, plain};
use crate::error::PrepareError;
use crate::mapping::Shape;
use crate::notice::Notices;
use crate::source::{self, SourceFile};
use crate::typed::time::{TimeVerdict, Times};
use crate::typed::words::Sale;
use crate::typed::{self, time};
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;

/// Rows that are looked at.
const ROWS: usize = 1000;
/// Share of a column's values that must be of a kind for the column to be of it.
const SHARE: f64 = 0.9;

/// The first rows of a file, by column.
pub(crate) struct Sample {
    columns: Vec<Vec<String>>,
    rows: usize,
}

impl Sample {
    /// Reads the beginning of a file; a file whose beginning can't be read has no sample, and the
    /// error appears when the file is read.
    pub(crate) fn of(file: &SourceFile, shape: &Shape) -> Option<Self> {
        let chunk = source::open(file, shape).ok()?.next().ok()??;
        let text = |column: &datafusion::arrow::array::ArrayRef| -> Vec<String> {
            let first = column.slice(0, column.len().min(ROWS));
            let Ok(texts) = cast(&first, &DataType::Utf8) else {
                return Vec::new();
            };
            let texts = texts.as_string::<i32>();
            let values = texts.iter().flatten().filter_map(typed::something);
            values.map(str::to_string).collect()
        };
        Some(Self {
            columns: chunk.columns.iter().map(text).collect(),
            rows: chunk.lines.len().min(ROWS),
        })
    }

    fn values(&self, column: usize) -> &[String] {
        self.columns.get(column).map_or(&[], Vec::as_slice)
    }

    fn mostly(&self, column: usize, mut test: impl FnMut(&str) -> bool) -> bool {
        let values = self.values(column);
        let right = values.iter().filter(|value| test(value)).count();
        !values.is_empty() && right as f64 >= SHARE * values.len() as f64
    }

    /// True if nearly all rows have a value.
    fn is_full(&self, column: usize) -> bool {
        self.values(column).len() as f64 >= SHARE * self.rows as f64
    }

    fn is_empty(&self, column: usize) -> bool {
        self.values(column).is_empty()
    }

    /// True if a column's values read as times of a shop's life.
    fn is_time(&self, column: usize, shape: &Shape) -> bool {
        let mut times = Times::new(
            shape.time_format.clone(),
            shape.zone,
            TimeVerdict::default(),
        );
        self.mostly(column, |value| is_plausible(times.read(value)))
    }

    /// The same for a column that no name speaks for: a number must have the size of a Unix time or
    /// the digits of a date.
    fn is_time_by_itself(&self, column: usize, shape: &Shape) -> bool {
        let numeric = self.mostly(column, |value| value.parse::<f64>().is_ok());
        let long = || {
            self.mostly(column, |value| {
                matches!(
                    value.split('.').next().map_or(0, str::len),
                    8 | 10 | 13 | 16 | 19
                )
            })
        };
        self.is_time(column, shape) && (!numeric || (long() && self.varies(column)))
    }

    /// True if a column's values are days without a time of day.
    fn is_day(&self, column: usize, shape: &Shape) -> bool {
        const DAY_MS: i64 = 86_400_000;
        let mut times = Times::new(shape.time_format.clone(), None, TimeVerdict::default());
        self.is_time(column, shape)
            && self.mostly(column, |value| {
                times.read(value).is_ok_and(|ms| ms % DAY_MS == 0)
            })
    }

    fn is_time_of_day(&self, column: usize) -> bool {
        self.mostly(column, time::is_time_of_day)
    }

    fn varies(&self, column: usize) -> bool {
        let values = self.values(column);
        values.iter().any(|value| Some(value) != values.first())
    }

    /// True if a column may be hinted at as this wanted one.
    pub(crate) fn may_be(&self, wanted: &str, column: usize) -> bool {
        let is_id = wanted.ends_with("_id");
        if !is_id || self.is_empty(column) {
            return !is_id;
        }
        let nested = |value: &str| value.starts_with(['{', '[']);
        let fraction = |value: &str| {
            value.contains('.')
                && value
                    .parse::<f64>()
                    .is_ok_and(|number| number.fract() != 0.0)
        };
        let mut dates = Times::new(time::TimeFormat::Recognised, None, TimeVerdict::default());
        let written = |value: &str| value.parse::<f64>().is_err();
        !self.mostly(column, nested)
            && !self.mostly(column, fraction)
            && !self.mostly(column, |value| written(value) && dates.read(value).is_ok())
    }
}

/// 1995 to 2063, the latest that a number of days is read as.
fn is_plausible(read: Result<i64, String>) -> bool {
    const LATEST_MS: i64 = 2_935_000_000_000;
    read.is_ok_and(|ms| (crate::options::EARLIEST_MS..LATEST_MS).contains(&ms))
}

/// Columns recognised by their values.
#[derive(Default)]
pub(crate) struct Recognised {
    /// Columns that hold times where none was taken.
    pub like_times: Vec<LikeTimes>,
    /// True if the rows are lines of orders, which an events file without actions may hold.
    pub orders: bool,
}

/// A column that looks like times.
#[derive(Clone, Debug)]
pub(crate) struct LikeTimes {
    pub column: String,
    /// Its first value.
    pub sample: String,
}

/// Corrects `resolved`, the columns that were found by name, by the values of the file.
pub(crate) fn refine(
    shape: &Shape,
    file: &SourceFile,
    columns: &[String],
    resolved: &mut [Vec<usize>],
    notices: &Notices,
) -> Result<Recognised, PrepareError> {
    let mut found = Recognised::default();
    if shape.input == Input::Items || !shape.guesses("timestamp") && !shape.guesses("action") {
        return Ok(found);
    }
    let Some(sample) = Sample::of(file, shape) else {
        return Ok(found);
    };
    let mut look = Look {
        shape,
        file,
        columns,
        resolved,
        sample: &sample,
        notices,
    };
    if shape.guesses("timestamp") {
        found.like_times = look.timestamp();
    }
    if shape.guesses("time_of_day") {
        look.time_of_day();
    }
    if shape.guesses("order_status") {
        look.order_status();
    }
    found.orders = shape.input == Input::Events && look.holds_orders();
    Ok(found)
}

struct Look<'a> {
    shape: &'a Shape,
    file: &'a SourceFile,
    columns: &'a [String],
    resolved: &'a mut [Vec<usize>],
    sample: &'a Sample,
    notices: &'a Notices,
}

impl Look<'_> {
    fn place(&self, name: &str) -> Option<usize> {
        let mut wanted = self.shape.input.wanted().iter();
        wanted.position(|wanted| wanted.name == name)
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.place(name)
            .and_then(|place| self.resolved[place].first().copied())
    }

    fn set(&mut self, name: &str, column: Option<usize>) {
        if let Some(place) = self.place(name) {
            self.resolved[place] = column.into_iter().collect();
        }
    }

    /// Columns whose names stand for a wanted one, the surer first.
    fn named(&self, name: &str) -> Vec<usize> {
        let Some(place) = self.place(name) else {
            return Vec::new();
        };
        let wanted = &self.shape.input.wanted()[place];
        let names = std::iter::once(&wanted.name).chain(wanted.known_as);
        names
            .filter_map(|name| {
                let name = plain(name);
                self.columns.iter().position(|column| plain(column) == name)
            })
            .collect()
    }

    /// Chooses the time; where it can't, returns the columns that look like one.
    fn timestamp(&mut self) -> Vec<LikeTimes> {
        let named = self.named("timestamp");
        let right = named
            .iter()
            .find(|&&column| self.sample.is_time(column, self.shape));
        if let Some(&column) = right {
            self.set("timestamp", Some(column));
            return Vec::new();
        }
        let taken: Vec<usize> = self.resolved.iter().flatten().copied().collect();
        let like: Vec<usize> = (0..self.columns.len())
            .filter(|column| {
                !taken.contains(column) && !is_of_something_else(&self.columns[*column])
            })
            .filter(|&column| self.sample.is_time_by_itself(column, self.shape))
            .collect();
        if let [column] = like.as_slice() {
            self.set("timestamp", Some(*column));
            let name = &self.columns[*column];
            self.notices.add(
                "time_by_values",
                format!(
                    "No column of {} has a known name for the time; '{name}' is the only one whose values are times, e.g. '{}', and was taken for it.",
                    self.file.path.display(),
                    self.sample.values(*column).first().map_or("", String::as_str),
                ),
                format!(
                    "If that is right, say so with --column {}; if not, name the right one.",
                    self.flag("timestamp", name)
                ),
            );
            return Vec::new();
        }
        // A column of that name without one value in the sample may have some later.
        let blank = named.iter().find(|&&column| self.sample.is_empty(column));
        // Values that are no times are named as such when they are read.
        let words = named.iter().find(|&&column| {
            !self.sample.is_time_of_day(column)
                && !self
                    .sample
                    .mostly(column, |value| value.parse::<f64>().is_ok())
        });
        let rest = named.first();
        let chosen = if like.is_empty() {
            words.or(blank).or(rest)
        } else {
            None
        };
        self.set("timestamp", chosen.copied());
        like.iter()
            .map(|&column| LikeTimes {
                column: self.columns[column].clone(),
                sample: self
                    .sample
                    .values(column)
                    .first()
                    .cloned()
                    .unwrap_or_default(),
            })
            .collect()
    }

    /// A time of day beside a column of days: `date` and `time`, `order_date` and `order_time`.
    fn time_of_day(&mut self) {
        let Some(day) = self.column("timestamp") else {
            return;
        };
        if !self.sample.is_day(day, self.shape) {
            return;
        }
        let name = plain(&self.columns[day]);
        let clock = (0..self.columns.len()).find(|&column| {
            let other = plain(&self.columns[column]);
            let fits = ["date", "day", "datum", "fecha"].iter().any(|of_day| {
                ["time", "timeofday", "clock", "zeit", "uhrzeit", "hora"]
                    .iter()
                    .any(|of_clock| {
                        other == *of_clock
                            || name.contains(of_day) && other == name.replacen(of_day, of_clock, 1)
                    })
            });
            column != day && fits && self.sample.is_time_of_day(column)
        });
        if clock.is_some() {
            self.set("time_of_day", clock);
        }
    }

    /// `status` may be anything; it is the order's where most of its words are.
    fn order_status(&mut self) {
        let known = |value: &str| {
            let word = plain(value);
            self.shape.sales.contains_key(&word) || Sale::from_common_word(&word).is_some()
        };
        let right = self.named("order_status").into_iter().find(|&column| {
            let values = self.sample.values(column);
            let words = values.iter().filter(|value| known(value)).count();
            words > 0 && words * 2 >= values.len()
        });
        self.set("order_status", right);
    }

    /// True if an events file without actions holds order lines: each row has an order's id, and
    /// there are pieces, prices or a state.
    fn holds_orders(&self) -> bool {
        let Some(order) = self.column("order_id") else {
            return false;
        };
        let of_orders = ["quantity", "price", "order_status"];
        self.column("action").is_none()
            && self.shape.guesses("action")
            && self.sample.is_full(order)
            && of_orders.iter().any(|name| self.column(name).is_some())
    }

    fn flag(&self, name: &str, column: &str) -> String {
        let input = match self.shape.input {
            Input::Events => String::new(),
            other => format!("{}.", other.name()),
        };
        crate::hint::shell_quoted(&format!("{input}{name}={column}"))
    }
}

/// True if a column's name says that its times are those of another thing than the event.
fn is_of_something_else(name: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "birth",
        "expir",
        "deliver",
        "ship",
        "estimated",
        "signup",
        "regist",
        "valid",
        "until",
        "updated",
        "modified",
        "release",
        "publish",
        "dob",
    ];
    let name = plain(name);
    OTHERS.iter().any(|other| name.contains(other))
}
