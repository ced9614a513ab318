//! The delta between two files: where they agree, found from the outside in.
//!
//! Pieces that occur once in either file are its landmarks; the longest list of landmarks that
//! rise in both is kept (patience difference, as in Bazaar and Git, over pieces of bytes instead
//! of lines), each is made as long as it goes, and what lies between two of them is looked at
//! again with shorter pieces.

use super::{Step, write_number};
use std::collections::HashMap;

/// Lengths of the pieces, from the first look to the last, in bytes.
const PIECES: [usize; 4] = [16, 8, 4, 3];
/// In a longer file only a sample of its pieces is looked at, about so many.
const LANDMARKS: usize = 1 << 20;

/// Bytes that are the same in both.
#[derive(Clone, Copy)]
struct Match {
    base: usize,
    file: usize,
    length: usize,
}

/// The delta that makes `file` from `base`.
pub fn between(base: &[u8], file: &[u8]) -> Vec<u8> {
    let mut matches = Vec::new();
    align(base, file, (0, 0), &PIECES, &mut matches);
    let end = Match {
        base: base.len(),
        file: file.len(),
        length: 0,
    };
    let (mut steps, mut data) = (Vec::new(), Vec::new());
    let (mut at, mut count) = ((0, 0), 0);
    let mut copy = 0;
    for found in matches.into_iter().chain([end]) {
        let (old, new) = (&base[at.0..found.base], &file[at.1..found.file]);
        let mut step = Step {
            copy,
            ..Step::default()
        };
        if old.len() == new.len() && alike(old, new) {
            step.add = new.len() as u64;
            data.extend(new.iter().zip(old).map(|(n, o)| n.wrapping_sub(*o)));
        } else {
            step.skip = old.len() as u64;
            step.insert = new.len() as u64;
            data.extend_from_slice(new);
        }
        if step.copy + step.add + step.skip + step.insert > 0 {
            for part in [step.copy, step.add, step.skip, step.insert] {
                write_number(part, &mut steps);
            }
            count += 1;
        }
        copy = found.length as u64;
        at = (found.base + found.length, found.file + found.length);
    }
    let mut delta = Vec::with_capacity(steps.len() + data.len() + 16);
    for number in [base.len() as u64, file.len() as u64, count] {
        write_number(number, &mut delta);
    }
    delta.extend(steps);
    delta.extend(data);
    delta
}

/// Whether half of the bytes have moved little: then their differences compress better.
fn alike(old: &[u8], new: &[u8]) -> bool {
    let near = |(o, n): (&u8, &u8)| n.wrapping_sub(*o).cast_signed().unsigned_abs() <= 8;
    2 * old.iter().zip(new).filter(|&pair| near(pair)).count() >= new.len()
}

/// Adds the matches of two stretches, which begin at `from`, in rising order.
fn align(base: &[u8], file: &[u8], from: (usize, usize), pieces: &[usize], found: &mut Vec<Match>) {
    let same =
        |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| pairs.take_while(|(a, b)| a == b).count();
    let head = same(&mut base.iter().zip(file));
    let (base, file) = (&base[head..], &file[head..]);
    let tail = same(&mut base.iter().rev().zip(file.iter().rev()));
    let (base, file) = (&base[..base.len() - tail], &file[..file.len() - tail]);
    let at = (from.0 + head, from.1 + head);
    let mut add = |base: usize, file: usize, length: usize| {
        if length > 0 {
            found.push(Match { base, file, length });
        }
    };
    add(from.0, from.1, head);
    if let Some((&piece, rest)) = pieces.split_first()
        && base.len() >= piece
        && file.len() >= piece
    {
        let mut done = (0, 0);
        let marks = landmarks(base, file, piece);
        for (b, f) in marks {
            // An earlier one may have been made so long that it has passed this one.
            if b < done.0 || f < done.1 || base[b..b + piece] != file[f..f + piece] {
                continue;
            }
            let (old, new) = (&base[done.0..b], &file[done.1..f]);
            align(old, new, (at.0 + done.0, at.1 + done.1), rest, found);
            let length = same(&mut base[b..].iter().zip(&file[f..]));
            found.push(Match {
                base: at.0 + b,
                file: at.1 + f,
                length,
            });
            done = (b + length, f + length);
        }
        let start = (at.0 + done.0, at.1 + done.1);
        align(&base[done.0..], &file[done.1..], start, rest, found);
    }
    if tail > 0 {
        found.push(Match {
            base: at.0 + base.len(),
            file: at.1 + file.len(),
            length: tail,
        });
    }
}

/// Places of pieces that occur once in each, rising in both.
fn landmarks(base: &[u8], file: &[u8], piece: usize) -> Vec<(usize, usize)> {
    let sample = (base.len().max(file.len()) / LANDMARKS).next_power_of_two() as u64;
    let (old, new) = (once(base, piece, sample), once(file, piece, sample));
    let mut pairs: Vec<(usize, usize)> = new
        .into_iter()
        .filter_map(|(hash, f)| Some((*old.get(&hash)?, f)))
        .collect();
    pairs.sort_unstable_by_key(|pair| pair.1);
    rising(&pairs)
}

/// Place by hash of the pieces that occur once, of each `sample`th hash.
fn once(bytes: &[u8], piece: usize, sample: u64) -> HashMap<u64, usize> {
    let mut places: HashMap<u64, Option<usize>> = HashMap::new();
    for (at, window) in bytes.windows(piece).enumerate() {
        let mut word = [0; 16];
        word[..piece].copy_from_slice(window);
        let mixed =
            u128::from_le_bytes(word).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let hash = (mixed >> 64) as u64 ^ (mixed >> 32) as u64;
        if hash & (sample - 1) == 0 {
            places
                .entry(hash)
                .and_modify(|place| *place = None)
                .or_insert(Some(at));
        }
    }
    let kept = places.into_iter();
    kept.filter_map(|(hash, place)| Some((hash, place?)))
        .collect()
}

/// The longest list of pairs whose first numbers rise too; their second numbers rise already.
fn rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // The last pair of the best list of each length, and the pair before each.
    let mut last: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, pair) in pairs.iter().enumerate() {
        let length = last.partition_point(|&end| pairs[end].0 < pair.0);
        before.push(length.checked_sub(1).map(|shorter| last[shorter]));
        if length == last.len() {
            last.push(at);
        } else {
            last[length] = at;
        }
    }
    let mut list: Vec<(usize, usize)> =
        std::iter::successors(last.last().copied(), |&at| before[at])
            .map(|at| pairs[at])
            .collect();
    list.reverse();
    list
}
