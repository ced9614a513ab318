//! A file as its difference from an earlier one, so that a next version costs what it changed.
//!
//! Rows stand in the order of their ids and tensors in one order, so two versions of a file agree
//! in the same order too. A delta is therefore one walk over both: it copies, corrects or passes
//! over bytes of the base and inserts new ones, and never goes back. So the base is read as it
//! arrives, in pieces, and nothing but the delta itself is held. VCDIFF (RFC 3284) goes back and
//! forth, and has no word for "nearly the same": most of what a retraining changes is a weight
//! that moves by a unit.
//!
//! ```text
//! delta = base length, result length, number of steps, steps, bytes
//! step  = copy, add, skip, insert
//! ```
//!
//! Numbers are LEB128. A step copies bytes of the base, then takes `add` bytes of it and adds to
//! each the delta's next byte (modulo 256), passes over `skip` and inserts `insert` bytes of the
//! delta. Nothing is compressed here: the web compresses what it carries.
//!
//! What the delta claims is checked as a whole before the first byte is made, and the file that
//! comes out is verified by the manifest as any other: a delta can be wrong, but no wrong file is
//! parsed.

mod between;

pub use between::between;

use crate::Digest;
use crate::manifest::{FileEntry, Manifest};

/// The end of a delta's name in a manifest.
const SUFFIX: &str = ".delta";

/// The name under which a manifest names the delta that makes its file `name` from the file
/// whose SHA-256 is `base`.
pub fn name(name: &str, base: Digest) -> String {
    format!("{name}.{base}{SUFFIX}")
}

/// Whether a manifest's file is a delta.
pub fn is_delta(name: &str) -> bool {
    name.ends_with(SUFFIX)
}

/// The deltas that make the file `name`: what each is made from, and its own entry.
pub fn of<'a>(
    manifest: &'a Manifest,
    name: &'a str,
) -> impl Iterator<Item = (Digest, &'a FileEntry)> {
    manifest.files.iter().filter_map(move |(file, entry)| {
        let base = file.strip_prefix(name)?.strip_prefix('.')?;
        Some((base.strip_suffix(SUFFIX)?.parse().ok()?, entry))
    })
}

/// Why a delta is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the delta {0}")]
pub struct DeltaError(&'static str);

/// How many bytes the steps of a delta move, by what is done with them.
#[derive(Clone, Copy, Default)]
struct Step {
    copy: u64,
    add: u64,
    skip: u64,
    insert: u64,
}

/// A checked delta on its way through its base.
pub struct Delta {
    bytes: Vec<u8>,
    /// Where the next step is.
    next: usize,
    /// Steps after the current one.
    left: u64,
    /// What is left of the current step.
    step: Step,
    /// Where the next byte is that is added or inserted.
    data: usize,
}

impl Delta {
    /// Checks a delta that makes a file of `length` bytes.
    ///
    /// # Errors
    /// [`DeltaError`] when it is cut short, makes a file of another length or leaves its base.
    pub fn open(bytes: Vec<u8>, length: u64) -> Result<Self, DeltaError> {
        let mut at = 0;
        let [base, result, steps] = [(); 3].map(|()| number(&bytes, &mut at));
        let cut = DeltaError("is cut short");
        let (base, result, steps) = (base.ok_or(cut)?, result.ok_or(cut)?, steps.ok_or(cut)?);
        if result != length {
            return Err(DeltaError("makes a file of another length"));
        }
        let first = at;
        let (mut read, mut made, mut given) = (0_u64, 0_u64, 0_u64);
        for _ in 0..steps {
            let step = step(&bytes, &mut at).ok_or(cut)?;
            let sum = |total: u64, parts: &[u64]| {
                let mut parts = parts.iter();
                parts.try_fold(total, |sum, &part| sum.checked_add(part))
            };
            let far = DeltaError("moves more bytes than there are");
            read = sum(read, &[step.copy, step.add, step.skip]).ok_or(far)?;
            made = sum(made, &[step.copy, step.add, step.insert]).ok_or(far)?;
            given = sum(given, &[step.add, step.insert]).ok_or(far)?;
        }
        if read > base {
            return Err(DeltaError("reads beyond its base"));
        }
        if made != result {
            return Err(DeltaError("does not make what it announces"));
        }
        if given != (bytes.len() - at) as u64 {
            return Err(DeltaError("has more or fewer bytes than its steps take"));
        }
        Ok(Self {
            bytes,
            next: first,
            left: steps,
            step: Step::default(),
            data: at,
        })
    }

    /// Takes the next piece of the base and gives the next piece of the file; the first may be
    /// empty. What comes after the last byte that is needed is ignored.
    pub fn apply(&mut self, mut base: &[u8]) -> Vec<u8> {
        let mut made = Vec::with_capacity(base.len());
        loop {
            let copied = taken(&mut base, &mut self.step.copy);
            made.extend_from_slice(copied);
            let corrected = match self.step.copy {
                0 => taken(&mut base, &mut self.step.add),
                _ => &[],
            };
            let data = &self.bytes[self.data..][..corrected.len()];
            made.extend(corrected.iter().zip(data).map(|(b, d)| b.wrapping_add(*d)));
            self.data += corrected.len();
            if self.step.copy == 0 && self.step.add == 0 {
                taken(&mut base, &mut self.step.skip);
            }
            if self.step.copy + self.step.add + self.step.skip > 0 {
                return made;
            }
            let inserted = self.step.insert as usize;
            made.extend_from_slice(&self.bytes[self.data..][..inserted]);
            self.data += inserted;
            self.step = Step::default();
            if self.left == 0 {
                return made;
            }
            self.left -= 1;
            // It was read before, when the delta was checked.
            self.step = step(&self.bytes, &mut self.next).unwrap_or_default();
        }
    }
}

/// As much of the front of `bytes` as is `wanted`; both shrink by it.
fn taken<'a>(bytes: &mut &'a [u8], wanted: &mut u64) -> &'a [u8] {
    let count = (*wanted).min(bytes.len() as u64);
    let (front, rest) = bytes.split_at(count as usize);
    *bytes = rest;
    *wanted -= count;
    front
}

fn step(bytes: &[u8], at: &mut usize) -> Option<Step> {
    Some(Step {
        copy: number(bytes, at)?,
        add: number(bytes, at)?,
        skip: number(bytes, at)?,
        insert: number(bytes, at)?,
    })
}

/// The LEB128 number at a place, which moves on; `None` when it is cut short or above 2⁶³.
fn number(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

fn write_number(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 128 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;

    /// The file that comes out when the base arrives in pieces of `piece` bytes.
    fn applied(delta: &[u8], base: &[u8], length: usize, piece: usize) -> Vec<u8> {
        let mut delta = Delta::open(delta.to_vec(), length as u64).unwrap();
        let mut made = delta.apply(&[]);
        for piece in base.chunks(piece) {
            made.extend(delta.apply(piece));
        }
        made
    }

    /// Numbers that look random, the same in each run.
    fn noise(seed: u64, count: usize) -> Vec<u8> {
        let mut state = seed;
        let next = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        (0..count).map(next).collect()
    }

    #[test]
    fn a_delta_worked_out_by_hand() {
        // Base abcdef → abdXYf: copy 2, add 1 to c, skip de, insert XY; copy f.
        let delta = [6, 6, 2, 2, 1, 2, 2, 1, 0, 0, 0, 1, b'X', b'Y'];
        for piece in [1, 2, 6] {
            assert_eq!(applied(&delta, b"abcdef", 6, piece), b"abdXYf");
        }
    }

    #[test]
    fn every_pair_of_files_has_a_delta() {
        let base = noise(1, 5000);
        let mut changed = base.clone();
        changed.splice(3000..3010, []);
        changed.splice(1000..1000, noise(2, 40));
        changed[20] = changed[20].wrapping_add(1);
        changed[4000] = 0;
        let reversed: Vec<u8> = base.iter().rev().copied().collect();
        let twice = [&base[..], &base[..]].concat();
        let files = [&[][..], &base, &changed, &reversed, &twice, &[7; 300]];
        for base in files {
            for file in files {
                let delta = between(base, file);
                for piece in [1, 77, 32_768] {
                    assert!(applied(&delta, base, file.len(), piece) == file);
                }
            }
        }
        // What changed, and a few numbers for each place.
        assert!(between(&base, &changed).len() < 40 + 40);
        assert!(between(&base, &base).len() < 12);
    }

    #[test]
    fn hostile_deltas_are_refused_before_a_byte_is_made() {
        let refused = |bytes: &[u8], length| Delta::open(bytes.to_vec(), length).err();
        assert_eq!(refused(&[], 0), Some(DeltaError("is cut short")));
        let length = Some(DeltaError("makes a file of another length"));
        assert_eq!(refused(&[6, 6, 0], 7), length);
        let beyond = Some(DeltaError("reads beyond its base"));
        assert_eq!(refused(&[6, 7, 1, 7, 0, 0, 0], 7), beyond);
        assert_eq!(refused(&[6, 6, 1, 6, 0, 1, 0], 6), beyond);
        let other = Some(DeltaError("does not make what it announces"));
        assert_eq!(refused(&[6, 6, 1, 5, 0, 0, 0], 6), other);
        let bytes = Some(DeltaError("has more or fewer bytes than its steps take"));
        assert_eq!(refused(&[6, 6, 1, 5, 0, 0, 1], 6), bytes);
        assert_eq!(refused(&[6, 6, 1, 6, 0, 0, 0, 0], 6), bytes);
        // Sums that come round, numbers without an end, and steps that are not there.
        let most = [255, 255, 255, 255, 255, 255, 255, 255, 127];
        let round = [
            &[6, 6, 2][..],
            &most,
            &most,
            &most,
            &most,
            &most,
            &most,
            &most,
            &most,
        ]
        .concat();
        let far = Some(DeltaError("moves more bytes than there are"));
        assert_eq!(refused(&round, 6), far);
        assert_eq!(refused(&[255; 40], 6), Some(DeltaError("is cut short")));
        let steps = [&[6, 6][..], &most].concat();
        assert_eq!(refused(&steps, 6), Some(DeltaError("is cut short")));
    }

    #[test]
    fn a_base_that_is_too_short_or_too_long_does_no_harm() {
        let (base, file) = (noise(1, 500), noise(1, 490));
        let delta = between(&base, &file);
        assert!(applied(&delta, &base[..100], 490, 7).len() < 490);
        let longer = [&base[..], &base].concat();
        assert_eq!(applied(&delta, &longer, 490, 7), file);
    }

    #[test]
    fn a_manifest_names_deltas_by_what_they_are_made_from() {
        let mut manifest = crate::manifest::tests::example();
        let (base, other) = (Digest::of(b"base"), Digest::of(b"other"));
        let entry = manifest.files["tables.safetensors"];
        for base in [base, other] {
            manifest
                .files
                .insert(name("tables.safetensors", base), entry);
        }
        manifest
            .files
            .insert("tables.safetensors.x.delta".into(), entry);
        let manifest = Manifest::parse(&manifest.to_bytes()).unwrap();
        let mut found: Vec<Digest> = of(&manifest, "tables.safetensors").map(|d| d.0).collect();
        found.sort();
        let mut wanted = [base, other];
        wanted.sort();
        assert_eq!(found, wanted);
        assert_eq!(of(&manifest, "items.fst").count(), 0);
        assert_eq!(manifest.whole_files().count(), 2);
    }
}
