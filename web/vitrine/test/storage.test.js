import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { beforeEach, test } from 'node:test';
import { IDBFactory } from 'fake-indexeddb';
import { createVitrine } from 'vitrine';
import { ids, manifest, options, Shop, until } from './shop.js';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const start = (more) => createVitrine(options(new Shop(), { storage: 'indexeddb', ...more }));
const databases = async () => (await indexedDB.databases()).length;

test('without an answer nothing is stored, not even an empty database', async () => {
  const vitrine = start();
  vitrine.track({ item: ids[0] });
  await vitrine.ready;
  const known = await vitrine.inspect();
  assert.equal(known.session.length, 1);
  assert.equal(await databases(), 0);
  vitrine.dispose();
});

test('an answer, the session and the budget outlast the page', async () => {
  const first = start({ reportDelay: [60_000, 60_000] });
  await first.ready;
  first.consent('granted');
  first.track({ item: ids[0] });
  first.track({ item: ids[1] });
  const before = await first.inspect();
  first.dispose();

  const second = start({ reportDelay: [60_000, 60_000] });
  await second.ready;
  const known = await second.inspect();
  assert.deepEqual(known.consent, { ranking: 'granted', upload: 'granted' });
  assert.deepEqual(known.session, before.session);
  assert.deepEqual(known.budget, before.budget);
  assert.deepEqual(known.reports, before.reports);
  assert.ok(known.reports.length > 0);
  await second.forget();
  assert.equal(await databases(), 0);
  second.dispose();
});

test('an event before the model is there outlasts the page too', async () => {
  const shop = new Shop();
  shop.answers.set('/manifest.json', () => new Promise(() => {}));
  const first = createVitrine(options(shop, { storage: 'indexeddb', consent: 'granted' }));
  first.track({ item: ids[0] });
  await first.inspect();
  first.dispose();
  const second = start({ consent: 'granted' });
  await second.ready;
  assert.deepEqual((await second.inspect()).session, [{ item: ids[0], action: 'view' }]);
  second.dispose();
});

test('two tabs share one session and one budget', async () => {
  const tabs = [1, 2].map(() =>
    start({ consent: 'granted', reportDelay: [60_000, 60_000], refreshInterval: 50 }),
  );
  await Promise.all(tabs.map((tab) => tab.ready));
  ids.slice(0, 16).forEach((item, at) => tabs[at % 2].track({ item }));
  await Promise.all(tabs.map((tab) => tab.inspect()));
  const queued = async () => (await tabs[0].inspect()).reports;
  await until(async () => (await tabs[0].inspect()).session.length === 16, 'the common session');
  const { budget } = await tabs[1].inspect();
  assert.equal(budget.spent.transitions, 4);
  assert.equal(budget.spent.items, 2);
  assert.equal((await queued()).length, 6);

  await tabs[0].forget();
  await until(
    async () => (await tabs[1].inspect()).session.length === 0,
    'forgetting in the other tab',
  );
  tabs.forEach((tab) => tab.dispose());
});

test('a list knows the stored session, however early it is asked for', async () => {
  const first = start({ consent: 'granted' });
  await first.ready;
  first.track({ item: ids[4] });
  const expected = await first.rank(ids);
  await first.inspect();
  first.dispose();

  const database = await new Promise((resolve) => {
    const opening = indexedDB.open('vitrine');
    opening.onsuccess = () => resolve(opening.result);
  });
  /** Lets nobody else at the record for a while. */
  const hold = () => {
    const table = database.transaction('device', 'readwrite').objectStore('device');
    const end = performance.now() + 150;
    const again = () => {
      if (performance.now() < end) table.get('state').onsuccess = again;
    };
    again();
  };
  const shop = new Shop();
  shop.answers.set(`/bundles/${manifest.files['items.fst'].sha256}`, async ({ path }) => {
    hold();
    return new Response(await readFile(new URL(`../../fixture${path}`, import.meta.url)));
  });
  const next = createVitrine(options(shop, { storage: 'indexeddb', consent: 'granted' }));
  await until(() => next.status === 'ready', 'the model');
  assert.deepEqual(await next.rank(ids), expected);
  next.dispose();
  database.close();
});

test('a refusal of ranking leaves no session behind', async () => {
  const vitrine = start({ consent: 'granted' });
  await vitrine.ready;
  vitrine.track({ item: ids[0] });
  await vitrine.inspect();
  vitrine.consent({ ranking: 'denied', upload: 'denied' });
  await vitrine.inspect();
  vitrine.dispose();
  const next = start({ consent: 'granted' });
  await next.ready;
  assert.deepEqual((await next.inspect()).session, []);
  next.dispose();
});

test('where storage is refused, memory serves', async () => {
  globalThis.indexedDB = {
    open() {
      throw new DOMException('not here', 'SecurityError');
    },
  };
  const errors = [];
  const vitrine = start({ consent: 'granted', onError: (error) => errors.push(error) });
  vitrine.track({ item: ids[0] });
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
  const known = await vitrine.inspect();
  assert.equal(known.storage, 'memory');
  assert.equal(known.session.length, 1);
  assert.equal(errors.length, 1);
  vitrine.dispose();
});

test('a record that cannot be read is as good as none', async () => {
  const vitrine = start({ consent: 'granted' });
  await vitrine.ready;
  vitrine.track({ item: ids[0] });
  await vitrine.inspect();
  vitrine.dispose();
  const database = await new Promise((resolve) => {
    const opening = indexedDB.open('vitrine');
    opening.onsuccess = () => resolve(opening.result);
  });
  await new Promise((resolve) => {
    const transaction = database.transaction('device', 'readwrite');
    transaction
      .objectStore('device')
      .put({ pending: [], shown: [], outbox: [], session: '{', budget: '[]' }, 'state');
    transaction.oncomplete = resolve;
  });
  database.close();
  const next = start({ consent: 'granted' });
  assert.equal((await next.rank(ids)).status, 'ranked');
  assert.deepEqual((await next.inspect()).session, []);
  next.dispose();
});
