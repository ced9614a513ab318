/**
 * The oldest browsers that the package promises: a Chromium without what they lack.
 */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { OLDEST } from '../../web/vitrine/browsers.mjs';
import { inspect, made, rank, shopPages, track } from './support/pages.mjs';
import { ROOT, until } from './support/programs.mjs';
import { stage } from './support/stage.mjs';

const shop = shopPages({ timeout: 20_000, consent: 'granted', reportDelay: [0, 20] });

/** Takes away what Chrome 96, Firefox 90 or Safari 16.4 does not have. */
function takeAway() {
  const owners = [
    [globalThis, 'structuredClone scheduler requestIdleCallback CompressionStream reportError'],
    [Object, 'hasOwn groupBy'],
    [Array, 'fromAsync'],
    [Array.prototype, 'at findLast findLastIndex toSorted toReversed toSpliced with group'],
    [String.prototype, 'at isWellFormed toWellFormed'],
    [Object.getPrototypeOf(Int8Array.prototype), 'at findLast toSorted toReversed with'],
    [Map, 'groupBy'],
    [Set.prototype, 'union intersection difference'],
    [Promise, 'withResolvers try any'],
    [AbortSignal, 'any timeout'],
    [AbortSignal.prototype, 'throwIfAborted reason'],
    [Crypto.prototype, 'randomUUID'],
    [Symbol, 'dispose asyncDispose'],
    [IDBFactory.prototype, 'databases'],
    [Response, 'json'],
    [Response.prototype, 'bytes'],
    [URL, 'canParse parse'],
    [Navigator.prototype, 'locks storage userActivation connection'],
    [ReadableStream, 'from'],
    [ReadableStream.prototype, Symbol.asyncIterator],
    [Uint8Array, 'fromBase64 fromHex'],
    [Uint8Array.prototype, 'toBase64 toHex'],
    [Iterator.prototype, 'map filter toArray'],
  ];
  for (const [owner, names] of owners) {
    for (const name of typeof names === 'string' ? names.split(' ') : [names]) delete owner[name];
  }
}

test('without what the oldest browsers lack, a page ranks, remembers, reports and forgets', async (t) => {
  const { url, requests } = await stage(t, { pages: shop.pages });
  const visitor = await shop.visitor(t);
  await visitor.addInitScript(takeAway);
  const page = await made(visitor, url);
  assert.equal(await page.evaluate(() => typeof structuredClone), 'undefined');
  assert.equal((await rank(page, shop.ids)).status, 'ranked');
  await track(page, shop.ids.slice(0, 3));
  const { items } = await page.evaluate(() => window.vitrine.recommend({ n: 5, diversity: 0.3 }));
  assert.equal(items.length, 5);
  await until('the encoder', async () => (await inspect(page)).encoder === 'ready');
  await until('a report', () => requests.some(({ method }) => method === 'POST'));
  await page.close();
  const again = await made(visitor, url);
  await until('the session of before', async () => (await inspect(again)).session.length === 3);
  await again.evaluate(() => window.vitrine.forget());
  assert.deepEqual((await inspect(again)).session, []);
  assert.deepEqual(await again.evaluate(() => window.errors), []);
});

test('a shelf, too', async (t) => {
  const script = `import { createVitrine } from '/vitrine/dist/index.js';
import { defineVitrineShelf } from '/vitrine/dist/element.js';
const shelf = document.querySelector('vitrine-shelf');
shelf.items = ${JSON.stringify([...Array(4).keys()].map((at) => ({ id: `hf-00${at + 1}` })))};
defineVitrineShelf(createVitrine({ timeout: 20_000 }));
`;
  const page = `<!doctype html><vitrine-shelf><template><b data-vitrine="text:id"></b></template></vitrine-shelf><script type="module" src="/page.js"></script>`;
  const { url } = await stage(t, { pages: { '/page': page, '/page.js': script } });
  const visitor = await shop.visitor(t);
  await visitor.addInitScript(takeAway);
  const opened = await visitor.newPage();
  await opened.goto(`${url}/page`);
  await opened.waitForSelector('vitrine-shelf[status="ranked"] li[data-item]');
});

test('the documentation names the browsers that the code is built for', async () => {
  const [chrome, firefox, safari] = OLDEST.map((one) => /[\d.]+$/.exec(one)[0]);
  const named = `Chrome and Edge ${chrome}, Firefox ${firefox}, Safari ${safari} and later`;
  for (const file of ['docs/web.md', 'web/vitrine/README.md']) {
    assert.ok((await readFile(join(ROOT, file), 'utf8')).includes(named), file);
  }
});
