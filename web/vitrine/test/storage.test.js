import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { beforeEach, test } from 'node:test';
import { IDBFactory } from 'fake-indexeddb';
import { createVitrine } from 'vitrine';
import { ENDPOINT, ids, manifest, options, Shop, until } from './shop.js';

/** The endpoint's database. */
const NAME = `vitrine ${ENDPOINT}`;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const start = (more) => createVitrine(options(new Shop(), { storage: 'indexeddb', ...more }));
const databases = async () => (await indexedDB.databases()).length;

/** A database, made by the first caller. */
const opened = (name) =>
  new Promise((resolve) => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('device');
    opening.onsuccess = () => resolve(opening.result);
  });

/** Writes a record over the one that is there; `change` is given that. */
async function rewrite(name, change) {
  const database = await opened(name);
  const transaction = database.transaction('device', 'readwrite');
  const table = transaction.objectStore('device');
  table.get('state').onsuccess = ({ target }) => table.put(change(target.result), 'state');
  await new Promise((resolve) => (transaction.oncomplete = resolve));
  database.close();
}

const kept = async (name) => {
  const database = await opened(name);
  const reading = database.transaction('device').objectStore('device').get('state');
  await new Promise((resolve) => (reading.onsuccess = resolve));
  database.close();
  return reading.result;
};

/** A record in which something of everything is stored, and the instance that wrote it closed. */
async function aVisit(more) {
  const first = start({ consent: 'granted', reportDelay: [60_000, 60_000], ...more });
  await first.ready;
  await first.recommend();
  first.track({ item: ids[0] });
  first.track({ item: ids[1] });
  const known = await first.inspect();
  assert.ok(known.reports.length > 0);
  first.dispose();
  await new Promise((resolve) => setTimeout(resolve, 20));
  return known;
}

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
  const tabs = [1, 2].map(() => start({ consent: 'granted', reportDelay: [60_000, 60_000] }));
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

  const database = await opened(NAME);
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

/** An entry of each list as it should be, and parts that are damaged in every way that was thought of. */
const EVENT = { item: ids[3], action: 0, at: 1_000, upload: true, impressions: [] };
const DAMAGE = {
  pending: [
    'x',
    null,
    { length: 3 },
    [null],
    [7],
    [{}],
    [{ ...EVENT, item: 7 }],
    [{ ...EVENT, action: 9 }],
    [{ ...EVENT, at: NaN }],
    [{ ...EVENT, at: 'now' }],
    [{ ...EVENT, impressions: null }],
    [{ ...EVENT, impressions: [null] }],
  ],
  shown: ['x', [7], [null], {}],
  outbox: [
    'x',
    [null],
    [{ report: null, due: 1, attempts: 0 }],
    [{ report: { nonce: 'n', window: { number: 1, seconds: 1 } }, due: NaN, attempts: 0 }],
    [{ report: { nonce: 'n', window: {} }, due: 1, attempts: 0 }],
  ],
  session: [7, '{', '[]', {}],
  budget: [7, null, '{}', 'x', [], '0 1'],
  versions: [7, 'x', { unsigned: 'x' }, { unsigned: NaN }, { unsigned: -1 }],
  consent: [7, 'granted', { ranking: 'granted' }, { ranking: 'maybe', upload: 'denied' }],
  reportable: ['x', -1, NaN],
};

for (const [part, values] of Object.entries(DAMAGE)) {
  test(`a damaged ${part} costs no other part, and is told of once`, async () => {
    for (const value of values) {
      globalThis.indexedDB = new IDBFactory();
      await aVisit();
      await rewrite(NAME, (state) => ({ ...state, [part]: value }));
      const errors = [];
      const more = { consent: 'granted', reportDelay: [60_000, 60_000] };
      const next = start({ ...more, onError: ({ message }) => errors.push(message) });
      const list = await next.rank(ids);
      assert.equal(list.status, 'ranked', `${part} ${JSON.stringify(value)}: ${errors}`);
      next.track({ item: ids[9] });
      const known = await next.inspect();
      assert.equal(known.session.at(-1).item, ids[9]);
      assert.equal(errors.length, 1, `${JSON.stringify(value)}: ${errors}`);
      assert.match(errors[0], new RegExp(`damaged.*'${part}'`));
      next.dispose();
      await new Promise((resolve) => setTimeout(resolve, 5));
      // The record is whole again.
      const silent = [];
      const last = start({ ...more, onError: ({ message }) => silent.push(message) });
      await last.ready;
      assert.deepEqual((await last.inspect()).session, known.session);
      assert.deepEqual(silent, []);
      last.dispose();
    }
  });
}

test('of a damaged list, the entries that are whole are kept', async () => {
  const before = await aVisit();
  const event = { ...EVENT, at: Math.floor(Date.now() / 1000) };
  await rewrite(NAME, (state) => ({
    ...state,
    pending: [null, event],
    outbox: [...state.outbox, null],
  }));
  const next = start({ consent: 'granted', reportDelay: [60_000, 60_000] });
  await next.ready;
  const known = await next.inspect();
  assert.equal(known.session.at(-1).item, ids[3]);
  const nonces = ({ reports }) => reports.map(({ report }) => report.nonce);
  assert.deepEqual(nonces(known).slice(0, nonces(before).length), nonces(before));
  next.dispose();
});

test('a budget or a record that is damaged counts as spent for the window', async () => {
  for (const damage of [(state) => ({ ...state, budget: 'x' }), () => 'x', () => 7]) {
    globalThis.indexedDB = new IDBFactory();
    await aVisit();
    await rewrite(NAME, damage);
    const next = start({ consent: 'granted', reportDelay: [60_000, 60_000] });
    await next.ready;
    const { reports: before } = await next.inspect();
    ids.slice(10, 16).forEach((item) => next.track({ item }));
    assert.deepEqual((await next.inspect()).reports, before);
    next.dispose();
    await new Promise((resolve) => setTimeout(resolve, 5));
    // And it stays spent.
    const last = start({ consent: 'granted', reportDelay: [60_000, 60_000] });
    await last.ready;
    last.track({ item: ids[20] });
    assert.deepEqual((await last.inspect()).reports, before);
    last.dispose();
  }
});

test('where the budget cannot be written, nothing leaves, and the page ranks', async () => {
  const shop = new Shop();
  const errors = [];
  const vitrine = createVitrine(
    options(shop, {
      storage: 'indexeddb',
      consent: 'granted',
      onError: ({ name }) => errors.push(name),
    }),
  );
  await vitrine.ready;
  const { put } = IDBObjectStore.prototype;
  // As a full disk does: the request is taken, and its transaction is not.
  IDBObjectStore.prototype.put = function (...given) {
    const request = put.apply(this, given);
    this.transaction.abort();
    return request;
  };
  try {
    ids.slice(0, 6).forEach((item) => vitrine.track({ item }));
    const known = await vitrine.inspect();
    assert.deepEqual(known.reports, []);
    assert.equal((await vitrine.rank(ids)).status, 'ranked');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(shop.reports(), []);
    assert.ok(errors.length > 0);
  } finally {
    IDBObjectStore.prototype.put = put;
  }
  vitrine.dispose();
});

test('a report that is queued and cannot be claimed on the disk does not leave', async () => {
  const shop = new Shop();
  const vitrine = createVitrine(
    options(shop, { storage: 'indexeddb', consent: 'granted', reportDelay: [150, 150] }),
  );
  await vitrine.ready;
  vitrine.track({ item: ids[0] });
  assert.ok((await vitrine.inspect()).reports.length > 0);
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function () {
    throw new DOMException('no room', 'QuotaExceededError');
  };
  try {
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.deepEqual(shop.reports(), []);
  } finally {
    IDBObjectStore.prototype.put = put;
  }
  vitrine.dispose();
});

test('two endpoints on one page know nothing of one another', async () => {
  const [here, there] = [new Shop(), new Shop()];
  there.publish({ version: 1 });
  here.publish({ version: 7 });
  const at = (shop, endpoint, more) =>
    createVitrine(options(shop, { storage: 'indexeddb', consent: 'granted', endpoint, ...more }));
  const waiting = { reportDelay: [60_000, 60_000] };
  const first = at(here, 'https://a.example/', waiting);
  assert.equal((await first.ready).version, 7);
  ids.slice(0, 3).forEach((item) => first.track({ item }));
  const known = await first.inspect();
  assert.ok(known.reports.length > 0);

  // B has a lower version, no session and a budget of its own, and none of A's reports.
  const second = at(there, 'https://b.example', waiting);
  const { status, version } = await second.ready;
  assert.deepEqual([status, version], ['ranked', 1]);
  const other = await second.inspect();
  assert.deepEqual([other.session, other.reports], [[], []]);
  assert.deepEqual(other.budget.spent, { transitions: 0, items: 0, impressions: 0, metrics: 0 });
  await second.forget();
  assert.deepEqual((await first.inspect()).reports, known.reports);
  first.dispose();
  second.dispose();
  await new Promise((resolve) => setTimeout(resolve, 20));

  // The same server, whether its address ends in a slash or not.
  const again = at(here, 'https://A.example', waiting);
  await again.ready;
  assert.deepEqual((await again.inspect()).reports, known.reports);
  again.dispose();
});

test('the record of the first versions leaves nothing but a spent budget, at each endpoint', async () => {
  const state = { pending: [], shown: [], session: 'secret', budget: '{"window":2}', outbox: [] };
  await rewrite('vitrine', () => state);
  for (const endpoint of ['https://a.example', 'https://b.example']) {
    const errors = [];
    const vitrine = start({
      endpoint,
      consent: 'granted',
      onError: ({ message }) => errors.push(message),
    });
    assert.equal((await vitrine.ready).status, 'ranked');
    ids.slice(0, 6).forEach((item) => vitrine.track({ item }));
    assert.deepEqual((await vitrine.inspect()).reports, []);
    assert.deepEqual(errors, []);
    vitrine.dispose();
    assert.equal(await kept('vitrine'), undefined);
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  const last = start({ endpoint: 'https://a.example', consent: 'granted' });
  await last.ready;
  await last.forget();
  const left = (await indexedDB.databases()).map(({ name }) => name);
  assert.deepEqual(left, ['vitrine https://b.example']);
  last.dispose();
});
