import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { after, mock, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { IDBFactory } from 'fake-indexeddb';
import { ids, manifest, options, Shop, until } from './shop.js';

const open = [];
after(() => open.forEach((vitrine) => vitrine.dispose()));

const LOCAL = { level: 'local', transitions: 0, items: 0, impressions: 0, metrics: 1 };

/** A visit that clicks twice on what was recommended; what it reported. */
async function clicks() {
  globalThis.indexedDB = new IDBFactory();
  const shop = new Shop();
  shop.publish({ privacy: { ...manifest.privacy, ...LOCAL } });
  const vitrine = createVitrine(options(shop, { consent: 'granted', storage: 'indexeddb' }));
  open.push(vitrine);
  await vitrine.ready;
  for (const place of [0, 7]) {
    const { items } = await vitrine.recommend({ n: 10 });
    vitrine.track({ item: items[place].id });
  }
  await until(async () => {
    const { reports } = await vitrine.inspect();
    return reports.length > 0 && reports.every(({ state }) => state === 'sent');
  }, 'the reports');
  const known = JSON.stringify((await vitrine.inspect()).reports);
  vitrine.dispose();
  return { cells: shop.reports().map(({ cell }) => cell), known };
}

test('at the local level one metric leaves, and nothing that names an item', async () => {
  const { cells, known } = await clicks();
  assert.equal(cells.length, 1);
  assert.deepEqual(Object.keys(cells[0]), ['table', 'arm', 'rank']);
  assert.ok(ids.every((id) => !known.includes(id)));
});

test('the noise is drawn on the device from its cryptographic generator', async () => {
  // Random numbers of all ones choose another cell, the last; of all zeros, the truth.
  for (const [numbers, expected] of [
    [0xffffffff, { table: 'metric', arm: 'vitrine', rank: '21+' }],
    [0, { table: 'metric', arm: 'vitrine', rank: '1' }],
  ]) {
    const real = crypto.getRandomValues.bind(crypto);
    const drawn = mock.method(crypto, 'getRandomValues', (array) =>
      array instanceof Uint32Array && array.length === 2 ? array.fill(numbers) : real(array),
    );
    try {
      assert.deepEqual((await clicks()).cells, [expected]);
    } finally {
      drawn.mock.restore();
    }
  }
});
