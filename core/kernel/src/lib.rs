//! The innermost loops: products of an i16 query with i8 item vectors here, and of rows with a
//! matrix in [`linear`].
//!
//! It is a crate of its own because cargo chooses a level of optimisation by crate: the browser's
//! modules are compiled for size, and this part of them for speed, at a fifth of the time for a
//! kilobyte. Everything that decides is in `vitrine-core`, and in `vitrine-encoder`.
//!
//! Products of the scan are sums of integers, so it does not matter in what order a machine adds:
//! WebAssembly's SIMD gives the bits that a plain loop gives. Relaxed SIMD would be a little
//! faster still and is not used: its answers differ between machines, and Safari refuses modules
//! that name it.

pub mod linear;

/// The longest vectors whose product an i32 holds in any case: 512 · 128 · 32,767 < 2³¹.
pub const EXACT: usize = 512;

/// Popularities that share a bound: the bound of popularity p is at place p / 256.
pub const STEP: u16 = 256;

/// The same bytes as signed numbers.
#[allow(
    unsafe_code,
    reason = "the standard library has no such cast of a slice; u8 and i8 have one layout"
)]
#[inline]
pub fn signed(bytes: &[u8]) -> &[i8] {
    // SAFETY: same address, length and lifetime; every u8 is an i8.
    unsafe { core::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
}

/// `⟨q, e⟩` of two `[D]` for D ≤ [`EXACT`].
pub fn product(vector: &[i8], units: &[i16]) -> i32 {
    let (vectors, rest) = vector.as_chunks::<8>();
    let (queries, last) = units.as_chunks::<8>();
    let rest = rest.iter().zip(last);
    eights(vectors, queries)
        + rest
            .map(|(&e, &q)| i32::from(e) * i32::from(q))
            .sum::<i32>()
}

/// By eights, so that a compiler sees the loop that it knows how to vectorise.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
fn eights(vectors: &[[i8; 8]], queries: &[[i16; 8]]) -> i32 {
    let eight = |e: &[i8; 8], q: &[i16; 8]| -> i32 {
        (0..8).map(|at| i32::from(e[at]) * i32::from(q[at])).sum()
    };
    vectors.iter().zip(queries).map(|(e, q)| eight(e, q)).sum()
}

/// The same: `dot` multiplies eight pairs and adds them by twos.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[allow(
    unsafe_code,
    reason = "each load is of an array of its own; WebAssembly asks for no alignment"
)]
#[inline(always)]
fn eights(vectors: &[[i8; 8]], queries: &[[i16; 8]]) -> i32 {
    use core::arch::wasm32::{
        i16x8_load_extend_i8x8, i32x4_add, i32x4_dot_i16x8, i32x4_extract_lane, i32x4_splat, v128,
        v128_load,
    };
    let mut sums = i32x4_splat(0);
    for (e, q) in vectors.iter().zip(queries) {
        // SAFETY: e has eight bytes and q sixteen.
        let dot = unsafe {
            i32x4_dot_i16x8(
                v128_load(q.as_ptr().cast::<v128>()),
                i16x8_load_extend_i8x8(e.as_ptr()),
            )
        };
        sums = i32x4_add(sums, dot);
    }
    i32x4_extract_lane::<0>(sums)
        + i32x4_extract_lane::<1>(sums)
        + i32x4_extract_lane::<2>(sums)
        + i32x4_extract_lane::<3>(sums)
}

/// A table of item vectors, a query, and what the rest of a score can be at most.
pub struct Scan<'a> {
    /// The query; `[D]`, D ≤ [`EXACT`].
    pub units: &'a [i16],
    /// Item vectors; `[N × D]`.
    pub vectors: &'a [i8],
    /// Value of one unit of each vector; `[N]`.
    pub scales: &'a [f32],
    /// Value of one unit of the query.
    pub scale: f32,
    /// α: what a product is weighed with.
    pub weight: f32,
    /// Popularity; `[N]`.
    pub popularity: &'a [u16],
    /// What is added to a product at most, by popularity / [`STEP`].
    pub bounds: &'a [f32; 256],
    /// The largest of the bounds.
    pub most: f32,
}

impl Scan<'_> {
    /// The first group of four rows, `row..row + 4`, at or after `row`, of which one may reach
    /// `threshold`, and which of them may: their bounds are not below. Where there is no such
    /// group, the row at which fewer than four are left, which may all.
    #[inline(never)]
    pub fn next(&self, mut row: usize, threshold: f32) -> (usize, [bool; 4]) {
        let dim = self.units.len();
        let items = self.popularity.len();
        assert!(self.vectors.len() == items * dim && self.scales.len() == items);
        while row + 4 <= items {
            let vectors = &self.vectors[row * dim..(row + 4) * dim];
            let scales = [0, 1, 2, 3].map(|at| self.scales[row + at]);
            let parts = four(
                vectors,
                self.units,
                scales.map(|s| self.scale * s),
                self.weight,
            );
            // Not "not above": a score that is NaN is not to be passed over.
            let below = |bound: f32, part: f32| bound + part < threshold;
            if !parts.iter().all(|&part| below(self.most, part)) {
                let popularity = &self.popularity[row..row + 4];
                let bound = |at: usize| self.bounds[usize::from(popularity[at] / STEP)];
                let may = [0, 1, 2, 3].map(|at| !below(bound(at), parts[at]));
                if may.contains(&true) {
                    return (row, may);
                }
            }
            row += 4;
        }
        (row, [true; 4])
    }
}

/// `weight · (⟨q, e⟩ · scale)` for four vectors `[4 × D]`.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline]
fn four(vectors: &[i8], units: &[i16], scales: [f32; 4], weight: f32) -> [f32; 4] {
    let dim = units.len();
    [0, 1, 2, 3].map(|at| {
        let total = product(&vectors[at * dim..(at + 1) * dim], units);
        weight * (total as f32 * scales[at])
    })
}

/// The same: a load of eight units of the query serves four vectors, and `dot` multiplies eight
/// pairs and adds them by twos.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[allow(
    unsafe_code,
    reason = "vectors are loaded from addresses; each is within its slice, as asserted"
)]
#[inline(always)]
fn four(vectors: &[i8], units: &[i16], scales: [f32; 4], weight: f32) -> [f32; 4] {
    use core::arch::wasm32::{
        f32x4, f32x4_convert_i32x4, f32x4_extract_lane, f32x4_mul, f32x4_splat,
        i16x8_load_extend_i8x8, i32x4, i32x4_add, i32x4_dot_i16x8, i32x4_shuffle, i32x4_splat,
        v128, v128_load,
    };
    let dim = units.len();
    assert!(vectors.len() == 4 * dim);
    let mut sums = [i32x4_splat(0); 4];
    let mut at = 0;
    while at + 8 <= dim {
        // SAFETY: at + 8 ≤ D; units hold D numbers and vectors 4 · D. WebAssembly asks for no
        // alignment.
        unsafe {
            let q = v128_load(units.as_ptr().add(at).cast::<v128>());
            for row in 0..4 {
                let e = i16x8_load_extend_i8x8(vectors.as_ptr().add(row * dim + at));
                sums[row] = i32x4_add(sums[row], i32x4_dot_i16x8(q, e));
            }
        }
        at += 8;
    }
    let [a, b, c, d] = sums;
    let pairs = |x: v128, y: v128| {
        i32x4_add(
            i32x4_shuffle::<0, 4, 2, 6>(x, y),
            i32x4_shuffle::<1, 5, 3, 7>(x, y),
        )
    };
    let (ab, cd) = (pairs(a, b), pairs(c, d));
    let mut totals = i32x4_add(
        i32x4_shuffle::<0, 1, 4, 5>(ab, cd),
        i32x4_shuffle::<2, 3, 6, 7>(ab, cd),
    );
    if at < dim {
        let rest = |row: usize| product(&vectors[row * dim + at..(row + 1) * dim], &units[at..]);
        totals = i32x4_add(totals, i32x4(rest(0), rest(1), rest(2), rest(3)));
    }
    let scales = f32x4(scales[0], scales[1], scales[2], scales[3]);
    let dots = f32x4_mul(f32x4_convert_i32x4(totals), scales);
    let parts = f32x4_mul(f32x4_splat(weight), dots);
    [
        f32x4_extract_lane::<0>(parts),
        f32x4_extract_lane::<1>(parts),
        f32x4_extract_lane::<2>(parts),
        f32x4_extract_lane::<3>(parts),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_product_is_exact() {
        let total = i64::from(product(&[-128; EXACT], &[-32_767; EXACT]));
        assert_eq!(total, 512 * 128 * 32_767);
        assert_eq!(product(&[1; 11], &[2; 11]), 22);
    }

    #[test]
    fn a_group_is_found_by_its_bounds() {
        // Products 1, 2, …, 9; popularity 0 adds nothing, popularity 256 adds 10.
        let mut popularity = [0; 9];
        let mut bounds = [0.0; 256];
        bounds[1] = 10.0;
        let vectors = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        let next = |popularity: &[u16], row, threshold| {
            let scan = Scan {
                units: &[1],
                vectors: &vectors,
                scales: &[1.0; 9],
                scale: 1.0,
                weight: 1.0,
                popularity,
                bounds: &bounds,
                most: 10.0,
            };
            scan.next(row, threshold)
        };
        assert_eq!(next(&popularity, 0, f32::NEG_INFINITY), (0, [true; 4]));
        assert_eq!(next(&popularity, 0, 8.0), (4, [false, false, false, true]));
        assert_eq!(next(&popularity, 0, 8.5), (8, [true; 4]));
        popularity[2] = 256;
        assert_eq!(next(&popularity, 0, 13.0), (0, [false, false, true, false]));
        assert_eq!(next(&popularity, 4, 13.0), (8, [true; 4]));
    }
}
