//! Checks an fst's nodes before the `fst` crate follows them, and how they number their keys.
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
const ADDRESSES: usize = 16_384;

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

    #[inline(always)]
    fn mark(&mut self, address: usize) {
        self.reached[address / 64] |= 1 << (address % 64);
    }

    /// Marks where the node at `address` leads; `None` when something of it is outside.
    fn node(&mut self, bytes: &[u8], address: usize) -> Option<()> {
        for target in Node::read(bytes, address)?.targets() {
            match target? {
                END => {}
                target => self.mark(target),
            }
        }
        Some(())
    }
}

/// A second walk, from the last nodes up, that counts the keys below each: it shows that keys are
/// numbered in their order without looking at one. Where each way of a node begins with as many as
/// stand before it, as the builder writes them, they are.
pub(crate) struct Numbering {
    reached: Vec<u64>,
    /// How many nodes were reached before each word of `reached`.
    before: Vec<u32>,
    /// Keys below each node that was reached, in the order of their addresses.
    counts: Vec<u32>,
    /// The next word.
    next: usize,
}

impl Numbering {
    /// Of nodes that have all been looked at.
    pub(crate) fn of(nodes: Nodes) -> Self {
        let mut sum = 0;
        let before = nodes.reached.iter().map(|word| {
            sum += word.count_ones();
            sum - word.count_ones()
        });
        Self {
            before: before.collect(),
            counts: Vec::with_capacity(sum as usize),
            reached: nodes.reached,
            next: 0,
        }
    }

    /// Counts on. At the end, whether the numbers are known to be those of the order, and the keys
    /// to be ASCII; where that is not so, only a look at each key can tell.
    pub(crate) fn step(&mut self, bytes: &[u8]) -> Option<bool> {
        let end = self.reached.len().min(self.next + ADDRESSES / 64);
        for at in self.next..end {
            let mut word = self.reached[at];
            while word != 0 {
                let address = at * 64 + word.trailing_zeros() as usize;
                word &= word - 1;
                let Some(count) = self.keys(bytes, address) else {
                    return Some(false);
                };
                self.counts.push(count);
            }
        }
        self.next = end;
        (end == self.reached.len()).then_some(true)
    }

    /// How many keys there are, once all have been counted. The root stands last.
    pub(crate) fn keys_of_all(&self) -> Option<u32> {
        self.counts.last().copied()
    }

    /// How many keys end at the node at `address` or below it; `None` where they are not numbered
    /// in order, or not all ASCII.
    fn keys(&self, bytes: &[u8], address: usize) -> Option<u32> {
        if address == END {
            return Some(1);
        }
        let node = Node::read(bytes, address).filter(|node| node.ascii)?;
        let mut outputs = node.outputs.chunks_exact(node.output.max(1)).map(number);
        let mut count = 0;
        if node.is_final {
            count = 1;
            if outputs.next().unwrap_or(0) != 0 {
                return None;
            }
        }
        let mut outputs = outputs.rev();
        let mut ways = 0;
        for target in node.targets().rev() {
            ways += 1;
            if outputs.next().unwrap_or(0) != u64::from(count) {
                return None;
            }
            let target = target?;
            let below = match target {
                END => 1,
                _ => {
                    let word = self.reached[target / 64] & ((1 << (target % 64)) - 1);
                    let place = self.before[target / 64] + word.count_ones();
                    *self.counts.get(place as usize)?
                }
            };
            count = below.checked_add(count)?;
        }
        (ways > 0 || node.is_final).then_some(count)
    }
}

/// How the walk goes on from an address.
struct Node<'a> {
    is_final: bool,
    /// Whether every byte that it goes on with is ASCII.
    ascii: bool,
    /// How far before `end` each node is that it leads to, the last one first.
    addresses: &'a [u8],
    /// Bytes of one of them.
    width: usize,
    /// The output of a key that ends here, and those of the ways on, the last one first.
    outputs: &'a [u8],
    /// Bytes of one of them.
    output: usize,
    end: usize,
}

impl<'a> Node<'a> {
    /// Reads the node at `address`; `None` when something of it is outside.
    fn read(bytes: &'a [u8], address: usize) -> Option<Self> {
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
            let inputs = rest.take(count)?;
            let addresses = rest.take(count * width)?;
            let outputs = if is_final { count + 1 } else { count };
            let outputs = rest.take(outputs * output)?;
            if count > 0 && width == 0 {
                return None;
            }
            return Some(Self {
                is_final,
                ascii: inputs.is_ascii(),
                addresses,
                width,
                outputs,
                output,
                end: rest.end(),
            });
        }
        // The bytes that have a short form are ASCII.
        let ascii = small != 0 || rest.byte()?.is_ascii();
        if state & 0x40 != 0 {
            // It leads to the node that was written just before it.
            return Some(Self {
                is_final: false,
                ascii,
                addresses: &[1],
                width: 1,
                outputs: &[],
                output: 0,
                end: rest.end(),
            });
        }
        let (width, output) = rest.sizes()?;
        let addresses = rest.take(width).filter(|delta| !delta.is_empty())?;
        let outputs = rest.take(output)?;
        Some(Self {
            is_final: false,
            ascii,
            addresses,
            width,
            outputs,
            output,
            end: rest.end(),
        })
    }

    /// The addresses of the nodes that it leads to, the last one first; `None` for one outside.
    fn targets(&self) -> impl DoubleEndedIterator<Item = Option<usize>> + use<'a> {
        let end = self.end;
        self.addresses
            .chunks_exact(self.width.max(1))
            .map(move |delta| match usize::try_from(number(delta)).ok()? {
                0 => Some(END),
                delta => end.checked_sub(delta).filter(|&address| address >= HEADER),
            })
    }
}

/// Up to eight bytes, the lowest first.
fn number(bytes: &[u8]) -> u64 {
    let low = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
    bytes.iter().rev().fold(0, low)
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

    /// Whether the keys are known to be numbered in their order; how many there are.
    fn numbered(bytes: &[u8]) -> Option<u32> {
        let mut nodes = Nodes::open(bytes).unwrap();
        while !nodes.step(bytes).unwrap() {}
        let mut numbering = Numbering::of(nodes);
        loop {
            match numbering.step(bytes) {
                Some(true) => return numbering.keys_of_all(),
                Some(false) => return None,
                None => {}
            }
        }
    }

    #[test]
    fn numbers_in_order_are_known_of_plain_keys() {
        let counts: Vec<_> = shops().iter().map(|bytes| numbered(bytes)).collect();
        // The last shop has other letters than ASCII.
        assert_eq!(counts, [Some(1), Some(4), Some(40_000), None]);
        for rows in [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 0, 0], [5, 4, 3]] {
            let mut builder = fst::MapBuilder::memory();
            for (key, row) in ["a", "ab", "b"].into_iter().zip(rows) {
                builder.insert(key, row).unwrap();
            }
            assert_eq!(numbered(&builder.into_inner().unwrap()), None, "{rows:?}");
        }
    }

    #[test]
    fn what_passes_can_be_read_whatever_its_bytes() {
        let small: Vec<String> = (100..300).map(|id| format!("sku-{id}")).collect();
        let bytes = of(&small);
        let (mut passed, mut refused, mut known) = (0, 0, 0);
        for at in 0..bytes.len() {
            for value in [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xfb, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                if !checked(&bytes) {
                    refused += 1;
                    continue;
                }
                passed += 1;
                let count = numbered(&bytes);
                known += u32::from(count.is_some());
                let read = catch_unwind(move || {
                    let Ok(map) = fst::Map::new(bytes) else {
                        return;
                    };
                    let mut stream = map.stream();
                    let mut keys = 0;
                    while let Some((id, row)) = stream.next().filter(|_| keys < 1000) {
                        assert!(count.is_none() || row == keys && id.is_ascii());
                        keys += 1;
                    }
                    assert!(count.is_none_or(|count| u64::from(count).min(1000) == keys));
                    map.get("sku-250");
                    map.as_fst().get_key(7);
                });
                assert!(read.is_ok(), "byte {at} as {value}");
            }
        }
        assert!(passed > known && known > 0 && refused > 0);
    }
}
