//! Rows from the most to the least popular; ties go to the lower row.
//!
//! Sorted by the low byte of the popularity, then by the high one: a comparing sort of 100,000 rows
//! would hold up a browser's page.

/// Rows by the low byte of their popularity alone.
pub(super) fn by_low_byte(popularity: &[u16]) -> Vec<u32> {
    let rows = 0..popularity.len() as u32;
    sorted_by(rows, |row| !popularity[row as usize] as u8)
}

/// Rows by their popularity, from [`by_low_byte`].
pub(super) fn by_both_bytes(popularity: &[u16], by_low_byte: &[u32]) -> Vec<u32> {
    let rows = by_low_byte.iter().copied();
    sorted_by(rows, |row| (!popularity[row as usize] >> 8) as u8)
}

/// `rows` by their key, in the order they came where it is the same.
fn sorted_by(rows: impl Iterator<Item = u32> + Clone, key: impl Fn(u32) -> u8) -> Vec<u32> {
    let mut place = [0_usize; 257];
    let mut count = 0;
    for row in rows.clone() {
        place[usize::from(key(row)) + 1] += 1;
        count += 1;
    }
    for at in 1..place.len() {
        place[at] += place[at - 1];
    }
    let mut sorted = vec![0; count];
    for row in rows {
        let place = &mut place[usize::from(key(row))];
        sorted[*place] = row;
        *place += 1;
    }
    sorted
}
