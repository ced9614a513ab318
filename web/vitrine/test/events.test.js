import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ids, options, Shop } from './shop.js';

const open = [];
after(() => open.forEach((vitrine) => vitrine.dispose()));

/** What the session holds after `tell`, and what `onError` was told. */
async function session(tell, more) {
  const errors = [];
  const vitrine = createVitrine(
    options(new Shop(), { onError: (error) => errors.push(error.message), ...more }),
  );
  open.push(vitrine);
  await vitrine.ready;
  tell(vitrine);
  const { session } = await vitrine.inspect();
  return { session: session.map(({ item, action }) => [item, action]), errors };
}

const [a, b, c] = ids;
const variant = (id) => ({ id: `${id}-large`, sku: `sku-${id}`, product: { id, title: 'A mug' } });

test('Shopify’s pixel events are understood as they are', async () => {
  const checkout = {
    order: { id: '1' },
    email: 'somebody@example.com',
    lineItems: [{ variant: variant(c) }, { variant: variant(a) }, { variant: variant(c) }],
  };
  const { session: seen, errors } = await session((vitrine) => {
    vitrine.track({ name: 'product_viewed', id: 'e1', data: { productVariant: variant(a) } });
    vitrine.track({
      name: 'product_added_to_cart',
      data: { cartLine: { quantity: 2, merchandise: variant(b) } },
    });
    vitrine.track('checkout_completed', { checkout });
  });
  assert.deepEqual(seen, [
    [a, 'view'],
    [b, 'add_to_cart'],
    [c, 'buy'],
    [a, 'buy'],
  ]);
  assert.deepEqual(errors, []);
});

test('Segment’s and GA4’s events are understood as they are', async () => {
  const { session: seen, errors } = await session((vitrine) => {
    vitrine.track('Product Viewed', { product_id: a, price: 3 });
    vitrine.track({ event: 'Product Added', properties: { product_id: b } });
    vitrine.track('Order Completed', { order_id: '7', products: [{ product_id: a }] });
    vitrine.track('view_item', { items: [{ item_id: c }] });
    vitrine.track({ event: 'add_to_cart', ecommerce: { items: [{ item_id: a }] } });
    vitrine.track('purchase', { transaction_id: '7', items: [{ item_id: b }, { item_id: c }] });
  });
  assert.deepEqual(seen, [
    [a, 'view'],
    [b, 'add_to_cart'],
    [a, 'buy'],
    [c, 'view'],
    [a, 'add_to_cart'],
    [b, 'buy'],
    [c, 'buy'],
  ]);
  assert.deepEqual(errors, []);
});

test('a shop whose model knows variants or SKUs says so', async () => {
  const tell = (vitrine) => {
    vitrine.track('product_viewed', { productVariant: { id: 7, sku: 'b', product: { id: 1 } } });
    vitrine.track('Product Viewed', { product_id: '1', sku: 'b', variant: '7' });
  };
  assert.deepEqual((await session(tell, { itemKey: 'variant' })).session, [
    ['7', 'view'],
    ['7', 'view'],
  ]);
  assert.deepEqual((await session(tell, { itemKey: 'sku' })).session, [
    ['b', 'view'],
    ['b', 'view'],
  ]);
});

test('an unknown name and a payload without an id are ignored, and said', async () => {
  const { session: seen, errors } = await session((vitrine) => {
    vitrine.track('Products Searched', { query: 'mug' });
    vitrine.track({ name: 'page_viewed', data: {} });
    vitrine.track({ event: 'gtm.js' });
    vitrine.track('product_viewed', null);
    vitrine.track('product_viewed', { productVariant: { product: null } });
    vitrine.track('checkout_completed', { checkout: { lineItems: 'none' } });
    vitrine.track('purchase', { items: [null, { item_id: {} }, { item_id: '' }] });
    vitrine.track('constructor', {});
    vitrine.track({
      get item() {
        throw new Error('a getter of the page');
      },
    });
  });
  assert.deepEqual(seen, []);
  assert.equal(errors.length, 9);
  assert.match(errors[0], /"Products Searched" is ignored: known are product_viewed/);
  assert.match(errors[3], /"product_viewed" cannot be recorded: it names no product id/);
});

test('a long order is cut off, and an item with a name of its own is an item', async () => {
  const items = Array.from({ length: 5_000 }, (_, at) => ({ item_id: `new-${at}` }));
  const { session: seen, errors } = await session((vitrine) => {
    vitrine.track('purchase', { items });
    vitrine.track({ item: a, name: 'Oak mug' });
  });
  assert.ok(seen.length <= 101);
  assert.deepEqual(seen.at(-1), [a, 'view']);
  assert.deepEqual(errors, []);
});

test('a data layer is handed on as it is: pushed objects, gtag’s arguments, functions', async () => {
  const layer = [];
  function gtag() {
    layer.push(arguments);
  }
  gtag('js', new Date());
  gtag('config', 'G-1', { send_page_view: false });
  gtag('event', 'view_item', { currency: 'EUR', value: 3, items: [{ item_id: a, price: 3 }] });
  layer.push(['event', 'add_to_cart', { items: [{ item_id: b, item_brand: 'Oak' }] }]);
  layer.push({ ecommerce: null });
  layer.push({ event: 'purchase', ecommerce: { transaction_id: '7', items: [{ item_id: c }] } });
  layer.push({ event: 'view_item', items: [{ item_id: b }], currency: 'EUR' });
  layer.push({ event: 'view_item', eventModel: { items: [{ item_id: c }] } });
  layer.push(undefined, null, () => {}, [], ['event'], { event: 'gtm.click', 'gtm.element': {} });
  const { session: seen, errors } = await session((vitrine) => layer.forEach(vitrine.track));
  assert.deepEqual(seen, [
    [a, 'view'],
    [b, 'add_to_cart'],
    [c, 'buy'],
    [b, 'view'],
    [c, 'view'],
  ]);
  assert.equal(errors.length, 9);
  assert.match(errors.at(-1), /"gtm.click" is ignored: known are/);
});

test('an item id has at most 128 bytes of UTF-8, whatever is in it', async () => {
  const { session: seen, errors } = await session((vitrine) => {
    for (const char of ['a', 'é', '好', '🏺', '\ud800']) {
      const most = Math.floor(128 / Buffer.byteLength(char));
      vitrine.track({ item: char.repeat(most) });
      vitrine.track({ item: char.repeat(most + 1) });
    }
  });
  assert.equal(seen.length, 5);
  assert.equal(errors.length, 5);
});
