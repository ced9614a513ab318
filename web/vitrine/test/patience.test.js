/**
 * Every wait for something outside has an end, after which the page goes on without it and says so
 * once: storage, caches, workers and requests that never answer.
 */

import { IDBDatabase, IDBFactory } from 'fake-indexeddb';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ids, options, Shop, until } from './shop.js';

const open = [];
after(() => open.forEach((vitrine) => vitrine.dispose()));

// A second of patience takes 25 ms here.
const { setInterval, setTimeout } = globalThis;
globalThis.setInterval = (run, wait) => setInterval(run, wait / 40);
globalThis.setTimeout = (run, wait) => setTimeout(run, wait >= 10_000 ? wait / 40 : wait);

const never = () => new Promise(() => {});
/** A request that nobody answers. */
const silent = () => new EventTarget();

/** An instance whose globals are `globals` while it is made, and what it is told. */
function page(globals, more) {
  const before = Object.fromEntries(Object.keys(globals).map((name) => [name, globalThis[name]]));
  Object.assign(globalThis, globals);
  const errors = [];
  const vitrine = createVitrine(
    options(new Shop(), {
      storage: 'indexeddb',
      consent: 'granted',
      reportDelay: [60_000, 60_000],
      onError: ({ message }) => errors.push(message),
      ...more,
    }),
  );
  Object.assign(globalThis, before);
  open.push(vitrine);
  return { vitrine, errors };
}

/** The page ranks, knows its session, forgets, and was told once of `who`. */
async function goesOn({ vitrine, errors }, who) {
  vitrine.track({ item: ids[0] });
  assert.equal((await vitrine.ready).status, 'ranked');
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
  vitrine.track({ item: ids[1] });
  const known = await vitrine.inspect();
  assert.deepEqual(
    known.session.map(({ item }) => item),
    [ids[0], ids[1]],
  );
  await vitrine.forget();
  assert.deepEqual((await vitrine.inspect()).session, []);
  assert.equal(
    errors.filter((message) => who.test(message) && /without\.$/.test(message)).length,
    1,
    errors.join('\n'),
  );
  return known;
}

/** IndexedDB of which some methods answer nothing. */
function factory(methods) {
  const real = new IDBFactory();
  const stuck = (object, name, how) =>
    Object.defineProperty(object, name, { value: how, configurable: true });
  if (methods.open) stuck(real, 'open', silent);
  if (methods.deleteDatabase) stuck(real, 'deleteDatabase', silent);
  if (methods.transaction) {
    const { open } = real;
    stuck(real, 'open', (...given) => {
      const opening = open.apply(real, given);
      opening.addEventListener('success', () => {
        stuck(opening.result, 'transaction', () => {
          const transaction = new EventTarget();
          const table = { get: silent, put: silent };
          return Object.assign(transaction, { objectStore: () => table, abort() {} });
        });
      });
      return opening;
    });
  }
  return real;
}

test('storage that never answers: the page ranks from memory, reports nothing, and settles', async () => {
  const stuck = [
    factory({ open: true }),
    factory({ open: true, deleteDatabase: true }),
    factory({ transaction: true }),
  ].map((indexedDB) => page({ indexedDB }));
  await Promise.all(
    stuck.map(async (one) => {
      const known = await goesOn(one, /IndexedDB has not answered/);
      assert.equal(known.storage, 'memory');
      assert.deepEqual(known.reports, []);
    }),
  );
});

test('a database that cannot be deleted: forget settles and says so', async () => {
  const { vitrine, errors } = page({ indexedDB: factory({ deleteDatabase: true }) });
  await vitrine.ready;
  vitrine.track({ item: ids[0] });
  await vitrine.forget();
  assert.deepEqual((await vitrine.inspect()).session, []);
  assert.equal(errors.length, 1);
  assert.match(errors[0], /may still be on this device/);
});

test('storage that stops to answer later: the session goes on in memory, and nothing leaves', async () => {
  const indexedDB = new IDBFactory();
  const { vitrine, errors } = page({ indexedDB });
  await vitrine.ready;
  vitrine.track({ item: ids[0] });
  assert.ok((await vitrine.inspect()).reports.length > 0);
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = () =>
    Object.assign(new EventTarget(), {
      objectStore: () => ({ get: silent, put: silent }),
      abort() {},
    });
  try {
    vitrine.track({ item: ids[1] });
    const known = await vitrine.inspect();
    assert.deepEqual(
      known.session.map(({ item }) => item),
      [ids[0], ids[1]],
    );
    assert.deepEqual([known.storage, known.reports], ['memory', []]);
    assert.equal(errors.length, 1, errors.join('\n'));
  } finally {
    IDBDatabase.prototype.transaction = transaction;
  }
});

test('Cache Storage that never answers: whole files are fetched, and the page settles', async () => {
  const caches = { match: never, open: never, has: never, delete: never };
  globalThis.caches = caches;
  try {
    await goesOn(page({ indexedDB: new IDBFactory() }), /Cache Storage has not answered/);
  } finally {
    delete globalThis.caches;
  }
});

test('a worker that never answers a session is replaced by the page', async () => {
  globalThis.Worker = class {
    constructor() {
      setTimeout(() => this.onmessage({ data: { listening: true } }), 1);
    }
    postMessage(message, given = []) {
      structuredClone(message, { transfer: given });
      if ('start' in message) setTimeout(() => this.onmessage({ data: { ready: true } }), 1);
    }
    terminate() {}
  };
  const { vitrine, errors } = page({}, { storage: 'memory', encoder: true });
  try {
    vitrine.track({ item: ids[0] });
    const answered = async () => (await vitrine.explain(ids[2]))?.terms.encoder !== 0;
    await until(async () => (await vitrine.inspect()).encoder === 'ready', 'the worker');
    await until(answered, 'the answer of the page’s own encoder');
    assert.match(errors.join(), /The worker/);
  } finally {
    delete globalThis.Worker;
  }
});

test('a request that never answers: other calls settle at their own time', async () => {
  const { vitrine } = page({}, { storage: 'memory', fetch: never, timeout: 30 });
  assert.equal((await vitrine.rank(ids)).reason, 'timeout');
  assert.equal(await vitrine.explain(ids[0]), undefined);
  assert.equal((await vitrine.inspect()).bundle, undefined);
  await vitrine.forget();
  vitrine.dispose();
  assert.equal((await vitrine.ready).reason, 'disposed');
});
