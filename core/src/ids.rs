//! The shop's item ids and the rows they have.

pub(crate) mod nodes;

/// Ids in byte order; an id's row is its place.
pub(crate) enum Ids {
    /// As a bundle's file has them.
    Fst(fst::Map<Vec<u8>>),
    /// One by one.
    Listed(Vec<String>),
}

impl Ids {
    /// The row of an id.
    pub(crate) fn row(&self, id: &str) -> Option<u32> {
        match self {
            Self::Fst(map) => map.get(id).and_then(|row| u32::try_from(row).ok()),
            Self::Listed(ids) => {
                let found = ids.binary_search_by(|known| known.as_str().cmp(id));
                found.ok().map(|row| row as u32)
            }
        }
    }

    /// The id of a row.
    pub(crate) fn id(&self, row: u32) -> Option<String> {
        match self {
            Self::Fst(map) => String::from_utf8(map.as_fst().get_key(u64::from(row))?).ok(),
            Self::Listed(ids) => ids.get(row as usize).cloned(),
        }
    }
}
