//! Orders in two files: one row an order in one, one row a line in the other.

use crate::columns::Input;
use crate::engine::{Engine, statement};
use crate::error::PrepareError;
use crate::mapping::Join;
use crate::notice::Notices;
use crate::pipeline::{single, whole};
use crate::values::schema;
use std::path::{Path, PathBuf};

/// Where the lines of an input are collected until they are joined.
pub(crate) fn lines_path(work: &Path, input: Input) -> PathBuf {
    work.join(format!("{}_lines.parquet", input.name()))
}

/// Where the rows of the other file are collected.
pub(crate) fn heads_path(work: &Path, input: Input) -> PathBuf {
    work.join(format!("{}_heads.parquet", input.name()))
}

/// Writes the collected table of an input from its lines and the rows of their orders.
pub(crate) async fn apply(
    engine: &Engine<'_>,
    input: Input,
    join: &Join,
    work: &Path,
    target: &Path,
    notices: &Notices,
) -> Result<(), PrepareError> {
    engine
        .register("order_lines", &lines_path(work, input))
        .await?;
    engine
        .register("order_heads", &heads_path(work, input))
        .await?;
    engine
        .view("orders_by_id", &statement!("join/10_orders_by_id"))
        .await?;
    let counts = single(engine.rows(&statement!("join/20_count_matches")).await?);
    let count = |name: &str| whole(&counts, name).unwrap_or(0);
    let file = join.file.display();
    if count("alone") > 0 {
        notices.add(
            "lines_without_head",
            format!(
                "{} of {} rows of the {} belong to an order that {file} does not have.",
                count("alone"),
                count("lines"),
                input.name()
            ),
            "Export both files over the same time, and name the order's column in each: order_id under the input and under its join.",
        );
    }
    if count("unreadable") > 0 {
        notices.add(
            "unreadable_heads",
            format!("{} rows of {file} can't be read.", count("unreadable")),
            "Export the file again; their lines have neither customer nor time.",
        );
    }
    engine
        .write(
            &statement!("join/30_lines_with_orders"),
            target,
            Some(schema(input)),
        )
        .await?;
    engine.forget(&["order_lines", "order_heads", "orders_by_id"])
}
