import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ids, options, Shop } from './shop.js';

// In a file of its own: the module is compiled once for the page, so only the first load tells.
test('an instance that is disposed while the module loads does not spoil the next one', async () => {
  const shop = new Shop();
  /** As a browser's: an aborted request rejects. */
  const fetch = (input, { signal } = {}) =>
    new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason));
      setTimeout(() => resolve(shop.fetch(input, {})), 20);
    });
  const errors = [];
  const more = { fetch, onError: (error) => errors.push(error) };
  // As React's strict mode does with every effect.
  const first = createVitrine(options(shop, more));
  await new Promise((resolve) => setTimeout(resolve, 5));
  const second = createVitrine(options(shop, more));
  await new Promise((resolve) => setTimeout(resolve, 5));
  first.dispose();
  assert.equal((await second.rank(ids)).status, 'ranked');
  assert.equal((await first.rank(ids)).reason, 'disposed');
  assert.deepEqual(errors, []);
  second.dispose();
});
