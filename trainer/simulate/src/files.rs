//! The history as files: `events.csv`, `orders.csv`, `items.csv`, `pictures/`, `synthetic.json`.

use crate::catalogue::Item;
use crate::picture::picture;
use crate::shopper::{Shopper, Visitor};
use crate::stream::{Purpose, hashed, stream};
use crate::world::World;
use crate::{Options, SimulateError};
use chrono::NaiveDate;
use rand::Rng;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use vitrine_core::Action;
use vitrine_durable::{create_folder, replace};

/// The mark that these data are synthetic; `prepare` looks for it.
const MARK: &str = "synthetic.json";

const NAMES: [&str; 5] = ["events.csv", "items.csv", "orders.csv", "pictures", MARK];

const STATEMENT: &str = "Everything in this folder is synthetic: items, pictures, visitors, what they did and what they bought were drawn by `vitrine simulate`. It describes no real shop and no real person.";

const DAY: i64 = 86_400;

/// Share of events that the page's tag sends twice.
const DOUBLED: f64 = 0.002;

/// Share of purchases that happen outside the page, e.g. by telephone: only the order tells.
const UNSEEN_PURCHASES: f64 = 0.03;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Rows of `events.csv`.
    pub events: u64,
    /// Visits of people.
    pub visits: u64,
    /// Lines of `orders.csv`.
    pub order_lines: u64,
    /// Bots among the visitors.
    pub bots: u64,
    /// Rows of `items.csv`.
    pub items: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    /// Unix time in seconds.
    time: i64,
    user: u64,
    /// Place in the visit, so that equal times keep their order.
    place: u32,
    item: usize,
    action: Action,
    /// 0 where none was given.
    rating: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct OrderLine {
    time: i64,
    user: u64,
    item: usize,
    quantity: u32,
}

/// Draws a shop and writes its history into `options.out`.
///
/// # Errors
/// [`SimulateError`] for options that make no sense, a folder with other things in it, and a full
/// or read-only disk.
pub fn simulate(options: &Options) -> Result<Summary, SimulateError> {
    let start = NaiveDate::parse_from_str(&options.start, "%Y-%m-%d").map_err(|_| {
        SimulateError::Option(format!(
            "--start '{}' is not a day; write it as 2025-01-31",
            options.start
        ))
    })?;
    let world = World::new(options)?;
    clear(&options.out)?;
    // The mark comes first: nothing synthetic lies about unmarked, not even after a crash.
    let mark = serde_json::json!({"synthetic": true, "statement": STATEMENT, "options": options});
    let path = options.out.join(MARK);
    replace(&path, format!("{mark:#}\n").as_bytes()).map_err(SimulateError::io(&path))?;
    let mut summary = Summary {
        items: world.items().len() as u64,
        ..Summary::default()
    };
    write_file(&options.out.join("items.csv"), |out| {
        write_items(out, world.items())
    })?;
    let pictures = options.out.join("pictures");
    fs::create_dir(&pictures).map_err(SimulateError::io(&pictures))?;
    for item in world.items() {
        let path = options.out.join(item.picture_name());
        write_file(&path, |out| out.write_all(picture(item).as_bytes()))?;
    }
    history(&world, start, &mut summary)?;
    Ok(summary)
}

/// Makes the folder empty, if nothing but an earlier result is in it.
fn clear(out: &Path) -> Result<(), SimulateError> {
    create_folder(out).map_err(SimulateError::io(out))?;
    let mut names = Vec::new();
    for entry in fs::read_dir(out).map_err(SimulateError::io(out))? {
        let entry = entry.map_err(SimulateError::io(out))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    let marked = names.iter().any(|name| name == MARK);
    if let Some(found) = names
        .iter()
        .find(|name| !marked || !NAMES.contains(&name.as_str()))
    {
        return Err(SimulateError::Occupied {
            path: out.into(),
            found: found.clone(),
        });
    }
    for name in names.iter().filter(|name| *name != MARK) {
        let path = out.join(name);
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(SimulateError::io(&path))?;
    }
    Ok(())
}

fn write_file(
    path: &Path,
    body: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Result<(), SimulateError> {
    let mut out = create(path)?;
    body(&mut out)
        .and_then(|()| finish(out))
        .map_err(SimulateError::io(path))
}

fn create(path: &Path) -> Result<BufWriter<File>, SimulateError> {
    // The folder was emptied, so a file that is there now is somebody else's, or a link.
    let file = File::create_new(path).map_err(SimulateError::io(path))?;
    Ok(BufWriter::with_capacity(1 << 18, file))
}

fn finish(out: BufWriter<File>) -> std::io::Result<()> {
    out.into_inner()
        .map_err(|error| error.into_error())?
        .sync_all()
}

fn write_items(out: &mut impl Write, items: &[Item]) -> std::io::Result<()> {
    writeln!(out, "item_id,title,category,price,image,in_stock")?;
    for item in items {
        writeln!(
            out,
            "{},\"{}\",{},{:.2},{},{}",
            item.id,
            item.title,
            item.category_name(),
            item.price,
            item.picture_name(),
            item.in_stock
        )?;
    }
    Ok(())
}

/// Writes events and orders in the order of time, holding little more than a day of them.
fn history(world: &World, start: NaiveDate, summary: &mut Summary) -> Result<(), SimulateError> {
    let options = world.options();
    let (events_path, orders_path) = (
        options.out.join("events.csv"),
        options.out.join("orders.csv"),
    );
    let (mut events, mut orders) = (create(&events_path)?, create(&orders_path)?);
    let heads = writeln!(events, "user_id,item_id,timestamp,action,rating")
        .and_then(|()| writeln!(orders, "order_id,user_id,item_id,timestamp,quantity,price"));
    heads.map_err(SimulateError::io(&events_path))?;
    let first_day = start.signed_duration_since(NaiveDate::default()).num_days();
    let bots = (options.shoppers as f64 * options.bots).round() as u64;
    let rates: Vec<f64> = (0..options.shoppers as u64)
        .map(|n| rate(options, n))
        .collect();
    let (mut rows, mut lines): (Vec<Row>, Vec<OrderLine>) = (Vec::new(), Vec::new());
    let mut clock = Clock::default();
    let mut order = OrderNumber::default();
    for day in 0..i64::from(options.days) {
        let midnight = (first_day + day) * DAY;
        // People have more time at weekends; day 0 of Unix time was a Thursday.
        let weekend = matches!((first_day + day).rem_euclid(7), 2 | 3);
        let season = if weekend { 1.3 } else { 0.88 };
        for (number, rate) in (0u64..).zip(&rates) {
            if hashed(options.seed, Purpose::Days, number, day as u64) < rate * season {
                visit(world, number, day, midnight, &mut rows, &mut lines);
                summary.visits += 1;
            }
        }
        for bot in 0..bots {
            let on = (hashed(options.seed, Purpose::Bot, bot, 0) * f64::from(options.days)) as i64;
            if on == day {
                crawl(
                    world,
                    options.shoppers as u64 + bot,
                    day,
                    midnight,
                    &mut rows,
                );
                summary.bots += 1;
            }
        }
        // What runs past midnight is written with the next day.
        let last = day + 1 == i64::from(options.days);
        let until = if last { i64::MAX } else { midnight + DAY };
        rows.sort_unstable();
        let ready = rows.partition_point(|row| row.time < until);
        for row in rows.drain(..ready) {
            let twice = hashed(options.seed, Purpose::Visit, row.user, row.time as u64) < DOUBLED;
            for _ in 0..=usize::from(twice) {
                write_event(&mut events, world, &row, &mut clock)
                    .map_err(SimulateError::io(&events_path))?;
                summary.events += 1;
            }
        }
        lines.sort_unstable();
        let ready = lines.partition_point(|line| line.time < until);
        for line in lines.drain(..ready) {
            write_order(&mut orders, world, &line, order.next(&line), &mut clock)
                .map_err(SimulateError::io(&orders_path))?;
            summary.order_lines += 1;
        }
    }
    finish(events).map_err(SimulateError::io(&events_path))?;
    finish(orders).map_err(SimulateError::io(&orders_path))
}

/// Visits of a shopper on one day. The square of an exponential draw, halved, has mean 1 and a
/// long tail: a few come almost daily.
fn rate(options: &Options, shopper: u64) -> f64 {
    let drawn = 1.0 - hashed(options.seed, Purpose::Shopper, shopper, 1);
    let activity = drawn.ln().powi(2) / 2.0;
    (options.visits_per_month / 30.0 * activity).min(0.9)
}

fn visit(
    world: &World,
    number: u64,
    day: i64,
    midnight: i64,
    rows: &mut Vec<Row>,
    lines: &mut Vec<OrderLine>,
) {
    let rng = &mut stream(world.options().seed, Purpose::Visit, number, day as u64);
    // From six in the morning on, most of it in the evening: the later of two times of day.
    let time_of_day = rng.random::<f64>().max(rng.random());
    let begin = midnight + 6 * 3600 + (time_of_day * 18.0 * 3600.0) as i64;
    let mut visitor = Visitor::new(world, Shopper::new(world, number), rng.random(), day);
    let steps = visitor.walk();
    let unseen = visitor.chance(UNSEEN_PURCHASES);
    for (place, step) in (0u32..).zip(&steps) {
        let time = begin + i64::from(step.second);
        let mut rating = 0;
        if step.action == Action::Buy {
            lines.push(OrderLine {
                time: time + 45,
                user: number,
                item: step.item,
                quantity: if visitor.chance(0.15) { 2 } else { 1 },
            });
            if visitor.chance(0.2) {
                rating = visitor.rates(step.item);
            }
            if unseen {
                continue;
            }
        }
        rows.push(Row {
            time,
            user: number,
            place,
            item: step.item,
            action: step.action,
            rating,
        });
    }
}

/// A bot reads the catalogue from some place on, several items a second.
fn crawl(world: &World, number: u64, day: i64, midnight: i64, rows: &mut Vec<Row>) {
    let rng = &mut stream(world.options().seed, Purpose::Bot, number, 1);
    let items = world.items().len();
    let (first, clicks) = (rng.random_range(0..items), rng.random_range(200..900));
    let begin = midnight + rng.random_range(0..DAY / 2);
    for place in 0..clicks {
        let item = (first + place as usize) % items;
        if world.is_sold(item, day) {
            rows.push(Row {
                time: begin + i64::from(place) / 3,
                user: number,
                place,
                item,
                action: Action::View,
                rating: 0,
            });
        }
    }
}

/// All lines of one user at one time are one order.
#[derive(Default)]
struct OrderNumber {
    number: u64,
    last: Option<(u64, i64)>,
}

impl OrderNumber {
    fn next(&mut self, line: &OrderLine) -> u64 {
        if self.last != Some((line.user, line.time)) {
            self.number += 1;
            self.last = Some((line.user, line.time));
        }
        self.number
    }
}

/// Writes times; the day's text is kept, for a day has many.
#[derive(Default)]
struct Clock {
    day: Option<i64>,
    text: String,
}

impl Clock {
    fn write(&mut self, out: &mut impl Write, time: i64) -> std::io::Result<()> {
        let (day, second) = (time.div_euclid(DAY), time.rem_euclid(DAY));
        if self.day != Some(day) {
            let date = chrono::DateTime::from_timestamp(day * DAY, 0).unwrap_or_default();
            self.text = date.format("%Y-%m-%d").to_string();
            self.day = Some(day);
        }
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(out, "{}T{hour:02}:{minute:02}:{second:02}Z", self.text)
    }
}

fn write_event(
    out: &mut impl Write,
    world: &World,
    row: &Row,
    clock: &mut Clock,
) -> std::io::Result<()> {
    write!(out, "u{:06},{},", row.user, world.items()[row.item].id)?;
    clock.write(out, row.time)?;
    write!(out, ",{},", row.action.name())?;
    if row.rating > 0 {
        write!(out, "{}", row.rating)?;
    }
    writeln!(out)
}

fn write_order(
    out: &mut impl Write,
    world: &World,
    line: &OrderLine,
    number: u64,
    clock: &mut Clock,
) -> std::io::Result<()> {
    let item = &world.items()[line.item];
    write!(out, "o{number:07},u{:06},{},", line.user, item.id)?;
    clock.write(out, line.time)?;
    writeln!(out, ",{},{:.2}", line.quantity, item.price)
}
