//! From the text of a chunk to a typed table, column by column.
//!
//! Some questions are answered by a column and not by a value: its decimal mark, the order of day
//! and month, whether its numbers count days. They are answered while reading; where the answer
//! turns out to be another than was assumed for values already read, [`Values::verdict`] says so and
//! the input is read once more. Most files are read once.

use crate::columns::{Input, plain};
use crate::lines::{Carry, shared};
use crate::mapping::Shape;
use crate::notice::Notices;
use crate::options::Options;
use crate::source::Chunk;
use crate::typed::number::{Decimal, Measure, Numbers};
use crate::typed::time::{TimeVerdict, Times};
use crate::typed::words::{self, Sale};
use crate::typed::{self, ActionCode};
use crate::unread::{Unread, UnreadValues, Words};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Float64Array, Float64Builder, Int32Array,
    Int32Builder, Int64Array, Int64Builder, RecordBatch, StringArray, StringBuilder,
    new_null_array,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit,
};
use datafusion::arrow::error::ArrowError;
use std::collections::BTreeMap;
use std::sync::Arc;
use vitrine_core::Action;

/// Type of a collected column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Id,
    Text,
    /// Milliseconds of Unix time.
    Time,
    Number,
    Whole,
    Stock,
    Truth,
    Action,
    Part,
    /// Read together with another column or turned into a rule; not in the table.
    Helper,
}

/// The type in which a wanted column is collected.
fn kind(name: &str) -> Kind {
    match name {
        "item_id" | "user_id" | "session_id" | "order_id" => Kind::Id,
        "timestamp" => Kind::Time,
        "rating" | "price" | "time_offset" => Kind::Number,
        "quantity" | "position" => Kind::Whole,
        "in_stock" => Kind::Stock,
        "is_product" => Kind::Truth,
        "action" => Kind::Action,
        "split" => Kind::Part,
        "time_of_day" | "order_status" | "cancelled_at" | "item_group" => Kind::Helper,
        _ => Kind::Text,
    }
}

fn measure(name: &str) -> Measure {
    match name {
        "price" => Measure::Price,
        "quantity" => Measure::Quantity,
        _ => Measure::Other,
    }
}

/// Schema of the collected table: `source_row`, `file`, `line`, the wanted columns, `rule` and `reason`
/// (set where a row could not be read).
pub(crate) fn schema(input: Input) -> SchemaRef {
    let mut fields = vec![
        Field::new("source_row", DataType::Int64, false),
        Field::new("file", DataType::Int32, false),
        Field::new("line", DataType::Int64, false),
    ];
    fields.extend(input.wanted().iter().filter_map(|wanted| {
        let data_type = match kind(wanted.name) {
            Kind::Id | Kind::Text => DataType::Utf8,
            Kind::Time | Kind::Whole => DataType::Int64,
            Kind::Number => DataType::Float64,
            Kind::Stock | Kind::Truth => DataType::Boolean,
            Kind::Action | Kind::Part => DataType::Int32,
            Kind::Helper => return None,
        };
        Some(Field::new(wanted.name, data_type, true))
    }));
    fields.push(Field::new("rule", DataType::Utf8, true));
    fields.push(Field::new("reason", DataType::Utf8, true));
    Arc::new(Schema::new(fields))
}

/// What a run's options say about values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// The action of an event whose action is not told.
    pub default_action: Option<Action>,
    /// The action of every event.
    pub all_actions: Option<Action>,
    pub max_price: f64,
    pub max_quantity: i64,
}

impl Told {
    pub(crate) fn of(options: &Options, preset_actions: Option<Action>) -> Self {
        Self {
            default_action: options.default_action,
            all_actions: options.all_actions.or(preset_actions),
            max_price: options.rules.highest_price(),
            max_quantity: options.rules.highest_quantity(),
        }
    }
}

/// What the columns of an input turned out to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Decided {
    decimals: BTreeMap<&'static str, Decimal>,
    times: TimeVerdict,
}

/// Where a chunk stands.
pub(crate) struct Place {
    pub file: usize,
    pub first_row: u64,
}

/// A file's columns, and how they are read.
#[derive(Default)]
pub(crate) struct OfFile {
    /// For each wanted column its candidates among the columns of a chunk.
    pub candidates: Vec<Vec<usize>>,
    /// The file's name in messages.
    pub name: String,
    /// Whether numbers were written by a program, as in JSON.
    pub of_programs: bool,
    /// Whether its rows are lines of orders.
    pub orders: bool,
}

/// Reads the values of one input.
pub(crate) struct Values<'a> {
    shape: &'a Shape,
    schema: SchemaRef,
    told: Told,
    file: OfFile,
    numbers: BTreeMap<&'static str, Numbers>,
    of_programs: bool,
    times: Times,
    unread: UnreadValues,
    unknown_stock: Words,
    unknown_statuses: Words,
    like_nothing: BTreeMap<&'static str, Words>,
    carry: Carry,
    carried: u64,
    carried_without_order: u64,
    rows: u64,
}

impl<'a> Values<'a> {
    pub(crate) fn new(shape: &'a Shape, told: Told, decided: &Decided) -> Self {
        let numeric = shape
            .input
            .wanted()
            .iter()
            .filter(|wanted| matches!(kind(wanted.name), Kind::Number | Kind::Whole));
        let numbers = numeric.map(|wanted| {
            let decimal = decided.decimals.get(wanted.name).copied();
            let decimal = shape.decimal.or(decimal).unwrap_or_default();
            (wanted.name, Numbers::new(measure(wanted.name), decimal))
        });
        Self {
            shape,
            schema: schema(shape.input),
            told,
            file: OfFile::default(),
            numbers: numbers.collect(),
            of_programs: true,
            times: Times::new(shape.time_format.clone(), shape.zone, decided.times),
            unread: UnreadValues::default(),
            unknown_stock: Words::default(),
            unknown_statuses: Words::default(),
            like_nothing: BTreeMap::new(),
            carry: Carry::default(),
            carried: 0,
            carried_without_order: 0,
            rows: 0,
        }
    }

    /// Whether somebody said the action of every event.
    pub(crate) fn has_one_action(&self) -> bool {
        self.told.all_actions.is_some() || self.told.default_action.is_some()
    }

    /// Goes on with another file.
    pub(crate) fn begin(&mut self, file: OfFile) {
        self.of_programs &= file.of_programs;
        self.file = file;
        self.end_file();
    }

    fn end_file(&mut self) {
        let carry = std::mem::take(&mut self.carry);
        self.carried += carry.lines;
        self.carried_without_order += carry.lines_without_order;
    }

    /// What the columns decided, where values were read otherwise.
    pub(crate) fn verdict(&self) -> Option<Decided> {
        let mut again = false;
        let decimals = self.numbers.iter().map(|(name, numbers)| {
            let decimal = match self.shape.decimal {
                Some(decimal) => decimal,
                None => numbers.verdict(self.of_programs).decimal,
            };
            again |= decimal != numbers.decimal() && numbers.ambiguous().is_some();
            (*name, decimal)
        });
        let decimals = decimals.collect();
        let times = self.times.verdict();
        again |= self.times.contradicts(times);
        again.then_some(Decided { decimals, times })
    }

    /// Dates whose day and month nothing tells apart: their number, and the first.
    pub(crate) fn undecided_dates(&self) -> Option<(u64, &str)> {
        self.times.undecided()
    }

    /// The times that could not be read.
    pub(crate) fn unread_times(&self) -> Option<&Unread> {
        self.unread.of("timestamp")
    }

    fn wanted(&self, name: &str) -> Option<usize> {
        let mut wanted = self.shape.input.wanted().iter();
        wanted.position(|wanted| wanted.name == name)
    }

    /// The columns of a chunk that stand for a wanted one, the first value of which counts.
    fn sources<'c>(&self, name: &str, columns: &'c [ArrayRef]) -> Vec<&'c ArrayRef> {
        let candidates = self.wanted(name).map(|at| &self.file.candidates[at]);
        let candidates = candidates.into_iter().flatten();
        candidates.map(|&candidate| &columns[candidate]).collect()
    }

    /// The typed rows of a chunk.
    pub(crate) fn read(&mut self, chunk: &Chunk, place: &Place) -> Result<RecordBatch, ArrowError> {
        let rows = chunk.lines.len();
        self.rows += rows as u64;
        let first_row = i64::try_from(place.first_row).unwrap_or(i64::MAX);
        let mut problems = Problems(vec![None; rows]);
        for unreadable in &chunk.unreadable {
            problems.add(unreadable.row, "unreadable_row", || {
                unreadable.reason.clone()
            });
        }
        let mut row = RowValues {
            columns: chunk.columns.clone(),
            lines: &chunk.lines,
            rows,
            problems,
        };
        self.carry_down(&mut row)?;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(
                (0..rows as i64).map(|row| first_row + row),
            )),
            Arc::new(Int32Array::from_value(
                i32::try_from(place.file).unwrap_or(i32::MAX),
                rows,
            )),
            Arc::new(
                chunk
                    .lines
                    .iter()
                    .map(|&line| i64::try_from(line).ok())
                    .collect::<Int64Array>(),
            ),
        ];
        let mut actions: Option<Int32Array> = None;
        let mut sessions: Option<StringArray> = None;
        for wanted in self.shape.input.wanted() {
            let name = wanted.name;
            let column: ArrayRef = match kind(name) {
                Kind::Helper => continue,
                Kind::Id => {
                    let ids = self.id(name, &row)?;
                    if name == "session_id" {
                        sessions = Some(ids.clone());
                    }
                    Arc::new(ids)
                }
                Kind::Text => Arc::new(self.text(name, &row)?),
                Kind::Time => self.time(sessions.as_ref(), &mut row)?,
                Kind::Number => Arc::new(self.number(name, actions.as_ref(), &row)?),
                Kind::Whole => Arc::new(self.whole(name, actions.as_ref(), &row)?),
                Kind::Stock => self.stock(&row)?,
                Kind::Truth => self.truth(name, &row)?,
                Kind::Action => {
                    let read = self.action(&mut row)?;
                    actions = Some(read.clone());
                    Arc::new(read)
                }
                Kind::Part => self.part(&mut row)?,
            };
            columns.push(column);
        }
        self.judge_sales(actions.as_ref(), &mut row)?;
        let (mut rules, mut reasons) = (StringBuilder::new(), StringBuilder::new());
        for problem in row.problems.0 {
            rules.append_option(problem.as_ref().map(|(rule, _)| *rule));
            reasons.append_option(problem.map(|(_, reason)| reason));
        }
        columns.push(Arc::new(rules.finish()));
        columns.push(Arc::new(reasons.finish()));
        RecordBatch::try_new(self.schema.clone(), columns)
    }

    /// Fills what stands on the first line of an order only.
    fn carry_down(&mut self, row: &mut RowValues<'_>) -> Result<(), ArrowError> {
        let (key, shared) = shared(self.shape.input);
        let keys = self.sources(key, &row.columns);
        let Some(keys) = keys.first().map(|column| Arc::clone(column)) else {
            return Ok(());
        };
        let wanted = self.shape.input.wanted().iter().zip(&self.file.candidates);
        let places: Vec<usize> = wanted
            .filter(|(wanted, _)| shared.contains(&wanted.name))
            .flat_map(|(_, candidates)| candidates.iter().copied())
            .collect();
        let items = self.id("item_id", row)?;
        let mut columns: Vec<ArrayRef> = places.iter().map(|&at| row.columns[at].clone()).collect();
        let of_orders = self.shape.input != Input::Items;
        self.carry
            .down(&keys, &mut columns, |row| of_orders && items.is_valid(row))?;
        for (place, column) in places.into_iter().zip(columns) {
            row.columns[place] = column;
        }
        Ok(())
    }

    fn id(&mut self, name: &'static str, row: &RowValues<'_>) -> Result<StringArray, ArrowError> {
        let sources = self.sources(name, &row.columns);
        let read = sources.iter().map(|source| ids(source));
        let mut ids = first_of(read, row.rows)?;
        if !self.shape.nothing.is_empty() {
            let is_id = |id: &&str| !self.shape.nothing.iter().any(|nothing| nothing == id);
            ids = ids.iter().map(|id| id.filter(is_id)).collect();
        }
        for id in ids.iter().flatten() {
            if typed::looks_like_nothing(id) {
                self.like_nothing.entry(name).or_default().add(id);
            }
        }
        Ok(ids)
    }

    fn text(&self, name: &str, row: &RowValues<'_>) -> Result<StringArray, ArrowError> {
        let sources = self.sources(name, &row.columns);
        first_of(sources.into_iter().map(texts), row.rows)
    }

    fn time(
        &mut self,
        sessions: Option<&StringArray>,
        row: &mut RowValues<'_>,
    ) -> Result<ArrayRef, ArrowError> {
        let sources = self.sources("timestamp", &row.columns);
        let Some(source) = sources.first().map(|source| Arc::clone(source)) else {
            return Ok(new_null_array(&DataType::Int64, row.rows));
        };
        let clocks = self.sources("time_of_day", &row.columns);
        let clocks = clocks.first().map(|clock| texts(clock)).transpose()?;
        if let (DataType::Timestamp(_, Some(_)), None) = (source.data_type(), &clocks) {
            let zone = match source.data_type() {
                DataType::Timestamp(_, zone) => zone.clone(),
                _ => None,
            };
            let ms = cast(&source, &DataType::Timestamp(TimeUnit::Millisecond, zone))?;
            return cast(&ms, &DataType::Int64);
        }
        let mut built = Int64Builder::with_capacity(row.rows);
        let moments: Moments = match source.data_type() {
            _ if clocks.is_some() => Moments::Texts(texts(&source)?),
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
                let ms = cast(&source, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
                Moments::Local(
                    cast(&ms, &DataType::Int64)?
                        .as_primitive::<Int64Type>()
                        .clone(),
                )
            }
            number if is_number(number) => Moments::Numbers(floats(&source)?),
            _ => Moments::Texts(texts(&source)?),
        };
        for at in 0..row.rows {
            let clock = clocks.as_ref().filter(|clocks| clocks.is_valid(at));
            let read = match &moments {
                Moments::Local(ms) if ms.is_valid(at) => self.times.read_local(ms.value(at)),
                Moments::Numbers(numbers) if numbers.is_valid(at) => {
                    self.times.read_number(numbers.value(at))
                }
                Moments::Texts(texts) if texts.is_valid(at) => match clock {
                    Some(clock) => self.times.read_joined(texts.value(at), clock.value(at)),
                    None => self.times.read(texts.value(at)),
                },
                _ => {
                    built.append_null();
                    continue;
                }
            };
            built.append_option(read.as_ref().ok().copied());
            let Err(problem) = read else { continue };
            let problem = || format!("timestamp {problem}");
            // A session says where its event belongs; the latest row of an item stays one.
            let placed = sessions.is_some_and(|sessions| sessions.is_valid(at));
            if placed || self.shape.input == Input::Items {
                self.unread
                    .add("timestamp", &self.file.name, row.lines[at], problem);
            } else {
                row.problems.add(at, "bad_time", problem);
            }
        }
        Ok(Arc::new(built.finish()))
    }

    fn number(
        &mut self,
        name: &'static str,
        actions: Option<&Int32Array>,
        row: &RowValues<'_>,
    ) -> Result<Float64Array, ArrowError> {
        let sources = self.sources(name, &row.columns);
        if let [source] = sources.as_slice()
            && is_number(source.data_type())
        {
            let floats = floats(source)?;
            let mut built = Float64Builder::with_capacity(row.rows);
            for (at, value) in floats.iter().enumerate() {
                let value = value.filter(|value| !value.is_nan());
                built.append_option(
                    value.and_then(|value| self.believed(name, value, at, actions, row)),
                );
            }
            return Ok(built.finish());
        }
        let texts = first_of(sources.into_iter().map(texts), row.rows)?;
        let mut built = Float64Builder::with_capacity(row.rows);
        for (at, text) in texts.iter().enumerate() {
            let Some(text) = text else {
                built.append_null();
                continue;
            };
            let numbers = self
                .numbers
                .entry(name)
                .or_insert_with(|| Numbers::new(measure(name), Decimal::Point));
            match numbers.read(text) {
                Ok(value) => built.append_option(self.believed(name, value, at, actions, row)),
                Err(problem) => {
                    built.append_null();
                    self.unread.add(name, &self.file.name, row.lines[at], || {
                        format!("{name} {problem}")
                    });
                }
            }
        }
        Ok(built.finish())
    }

    /// The value, unless no shop has one like it. A purchase at a negative price is left to the
    /// rules: it takes an earlier one back.
    fn believed(
        &mut self,
        name: &'static str,
        value: f64,
        at: usize,
        actions: Option<&Int32Array>,
        row: &RowValues<'_>,
    ) -> Option<f64> {
        let problem = match name {
            "price" if value > self.told.max_price => "is above the highest that is believed",
            "price" if value < 0.0 && !self.is_sale(at, actions) => "is below zero",
            "quantity" if value > self.told.max_quantity as f64 => {
                "is above the highest that is believed"
            }
            _ => return Some(value),
        };
        self.unread.add(name, &self.file.name, row.lines[at], || {
            format!("{name} {value} {problem}")
        });
        None
    }

    fn is_sale(&self, at: usize, actions: Option<&Int32Array>) -> bool {
        match self.shape.input {
            Input::Orders => true,
            Input::Items => false,
            Input::Events => actions.is_some_and(|actions| {
                actions.is_valid(at) && actions.value(at) == i32::from(Action::Buy.code())
            }),
        }
    }

    /// Numbers rounded to whole ones; less than one piece (0.35 kg) counts as one.
    fn whole(
        &mut self,
        name: &'static str,
        actions: Option<&Int32Array>,
        row: &RowValues<'_>,
    ) -> Result<Int64Array, ArrowError> {
        let numbers = self.number(name, actions, row)?;
        let whole = |value: f64| {
            let rounded = if value > 0.0 && name == "quantity" {
                value.round().max(1.0)
            } else {
                value.round()
            };
            rounded as i64
        };
        Ok(numbers.unary::<_, Int64Type>(whole))
    }

    fn stock(&mut self, row: &RowValues<'_>) -> Result<ArrayRef, ArrowError> {
        let sources = self.sources("in_stock", &row.columns);
        if let [source] = sources.as_slice()
            && source.data_type() == &DataType::Boolean
        {
            return Ok(Arc::clone(source));
        }
        let texts = first_of(sources.into_iter().map(texts), row.rows)?;
        let mut built = BooleanBuilder::with_capacity(row.rows);
        for text in texts.iter() {
            let known = text.and_then(|text| {
                let told = self.shape.stock.get(&plain(text)).copied();
                told.or_else(|| words::stock(text))
            });
            if let (Some(text), None) = (text, known) {
                self.unknown_stock.add(text);
            }
            built.append_option(known);
        }
        Ok(Arc::new(built.finish()))
    }

    fn truth(&mut self, name: &'static str, row: &RowValues<'_>) -> Result<ArrayRef, ArrowError> {
        let sources = self.sources(name, &row.columns);
        if let [source] = sources.as_slice()
            && source.data_type() == &DataType::Boolean
        {
            return Ok(Arc::clone(source));
        }
        let texts = first_of(sources.into_iter().map(texts), row.rows)?;
        let mut built = BooleanBuilder::with_capacity(row.rows);
        for (at, text) in texts.iter().enumerate() {
            let known = text.and_then(words::truth);
            if let (Some(text), None) = (text, known) {
                self.unread.add(name, &self.file.name, row.lines[at], || {
                    format!("{name} '{}' is neither true nor false", typed::short(text))
                });
            }
            built.append_option(known);
        }
        Ok(Arc::new(built.finish()))
    }

    fn action(&mut self, row: &mut RowValues<'_>) -> Result<Int32Array, ArrowError> {
        let code = |action: Action| ActionCode::Known(action).code();
        let sources = self.sources("action", &row.columns);
        let of_all = match (self.told.all_actions, sources.first()) {
            (Some(action), _) => Some(action),
            (None, None) => Some(match self.told.default_action {
                Some(action) => action,
                None if self.file.orders => Action::Buy,
                None => Action::View,
            }),
            (None, Some(_)) => None,
        };
        if let Some(action) = of_all {
            return Ok(Int32Array::from_value(code(action), row.rows));
        }
        let texts = first_of(sources.into_iter().map(texts), row.rows)?;
        let mut built = Int32Builder::with_capacity(row.rows);
        // Few words, many rows: the last answer is most often the next.
        let mut last: Option<(String, Option<ActionCode>)> = None;
        for (at, text) in texts.iter().enumerate() {
            let Some(text) = text else {
                if self.told.default_action.is_none() {
                    row.problems
                        .add(at, "unknown_action", || "the action is missing".into());
                }
                built.append_option(self.told.default_action.map(code));
                continue;
            };
            let known = match &last {
                Some((word, code)) if word == text => *code,
                _ => {
                    let plain = plain(text);
                    let told = self.shape.actions.get(&plain).copied();
                    let code = told.or_else(|| ActionCode::from_common_word(&plain));
                    last = Some((text.to_string(), code));
                    code
                }
            };
            if known.is_none() {
                row.problems.add(at, "unknown_action", || {
                    format!(
                        "action '{}' is not known; say what it is under [events.actions] in a mapping file",
                        typed::short(text)
                    )
                });
            }
            built.append_option(known.map(ActionCode::code));
        }
        Ok(built.finish())
    }

    fn part(&mut self, row: &mut RowValues<'_>) -> Result<ArrayRef, ArrowError> {
        let texts = self.text("split", row)?;
        let mut built = Int32Builder::with_capacity(row.rows);
        for (at, text) in texts.iter().enumerate() {
            built.append_option(text.and_then(|text| {
                typed::part(text)
                    .map_err(|reason| {
                        row.problems
                            .add(at, "unknown_split", || format!("split {reason}"));
                    })
                    .ok()
            }));
        }
        Ok(Arc::new(built.finish()))
    }

    /// Gives the lines of orders that came to nothing their rule.
    fn judge_sales(
        &mut self,
        actions: Option<&Int32Array>,
        row: &mut RowValues<'_>,
    ) -> Result<(), ArrowError> {
        let statuses = self.text("order_status", row)?;
        let cancelled = self.text("cancelled_at", row)?;
        for at in 0..row.rows {
            if !self.is_sale(at, actions) {
                continue;
            }
            if cancelled.is_valid(at) && words::truth(cancelled.value(at)) != Some(false) {
                row.problems.add(at, "void_order", || {
                    format!(
                        "the order was cancelled: '{}'",
                        typed::short(cancelled.value(at))
                    )
                });
            }
            if !statuses.is_valid(at) {
                continue;
            }
            let status = statuses.value(at);
            let word = plain(status);
            let told = self.shape.sales.get(&word).copied();
            match told.or_else(|| Sale::from_common_word(&word)) {
                Some(Sale::Made) => {}
                Some(Sale::Void) => row.problems.add(at, "void_order", || {
                    format!("an order that is '{}' is no purchase", typed::short(status))
                }),
                None => self.unknown_statuses.add(status),
            }
        }
        Ok(())
    }

    /// Says what a person has to know, and returns the values that could not be used.
    pub(crate) fn tell(mut self, notices: &Notices) -> Vec<Unread> {
        self.end_file();
        let input = self.shape.input.name();
        self.unread.tell(input, self.rows, notices);
        self.tell_numbers(input, notices);
        self.tell_times(input, notices);
        if let Some((rows, words)) = self.unknown_stock.told() {
            notices.add(
                "unknown_stock",
                format!(
                    "{rows} of {} rows of the {input} have an availability that is not known: {words}. Those items are not counted as in stock.",
                    self.rows
                ),
                "Say what the words mean under [items.stock] in a mapping file: \"word\" = \"in\" or \"out\".",
            );
        }
        if let Some((rows, words)) = self.unknown_statuses.told() {
            notices.add(
                "unknown_status",
                format!(
                    "{rows} of {} rows of the {input} have an order status that is not known: {words}. They count as purchases.",
                    self.rows
                ),
                format!(
                    "Say what the words mean under [{input}.statuses] in a mapping file: \"word\" = \"sale\" or \"void\"."
                ),
            );
        }
        for (name, words) in &self.like_nothing {
            if let Some((rows, words)) = words.told() {
                notices.add(
                    "ids_like_nothing",
                    format!(
                        "{rows} of {} rows of the {input} have a {name} that elsewhere stands for nothing: {words}. It was kept as an id.",
                        self.rows
                    ),
                    format!(
                        "If it means that there is none, say so under [{input}] in a mapping file, e.g. nothing = [\"NA\"]."
                    ),
                );
            }
        }
        if self.carried_without_order > 0 {
            notices.add(
                "lines_without_order",
                format!(
                    "{} of {} rows of the {input} name neither an order nor a customer nor a time, and were counted to the order of the row above.",
                    self.carried_without_order, self.rows
                ),
                "If they belong to nobody, remove them from the source.",
            );
        }
        self.unread.into_list()
    }

    fn tell_numbers(&self, input: &str, notices: &Notices) {
        for (name, numbers) in &self.numbers {
            let verdict = numbers.verdict(self.of_programs);
            if let (Some((count, example)), false, None) =
                (numbers.ambiguous(), verdict.sure, self.shape.decimal)
            {
                let read = Numbers::new(measure(name), numbers.decimal())
                    .read(example)
                    .unwrap_or_default();
                notices.add(
                    "ambiguous_numbers",
                    format!(
                        "{count} of {} values of {name} in the {input} may be read in two ways, and no other value tells which: '{example}' was read as {read}.",
                        self.rows
                    ),
                    format!(
                        "Say which is the decimal mark: --decimal '{}' if that is right, --decimal '{}' if not.",
                        numbers.decimal().mark(),
                        match numbers.decimal() {
                            Decimal::Point => Decimal::Comma.mark(),
                            Decimal::Comma => Decimal::Point.mark(),
                        }
                    ),
                );
            }
            if numbers.currencies.len() > 1 {
                let told: Vec<_> = numbers
                    .currencies
                    .iter()
                    .map(|(currency, rows)| format!("{currency} ({rows} rows)"))
                    .collect();
                notices.add(
                    "mixed_currencies",
                    format!(
                        "The {name} of the {input} is told in several currencies: {}. They were read as one.",
                        told.join(", ")
                    ),
                    "Export one currency, or convert the prices first.",
                );
            }
        }
    }

    fn tell_times(&self, input: &str, notices: &Notices) {
        let seen = &self.times.seen;
        if let Some(example) = &seen.without_zone.example {
            notices.add(
                "times_without_zone",
                format!(
                    "{} of {} times of the {input} tell no zone, e.g. '{example}', and were read as UTC.",
                    seen.without_zone.count, self.rows
                ),
                "Say the shop's zone with --timezone, e.g. --timezone Europe/Berlin; or --timezone UTC if that is right.",
            );
        }
        for (tally, unit, word) in [
            (&seen.days, "days since 1970", "days"),
            (&seen.excel, "a spreadsheet's serial dates", "excel"),
        ] {
            if let Some(example) = &tally.example {
                let day = example.parse().ok().and_then(|number: f64| {
                    let format = crate::typed::time::TimeFormat::Recognised;
                    let mut times = Times::new(format, None, TimeVerdict::default());
                    times.read_number(number).ok()
                });
                notices.add(
                    "times_as_days",
                    format!(
                        "{} of {} times of the {input} are numbers that were read as {unit}: {example} as {}.",
                        tally.count,
                        self.rows,
                        day.map_or_else(String::new, crate::rules::date)
                    ),
                    format!(
                        "If that is right, say so with --timestamp-format {word}; if not, name the right column."
                    ),
                );
            }
        }
    }
}

/// The columns of a chunk, the lines of its rows, and what is wrong with them.
struct RowValues<'a> {
    columns: Vec<ArrayRef>,
    lines: &'a [u64],
    rows: usize,
    problems: Problems,
}

/// Rules and reasons of rows that can't be used, the first problem of a row only.
struct Problems(Vec<Option<(&'static str, String)>>);

impl Problems {
    fn add(&mut self, row: usize, rule: &'static str, reason: impl FnOnce() -> String) {
        let problem = &mut self.0[row];
        if problem.is_none() {
            *problem = Some((rule, reason()));
        }
    }
}

/// Times by the type in which a source keeps them.
enum Moments {
    /// Milliseconds of a calendar without a zone.
    Local(Int64Array),
    Numbers(Float64Array),
    Texts(StringArray),
}

/// Ids of a column of any type. A whole number that was widened to a float because others were
/// missing reads as a whole number: 13085, not 13085.0.
pub(crate) fn ids(source: &ArrayRef) -> Result<StringArray, ArrowError> {
    as_text(source, typed::id)
}

/// Text of a column of any type, without words for nothing.
fn texts(source: &ArrayRef) -> Result<StringArray, ArrowError> {
    as_text(source, typed::something)
}

fn as_text(
    source: &ArrayRef,
    value_of: impl Fn(&str) -> Option<&str>,
) -> Result<StringArray, ArrowError> {
    let plain = match source.data_type() {
        DataType::Float32 | DataType::Float64 => {
            let floats = cast(source, &DataType::Float64)?;
            let floats = floats.as_primitive::<Float64Type>();
            return Ok(floats
                .iter()
                .map(|value| {
                    value.filter(|v| v.is_finite()).map(|value| {
                        if value.fract() == 0.0 && value.abs() < 9e15 {
                            (value as i64).to_string()
                        } else {
                            value.to_string()
                        }
                    })
                })
                .collect());
        }
        DataType::Utf8 => source.clone(),
        _ => cast(source, &DataType::Utf8)?,
    };
    Ok(plain
        .as_string::<i32>()
        .iter()
        .map(|text| text.and_then(&value_of))
        .collect())
}

/// Of each row the first text that is there.
fn first_of(
    read: impl Iterator<Item = Result<StringArray, ArrowError>>,
    rows: usize,
) -> Result<StringArray, ArrowError> {
    let mut first: Option<StringArray> = None;
    for texts in read {
        let texts = texts?;
        first = Some(match first {
            None => texts,
            Some(first) => first.iter().zip(&texts).map(|(a, b)| a.or(b)).collect(),
        });
    }
    Ok(first.unwrap_or_else(|| StringArray::new_null(rows)))
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer()
        || data_type.is_floating()
        || matches!(
            data_type,
            DataType::Decimal128(..) | DataType::Decimal256(..)
        )
}

fn floats(source: &ArrayRef) -> Result<Float64Array, ArrowError> {
    Ok(cast(source, &DataType::Float64)?.as_primitive().clone())
}
