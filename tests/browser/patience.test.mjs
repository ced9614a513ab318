/**
 * Pages whose surroundings do not answer, or not at first: storage that another window holds, a
 * network that is gone for a while, requests in a flood. In a real Chromium, and the storage in
 * Firefox too.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { firefoxPath, openFirefox } from './support/firefox.mjs';
import { inspect, made, open, pause, posted, rank, shopPages, track } from './support/pages.mjs';
import { until } from './support/programs.mjs';
import { stage } from './support/stage.mjs';

const shop = shopPages({
  timeout: 20_000,
  encoder: false,
  consent: 'granted',
  reportDelay: [0, 20],
});

/**
 * Another window of the shop's origin that holds the database open and does not give way to its
 * erasing: every later request to open it waits, in every browser, for as long as that window lives.
 */
const HOLD = `async (name) => {
  const database = await new Promise((resolve) => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('device');
    opening.onsuccess = () => resolve(opening.result);
  });
  window.held = database;
  indexedDB.deleteDatabase(name);
  await new Promise((resolve) => setTimeout(resolve, 200));
}`;

/** What a visitor does there, and what becomes of it. */
const VISIT = `async (vitrine, ids) => {
  vitrine.track({ item: ids[7] });
  const ready = await vitrine.ready;
  const { status } = await vitrine.rank(ids);
  vitrine.track({ item: ids[8] });
  const { session, storage, reports } = await vitrine.inspect();
  await vitrine.forget();
  const after = await vitrine.inspect();
  vitrine.dispose();
  return {
    ready: ready.status, status, storage,
    session: session.length, reports: reports.length, left: after.session.length,
  };
}`;
const FROM_MEMORY = {
  ready: 'ranked',
  status: 'ranked',
  storage: 'memory',
  session: 2,
  reports: 0,
  left: 0,
};

/** The page was told once that storage does not answer, and once that it may not be erased. */
function toldOnce(errors) {
  assert.equal(errors.length, 2, errors.join('\n'));
  assert.match(errors[0], /IndexedDB has not answered for 4 s; the page goes on without\.$/);
  assert.match(errors[1], /may still be on this device/);
}

test('storage that another window holds for ever: the page ranks, and every call settles', async (t) => {
  const { url, requests } = await stage(t, { pages: shop.pages });
  const visitor = await shop.visitor(t);
  const holder = await visitor.newPage();
  await holder.goto(`${url}/vitrine/package.json`);
  await holder.evaluate(`(${HOLD})('vitrine ${url}')`);
  const page = await made(visitor, url);
  const found = await page.evaluate(`(${VISIT})(window.vitrine, ${JSON.stringify(shop.ids)})`);
  assert.deepEqual(found, FROM_MEMORY);
  toldOnce(await page.evaluate(() => window.errors));
  assert.deepEqual(posted(requests), []);
});

test('the same in Firefox', { skip: firefoxPath() ? false : 'there is no Firefox' }, async (t) => {
  const script = `import { createVitrine } from '/vitrine/dist/index.js';
const errors = [];
await (${HOLD})('vitrine ' + location.origin);
const vitrine = createVitrine({
  timeout: 20_000, encoder: false, consent: 'granted', reportDelay: [0, 20],
  onError: (error) => errors.push(error.message),
});
const found = await (${VISIT})(vitrine, ${JSON.stringify(shop.ids)});
await fetch('/found', { method: 'POST', body: JSON.stringify({ found, errors }) });
`;
  const { url, requests } = await stage(t, { pages: { ...shop.pages, '/page.js': script } });
  await openFirefox(t, `${url}/page`);
  const post = await until(
    'a result',
    () => requests.find(({ path }) => path === '/found'),
    90_000,
  );
  const { found, errors } = JSON.parse(post.body);
  assert.deepEqual(found, FROM_MEMORY);
  toldOnce(errors);
  assert.equal(posted(requests).length, 1, 'no report');
});

test('a server that is down when the page is opened: it ranks when that is back', async (t) => {
  let down = true;
  const { url, requests } = await stage(t, {
    pages: shop.pages,
    answer: (request, response) => {
      if (!down || request.url !== '/manifest.json') return false;
      response.destroy();
      return true;
    },
  });
  const page = await open(await shop.visitor(t), url);
  assert.equal((await rank(page, shop.ids)).reason, 'unreachable');
  await pause(2_500);
  const asked = requests.filter(({ path }) => path === '/manifest.json').length;
  // A request is made anew by the browser where its connection broke.
  assert.ok(asked >= 2 && asked <= 16, String(asked));
  assert.equal((await page.evaluate(() => window.errors)).length, 1);
  down = false;
  await page.waitForFunction(() => window.vitrine.status === 'ready', undefined, {
    timeout: 15_000,
  });
  assert.equal((await rank(page, shop.ids)).status, 'ranked');
});

test('a network that comes back: the page ranks at once', async (t) => {
  const { url } = await stage(t, { pages: shop.pages });
  const visitor = await shop.visitor(t);
  const page = await open(visitor, url, { other: { endpoint: `${url}/nowhere` } });
  await visitor.setOffline(true);
  await page.evaluate(async () => {
    const { createVitrine } = await import('/vitrine/dist/index.js');
    window.vitrine = createVitrine({ storage: 'memory', encoder: false });
    await window.vitrine.ready;
    await window.vitrine.retry();
    await window.vitrine.retry();
    await window.vitrine.retry();
  });
  assert.equal(await page.evaluate(() => window.vitrine.status), 'fallback');
  await visitor.setOffline(false);
  await page.waitForFunction(() => window.vitrine.status === 'ready', undefined, {
    timeout: 1_500,
  });
});

test('no number makes a flood of requests', async (t) => {
  const { url, requests } = await stage(t, { pages: shop.pages });
  const numbers = ['Infinity', 30 * 86_400_000, 2 ** 31, 0, -1, 1, null, 'soon'];
  const instances = Object.fromEntries(
    numbers.map((refreshInterval, at) => [`shop${at}`, { refreshInterval, storage: 'memory' }]),
  );
  const page = await open(await shop.visitor(t), url, instances);
  await pause(2_000);
  const asked = requests.filter(({ path }) => path === '/manifest.json').length;
  assert.equal(asked, numbers.length, 'one of each instance');
  const errors = await page.evaluate(() => window.errors);
  assert.equal(errors.length, numbers.length - 1, 'all but Infinity');
});

test('two windows of a shop: an event in one is known in the other at once', async (t) => {
  const { url } = await stage(t, { pages: shop.pages });
  const visitor = await shop.visitor(t);
  const windows = [await open(visitor, url), await open(visitor, url)];
  const [here, there] = windows;
  await there.evaluate(() => window.vitrine.subscribe(() => (window.told = performance.now())));
  // The code that listens is loaded when the page is idle.
  await until('the other window’s code', async () =>
    there.evaluate(() =>
      performance.getEntriesByType('resource').some(({ name }) => /tabs-/.test(name)),
    ),
  );
  await until('this window’s code', async () =>
    here.evaluate(() =>
      performance.getEntriesByType('resource').some(({ name }) => /tabs-/.test(name)),
    ),
  );
  await pause(300);
  await track(here, [shop.ids[3]]);
  await there.waitForFunction(
    async (id) => (await window.vitrine.inspect()).session.at(-1)?.item === id,
    shop.ids[3],
    { timeout: 2_000 },
  );
  await there.waitForFunction(() => window.told > 0);
  // Without consent to ranking nothing is shared.
  const pending = [
    await open(visitor, url, { vitrine: { consent: 'pending' } }),
    await open(visitor, url, { vitrine: { consent: 'pending' } }),
  ];
  await track(pending[0], [shop.ids[4]]);
  await pause(500);
  assert.ok((await inspect(pending[1])).session.every(({ item }) => item !== shop.ids[4]));
});

test('with debug, the console says what was loaded, from where, in what time, and why not', async (t) => {
  let down = false;
  const { url } = await stage(t, {
    pages: shop.pages,
    answer: (request, response) =>
      down && request.url === '/manifest.json' && Boolean(response.writeHead(503).end()),
  });
  const visitor = await shop.visitor(t);
  const lines = async (options) => {
    const said = [];
    const page = await visitor.newPage();
    page.on('console', (message) => said.push(message.text()));
    await page.goto(
      `${url}/page?${encodeURIComponent(JSON.stringify({ vitrine: { debug: true, ...options } }))}`,
    );
    return { page, said };
  };
  const one = (said, line) =>
    until(String(line), () => said.filter((text) => line.test(text)).length === 1);
  const first = await lines({ encoder: true });
  await one(first.said, /ranker\.wasm: 200, application\/wasm, \d+ bytes .*in \d+ ms/);
  await one(first.said, /manifest\.json: 200, application\/json, \d+ bytes .*in \d+ ms/);
  await one(first.said, /ranks with version \d+, \d+ items, until .*\(after \d+ ms\)/);
  await one(first.said, /storage: indexeddb/);
  await one(first.said, /encoder: ready/);
  await until('kept files', async () => (await inspect(first.page)).files.length > 0);
  await first.page.close();

  const second = await lines({});
  await until(
    'the kept files',
    () => second.said.filter((line) => /kept on this device/.test(line)).length === 3,
  );
  await second.page.close();

  down = true;
  const third = await lines({ storage: 'memory' });
  await one(third.said, /manifest\.json: not loaded, 503/);
  await one(third.said, /keeps the shop's order: unreachable/);
});
