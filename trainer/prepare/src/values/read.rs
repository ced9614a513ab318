//! The columns of a chunk, each by the type of the wanted one.

use super::kinds::measure;
use super::text::{first_of, floats, ids, is_number, texts};
use super::{RowValues, Values};
use crate::columns::{Input, plain};
use crate::typed::number::{Decimal, Numbers};
use crate::typed::words::{self, Sale};
use crate::typed::{self, ActionCode};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Float64Array, Float64Builder, Int32Array,
    Int32Builder, Int64Array, Int64Builder, StringArray, new_null_array,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, TimeUnit};
use datafusion::arrow::error::ArrowError;
use std::sync::Arc;
use vitrine_core::Action;

impl Values<'_> {
    pub(super) fn id(
        &mut self,
        name: &'static str,
        row: &RowValues<'_>,
    ) -> Result<StringArray, ArrowError> {
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

    pub(super) fn text(&self, name: &str, row: &RowValues<'_>) -> Result<StringArray, ArrowError> {
        let sources = self.sources(name, &row.columns);
        first_of(sources.into_iter().map(texts), row.rows)
    }

    pub(super) fn time(
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

    pub(super) fn number(
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
    pub(super) fn believed(
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

    pub(super) fn is_sale(&self, at: usize, actions: Option<&Int32Array>) -> bool {
        match self.shape.input {
            Input::Orders => true,
            Input::Items => false,
            Input::Events => actions.is_some_and(|actions| {
                actions.is_valid(at) && actions.value(at) == i32::from(Action::Buy.code())
            }),
        }
    }

    /// Numbers rounded to whole ones; less than one piece (0.35 kg) counts as one.
    pub(super) fn whole(
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

    pub(super) fn stock(&mut self, row: &RowValues<'_>) -> Result<ArrayRef, ArrowError> {
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

    pub(super) fn truth(
        &mut self,
        name: &'static str,
        row: &RowValues<'_>,
    ) -> Result<ArrayRef, ArrowError> {
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

    pub(super) fn action(&mut self, row: &mut RowValues<'_>) -> Result<Int32Array, ArrowError> {
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
                let default = self.told.default_action.map(ActionCode::Known);
                let ignored = self.shape.ignores_other_actions;
                let action = default.or(ignored.then_some(ActionCode::Ignored));
                if action.is_none() {
                    row.problems
                        .add(at, "unknown_action", || "the action is missing".into());
                }
                built.append_option(action.map(ActionCode::code));
                continue;
            };
            let known = match &last {
                Some((word, code)) if word == text => *code,
                _ => {
                    let code = self.shape.action(&plain(text));
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

    pub(super) fn part(&mut self, row: &mut RowValues<'_>) -> Result<ArrayRef, ArrowError> {
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
    pub(super) fn judge_sales(
        &mut self,
        actions: Option<&Int32Array>,
        row: &mut RowValues<'_>,
    ) -> Result<(), ArrowError> {
        let told = ["order_status", "cancelled_at"].map(|name| self.sources(name, &row.columns));
        if told.iter().all(Vec::is_empty) {
            return Ok(());
        }
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
}

/// Times by the type in which a source keeps them.
enum Moments {
    /// Milliseconds of a calendar without a zone.
    Local(Int64Array),
    Numbers(Float64Array),
    Texts(StringArray),
}
