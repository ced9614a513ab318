/**
 * Whether all subjects did the same work.
 *
 * @module
 */

/** The encoder's answers may differ by this; the golden vectors allow the same. */
const TOLERANCE = 1e-4;
/** Of the best items, rivals may disagree on those whose scores are as good as equal. */
const SHARED = 0.9;

/** Throws when two subjects had different answers to the same session. */
export function agree(runs) {
  for (const items of new Set(runs.map((run) => run.items))) {
    const [first, ...others] = runs.filter((run) => run.items === items);
    for (const { subject, place, query } of others) {
      const gap = Math.max(...query.map((value, at) => Math.abs(value - first.query[at])));
      if (!(gap <= TOLERANCE)) {
        throw new Error(`${subject} in ${place}: the encoder's answer is ${gap} off`);
      }
    }
    // Vitrine's list has the table's part too, so it is another one.
    const [rival, ...rest] = [first, ...others].filter(({ subject }) => subject !== 'vitrine');
    for (const { subject, place, rows } of rest) {
      const shared = rows.filter((row) => rival.rows.includes(row)).length / rows.length;
      if (shared < SHARED) {
        throw new Error(`${subject} in ${place}: only ${100 * shared} % of the list is shared`);
      }
    }
  }
}
