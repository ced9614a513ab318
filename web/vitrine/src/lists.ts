/**
 * Lists as components hold them: the caller's order until the first answer, then the model's.
 *
 * @module
 */

import { follow } from './following.js';
import { type Id, idOf, listOf } from './ids.js';
import type { Outcome, RecommendedItem, RecommendOptions, Vitrine } from './types.js';
import { warnOnce } from './warning.js';

/** How a list came about; `loading` until the first answer. */
export interface Arrangement extends Omit<Outcome, 'status'> {
  /** `loading` before the first answer, then `ranked` by the model or the caller's own order. */
  status: 'loading' | Outcome['status'];
}

/** Options of `useRanked`. */
export interface RankedOptions<T = unknown> {
  /** Milliseconds to wait for the model while it loads. Default: the instance's `timeout`. */
  timeout?: number;
  /** Gives an item's id. Default: the item itself, or its `id`. */
  getId?: (item: T) => Id;
}

/** Options of `useRecommended`. */
export type RecommendedOptions = Omit<RecommendOptions, 'signal'>;

/** An answer, and the list that it is the answer for. */
export interface Known<T> {
  key: string;
  outcome: Outcome;
  items: readonly T[];
}

/** The instance that components share: `null` without a provider, `undefined` while it is made. */
export type Shared = Vitrine | null | undefined;

/** The shared instance; without a provider a warning says so. */
export function sharedBy(shared: Shared, hook: string, provider: string): Vitrine | undefined {
  if (shared !== null) return shared;
  warnOnce(`${hook} was called outside of ${provider}: lists keep your own order.`);
  return undefined;
}

/** How a list stands that has no answer yet. */
export function unanswered(shared: Shared): Arrangement {
  return shared === null ? { status: 'fallback', reason: 'failed' } : { status: 'loading' };
}

/** The items of a list that may still be loading. */
export function given<T>(items: readonly T[] | null | undefined): readonly T[] {
  if (Array.isArray(items)) return items;
  try {
    return listOf(items);
  } catch {
    return [];
  }
}

/** A list's ids in their order, by which it is told from others; '' where an item has none. */
export function keyOf<T>(items: readonly T[], getId: ((item: T) => Id) | undefined): string {
  const ids = items.map((item) => {
    try {
      return idOf(item, getId) ?? '';
    } catch {
      // The instance is given the empty id, and says so.
      return '';
    }
  });
  return JSON.stringify(ids);
}

/** Follows the order of the list with this key, as places in it. */
export function followRanked(
  vitrine: Vitrine,
  key: string,
  timeout: number | undefined,
  show: (known: Known<number>) => void,
): () => void {
  const places = (JSON.parse(key) as string[]).map((id, place) => ({ id, place }));
  return follow(
    vitrine,
    (signal) => vitrine.rank(places, { signal, ...(timeout !== undefined && { timeout }) }),
    ({ items, scores: _, ...outcome }) =>
      show({ key, outcome, items: items.map(({ place }) => place) }),
  );
}

/** Follows the recommendations with the options that `key` is the JSON of. */
export function followRecommended(
  vitrine: Vitrine,
  key: string,
  show: (known: Known<RecommendedItem>) => void,
): () => void {
  const options = JSON.parse(key) as RecommendedOptions;
  return follow(
    vitrine,
    (signal) => vitrine.recommend({ ...options, signal }),
    ({ items, ...outcome }) => show({ key, outcome, items }),
  );
}

/** The older answer where the newer one says the same, so that nothing is drawn again. */
export function newer<T>(older: Known<T> | undefined, answer: Known<T>): Known<T> {
  return older !== undefined && JSON.stringify(older) === JSON.stringify(answer) ? older : answer;
}
