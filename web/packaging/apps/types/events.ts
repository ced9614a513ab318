/** Events in the forms in which the other tools of shops get them. */

import { createVitrine, type NamedEvent, type ShopifyEvent } from 'vitrine';

const vitrine = createVitrine({ itemKey: 'sku', consent: { ranking: 'granted' } });

vitrine.track({ item: 'a', action: 'buy' });
vitrine.track({ item: 7 });
// @ts-expect-error: not an action
vitrine.track({ item: 'a', action: 'eat' });
// @ts-expect-error: an item is an id
vitrine.track({ item: { id: 'a' } });
// @ts-expect-error: no such field
vitrine.track({ itm: 'a' });
// @ts-expect-error: a product is no event
vitrine.track({ id: 'a', name: 'Mug' });
// @ts-expect-error: neither is a name alone
vitrine.track('Product Viewed');

// Segment: https://segment.com/docs/connections/spec/ecommerce/v2/
vitrine.track('Product Viewed', {
  product_id: '507f1f77bcf86cd799439011',
  sku: 'G-32',
  category: 'Games',
  name: 'Monopoly: 3rd Edition',
  brand: 'Hasbro',
  variant: '200 pieces',
  price: 18.99,
  quantity: 1,
  coupon: 'MAYDEALS',
  currency: 'usd',
  position: 3,
  value: 18.99,
  url: 'https://www.example.com/product/path',
  image_url: 'https://www.example.com/product/path.jpg',
});
vitrine.track('Product Added', { cart_id: 'skdjsidjsdkdj29j', product_id: 507, sku: 32 });
vitrine.track('Order Completed', {
  checkout_id: 'fksdjfsdjfisjf9sdfjsd9f',
  order_id: '50314b8e9bcf000000000000',
  affiliation: 'Google Store',
  total: 27.5,
  subtotal: 22.5,
  revenue: 25,
  shipping: 3,
  tax: 2,
  discount: 2.5,
  coupon: 'hasbros',
  currency: 'USD',
  products: [
    { product_id: '507f', sku: '45790-32', name: 'Monopoly', price: 19, quantity: 1, position: 1 },
    { product_id: 505, sku: null, name: 'Uno', price: 3, quantity: 2, variant: undefined },
  ],
});
vitrine.track({
  type: 'track',
  event: 'Product Added',
  userId: '019mr8mf4r',
  timestamp: '2026-11-27T20:00:00Z',
  context: { ip: '24.5.68.47' },
  properties: { product_id: 'a', price: 18.99, currency: 'EUR' },
});
interface OwnProduct {
  product_id: string;
  price: { amount: number };
}
declare const own: OwnProduct;
vitrine.track('Product Viewed', own);
vitrine.track('Order Completed', { products: [own], order_id: 7 });
// @ts-expect-error: nobody sends this
vitrine.track('Product Eaten', { product_id: 'a' });
// @ts-expect-error: the field is called `product_id`
vitrine.track('Product Viewed', { productId: 'a' });
// @ts-expect-error: an id is a string or a number
vitrine.track('Product Viewed', { product_id: { $oid: 'a' }, price: 1 });
// @ts-expect-error: `products` is a list
vitrine.track('Order Completed', { order_id: '7', products: { product_id: 'a' } });
// @ts-expect-error: the field is called `product_id`
vitrine.track({ event: 'Product Viewed', properties: { productId: 'a' } });

// Google Analytics 4: https://developers.google.com/analytics/devguides/collection/ga4/ecommerce
vitrine.track('view_item', {
  currency: 'USD',
  value: 7.77,
  items: [
    {
      item_id: 'SKU_12345',
      item_name: 'Stan and Friends Tee',
      affiliation: 'Google Merchandise Store',
      coupon: 'SUMMER_FUN',
      discount: 2.22,
      index: 0,
      item_brand: 'Google',
      item_category: 'Apparel',
      item_category2: 'Adult',
      item_list_id: 'related_products',
      item_variant: 'green',
      location_id: 'ChIJIQBpAG2ahYAR_6128GcTUEo',
      price: 9.99,
      quantity: 1,
    },
  ],
});
vitrine.track('purchase', {
  transaction_id: 'T_12345',
  value: 72.05,
  tax: 3.6,
  shipping: 5.99,
  currency: 'USD',
  coupon: 'SUMMER_SALE',
  customer_type: 'new',
  items: [{ item_id: 12345, price: 9.99, google_business_vertical: 'retail' }] as const,
});
// @ts-expect-error: the field is called `item_id`
vitrine.track('view_item', { currency: 'USD', items: [{ id: 'a' }] });
// @ts-expect-error: `items` is a list
vitrine.track('view_item', { items: 'SKU_12345' });

// Shopify: https://shopify.dev/docs/api/web-pixels-api/standard-events/product_viewed
vitrine.track({
  id: 'sh-1',
  name: 'product_viewed',
  timestamp: '2026-11-27T20:00:00Z',
  clientId: 'abc',
  type: 'standard',
  data: {
    productVariant: {
      id: '43',
      sku: null,
      title: 'Large',
      price: { amount: 18.99, currencyCode: 'EUR' },
      product: { id: '7', title: 'Mug', vendor: 'Oak', url: '/products/mug' },
    },
  },
});
vitrine.track('checkout_completed', {
  checkout: {
    order: { id: '1' },
    currencyCode: 'EUR',
    totalPrice: { amount: 3 },
    lineItems: [{ id: '1', quantity: 2, variant: { id: '43', product: { id: '7' } } }],
  },
});
declare const pixel: ShopifyEvent;
vitrine.track(pixel);
declare const event: NamedEvent;
vitrine.track(event);

// Data layers.
vitrine.track({ event: 'add_to_cart', ecommerce: { currency: 'EUR', value: 3, items: [] } });
vitrine.track({
  event: 'purchase',
  'gtm.uniqueEventId': 7,
  ecommerce: { transaction_id: 'T', items: [{ item_id: 'a', item_brand: 'b', price: 3 }] },
});
vitrine.track({ event: 'gtm.js', 'gtm.start': Date.now() });
vitrine.track({ ecommerce: null });
vitrine.track(['event', 'add_to_cart', { currency: 'EUR', items: [{ item_id: 'a' }] }]);
vitrine.track(undefined);
vitrine.track(function reset(this: { reset(): void }) {
  this.reset();
});
declare global {
  interface Window {
    dataLayer: Record<string, unknown>[];
  }
}
for (const entry of window.dataLayer) vitrine.track(entry);
declare const layers: {
  any: any[];
  unknown: unknown[];
  object: object[];
  arguments: IArguments[];
  typed: ({ event?: string; ecommerce?: object } | IArguments | undefined)[];
  lists: [command: string, name: string, parameters?: Record<string, unknown>][];
};
for (const entry of layers.any) vitrine.track(entry);
for (const entry of layers.unknown) vitrine.track(entry);
for (const entry of layers.object) vitrine.track(entry);
for (const entry of layers.arguments) vitrine.track(entry);
for (const entry of layers.typed) vitrine.track(entry);
for (const entry of layers.lists) vitrine.track(entry);
layers.unknown.forEach(vitrine.track);
export function gtag(..._: unknown[]) {
  vitrine.track(arguments);
}
