import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVitrine, stubVitrine } from 'vitrine/testing';

test('a stub ranks in the order that a test sets, and tells the subscribers', async () => {
  const vitrine = stubVitrine({ order: ['jug', 7] });
  let changes = 0;
  vitrine.subscribe(() => (changes += 1));
  assert.deepEqual(await vitrine.ready, { status: 'ranked', version: 1 });
  const listing = [{ id: 'mug' }, { id: 7 }, { id: 'jug' }];
  const { items, scores, status } = await vitrine.rank(listing);
  assert.deepEqual([items, status], [[listing[2], listing[1], listing[0]], 'ranked']);
  assert.deepEqual([...scores], [1, 0.5, 0]);
  vitrine.order(['mug']);
  assert.equal(changes, 1);
  assert.deepEqual((await vitrine.rank(['jug', 'mug'])).items, ['mug', 'jug']);
  const skus = [{ sku: 'jug' }, { sku: 'mug' }];
  assert.equal((await vitrine.rank(skus, { getId: ({ sku }) => sku })).items[0], skus[1]);
  vitrine.order(['a', 'b', 'c']);
  const shelf = await vitrine.recommend({ n: 1, exclude: ['a'] });
  assert.deepEqual(shelf.items, [{ id: 'b', score: 0.5, reasons: [] }]);
  assert.equal((await vitrine.explain('b')).score, 0.5);
  assert.equal(await vitrine.explain('mug'), undefined);
});

test('a stub keeps what was tracked, in each of the forms, and what was not understood', async () => {
  const vitrine = stubVitrine({ itemKey: 'sku' });
  const { track } = vitrine;
  track({ item: 7, action: 'buy' });
  track('Product Added', { product_id: '1', sku: 'a', price: 3 });
  track({ name: 'product_viewed', data: { productVariant: { sku: 'b' } } });
  assert.deepEqual(vitrine.tracked, [
    { item: '7', action: 'buy' },
    { item: 'a', action: 'add_to_cart' },
    { item: 'b', action: 'view' },
  ]);
  assert.deepEqual((await vitrine.inspect()).session, vitrine.tracked);
  track('Product Eaten', {});
  await vitrine.rank([{ sku: 'a' }]);
  assert.match(vitrine.errors[0].message, /"Product Eaten" is ignored/);
  assert.match(vitrine.errors[1].message, /no id/);
  vitrine.consent('denied');
  track({ item: 'c' });
  assert.equal(vitrine.tracked.length, 3);
  assert.equal((await vitrine.rank(['a'])).reason, 'consent');
  await vitrine.forget();
  assert.deepEqual(vitrine.tracked, []);
});

test('a stub falls back for the reason that a test gives', async () => {
  const vitrine = createVitrine({ endpoint: 'https://shop.example' });
  assert.equal(vitrine.status, 'ready');
  vitrine.order(['a']);
  vitrine.fallback('unreachable');
  assert.equal(vitrine.status, 'fallback');
  const { items, scores, status, reason } = await vitrine.rank(['b', 'a']);
  assert.deepEqual(
    [items, [...scores], status, reason],
    [['b', 'a'], [0, 0], 'fallback', 'unreachable'],
  );
  assert.deepEqual((await vitrine.recommend()).items, []);
  vitrine.fallback(undefined);
  assert.equal((await vitrine.rank(['b', 'a'])).items[0], 'a');
  vitrine.dispose();
  assert.equal((await vitrine.rank(['b', 'a'])).reason, 'disposed');
});
