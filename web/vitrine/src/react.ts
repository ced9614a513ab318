'use client';
/**
 * Vitrine in React: a provider and hooks.
 *
 * ```tsx
 * const vitrine = createVitrine({ endpoint: 'https://vitrine.example.com' });
 *
 * <VitrineProvider vitrine={vitrine}>…</VitrineProvider>
 *
 * const { items, status } = useRanked(products);
 * ```
 *
 * The first render gives the caller's order, on the server and in the browser, so that hydration
 * finds what the server sent; the model's order comes after it.
 *
 * @module
 */

import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useState,
} from 'react';
import { follow } from './following.js';
import type { Outcome, RecommendedItem, RecommendOptions, Vitrine } from './types.js';

/** How a list came about; `loading` until the first answer. */
export interface Arrangement extends Omit<Outcome, 'status'> {
  /** `loading` before the first answer, then `ranked` by the model or the caller's own order. */
  status: 'loading' | Outcome['status'];
}

/** The caller's items in their order of now. */
export interface Ranked<T> extends Arrangement {
  /** All of the caller's items, best first once `status` is `ranked`. */
  items: readonly T[];
}

/** Items of the catalogue that suit the session. */
export interface Recommended extends Arrangement {
  /** The items, best first; none before `status` is `ranked`. */
  items: readonly RecommendedItem[];
}

const Shared = createContext<Vitrine | undefined>(undefined);

/** Hands one instance to all that is below it. Make the instance once, outside of components. */
export function VitrineProvider(props: { vitrine: Vitrine; children?: ReactNode }): ReactElement {
  return createElement(Shared.Provider, { value: props.vitrine }, props.children);
}

/** The instance of the provider above; `undefined` where there is none. */
export function useVitrine(): Vitrine | undefined {
  return useContext(Shared);
}

/**
 * The caller's items in the model's order, again whenever it changes. Lists are told apart by
 * their ids, so an array made anew in every render is fine.
 */
export function useRanked<T extends string | { id: string }>(
  items: readonly T[],
  options: { timeout?: number } = {},
): Ranked<T> {
  const vitrine = useVitrine();
  const { timeout } = options;
  const key = JSON.stringify(items.map((item) => (typeof item === 'string' ? item : item?.id)));
  const [known, setKnown] = useState<Known<number>>();
  useEffect(() => {
    const places = (JSON.parse(key) as string[]).map((id, place) => ({ id, place }));
    return (
      vitrine &&
      follow(
        vitrine,
        (signal) => vitrine.rank(places, { signal, ...(timeout !== undefined && { timeout }) }),
        ({ items, scores: _, ...outcome }) =>
          setKnown(newer({ key, outcome, items: items.map(({ place }) => place) })),
      )
    );
  }, [vitrine, key, timeout]);
  return useMemo(() => {
    if (known?.key !== key) return { items: [...items], status: 'loading' };
    return { ...known.outcome, items: known.items.map((place) => items[place] as T) };
  }, [known, key, items]);
}

/** The items of the whole catalogue that suit the session best, again whenever they change. */
export function useRecommended(options: Omit<RecommendOptions, 'signal'> = {}): Recommended {
  const vitrine = useVitrine();
  const key = JSON.stringify(options);
  const [known, setKnown] = useState<Known<RecommendedItem>>();
  useEffect(() => {
    const wanted = JSON.parse(key) as RecommendOptions;
    return (
      vitrine &&
      follow(
        vitrine,
        (signal) => vitrine.recommend({ ...wanted, signal }),
        ({ items, ...outcome }) => setKnown(newer({ key, outcome, items })),
      )
    );
  }, [vitrine, key]);
  return useMemo(
    () =>
      known?.key === key
        ? { ...known.outcome, items: known.items }
        : { items: [], status: 'loading' },
    [known, key],
  );
}

/** An answer, and the list that it is the answer for. */
interface Known<T> {
  key: string;
  outcome: Outcome;
  items: readonly T[];
}

/** Keeps the older answer where the newer one says the same, so that nothing is drawn again. */
function newer<T>(answer: Known<T>): (older: Known<T> | undefined) => Known<T> {
  return (older) =>
    older !== undefined && JSON.stringify(older) === JSON.stringify(answer) ? older : answer;
}
