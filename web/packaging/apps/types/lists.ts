/** Lists as shops have them, and the answers. */

import {
  createVitrine,
  type Explanation,
  type Ranking,
  type RankOptions,
  type Reason,
  type Vitrine,
  type VitrineOptions,
} from 'vitrine';
import { defineVitrineShelf, type VitrineShelf } from 'vitrine/element';
import { type Ranked, useRanked, useRecommended, VitrineProvider } from 'vitrine/react';
import {
  provideVitrine,
  useRanked as useRankedInVue,
  useRecommended as useRecommendedInVue,
  VitrinePlugin,
} from 'vitrine/vue';
import { createApp, ref } from 'vue';

const options: VitrineOptions = { itemKey: 'variant', worker: false };
const vitrine: Vitrine = createVitrine(options);

interface Product {
  id: number;
  title: string;
}
interface Row {
  sku: string;
  node: { legacyId: number };
}
declare const products: Product[];
declare const rows: readonly Row[];
declare const loading: Product[] | undefined;

export const numbers: Promise<Ranking<number>> = vitrine.rank([1, 2, 3]);
export const mixed: Promise<Ranking<string | number>> = vitrine.rank(['a', 2]);
export const objects: Promise<Ranking<Product>> = vitrine.rank(products, { timeout: 5 });
export const named: Promise<Ranking<Row>> = vitrine.rank(rows, { getId: ({ sku }) => sku });
export const nested = vitrine.rank(rows, { getId: ({ node }) => node.legacyId });
export const later: Promise<Ranking<Product>> = vitrine.rank(loading);
declare const patience: RankOptions;
export const patient: Promise<Ranking<Product>> = vitrine.rank(products, patience);
// @ts-expect-error: without `id`, `getId` must say which field it is
void vitrine.rank(rows);
// @ts-expect-error: an id is a string or a number
void vitrine.rank(rows, { getId: ({ node }) => node });
// @ts-expect-error: there is no such field
void vitrine.rank(rows, { getId: ({ id }) => id });

export const first: Promise<Reason | undefined> = vitrine
  .recommend({ exclude: [7, 'b'], signal: new AbortController().signal })
  .then(({ items }) => items[0]?.reasons[0]);
declare const id: string;
export const why: Promise<Explanation | undefined> = vitrine.explain(id);
export const whyNot: Promise<Explanation<number> | undefined> = vitrine.explain(products.length);
// @ts-expect-error: a signal, not its controller
void vitrine.recommend({ signal: new AbortController() });

defineVitrineShelf(vitrine);
declare const shelf: VitrineShelf;
shelf.items = [{ id: 'a', title: 'A' }, { id: 7 }];
shelf.getId = ({ sku }) => String(sku);
shelf.lookup = (id) => ({ id, title: 'A' });

export const ranked: () => Ranked<Product> = () => useRanked(products);
export const hooks = () => [
  useRanked(loading).items[0]?.title.length,
  useRanked(null),
  useRanked(rows, { getId: ({ sku }) => sku, timeout: 5 }).items[0]?.node.legacyId,
  useRecommended(),
  useRecommended({ exclude: [7] }).items[0]?.id.length,
  // @ts-expect-error: without `id`, `getId` must say which field it is
  useRanked(rows),
];
export const Provider = VitrineProvider;

export const composables = () => {
  provideVitrine(vitrine);
  const { items, status } = useRankedInVue(ref<Product[] | undefined>());
  const title: string | undefined = items.value[0]?.title;
  const is: 'loading' | 'ranked' | 'fallback' = status.value;
  const bySku = useRankedInVue(() => rows, { getId: ({ sku }) => sku }).items.value[0]?.sku;
  // @ts-expect-error: without `id`, `getId` must say which field it is
  useRankedInVue(() => rows);
  return [title, is, bySku, useRecommendedInVue(ref({ n: 3 })).items.value[0]?.id];
};
createApp({}).use(VitrinePlugin, vitrine);
