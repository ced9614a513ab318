//! From the text of a chunk to a typed table, column by column.
//!
//! Some questions are answered by a column and not by a value: its decimal mark, the order of day
//! and month, whether its numbers count days. They are answered while reading; where the answer
//! turns out to be another than was assumed for values already read, [`Values::verdict`] says so and
//! the input is read once more. Most files are read once.

mod kinds;
mod read;
mod tell;
mod text;

pub(crate) use kinds::schema;
pub(crate) use text::ids;

use crate::columns::Input;
use crate::lines::{Carry, shared};
use crate::mapping::Shape;
use crate::options::Options;
use crate::preset::Preset;
use crate::source::Chunk;
use crate::typed::number::{Decimal, Numbers, Verdict};
use crate::typed::time::{TimeVerdict, Times};
use crate::unread::{Unread, UnreadValues, Words};
use datafusion::arrow::array::{
    Array, ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, StringBuilder,
};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use kinds::{Kind, kind, measure};
use std::collections::BTreeMap;
use std::sync::Arc;
use vitrine_core::Action;

/// Options of a run that concern values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// The action of an event whose action is not told.
    pub default_action: Option<Action>,
    /// The action of every event.
    pub all_actions: Option<Action>,
    pub max_price: f64,
    pub max_quantity: i64,
    /// True if the preset says that the events may be orders.
    pub orders: bool,
}

impl Told {
    pub(crate) fn of(options: &Options, preset: Preset) -> Self {
        Self {
            default_action: options.default_action,
            all_actions: options.all_actions,
            max_price: options.rules.highest_price(),
            max_quantity: options.rules.highest_quantity(),
            orders: preset.is_of_orders(),
        }
    }
}

/// Decimal marks and time formats that the columns of an input have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Decided {
    decimals: BTreeMap<&'static str, Decimal>,
    times: TimeVerdict,
}

/// File and first row of a chunk.
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
    /// True if numbers were written by a program, as in JSON.
    pub of_programs: bool,
    /// True if its rows are lines of orders.
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

    /// True if somebody said that events without actions are purchases, or what else they are.
    pub(crate) fn knows_action(&self) -> bool {
        let told = self.told;
        told.all_actions.is_some() || told.default_action.is_some() || told.orders
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

    /// The decimal mark of each column: by its own values, else by those of the input's other
    /// columns, which were written by the same program.
    fn decimals(&self) -> BTreeMap<&'static str, Verdict> {
        let told = self.numbers.values().filter_map(Numbers::told);
        let mut of_others: Vec<Decimal> = told.collect();
        of_others.dedup();
        let verdict = |numbers: &Numbers| {
            let own = numbers.verdict(self.of_programs);
            match (self.shape.decimal, of_others.as_slice()) {
                (Some(decimal), _) => Verdict {
                    decimal,
                    sure: true,
                },
                (None, [decimal]) if !own.sure => Verdict {
                    decimal: *decimal,
                    sure: true,
                },
                _ => own,
            }
        };
        let numbers = self.numbers.iter();
        numbers
            .map(|(name, numbers)| (*name, verdict(numbers)))
            .collect()
    }

    /// Marks and formats of the columns, if values were read with others.
    pub(crate) fn verdict(&self) -> Option<Decided> {
        let decimals: BTreeMap<_, _> = self
            .decimals()
            .into_iter()
            .map(|(name, verdict)| (name, verdict.decimal))
            .collect();
        let mut again = self.numbers.iter().any(|(name, numbers)| {
            decimals[name] != numbers.decimal() && numbers.ambiguous().is_some()
        });
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
        self.judge_lists(chunk, &columns, &mut row);
        let (mut rules, mut reasons) = (StringBuilder::new(), StringBuilder::new());
        for problem in row.problems.0 {
            rules.append_option(problem.as_ref().map(|(rule, _)| *rule));
            reasons.append_option(problem.map(|(_, reason)| reason));
        }
        columns.push(Arc::new(rules.finish()));
        columns.push(Arc::new(reasons.finish()));
        RecordBatch::try_new(self.schema.clone(), columns)
    }

    /// Rows of lists without an element are events of no item.
    fn judge_lists(&self, chunk: &Chunk, columns: &[ArrayRef], row: &mut RowValues<'_>) {
        let Ok(item) = self.schema.index_of("item_id") else {
            return;
        };
        for &empty in &chunk.empty_lists {
            if columns[item].is_null(empty) {
                row.problems.add(empty, "no_element", || {
                    "the list of items is empty or missing: the row is of no item".into()
                });
            }
        }
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
