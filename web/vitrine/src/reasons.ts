/**
 * Why an item is recommended: the parts of its score that speak for it.
 *
 * @module
 */

import type { Explanation, Reason } from './types.js';

/** The reasons of an explanation, strongest first; together they are the score, up to rounding. */
export function reasonsOf({ terms, because }: Explanation): Reason[] {
  const reasons: Reason[] = because.map((seen) => ({ kind: 'seen', ...seen }));
  reasons.push({ kind: 'session', contribution: terms.encoder });
  reasons.push({ kind: 'popularity', contribution: terms.popularity });
  return reasons
    .filter(({ contribution }) => contribution > 0)
    .sort((a, b) => b.contribution - a.contribution);
}
