/**
 * Vitrine in Vue and Nuxt: a plugin and composables.
 *
 * ```ts
 * app.use(VitrinePlugin, createVitrine({ endpoint: 'https://vitrine.example.com' }));
 *
 * const { items, status } = useRanked(() => props.products);
 * ```
 *
 * The first render gives the caller's order, on the server and in the browser, so that hydration
 * finds what the server sent; the model's order comes after it.
 *
 * @module
 */

import {
  type App,
  computed,
  type ComputedRef,
  getCurrentInstance,
  hasInjectionContext,
  inject,
  type InjectionKey,
  type MaybeRefOrGetter,
  onMounted,
  provide,
  shallowRef,
  toValue,
  watch,
} from 'vue';
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

/** A list and how it came about, each as a ref. */
export interface Listed<T> {
  /** The items. */
  items: ComputedRef<readonly T[]>;
  /** `loading` before the first answer, then `ranked` by the model or the caller's own order. */
  status: ComputedRef<Arrangement['status']>;
  /** Why the order is the caller's own. */
  reason: ComputedRef<Arrangement['reason']>;
  /** Version of the bundle that ranked. */
  version: ComputedRef<Arrangement['version']>;
}

const KEY: InjectionKey<Shared> = Symbol('vitrine');
const PLUGIN = 'an app with VitrinePlugin';

/** Hands one instance to an app: `app.use(VitrinePlugin, vitrine)`. */
export const VitrinePlugin = {
  install(app: App, vitrine: Vitrine | undefined): void {
    app.provide(KEY, vitrine);
  },
};

/** Hands one instance to all that is below the calling component. */
export function provideVitrine(vitrine: Vitrine | undefined): void {
  provide(KEY, vitrine);
}

/** The instance of the app or of a component above; without one `undefined`, and a warning. */
export function useVitrine(): Vitrine | undefined {
  return sharedBy(shared(), 'useVitrine', PLUGIN);
}

/**
 * The caller's items in the model's order, again whenever it or the list changes. A list that is
 * not there yet is empty and `loading`; without the plugin it is `fallback`.
 */
export function useRanked<T extends Id | { id: Id }>(
  items: MaybeRefOrGetter<readonly T[] | null | undefined>,
  options?: RankedOptions<T>,
): Listed<T>;
/** The same for items whose id is not in `id`. */
export function useRanked<T>(
  items: MaybeRefOrGetter<readonly T[] | null | undefined>,
  options: RankedOptions<T> & { getId: (item: T) => Id },
): Listed<T>;
export function useRanked<T>(
  items: MaybeRefOrGetter<readonly T[] | null | undefined>,
  options?: RankedOptions<T>,
): Listed<T> {
  const instance = shared();
  const vitrine = sharedBy(instance, 'useRanked', PLUGIN);
  const own = computed(() => given(toValue(items)));
  // A list that is still loading has no order to ask for.
  const key = computed(() =>
    (toValue(items) ?? undefined) === undefined ? undefined : keyOf(own.value, options?.getId),
  );
  const known = shallowRef<Known<number>>();
  whileShown(key, (key) => {
    if (!vitrine || key === undefined) return undefined;
    return followRanked(vitrine, key, options?.timeout, (answer) => {
      known.value = newer(known.value, answer);
    });
  });
  const answer = computed(() => (known.value?.key === key.value ? known.value : undefined));
  return listed(
    computed(() => answer.value?.items.map((place) => own.value[place] as T) ?? own.value),
    () => answer.value?.outcome ?? unanswered(instance),
  );
}

/** The items of the whole catalogue that suit the session best, again whenever they change. */
export function useRecommended(
  options?: MaybeRefOrGetter<RecommendedOptions | undefined>,
): Listed<RecommendedItem> {
  const instance = shared();
  const vitrine = sharedBy(instance, 'useRecommended', PLUGIN);
  const key = computed(() => JSON.stringify(toValue(options) ?? {}));
  const known = shallowRef<Known<RecommendedItem>>();
  whileShown(key, (key) => {
    if (!vitrine) return undefined;
    return followRecommended(vitrine, key, (answer) => {
      known.value = newer(known.value, answer);
    });
  });
  const answer = computed(() => (known.value?.key === key.value ? known.value : undefined));
  return listed(
    computed(() => answer.value?.items ?? []),
    () => answer.value?.outcome ?? unanswered(instance),
  );
}

function shared(): Shared {
  return hasInjectionContext() ? inject(KEY, null) : null;
}

/**
 * Runs `follow` with each key, and ends it with the next one and with the scope. In a component it
 * begins when that is mounted, so never on a server and not before hydration.
 */
function whileShown<K>(key: ComputedRef<K>, follow: (key: K) => (() => void) | undefined): void {
  const begin = () => {
    watch(key, (key, _, ended) => ended(follow(key) ?? (() => {})), { immediate: true });
  };
  if (getCurrentInstance()) onMounted(begin);
  else if (typeof document !== 'undefined') begin();
}

function listed<T>(items: ComputedRef<readonly T[]>, arrangement: () => Arrangement): Listed<T> {
  return {
    items,
    status: computed(() => arrangement().status),
    reason: computed(() => arrangement().reason),
    version: computed(() => arrangement().version),
  };
}
