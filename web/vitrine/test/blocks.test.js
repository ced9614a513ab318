/**
 * A large catalogue: the lists of the whole bundle, from the blocks that they need.
 */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ids, inBlocks, options, Shop } from './shop.js';

const open = [];
const start = (shop, more) => {
  const vitrine = createVitrine(options(shop, more));
  open.push(vitrine);
  return vitrine;
};
after(() => open.forEach((vitrine) => vitrine.dispose()));

const file = (name) => `/bundles/${inBlocks.files[name].sha256}`;
const BLOCKS = file('blocks.bin');
const asked = (shop, path) => shop.requests.filter((request) => request.path === path);

/** The shop with its bundle whole, and in blocks. */
function twice(more) {
  const [whole, parts] = [new Shop(), new Shop()];
  parts.publish(inBlocks);
  return { parts, pair: [start(whole, more), start(parts, more)] };
}

test('a listing has the order and scores of the whole bundle, from its own blocks', async () => {
  const { parts, pair } = twice();
  const listing = [ids[200], ids[3], 'nobody knows it', ids[90], ids[201], ids[17]];
  const [whole, gathered] = await Promise.all(
    pair.map((vitrine) => {
      vitrine.track({ item: ids[100] });
      vitrine.track({ item: ids[3], action: 'add_to_cart' });
      return vitrine.rank(listing);
    }),
  );
  assert.equal(gathered.status, 'ranked');
  assert.deepEqual(gathered, whole);
  for (const name of ['tables.safetensors', 'items.fst', 'facets.json'])
    assert.equal(asked(parts, file(name)).length, 0, name);
  // Session and listing lie in blocks 0 and 1, 5 and 6, 12, and 16 (where the unknown would be).
  const requests = asked(parts, BLOCKS);
  assert.equal(requests.length, 4);
  for (const { init } of requests) {
    assert.equal(init.credentials, 'omit');
    assert.equal(init.referrerPolicy, 'no-referrer');
  }

  const why = await Promise.all(pair.map((vitrine) => vitrine.explain(ids[3])));
  assert.equal(why[1].because[0].item, ids[3]);
  await pair[1].rank(listing);
  assert.equal(asked(parts, BLOCKS).length, 4, 'what is here is not fetched again');
  const { bundle } = await pair[1].inspect();
  assert.equal(bundle.items, ids.length);
});

test('lists that are asked for at once share what they fetch', async () => {
  const shop = new Shop();
  shop.publish(inBlocks);
  const vitrine = start(shop);
  await vitrine.ready;
  const lists = await Promise.all([vitrine.rank([ids[5]]), vitrine.rank([ids[5], ids[6]])]);
  assert.deepEqual(
    lists.map((list) => list.status),
    ['ranked', 'ranked'],
  );
  assert.equal(asked(shop, BLOCKS).length, 1);
});

test('recommendations come from the popular and from the neighbourhood of the session', async () => {
  const { pair } = twice();
  const shelves = await Promise.all(
    pair.map((vitrine) => {
      vitrine.track({ item: ids[120] });
      return vitrine.recommend({ n: 6, exclude: [ids[120]] });
    }),
  );
  // In a shop this small they reach every block.
  assert.deepEqual(shelves[1].items, shelves[0].items);
});

test('an altered block, a host without ranges and one that is gone leave the shop’s order', async () => {
  for (const [spoil, reason] of [
    [(shop) => (shop.ranges = false), 'unreachable'],
    [(shop) => shop.answers.set(BLOCKS, () => new Response('', { status: 404 })), 'unreachable'],
    [
      (shop) =>
        shop.answers.set(BLOCKS, ({ init }) => {
          const [from, to] = init.headers.range.match(/\d+/g).map(Number);
          return new Response(new Uint8Array(to - from + 1), { status: 206 });
        }),
      'refused',
    ],
    [(shop) => shop.answers.set(BLOCKS, () => new Response('short', { status: 206 })), 'refused'],
  ]) {
    const shop = new Shop();
    shop.publish(inBlocks);
    spoil(shop);
    const errors = [];
    const vitrine = start(shop, { onError: (error) => errors.push(error.message) });
    const listing = [ids[9], ids[2]];
    const { items, status, reason: found } = await vitrine.rank(listing);
    assert.deepEqual([items, status, found], [listing, 'fallback', reason]);
    assert.ok(errors.length > 0);
    assert.equal(vitrine.status, 'ready');
  }
});

test('a block that does not come in time is not waited for, and is taken when it is here', async () => {
  const shop = new Shop();
  shop.publish(inBlocks);
  let openGate;
  const gate = new Promise((resolve) => (openGate = resolve));
  const vitrine = start({
    fetch: async (input, init) => {
      if (String(input).endsWith(BLOCKS)) await gate;
      return shop.fetch(input, init);
    },
  });
  await vitrine.ready;
  const late = await vitrine.rank([ids[1]], { timeout: 20 });
  assert.deepEqual([late.status, late.reason], ['fallback', 'timeout']);
  openGate();
  assert.equal((await vitrine.rank([ids[1]])).status, 'ranked');
});
