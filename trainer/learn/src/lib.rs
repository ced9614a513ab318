//! Learns the item-to-item table, the session encoder and the fusion weights; compresses them
//! into a bundle and evaluates that bundle.

pub mod bundle;
pub mod catalogue;
pub mod cross_validation;
pub mod dataset;
pub mod demand;
pub mod doubts;
pub mod encoder;
pub mod evaluate;
pub mod facets;
pub mod field;
pub mod files;
pub mod frontier;
pub mod fusion;
pub mod levels;
mod page;
pub mod parameters;
pub mod parquet_columns;
mod plots;
pub mod progress;
pub mod recipe;
pub mod report;
pub mod retrain;
pub mod run;
pub mod search;
pub mod session_neighbours;
pub mod table;
pub mod tune;
