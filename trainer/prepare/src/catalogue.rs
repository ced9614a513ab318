//! What the catalogue says of stock, told to a person.

use crate::engine::{Engine, statement};
use crate::error::PrepareError;
use crate::notice::Notices;
use crate::pipeline::{Sources, single, text, whole};

/// Says which items are history only, and of which nothing tells the stock.
pub(crate) async fn tell(
    engine: &Engine<'_>,
    sources: &Sources<'_>,
    notices: &Notices,
) -> Result<(), PrepareError> {
    let told = single(engine.rows(&statement!("report/70_completeness")).await?);
    let count = |name: &str| whole(&told, name).unwrap_or(0);
    if count("unlisted") > 0 {
        notices.add(
            "unlisted_items",
            format!(
                "{} of {} items have events ({} in all) and are not in the items file, e.g. '{}': they are learned from as history and never counted as in stock.",
                count("unlisted"),
                count("items"),
                count("events_of_unlisted"),
                text(&told, "an_unlisted", 0).unwrap_or_default()
            ),
            "If the shop still sells them, export all items; if their ids are written otherwise, name the column with --column items.item_id=COLUMN.",
        );
    }
    if sources.stock && count("of_unknown_stock") > 0 {
        notices.add(
            "stock_not_told",
            format!(
                "The items file does not tell of {} of {} items whether they are in stock: a filter for what is in stock leaves them out.",
                count("of_unknown_stock"),
                count("items")
            ),
            "Fill in the column, or leave it out of the export where all items can be sold.",
        );
    }
    Ok(())
}
