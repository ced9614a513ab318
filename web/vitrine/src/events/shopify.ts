/**
 * Events with the names and payloads of Shopify's Web Pixels API.
 *
 * https://shopify.dev/docs/api/web-pixels-api/standard-events
 *
 * @module
 */

import type { Id } from '../ids.js';
import type { Action } from '../types.js';
import { type ItemKey, list, pick } from './payload.js';

/** A product's variant, as far as it is read. */
export interface ShopifyVariant {
  id?: Id | null | undefined;
  sku?: Id | null | undefined;
  product?: { id?: Id | null | undefined } | null | undefined;
}

/** The `data` of each event that is understood. */
export interface ShopifyPayloads {
  product_viewed: { productVariant?: ShopifyVariant | null | undefined };
  product_added_to_cart: {
    cartLine?: { merchandise?: ShopifyVariant | null | undefined } | null | undefined;
  };
  checkout_completed: {
    checkout?: {
      lineItems?: readonly { variant?: ShopifyVariant | null | undefined }[] | null | undefined;
    } | null;
  };
}

/** An event as a pixel's subscriber gets it: `{ name, data, … }`. */
export type ShopifyEvent = {
  [Name in keyof ShopifyPayloads]: { name: Name; data: ShopifyPayloads[Name] };
}[keyof ShopifyPayloads];

type Reader<Payload> = { action: Action; items(payload: Payload, key: ItemKey): unknown[] };

/** How each payload is read. */
export const SHOPIFY: { [Name in keyof ShopifyPayloads]: Reader<ShopifyPayloads[Name]> } = {
  product_viewed: {
    action: 'view',
    items: ({ productVariant }, key) => [idOf(productVariant, key)],
  },
  product_added_to_cart: {
    action: 'add_to_cart',
    items: ({ cartLine }, key) => [idOf(cartLine?.merchandise, key)],
  },
  checkout_completed: {
    action: 'buy',
    items: ({ checkout }, key) =>
      list<{ variant?: ShopifyVariant }>(checkout?.lineItems).map((line) =>
        idOf(line?.variant, key),
      ),
  },
};

function idOf(variant: ShopifyVariant | null | undefined, key: ItemKey): unknown {
  return pick(key, { product: variant?.product?.id, variant: variant?.id, sku: variant?.sku });
}
