//! Reads a shop's history and cleans, integrates and transforms it as SQL over Parquet.
