/**
 * Ranks a shop's items inside the shopper's own browser.
 *
 * ```ts
 * import { createVitrine } from 'vitrine';
 *
 * const vitrine = createVitrine({ endpoint: 'https://vitrine.example.com' });
 * vitrine.track({ item: product.id });
 * const { items } = await vitrine.rank(listing);
 * ```
 *
 * Importing this does nothing; `createVitrine` on a server does nothing either and hands every
 * list back as it was given.
 *
 * @module
 */

export { createVitrine } from './vitrine.js';
export type { DataLayerEntry, EventPayloads, NamedEvent } from './events/index.js';
export type { Ga4Event, Ga4Item, Ga4Parameters, Ga4Payloads } from './events/ga4.js';
export type { ItemKey } from './events/payload.js';
export type { SegmentEvent, SegmentPayloads, SegmentProduct } from './events/segment.js';
export type { ShopifyEvent, ShopifyPayloads, ShopifyVariant } from './events/shopify.js';
export type { Id } from './ids.js';
export type * from './types.js';
