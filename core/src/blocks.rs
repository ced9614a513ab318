//! A large catalogue in blocks, of which a browser fetches those that a session and a page need.
//!
//! `blocks.bin` holds all rows of the bundle, [`ROWS`] to a block, in the order of their ids, and
//! `index.safetensors` says where each block is and what it hashes to. The index alone is
//! fetched whole; an id leads to its block by the first ids of the blocks, a neighbour's row by
//! division. A block is fetched as a range of bytes of `blocks.bin`, which any file host can
//! serve, and verified by itself. The blocks that are here are put together as a small bundle of
//! the ordinary kind, so that an item has the same score, to the bit, as in the whole one.
//!
//! Ids decide the order of rows, not categories: a page may name any items, so what counts is the
//! worst case, in which each of them lies in a block of its own. What M items cost is then about
//! `M · ROWS · row + N / ROWS · 22` bytes, which is least near 16 rows a block for M = 500 of a
//! million items. Half of a SHA-256 is kept of each block: to forge a block takes 2^128 attempts.
//!
//! `index.safetensors`, for K blocks:
//!
//! | tensor | type and shape | what |
//! | --- | --- | --- |
//! | `position_decay`, `action_weight`, `repeat`, `fusion` | | as in [`crate::tables`] |
//! | `block_bytes` | u16 `[K]` | length of each block; they follow one another |
//! | `block_hash` | u8 `[K, 16]` | the first half of its SHA-256 |
//! | `block_key_bytes` | u8 `[K]` | length of its key |
//! | `block_key` | u8 `[·]` | keys in rising order: no id of the block is below, none of those before is above or equal |
//! | `popular` | u32 `[·]` | the most popular rows, which recommendations begin with |
//! | `categories` | u8 `[·]` | names of the categories as a JSON list, only with facets |
//!
//! A row in a block, integers little-endian or as LEB128 (v): length of the id v, id, popularity
//! u16, prior i8, category + 1 v, price band u8, in stock u8, number of neighbours u8 and their
//! scale bf16, then for each the gap to it v and its weight u8; with an encoder its vector's scale
//! bf16 and the vector i8 `[D]`.

mod catalogue;
mod cut;
mod index;
mod row;

pub use catalogue::Catalogue;
pub use cut::{Blocks, cut};
pub(crate) use row::Row;

/// Rows of a block; the last one may have fewer.
pub const ROWS: u32 = 16;
/// Above so many items, a bundle is published in blocks too.
pub const LARGE: usize = 50_000;
/// Bytes of a block's hash that the index has.
const HASH: usize = 16;

/// Names of the index's own tensors.
mod tensor {
    pub const BLOCK_BYTES: &str = "block_bytes";
    pub const BLOCK_HASH: &str = "block_hash";
    pub const BLOCK_KEY_BYTES: &str = "block_key_bytes";
    pub const BLOCK_KEY: &str = "block_key";
    pub const POPULAR: &str = "popular";
    pub const CATEGORIES: &str = "categories";
}
