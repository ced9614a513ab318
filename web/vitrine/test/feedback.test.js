import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { IDBFactory } from 'fake-indexeddb';
import { ids, manifest, options, Shop, until } from './shop.js';

const open = [];
const start = (shop, more) => {
  const vitrine = createVitrine(options(shop, { storage: 'indexeddb', ...more }));
  open.push(vitrine);
  return vitrine;
};
beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});
after(() => open.forEach((vitrine) => vitrine.dispose()));
afterEach(() =>
  Object.defineProperty(globalThis, 'navigator', { value: undefined, configurable: true }),
);

const visit = (vitrine, count = 6) =>
  ids.slice(0, count).forEach((item) => vitrine.track({ item }));
const settled = (vitrine) =>
  until(async () => {
    const { reports } = await vitrine.inspect();
    return reports.length > 0 && reports.every(({ state }) => state !== 'queued');
  }, 'the reports');

test('nothing leaves before consent, and nothing of before leaves after it', async () => {
  const shop = new Shop();
  const vitrine = start(shop, { consent: { ranking: 'granted' } });
  await vitrine.ready;
  visit(vitrine);
  await vitrine.inspect();
  const told = JSON.stringify(shop.requests.map(({ path, body }) => [path, body ?? '']));
  assert.ok(ids.every((id) => !told.includes(id)));

  vitrine.consent({ upload: 'granted' });
  vitrine.track({ item: ids[20] });
  await settled(vitrine);
  const cells = shop.reports().map(({ cell }) => cell);
  // Not even a transition from what came before.
  assert.deepEqual(cells, [{ table: 'item', item: ids[20], action: 'view' }]);
});

test('one cell per request, within the budget, without a trace of the visitor', async () => {
  const shop = new Shop();
  const vitrine = start(shop, { consent: 'granted' });
  await vitrine.ready;
  visit(vitrine, 12);
  vitrine.track({ item: ids[3], action: 'buy' });
  await settled(vitrine);

  const reports = shop.reports();
  const { budget } = await vitrine.inspect();
  assert.deepEqual(budget.allowed, { transitions: 4, items: 2, impressions: 2, metrics: 0 });
  assert.equal(reports.length, 6);
  assert.equal(reports.filter(({ cell }) => cell.table === 'transition').length, 4);
  assert.equal(new Set(reports.map(({ nonce }) => nonce)).size, reports.length);
  for (const report of reports) {
    assert.deepEqual(Object.keys(report), ['nonce', 'window', 'cell']);
    assert.deepEqual(Object.keys(report.window), ['number', 'seconds']);
    assert.equal(report.window.number, Math.floor(Date.now() / 1000 / report.window.seconds));
    assert.match(report.nonce, /^[0-9a-f]{32}$/);
  }
  for (const { method, init, path } of shop.requests) {
    assert.equal(init.credentials, 'omit');
    assert.equal(init.referrerPolicy, 'no-referrer');
    if (method !== 'POST') continue;
    assert.equal(path, '/v1/feedback');
    assert.equal(init.keepalive, true);
    assert.deepEqual(Object.keys(init.headers), ['content-type']);
  }
});

test('a click on a recommended item is an impression, and never the whole list', async () => {
  const shop = new Shop();
  const vitrine = start(shop, { consent: 'granted' });
  const { items } = await vitrine.recommend({ n: 10 });
  vitrine.track({ item: items[2].id });
  await settled(vitrine);
  const impressions = shop
    .reports()
    .map(({ cell }) => cell)
    .filter(({ table }) => table === 'impression');
  assert.equal(impressions.length, 2);
  const clicked = impressions.find((cell) => cell.clicked);
  assert.deepEqual(clicked, {
    table: 'impression',
    item: items[2].id,
    position: '2-4',
    clicked: true,
  });
  const other = impressions.find((cell) => !cell.clicked);
  assert.ok(items.some(({ id }) => id === other.item && id !== clicked.item));
});

test('Global Privacy Control refuses upload, whatever was answered', async () => {
  Object.defineProperty(globalThis, 'navigator', {
    value: { globalPrivacyControl: true },
    configurable: true,
  });
  const shop = new Shop();
  const vitrine = start(shop, { consent: 'granted' });
  await vitrine.ready;
  visit(vitrine);
  const known = await vitrine.inspect();
  assert.equal(known.globalPrivacyControl, true);
  assert.deepEqual(known.reports, []);
  assert.deepEqual(shop.reports(), []);
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
});

test('a refusal empties the queue, and the shop can hold a report back', async () => {
  const shop = new Shop();
  const vitrine = start(shop, { consent: 'granted', reportDelay: [60_000, 60_000] });
  await vitrine.ready;
  visit(vitrine);
  assert.ok((await vitrine.inspect()).reports.length > 0);
  vitrine.consent({ upload: 'denied' });
  await until(async () => (await vitrine.inspect()).reports.length === 0);

  vitrine.dispose();

  const other = new Shop();
  globalThis.indexedDB = new IDBFactory();
  const vetoing = start(other, {
    consent: 'granted',
    beforeSend: ({ cell }) => cell.table !== 'item',
  });
  await vetoing.ready;
  visit(vetoing, 3);
  await settled(vetoing);
  const states = (await vetoing.inspect()).reports;
  assert.ok(states.some(({ state }) => state === 'vetoed'));
  assert.ok(other.reports().every(({ cell }) => cell.table !== 'item'));
  assert.deepEqual(shop.reports(), []);
});

test('forgetting erases session, answers, budget and queue', async () => {
  const shop = new Shop();
  const vitrine = start(shop, { reportDelay: [60_000, 60_000] });
  vitrine.consent('granted');
  await vitrine.ready;
  visit(vitrine);
  assert.ok((await vitrine.inspect()).budget.spent.transitions > 0);
  await vitrine.forget();
  const known = await vitrine.inspect();
  assert.deepEqual(known.session, []);
  assert.deepEqual(known.reports, []);
  assert.deepEqual(known.consent, { ranking: 'pending', upload: 'pending' });
  assert.equal(known.budget.spent.transitions, 0);
  const { items } = await vitrine.rank(ids);
  const fresh = start(new Shop());
  assert.deepEqual(items, (await fresh.rank(ids)).items);
});

test('from memory nothing is reported: a budget there would be a new one with each page', async () => {
  const shop = new Shop();
  for (let page = 0; page < 10; page += 1) {
    const vitrine = start(shop, { consent: 'granted', storage: 'memory' });
    await vitrine.ready;
    visit(vitrine);
    const known = await vitrine.inspect();
    assert.equal(known.session.length, 6);
    assert.deepEqual(known.reports, []);
    vitrine.dispose();
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(shop.reports(), []);
});

test('nothing is reported under a manifest that the network has not confirmed in this window', async () => {
  const shop = new Shop();
  // Without a network, the browser's own copy serves.
  shop.answers.set('/manifest.json', ({ init }) => {
    if (init.cache === 'no-cache') throw new TypeError('offline');
    return new Response(JSON.stringify(manifest));
  });
  const vitrine = start(shop, { consent: 'granted' });
  assert.equal((await vitrine.ready).status, 'ranked');
  visit(vitrine);
  assert.deepEqual((await vitrine.inspect()).reports, []);
  shop.answers.clear();
  await vitrine.retry();
  vitrine.track({ item: ids[20] });
  await settled(vitrine);
  assert.ok(shop.reports().length > 0);
});
