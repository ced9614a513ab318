//! What was found out while reading, told to a person.

use super::Values;
use super::kinds::measure;
use crate::notice::Notices;
use crate::typed::number::{Decimal, Numbers};
use crate::typed::time::{TimeFormat, TimeVerdict, Times};
use crate::unread::Unread;

impl Values<'_> {
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
        let decimals = self.decimals();
        for (name, numbers) in &self.numbers {
            if let (Some((count, example)), false) = (numbers.ambiguous(), decimals[name].sure) {
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
                    let format = TimeFormat::Recognised;
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
