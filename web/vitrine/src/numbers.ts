/**
 * Numbers that a page gives: none of them may become a flood of requests or a list without items.
 *
 * @module
 */

/** Browsers' timers count to this, in milliseconds; beyond it they fire at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * `given` within its bounds. `standard` stands for what was not given, is no number, or is not
 * positive where it must be. `odd` is called with the number that is used in place of another.
 */
export function clamped(
  given: unknown,
  standard: number,
  least: number,
  most: number,
  odd: (used: number) => void,
): number {
  const asked = given === undefined ? standard : Number(String(given) || NaN);
  const sane = Number.isNaN(asked) || (least > 0 && asked <= 0) ? standard : asked;
  const used = Math.min(Math.max(sane, least), most);
  // Endless is as long as there can be.
  if (used !== asked && asked !== Infinity) odd(used);
  return used;
}
