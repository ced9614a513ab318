//! `facets.json`: what filters need, by row.

use crate::bundle::BundleError;
use crate::incoming::Reader;
use crate::manifest::file;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A price band that stands for "no price known".
pub const NO_BAND: u8 = u8::MAX;

/// Category, price band and stock of every row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facets {
    /// Names of the categories.
    pub categories: Vec<String>,
    /// Index into `categories` by row; `[N]`, -1 where there is none.
    pub category: Vec<i32>,
    /// Upper edges of the price bands in the shop's currency, rising; band b lies below edge b.
    pub price_edges: Vec<f64>,
    /// Price band by row; `[N]`, [`NO_BAND`] where no price is known.
    pub price_band: Vec<u8>,
    /// Whether the row can be sold; `[N]`.
    pub in_stock: Vec<bool>,
}

/// What a listing asks for. An empty filter lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Names of categories, any of which will do; unknown names match nothing.
    pub category: Option<Vec<String>>,
    /// Price bands, any of which will do.
    pub price_band: Option<Vec<u8>>,
    /// Only what can be sold.
    pub in_stock: bool,
    /// Only what this session has not seen.
    pub unseen: bool,
}

impl Filter {
    /// Whether it asks for what only facets know.
    pub fn needs_facets(&self) -> bool {
        self.category.is_some() || self.price_band.is_some() || self.in_stock
    }
}

impl Facets {
    /// Parses and checks verified bytes for N `items`.
    ///
    /// # Errors
    /// [`BundleError::Content`] with the field of the wrong length or range.
    pub fn parse(items: u32, bytes: &[u8]) -> Result<Self, BundleError> {
        let mut reader = FacetsReader::new(items, bytes.to_vec());
        while !reader.step()? {}
        reader.finish()
    }

    /// The test that `filter` puts to the facets of a row, with the names looked up once.
    pub fn test<'a>(&'a self, filter: &'a Filter) -> impl Fn(u32) -> bool + 'a {
        let wanted: Option<Vec<bool>> = filter.category.as_ref().map(|names| {
            self.categories
                .iter()
                .map(|category| names.contains(category))
                .collect()
        });
        move |row| {
            let row = row as usize;
            let category = wanted.as_ref().is_none_or(|wanted| {
                usize::try_from(self.category[row]).is_ok_and(|category| wanted[category])
            });
            let band = filter
                .price_band
                .as_ref()
                .is_none_or(|bands| bands.contains(&self.price_band[row]));
            category && band && (!filter.in_stock || self.in_stock[row])
        }
    }
}

/// Bytes that one step looks at.
const SLICE: usize = 1 << 15;

/// Facets that are read a slice at a time.
///
/// The file is one object, and its long arrays hold plain numbers and words. The first pass finds
/// where the value of each field is; then the arrays are read from there.
pub(crate) struct FacetsReader {
    items: usize,
    bytes: Vec<u8>,
    at: usize,
    depth: usize,
    in_text: bool,
    escaped: bool,
    /// Where the current key or value begins.
    from: usize,
    key: Option<String>,
    /// Fields that are to be read.
    fields: Vec<(String, Range<usize>)>,
    facets: Facets,
}

fn fail(reason: impl Into<String>) -> BundleError {
    BundleError::content(file::FACETS, reason)
}

impl FacetsReader {
    /// A reader of verified bytes for N `items`.
    pub(crate) fn new(items: u32, bytes: Vec<u8>) -> Self {
        Self {
            items: items as usize,
            bytes,
            at: 0,
            depth: 0,
            in_text: false,
            escaped: false,
            from: 0,
            key: None,
            fields: Vec::new(),
            facets: Facets {
                categories: Vec::new(),
                category: Vec::new(),
                price_edges: Vec::new(),
                price_band: Vec::new(),
                in_stock: Vec::new(),
            },
        }
    }

    /// Looks at one byte of the object's outer form.
    fn look(&mut self) -> Result<(), BundleError> {
        let byte = self.bytes[self.at];
        if self.in_text {
            self.in_text = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return Ok(());
        }
        if self.depth == 0 && !byte.is_ascii_whitespace() {
            // One object, and nothing after it.
            if byte != b'{' || self.from > 0 {
                return Err(fail("is not one JSON object"));
            }
            self.from = self.at + 1;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.end_field()?;
                }
            }
            b':' if self.depth == 1 => {
                let key = serde_json::from_slice(&self.bytes[self.from..self.at]);
                self.key = Some(key.map_err(|e| fail(e.to_string()))?);
                self.from = self.at + 1;
            }
            b',' if self.depth == 1 => {
                self.end_field()?;
                self.from = self.at + 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn end_field(&mut self) -> Result<(), BundleError> {
        let Some(key) = self.key.take() else {
            return Err(fail("has a value without a name"));
        };
        self.fields.push((key, self.from..self.at));
        Ok(())
    }
}

impl Reader for FacetsReader {
    type Read = Facets;

    fn step(&mut self) -> Result<bool, BundleError> {
        if self.at < self.bytes.len() {
            let end = self.bytes.len().min(self.at + SLICE);
            while self.at < end {
                self.look()?;
                self.at += 1;
            }
            return Ok(false);
        }
        if self.depth > 0 || self.in_text {
            return Err(fail("ends too early"));
        }
        let Some((field, range)) = self.fields.last_mut() else {
            return Ok(true);
        };
        let Self { bytes, facets, .. } = self;
        let whole = |range: &Range<usize>| &bytes[range.clone()];
        let json = |e: serde_json::Error| fail(e.to_string());
        let read = match field.as_str() {
            "categories" => {
                facets.categories = serde_json::from_slice(whole(range)).map_err(json)?;
                true
            }
            "price_edges" => {
                facets.price_edges = serde_json::from_slice(whole(range)).map_err(json)?;
                true
            }
            "category" => elements(bytes, range, &mut facets.category, number)?,
            "price_band" => elements(bytes, range, &mut facets.price_band, number)?,
            "in_stock" => elements(bytes, range, &mut facets.in_stock, |word| match word {
                b"true" => Some(true),
                b"false" => Some(false),
                _ => None,
            })?,
            other => return Err(fail(format!("has an unknown field '{other}'"))),
        };
        if read {
            self.fields.pop();
        }
        Ok(false)
    }

    fn finish(self) -> Result<Facets, BundleError> {
        let Self { items, facets, .. } = self;
        for (field, length) in [
            ("category", facets.category.len()),
            ("price_band", facets.price_band.len()),
            ("in_stock", facets.in_stock.len()),
        ] {
            if length != items {
                return Err(fail(format!("'{field}' has {length} rows, not {items}")));
            }
        }
        let known = -1..i32::try_from(facets.categories.len()).unwrap_or(i32::MAX);
        if let Some(row) = facets.category.iter().position(|c| !known.contains(c)) {
            return Err(fail(format!(
                "'category' of row {row} is not in 'categories'"
            )));
        }
        Ok(facets)
    }
}

/// Reads on in an array, the rest of which is `rest`; `true` when it has been read.
fn elements<T>(
    bytes: &[u8],
    rest: &mut Range<usize>,
    into: &mut Vec<T>,
    parse: impl Fn(&[u8]) -> Option<T>,
) -> Result<bool, BundleError> {
    let wrong = || fail("has an array with something else in it than numbers or words");
    let stop = rest.end.min(rest.start + SLICE);
    if into.is_empty() {
        let array = bytes[rest.clone()].trim_ascii();
        let inner = array.strip_prefix(b"[").and_then(|a| a.strip_suffix(b"]"));
        let inner = inner.ok_or_else(wrong)?;
        let before = bytes[rest.clone()].iter().position(|&b| b == b'[');
        rest.start += before.map_or(0, |at| at + 1);
        rest.end = rest.start + inner.len();
    }
    while rest.start < stop {
        let left = &bytes[rest.clone()];
        let comma = left.iter().position(|&b| b == b',');
        let element = &left[..comma.unwrap_or(left.len())];
        into.push(parse(element.trim_ascii()).ok_or_else(wrong)?);
        match comma {
            Some(comma) => rest.start += comma + 1,
            None => return Ok(true),
        }
    }
    Ok(false)
}

fn number<T: std::str::FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;

    fn many(items: usize) -> Facets {
        Facets {
            categories: vec!["a \"quoted\", [odd] {name}: \\".into(), "ü".into()],
            category: (0..items).map(|row| row as i32 % 3 - 1).collect(),
            price_edges: vec![1.5, 2e3],
            price_band: (0..items).map(|row| (row % 256) as u8).collect(),
            in_stock: (0..items).map(|row| row % 7 > 0).collect(),
        }
    }

    #[test]
    fn what_was_written_is_read_whatever_the_slices() {
        for items in [1, 2, 5000, 40_000] {
            let facets = many(items);
            for bytes in [
                serde_json::to_vec(&facets).unwrap(),
                serde_json::to_vec_pretty(&facets).unwrap(),
            ] {
                assert_eq!(Facets::parse(items as u32, &bytes).unwrap(), facets);
            }
        }
    }

    #[test]
    fn what_is_not_of_the_form_is_refused() {
        let good = serde_json::to_string(&many(3)).unwrap();
        let refused = |text: &str| Facets::parse(3, text.as_bytes()).unwrap_err().to_string();
        assert!(Facets::parse(3, good.as_bytes()).is_ok());
        assert!(refused(&good.replace("in_stock", "on_stock")).contains("on_stock"));
        assert!(refused(&good.replace("[false,true,true]", "[false,true]")).contains("2 rows"));
        assert!(refused(&good.replace("[-1,0,1]", "[-1,0,2]")).contains("row 2"));
        for (from, to) in [
            ("[-1,0,1]", "[-1,0,1.5]"),
            ("[-1,0,1]", "[-1,,1]"),
            ("[-1,0,1]", "-1,0,1]"),
            ("[-1,0,1]", "[]"),
            ("[0,1,2]", "[0,1,256]"),
            ("[false,true,true]", "[false,null,true]"),
        ] {
            assert!(good.contains(from));
            refused(&good.replace(from, to));
        }
        for text in [
            "",
            "[]",
            "{}",
            "{",
            "]",
            "{}{}",
            "{\"a\"",
            "3",
            "{\"a\":1}}",
        ] {
            refused(text);
        }
        for end in 0..good.len() {
            assert!(Facets::parse(3, &good.as_bytes()[..end]).is_err());
        }
        refused(&format!("{good} x"));
    }
}
