//! Products of rows of numbers with a matrix that stays the same.

/// Columns of a panel.
const PANEL: usize = 32;
/// Rows that share what is loaded of a panel.
const ROWS: usize = 4;
/// Columns whose sums [`ROWS`] rows keep in registers.
const COLUMNS: usize = 8;

/// A matrix `[K, N]`, kept as panels of its columns so that a product reads it from end to end.
pub struct Matrix {
    /// Panel by panel the rows of it; the last is filled up with zeros.
    panels: Vec<[f32; PANEL]>,
    inner: usize,
    columns: usize,
}

impl Matrix {
    /// From its transpose, `[N, K]` row by row, as weights are written.
    pub fn of_transpose(transpose: &[f32], inner: usize) -> Self {
        let columns = transpose.len().checked_div(inner).unwrap_or(0);
        let mut panels = Vec::with_capacity(columns.div_ceil(PANEL) * inner);
        for from in (0..columns).step_by(PANEL) {
            for k in 0..inner {
                panels.push(std::array::from_fn(|at| {
                    let column = from + at;
                    if column < columns {
                        transpose[column * inner + k]
                    } else {
                        0.0
                    }
                }));
            }
        }
        Self {
            panels,
            inner,
            columns,
        }
    }

    /// K.
    pub fn inner(&self) -> usize {
        self.inner
    }

    /// N.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Adds `rows · self` to `into`: `[R, K]` and `[R, N]`, row by row.
    ///
    /// Each sum is taken from the first term to the last, so it is the same on every machine and
    /// does not depend on how many rows there are.
    ///
    /// # Panics
    /// When the lengths do not fit one another.
    pub fn add_product(&self, rows: &[f32], into: &mut [f32]) {
        let (inner, columns) = (self.inner, self.columns);
        assert!(rows.len() * columns == into.len() * inner);
        if inner == 0 || columns == 0 {
            return;
        }
        for (panel, from) in self.panels.chunks_exact(inner).zip((0..).step_by(PANEL)) {
            let mut rows = rows.chunks_exact(inner * ROWS);
            let mut into = into.chunks_exact_mut(columns * ROWS);
            for (four, into) in (&mut rows).zip(&mut into) {
                let four: [&[f32]; ROWS] =
                    std::array::from_fn(|at| &four[at * inner..(at + 1) * inner]);
                for part in (0..PANEL).step_by(COLUMNS) {
                    let sums = sums::<ROWS, COLUMNS>(four, panel, part);
                    for (row, sums) in into.chunks_exact_mut(columns).zip(&sums) {
                        add(row, from + part, sums);
                    }
                }
            }
            let rest = rows.remainder().chunks_exact(inner);
            for (row, into) in rest.zip(into.into_remainder().chunks_exact_mut(columns)) {
                let [sums] = sums::<1, PANEL>([row], panel, 0);
                add(into, from, &sums);
            }
        }
    }
}

/// The products of `rows` with C columns of a panel, from column `from` on.
#[inline(always)]
fn sums<const R: usize, const C: usize>(
    rows: [&[f32]; R],
    panel: &[[f32; PANEL]],
    from: usize,
) -> [[f32; C]; R] {
    let mut sums = [[0.0; C]; R];
    for row in rows {
        assert!(row.len() == panel.len());
    }
    for (k, weights) in panel.iter().enumerate() {
        // The slice has C numbers; as an array, its loop is one of vectors.
        let weights: &[f32; C] = weights[from..from + C].try_into().expect("C numbers");
        for (sums, row) in sums.iter_mut().zip(rows) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += row[k] * weight;
            }
        }
    }
    sums
}

/// Adds as many of `sums` as there are places from `from` on.
#[inline(always)]
fn add(row: &mut [f32], from: usize, sums: &[f32]) {
    let places = row.get_mut(from..).unwrap_or_default();
    for (place, sum) in places.iter_mut().zip(sums) {
        *place += sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_that_of_a_plain_loop_whatever_the_sizes() {
        for (rows, inner, columns) in [(1, 1, 1), (3, 5, 33), (4, 2, 32), (9, 67, 100), (5, 0, 0)] {
            // Small whole numbers, so that every sum is exact.
            let x: Vec<f32> = (0..rows * inner).map(|at| (at % 7) as f32 - 3.0).collect();
            let transpose: Vec<f32> = (0..columns * inner)
                .map(|at| (at % 5) as f32 - 2.0)
                .collect();
            let matrix = Matrix::of_transpose(&transpose, inner);
            assert_eq!(matrix.columns(), columns);
            let mut found = vec![0.5; rows * columns];
            matrix.add_product(&x, &mut found);
            for row in 0..rows {
                for column in 0..columns {
                    let sum: f32 = (0..inner)
                        .map(|k| x[row * inner + k] * transpose[column * inner + k])
                        .sum();
                    assert_eq!(found[row * columns + column], 0.5 + sum);
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_among_others_and_alone() {
        let number = |at: usize| (at as f32 * 0.37).sin();
        let x: Vec<f32> = (0..7 * 19).map(number).collect();
        let transpose: Vec<f32> = (0..40 * 19).map(|at| number(at + 5)).collect();
        let matrix = Matrix::of_transpose(&transpose, 19);
        let mut together = vec![0.0; 7 * 40];
        matrix.add_product(&x, &mut together);
        for (row, expected) in x.chunks(19).zip(together.chunks(40)) {
            let mut alone = vec![0.0; 40];
            matrix.add_product(row, &mut alone);
            let bits = |row: &[f32]| row.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&alone), bits(expected));
        }
    }
}
