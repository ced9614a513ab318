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
import type { Id } from './ids.js';
import {
  type Arrangement,
  followRanked,
  followRecommended,
  given,
  keyOf,
  type Known,
  newer,
  type RankedOptions,
  type RecommendedOptions,
  type Shared,
  sharedBy,
  unanswered,
} from './lists.js';
import type { RecommendedItem, Vitrine } from './types.js';

export type { Arrangement, RankedOptions, RecommendedOptions } from './lists.js';

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

const Context = createContext<Shared>(null);

/**
 * Hands one instance to all that is below it. Make the instance once, outside of components; while
 * it is `undefined`, lists are `loading`.
 */
export function VitrineProvider(props: {
  vitrine: Vitrine | undefined;
  children?: ReactNode;
}): ReactElement {
  return createElement(Context.Provider, { value: props.vitrine }, props.children);
}

/** The instance of the provider above; without one `undefined`, and a warning. */
export function useVitrine(): Vitrine | undefined {
  return sharedBy(useContext(Context), 'useVitrine', PROVIDER);
}

/**
 * The caller's items in the model's order, again whenever it changes. Lists are told apart by
 * their ids, so an array made anew in every render is fine. A list that is not there yet is empty
 * and `loading`; without a provider it is `fallback`.
 */
export function useRanked<T extends Id | { id: Id }>(
  items: readonly T[] | null | undefined,
  options?: RankedOptions<T>,
): Ranked<T>;
/** The same for items whose id is not in `id`. */
export function useRanked<T>(
  items: readonly T[] | null | undefined,
  options: RankedOptions<T> & { getId: (item: T) => Id },
): Ranked<T>;
export function useRanked<T>(
  items: readonly T[] | null | undefined,
  options?: RankedOptions<T>,
): Ranked<T> {
  const shared = useContext(Context);
  const vitrine = sharedBy(shared, 'useRanked', PROVIDER);
  const timeout = options?.timeout;
  const key = keyOf(given(items), options?.getId);
  const [known, setKnown] = useState<Known<number>>();
  // A list that is still loading has no order to ask for.
  const absent = items === undefined || items === null;
  useEffect(() => {
    if (!vitrine || absent) return;
    return followRanked(vitrine, key, timeout, (answer) =>
      setKnown((older) => newer(older, answer)),
    );
  }, [vitrine, key, timeout, absent]);
  return useMemo(() => {
    const own = given(items);
    if (absent || known?.key !== key) return { ...unanswered(shared), items: [...own] };
    return { ...known.outcome, items: known.items.map((place) => own[place] as T) };
  }, [known, key, items, absent, shared]);
}

/** The items of the whole catalogue that suit the session best, again whenever they change. */
export function useRecommended(options?: RecommendedOptions): Recommended {
  const shared = useContext(Context);
  const vitrine = sharedBy(shared, 'useRecommended', PROVIDER);
  const key = JSON.stringify(options ?? {});
  const [known, setKnown] = useState<Known<RecommendedItem>>();
  useEffect(() => {
    if (!vitrine) return;
    return followRecommended(vitrine, key, (answer) => setKnown((older) => newer(older, answer)));
  }, [vitrine, key]);
  return useMemo(
    () =>
      known?.key === key
        ? { ...known.outcome, items: known.items }
        : { ...unanswered(shared), items: [] },
    [known, key, shared],
  );
}

const PROVIDER = '<VitrineProvider>';
