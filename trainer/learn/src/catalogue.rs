//! `catalogue.json`: what a storefront shows of the items.

use crate::dataset::{DatasetError, read_facts};
use crate::files::write_atomically;
use crate::parquet_columns::{Columns, ReadError};
use arrow::datatypes::{Float64Type, Int64Type};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Why the catalogue could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The prepared folder can't be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// `items.parquet` can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The catalogue can't be written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

#[derive(Serialize)]
struct Catalogue {
    name: String,
    synthetic: bool,
    currency: String,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    id: String,
    title: String,
    category: Option<String>,
    price: Option<f64>,
    image: Option<String>,
    in_stock: bool,
    popularity: i64,
}

/// Writes the catalogue of the prepared folder `data`, the shop's own order being that of
/// popularity; returns the number of items.
pub fn write(data: &Path, currency: &str, path: &Path) -> Result<usize, CatalogueError> {
    let facts = read_facts(&data.join("dataset.json"))?;
    let columns = Columns::read(
        &data.join("items.parquet"),
        &[
            "item_id", "title", "category", "price", "image", "in_stock", "events",
        ],
    )?;
    let title = columns.texts("title")?;
    let category = columns.texts("category")?;
    let price = columns.numbers::<Float64Type>("price")?;
    let image = columns.texts("image")?;
    let in_stock = columns.truths("in_stock")?;
    let events = columns.numbers::<Int64Type>("events")?;
    let mut items: Vec<Item> = columns
        .texts("item_id")?
        .into_iter()
        .enumerate()
        .filter_map(|(row, id)| {
            let id = id?;
            Some(Item {
                title: title[row].clone().unwrap_or_else(|| format!("Item {id}")),
                category: category[row].clone(),
                price: price[row],
                image: image[row].clone(),
                in_stock: in_stock[row].unwrap_or(false),
                popularity: events[row].unwrap_or(0),
                id,
            })
        })
        .collect();
    items.sort_by(|a, b| {
        b.popularity
            .cmp(&a.popularity)
            .then_with(|| a.id.cmp(&b.id))
    });
    let count = items.len();
    let catalogue = Catalogue {
        name: facts.name,
        synthetic: facts.synthetic,
        currency: currency.into(),
        items,
    };
    let json = serde_json::to_vec(&catalogue).unwrap_or_default();
    write_atomically(path, &json).map_err(|source| CatalogueError::File {
        path: path.into(),
        source,
    })?;
    Ok(count)
}
