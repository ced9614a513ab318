/**
 * Events with the names and properties of Segment's e-commerce specification.
 *
 * https://segment.com/docs/connections/spec/ecommerce/v2/
 *
 * @module
 */

import type { Id } from '../ids.js';
import type { Action } from '../types.js';
import { type ItemKey, list, pick } from './payload.js';

/** A product, as far as it is read. */
export interface SegmentProduct {
  product_id?: Id | null | undefined;
  variant?: Id | null | undefined;
  sku?: Id | null | undefined;
}

/** The properties of each event that is understood. */
export interface SegmentPayloads {
  'Product Viewed': SegmentProduct;
  'Product Added': SegmentProduct;
  'Order Completed': { products?: readonly SegmentProduct[] | null | undefined };
}

/** An event as a source's middleware gets it: `{ event, properties, … }`. */
export type SegmentEvent = {
  [Name in keyof SegmentPayloads]: { event: Name; properties: SegmentPayloads[Name] };
}[keyof SegmentPayloads];

type Reader<Payload> = { action: Action; items(payload: Payload, key: ItemKey): unknown[] };

/** How each payload is read. */
export const SEGMENT: { [Name in keyof SegmentPayloads]: Reader<SegmentPayloads[Name]> } = {
  'Product Viewed': { action: 'view', items: (product, key) => [idOf(product, key)] },
  'Product Added': { action: 'add_to_cart', items: (product, key) => [idOf(product, key)] },
  'Order Completed': {
    action: 'buy',
    items: ({ products }, key) =>
      list<SegmentProduct>(products).map((product) => idOf(product, key)),
  },
};

function idOf(product: SegmentProduct | undefined, key: ItemKey): unknown {
  return pick(key, {
    product: product?.product_id,
    variant: product?.variant,
    sku: product?.sku,
  });
}
