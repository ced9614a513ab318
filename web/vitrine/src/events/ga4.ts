/**
 * Events with the names and parameters of Google Analytics 4.
 *
 * https://developers.google.com/analytics/devguides/collection/ga4/reference/events
 *
 * @module
 */

import type { Id } from '../ids.js';
import type { Action } from '../types.js';
import { type ItemKey, list, pick } from './payload.js';

/** An item, as far as it is read. */
export interface Ga4Item {
  item_id?: Id | null | undefined;
  item_variant?: Id | null | undefined;
}

/** The parameters of an event. */
export interface Ga4Parameters {
  items?: readonly Ga4Item[] | null | undefined;
}

/** The parameters of each event that is understood. */
export interface Ga4Payloads {
  view_item: Ga4Parameters;
  add_to_cart: Ga4Parameters;
  purchase: Ga4Parameters;
}

/** An event as it stands in the data layer: `{ event, ecommerce: { items } }`. */
export type Ga4Event = { event: keyof Ga4Payloads; ecommerce: Ga4Parameters };

type Reader = { action: Action; items(payload: Ga4Parameters, key: ItemKey): unknown[] };

const items: Reader['items'] = (payload, key) =>
  list<Ga4Item>(payload.items).map((item) =>
    // What a shop puts into `item_id` is its own affair: often it is the SKU.
    pick(key, { product: item?.item_id, variant: item?.item_variant, sku: item?.item_id }),
  );

/** How each payload is read. */
export const GA4: Record<keyof Ga4Payloads, Reader> = {
  view_item: { action: 'view', items },
  add_to_cart: { action: 'add_to_cart', items },
  purchase: { action: 'buy', items },
};
