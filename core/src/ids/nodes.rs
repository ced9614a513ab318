//! Checks an fst's nodes before the `fst` crate follows them.
//!
//! That crate trusts its files: an address that leads outside panics. So each node that the root
//! leads to is looked at first, by the layout of version 3 of the format (`fst` 0.4, `raw/node.rs`).
//! A node is read backwards from its address, and leads only to nodes written before it:
//!
//! ```text
//! final output, outputs, addresses, inputs, [index of 256], sizes, [count], state
//! ```

use crate::bundle::BundleError;
use crate::manifest::file;

/// Version and type, 8 bytes each, stand before the first node.
const HEADER: usize = 16;
/// Number of keys and address of the root, 8 bytes each, and a checksum of 4 after the last.
const FOOTER: usize = 20;
/// The only version that is read, and written.
const VERSION: u64 = 3;
/// The node that ends a key and goes on to nothing; it has no bytes.
const END: usize = 0;
/// Transitions beyond which a node has an index of them.
const INDEXED: usize = 32;
/// Bytes of an output at most: rows are below 2³², so that no sum of outputs overflows.
const OUTPUT: usize = 4;
/// Addresses that one step looks at.
const ADDRESSES: usize = 65_536;

/// The walk over an fst's nodes, from the root down.
pub(crate) struct Nodes {
    /// A bit for each address that a node above it leads to.
    reached: Vec<u64>,
    /// All addresses from here on were looked at.
    next: usize,
}

impl Nodes {
    /// Checks what stands around the nodes.
    pub(crate) fn open(bytes: &[u8]) -> Result<Self, BundleError> {
        let number = |at: Option<usize>| {
            let bytes = bytes.get(at?..)?.first_chunk()?;
            Some(u64::from_le_bytes(*bytes))
        };
        if number(Some(0)) != Some(VERSION) {
            return Err(refused("is not an fst of version 3"));
        }
        let root = number(bytes.len().checked_sub(FOOTER - 8))
            .and_then(|root| usize::try_from(root).ok())
            .ok_or_else(|| refused("is too short"))?;
        let last = bytes.len().checked_sub(FOOTER + 1);
        if last.is_none_or(|last| root != END && (root < HEADER || root != last)) {
            return Err(refused("has no node where it says that its first one is"));
        }
        let mut nodes = Self {
            reached: vec![0; root / 64 + 1],
            next: root + 1,
        };
        nodes.mark(root);
        Ok(nodes)
    }

    /// Looks at some addresses; `true` when all nodes have been looked at.
    pub(crate) fn step(&mut self, bytes: &[u8]) -> Result<bool, BundleError> {
        let end = self.next.saturating_sub(ADDRESSES).max(HEADER);
        while self.next > end {
            let address = self.next - 1;
            let word = self.reached[address / 64] & (u64::MAX >> (63 - address % 64));
            if word == 0 {
                self.next = (address / 64 * 64).max(end);
                continue;
            }
            let address = (address / 64 * 64 + 63 - word.leading_zeros() as usize).max(end);
            self.next = address;
            if self.reached[address / 64] >> (address % 64) & 1 == 1 {
                self.node(bytes, address)
                    .ok_or_else(|| refused("has a node that leads outside it"))?;
            }
        }
        Ok(self.next <= HEADER)
    }

    fn mark(&mut self, address: usize) {
        self.reached[address / 64] |= 1 << (address % 64);
    }

    /// Marks where the node at `address` leads; `None` when something of it is outside.
    fn node(&mut self, bytes: &[u8], address: usize) -> Option<()> {
        let mut rest = Backwards {
            bytes: bytes.get(HEADER..=address)?,
        };
        let state = rest.byte()?;
        let small = usize::from(state & 0x3f);
        if state & 0x80 == 0 {
            let count = match small {
                0 => match rest.byte()? {
                    1 => 256,
                    count => usize::from(count),
                },
                count => count,
            };
            let is_final = state & 0x40 != 0;
            // A way that ends nowhere would be walked in vain, again and again.
            if count == 0 && !is_final {
                return None;
            }
            let (width, output) = rest.sizes()?;
            if count > INDEXED {
                rest.take(256)?;
            }
            rest.take(count)?;
            let addresses = rest.take(count * width)?;
            let outputs = if is_final { count + 1 } else { count };
            rest.take(outputs * output)?;
            if count > 0 && width == 0 {
                return None;
            }
            for delta in addresses.chunks_exact(width.max(1)) {
                self.lead(rest.end(), delta)?;
            }
            return Some(());
        }
        if small == 0 {
            rest.byte()?;
        }
        if state & 0x40 != 0 {
            // It leads to the node that was written just before it.
            return self.lead(rest.end(), &[1]);
        }
        let (width, output) = rest.sizes()?;
        let delta = rest.take(width).filter(|delta| !delta.is_empty())?;
        rest.take(output)?;
        self.lead(rest.end(), delta)
    }

    /// Marks the node `delta` before `end`; a delta of 0 is the end of a key.
    fn lead(&mut self, end: usize, delta: &[u8]) -> Option<()> {
        let mut wide = [0; 8];
        wide.get_mut(..delta.len())?.copy_from_slice(delta);
        let delta = usize::try_from(u64::from_le_bytes(wide)).ok()?;
        if delta != 0 {
            let address = end
                .checked_sub(delta)
                .filter(|&address| address >= HEADER)?;
            self.mark(address);
        }
        Some(())
    }
}

/// What stands before an address, read from its end.
struct Backwards<'a> {
    bytes: &'a [u8],
}

impl<'a> Backwards<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, before) = self.bytes.split_last()?;
        self.bytes = before;
        Some(byte)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let at = self.bytes.len().checked_sub(count)?;
        let (before, taken) = self.bytes.split_at(at);
        self.bytes = before;
        Some(taken)
    }

    /// Bytes of an address and of an output.
    fn sizes(&mut self) -> Option<(usize, usize)> {
        let sizes = usize::from(self.byte()?);
        let (width, output) = (sizes >> 4, sizes & 0xf);
        (width <= 8 && output <= OUTPUT).then_some((width, output))
    }

    /// The address that `fst` counts from: of the first byte that was read.
    fn end(&self) -> usize {
        HEADER + self.bytes.len()
    }
}

fn refused(reason: &str) -> BundleError {
    BundleError::content(file::ITEMS, reason)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;
    use fst::Streamer;
    use std::panic::catch_unwind;

    fn checked(bytes: &[u8]) -> bool {
        let Ok(mut nodes) = Nodes::open(bytes) else {
            return false;
        };
        loop {
            match nodes.step(bytes) {
                Ok(true) => return true,
                Ok(false) => {}
                Err(_) => return false,
            }
        }
    }

    fn of(ids: &[String]) -> Vec<u8> {
        let mut builder = fst::MapBuilder::memory();
        for (row, id) in ids.iter().enumerate() {
            builder.insert(id, row as u64).unwrap();
        }
        builder.into_inner().unwrap()
    }

    /// Ids with every kind of node: long tails, wide nodes, more than 32 and 256 branches.
    fn shops() -> Vec<Vec<u8>> {
        let mut wide: Vec<String> = (0..40_000u32)
            .map(|id| format!("{:x}", id * 7919))
            .collect();
        wide.sort();
        let mut letters: Vec<String> = ('!'..'\u{4ff}').map(|c| format!("{c}-item")).collect();
        letters.sort();
        vec![
            of(&["one".into()]),
            of(&["a".into(), "ab".into(), "abc".into(), "b".into()]),
            of(&wide),
            of(&letters),
        ]
    }

    #[test]
    fn what_the_builder_writes_passes() {
        for bytes in shops() {
            assert!(checked(&bytes), "{} bytes", bytes.len());
        }
    }

    #[test]
    fn what_passes_can_be_read_whatever_its_bytes() {
        let small: Vec<String> = (100..300).map(|id| format!("sku-{id}")).collect();
        let bytes = of(&small);
        let (mut passed, mut refused) = (0, 0);
        for at in 0..bytes.len() {
            for value in [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xfb, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                if !checked(&bytes) {
                    refused += 1;
                    continue;
                }
                passed += 1;
                let read = catch_unwind(move || {
                    let Ok(map) = fst::Map::new(bytes) else {
                        return;
                    };
                    let mut stream = map.stream();
                    let mut keys = 0;
                    while keys < 1000 && stream.next().is_some() {
                        keys += 1;
                    }
                    map.get("sku-250");
                    map.as_fst().get_key(7);
                });
                assert!(read.is_ok(), "byte {at} as {value}");
            }
        }
        assert!(passed > 0 && refused > 0);
    }
}
