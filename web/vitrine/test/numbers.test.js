/** Numbers that a page gives by mistake: none becomes a flood, an endless wait or an empty list. */

import { IDBFactory } from 'fake-indexeddb';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ids, options, Shop } from './shop.js';

const open = [];
after(() => open.forEach((vitrine) => vitrine.dispose()));

const WRONG = [NaN, -Infinity, -1, 'soon', {}, [], null, Symbol('soon'), true];

/** An instance, its shop, what it is told, and every timer that it sets. */
function page(more) {
  const shop = new Shop();
  const errors = [];
  const vitrine = createVitrine(
    options(shop, { onError: ({ message }) => errors.push(message), ...more }),
  );
  open.push(vitrine);
  const looks = () => shop.requests.filter(({ path }) => path === '/manifest.json').length;
  return { vitrine, shop, errors, looks };
}

/** Runs `work` and returns the waits of the timers that were set meanwhile. */
async function waits(work) {
  const { setTimeout, setInterval } = globalThis;
  const seen = [];
  globalThis.setTimeout = (run, wait) => (seen.push(wait), setTimeout(run, wait));
  globalThis.setInterval = (run, wait) => (seen.push(wait), setInterval(run, wait));
  try {
    await work();
  } finally {
    Object.assign(globalThis, { setTimeout, setInterval });
  }
  return seen;
}

test('no refreshInterval makes a flood, and each timer is one that a browser can count to', async () => {
  const given = [Infinity, 30 * 86_400_000, 1e300, 2 ** 31, 0, 1, 0.1, 9_999, ...WRONG];
  const pages = [];
  const seen = await waits(async () => {
    for (const refreshInterval of given) pages.push([refreshInterval, page({ refreshInterval })]);
    await Promise.all(pages.map(([, { vitrine }]) => vitrine.ready));
    await new Promise((resolve) => setTimeout(resolve, 300));
  });
  for (const wait of seen) assert.ok(wait >= 0 && wait < 2 ** 31, String(wait));
  for (const [refreshInterval, { looks, errors }] of pages) {
    assert.equal(looks(), 1, String(refreshInterval));
    const told = errors.filter((message) => /'refreshInterval'/.test(message));
    assert.equal(told.length, refreshInterval === Infinity ? 0 : 1, String(refreshInterval));
  }
});

test('Infinity is never: no timer looks again', async () => {
  const seen = await waits(async () => {
    const { vitrine } = page({ refreshInterval: Infinity });
    await vitrine.ready;
  });
  assert.ok(!seen.some((wait) => wait > 60_000 && wait < 3_600_000), seen.join());
});

test('a timeout that is none is the default or the bound, for the instance and for a call', async () => {
  const seen = await waits(async () => {
    for (const timeout of [...WRONG, Infinity, 1e12, -5]) {
      const { vitrine, errors } = page({ timeout });
      const about = String(timeout);
      // Nobody waits for less than no time.
      const expected = typeof timeout === 'number' && timeout < 0 ? 'fallback' : 'ranked';
      assert.equal((await vitrine.rank(ids)).status, expected, about);
      await vitrine.ready;
      assert.equal((await vitrine.rank(ids, { timeout })).status, 'ranked', about);
      assert.equal(errors.length, timeout === Infinity ? 0 : 1, `${about} ${errors}`);
      vitrine.dispose();
    }
  });
  for (const wait of seen) assert.ok(wait >= 0 && wait < 2 ** 31, String(wait));
});

test('a wrong number of items is the default or the nearest bound', async () => {
  const { vitrine, errors } = page();
  await vitrine.ready;
  const count = async (n) => (await vitrine.recommend({ n })).items.length;
  const all = ids.length;
  for (const [n, expected] of [
    [undefined, 10],
    [NaN, 10],
    ['many', 10],
    ['3', 3],
    [3.7, 3],
    [-2, 0],
    [0, 0],
    [Infinity, Math.min(all, 1000)],
    [1e9, Math.min(all, 1000)],
  ]) {
    assert.equal(await count(n), expected, String(n));
  }
  assert.equal(errors.length, 1, 'said once');
  assert.match(errors[0], /'n' cannot be/);
  const plain = await vitrine.recommend();
  assert.deepEqual(await vitrine.recommend({ diversity: NaN }), plain);
  assert.deepEqual(await vitrine.recommend({ diversity: -3 }), plain);
  assert.deepEqual(
    await vitrine.recommend({ diversity: 7 }),
    await vitrine.recommend({ diversity: 1 }),
  );
  assert.equal(errors.length, 2, errors.join());
});

test('a reportDelay that is none is the default, and no report waits for ever', async () => {
  for (const [reportDelay, told] of [
    [5, true],
    [[NaN, NaN], true],
    [[Infinity, 1], false],
    [[-1, 1e15], true],
    ['fast', true],
    [[], true],
    [[60_000, 1_000], false],
  ]) {
    globalThis.indexedDB = new IDBFactory();
    const about = String(reportDelay);
    const seen = await waits(async () => {
      const { vitrine, errors } = page({ reportDelay, consent: 'granted', storage: 'indexeddb' });
      await vitrine.ready;
      vitrine.track({ item: ids[0] });
      assert.ok((await vitrine.inspect()).reports.length > 0, about);
      assert.equal(errors.length > 0, told, about);
      vitrine.dispose();
    });
    for (const wait of seen) assert.ok(wait >= 0 && wait < 2 ** 31, `${about}: ${wait}`);
  }
});
