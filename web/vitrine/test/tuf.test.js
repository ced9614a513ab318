/**
 * The attacks that The Update Framework names (https://theupdateframework.io/docs/security/), each
 * by whoever holds the server or the way to it.
 */

import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { IDBFactory } from 'fake-indexeddb';
import { ids, inBlocks, manifest, options, Shop, until } from './shop.js';
import { addressOf, fileOf, makeKey } from './signing.js';

const open = [];
beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});
afterEach(() => open.splice(0).forEach((vitrine) => vitrine.dispose()));

/** A visit to a shop by one browser profile. */
function visit(shop, more) {
  const errors = [];
  const vitrine = createVitrine(
    options(shop, {
      storage: 'indexeddb',
      consent: { ranking: 'granted' },
      onError: (error) => errors.push(error.message),
      ...more,
    }),
  );
  open.push(vitrine);
  return { vitrine, errors };
}

/** How a visit went: `ranked` by which version, or why not, and what was said. */
async function outcome(shop, more) {
  const { vitrine, errors } = visit(shop, more);
  const { status, reason, version } = await vitrine.ready;
  await vitrine.inspect();
  vitrine.dispose();
  await new Promise((resolve) => setTimeout(resolve, 10));
  return { status, reason, version, said: errors.join('\n') };
}

/** A shop whose manifest has these fields, signed by these keys. */
function signedShop(fields, ...keys) {
  const shop = new Shop();
  const bytes = Buffer.from(JSON.stringify({ ...manifest, ...fields }));
  shop.answers.set('/manifest.json', () => new Response(bytes));
  if (keys.length > 0) {
    shop.answers.set(addressOf(bytes), () => new Response(fileOf(bytes, ...keys)));
  }
  return shop;
}

/** A body that goes on for ever, and how many bytes of it were read. */
function endless() {
  const read = { bytes: 0 };
  const body = () =>
    new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve));
        read.bytes += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
  return { read, body };
}

const path = (name) => `/bundles/${manifest.files[name].sha256}`;

test('tuf: rollback to an older version is refused, signed or not, on the next visit too', async () => {
  const key = makeKey();
  for (const keys of [[], [key]]) {
    const more = keys.length > 0 ? { publicKeys: [key.public] } : {};
    globalThis.indexedDB = new IDBFactory();
    assert.equal((await outcome(signedShop({ version: 6 }, ...keys), more)).version, 6);
    const back = await outcome(signedShop({ version: 5 }, ...keys), more);
    assert.deepEqual([back.status, back.reason], ['fallback', 'refused']);
    assert.match(back.said, /version 5; this device has seen 6/);
    assert.equal((await outcome(signedShop({ version: 6 }, ...keys), more)).version, 6);
  }
});

test('tuf: rollback below what any of several keys has signed is refused', async () => {
  const [old, next] = [makeKey(), makeKey()];
  const more = { publicKeys: [old.public, next.public] };
  assert.equal((await outcome(signedShop({ version: 6 }, old, next), more)).version, 6);
  for (const keys of [[old], [next], [old, next], [next, old]]) {
    const { reason, said } = await outcome(signedShop({ version: 5 }, ...keys), more);
    assert.equal(reason, 'refused', said);
  }
});

test('tuf: freeze at a manifest whose time is over ends with that time', async () => {
  const { reason, said } = await outcome(signedShop({ created: 1, expires: 2 }));
  assert.equal(reason, 'expired');
  assert.match(said, /has expired/);
});

test('tuf: freeze of an open page ends when its manifest expires, and a fresh one ranks again', async () => {
  const shop = new Shop();
  const expires = Math.floor(Date.now() / 1000) + 2;
  shop.publish({ created: 1, expires });
  const { vitrine } = visit(shop);
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
  let changes = 0;
  vitrine.subscribe(() => (changes += 1));
  await until(() => vitrine.status === 'fallback', 'the expiry');
  const list = await vitrine.rank(ids);
  assert.deepEqual([list.status, list.reason], ['fallback', 'expired']);
  assert.deepEqual(list.items, ids);
  assert.deepEqual((await vitrine.recommend()).reason, 'expired');
  assert.ok(changes > 0, 'the page is told');
  // It looks for a newer one by itself.
  shop.publish({ version: 2 });
  await until(() => vitrine.status === 'ready', 'the fresh manifest');
  assert.equal((await vitrine.rank(ids)).version, 2);
});

test('tuf: freeze of a page whose timers stood still ends at its first call', async () => {
  const shop = new Shop();
  const { vitrine } = visit(shop);
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
  // The device slept for years; no timer has fired yet.
  mock.timers.enable({ apis: ['Date'], now: manifest.expires * 1000 });
  try {
    const { status, reason } = await vitrine.rank(ids);
    assert.deepEqual([status, reason], ['fallback', 'expired']);
  } finally {
    mock.timers.reset();
  }
});

test('tuf: fast-forward to a version that nothing can be above is not remembered', async () => {
  for (const version of ['18446744073709551615', '9007199254740992']) {
    const shop = new Shop();
    const text = JSON.stringify({ ...manifest, version: 0 });
    const body = text.replace('"version":0', `"version":${version}`);
    shop.answers.set('/manifest.json', () => new Response(body));
    const { reason, said } = await outcome(shop);
    assert.equal(reason, 'refused');
    assert.match(said, /above 2\^53/);
  }
  assert.equal((await outcome(signedShop({ version: 2 }))).version, 2);
});

test('tuf: fast-forward by a stolen key is over when the key is changed', async () => {
  const [stolen, next] = [makeKey(), makeKey()];
  const high = Number.MAX_SAFE_INTEGER;
  const before = { publicKeys: [stolen.public] };
  assert.equal((await outcome(signedShop({ version: high }, stolen), before)).version, high);
  assert.equal((await outcome(signedShop({ version: 7 }, stolen), before)).reason, 'refused');
  // The way back: another key signs, and the page pins that one.
  const after = { publicKeys: [next.public] };
  assert.equal((await outcome(signedShop({ version: 7 }, next), after)).version, 7);
  // Both while pages change over: a version that the new key has signed counts.
  const both = { publicKeys: [stolen.public, next.public] };
  assert.equal((await outcome(signedShop({ version: 8 }, stolen, next), both)).version, 8);
  assert.equal((await outcome(signedShop({ version: 6 }, next), after)).reason, 'refused');
});

test('tuf: fast-forward of an unsigned shop is over when it signs', async () => {
  const high = Number.MAX_SAFE_INTEGER;
  assert.equal((await outcome(signedShop({ version: high }))).version, high);
  const key = makeKey();
  const { version } = await outcome(signedShop({ version: 3 }, key), { publicKeys: [key.public] });
  assert.equal(version, 3);
});

test('tuf: mix and match: a file of another bundle is refused under this manifest', async () => {
  const shop = new Shop();
  // Files that are right by themselves, each at the other's address.
  for (const [name, other] of [
    ['items.fst', 'facets.json'],
    ['tables.safetensors', 'items.fst'],
  ]) {
    const bytes = await readFile(new URL(`../../fixture${path(other)}`, import.meta.url));
    shop.answers.set(path(name), () => new Response(bytes));
  }
  const { reason, said } = await outcome(shop);
  assert.equal(reason, 'refused');
  assert.match(said, /is \d+ bytes long|has SHA-256|longer than/);
});

test('tuf: endless data: every download ends at its length', async () => {
  const key = makeKey();
  const kilobytes = (name) => manifest.files[name].bytes;
  const cases = [
    ['/manifest.json', 256 * 1024, {}],
    [addressOf(Buffer.from(JSON.stringify(manifest))), 4096, { publicKeys: [key.public] }],
    [path('tables.safetensors'), kilobytes('tables.safetensors'), {}],
    [path('items.fst'), kilobytes('items.fst'), {}],
    [path('facets.json'), kilobytes('facets.json'), {}],
  ];
  for (const [at, limit, more] of cases) {
    globalThis.indexedDB = new IDBFactory();
    const shop = signedShop({}, key);
    const { read, body } = endless();
    shop.answers.set(at, () => new Response(body()));
    const { reason, said } = await outcome(shop, more);
    assert.equal(reason, 'refused', `${at}: ${said}`);
    assert.match(said, /longer than/);
    // One piece beyond the limit, and one that a stream has ready, at most twice.
    assert.ok(read.bytes <= 2 * (limit + 4 * 65_536), `${at}: ${read.bytes} bytes were read`);
  }
});

test('tuf: endless data: a block is no longer than the index says', async () => {
  const shop = new Shop();
  shop.answers.set('/manifest.json', () => new Response(JSON.stringify(inBlocks)));
  const { read, body } = endless();
  shop.answers.set(
    `/bundles/${inBlocks.files['blocks.bin'].sha256}`,
    () => new Response(body(), { status: 206 }),
  );
  const { vitrine, errors } = visit(shop);
  assert.equal((await vitrine.rank(ids.slice(0, 4))).reason, 'refused');
  assert.match(errors.join(), /longer than/);
  const bytes = read.bytes;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(read.bytes, bytes, 'nothing more is read');
});

/** Bodies that give a byte now and then: within every length, and never whole. */
function trickling(signal) {
  return new ReadableStream({
    start: (controller) => controller.enqueue(new Uint8Array(1)),
    pull: () => new Promise(() => {}),
    cancel: () => {},
    signal,
  });
}

test('tuf: slow retrieval ends, and the page goes on with the shop’s order', async () => {
  // The function that a page may give makes requests and may heed no signal.
  for (const at of ['/manifest.json', path('tables.safetensors')]) {
    globalThis.indexedDB = new IDBFactory();
    const shop = new Shop();
    shop.answers.set(at, () => new Response(trickling()));
    const real = globalThis.setTimeout;
    // Minutes of patience pass in a moment.
    globalThis.setTimeout = (run, wait = 0, ...more) =>
      real(run, wait >= 20_000 ? wait / 500 : wait, ...more);
    try {
      const { vitrine, errors } = visit(shop, { timeout: 30 });
      assert.equal((await vitrine.rank(ids)).reason, 'timeout');
      const { reason } = await vitrine.ready;
      assert.equal(reason, 'unreachable', errors.join());
      assert.match(errors.join(), /took too long/);
      assert.deepEqual((await vitrine.rank(ids)).items, ids);
      // And it is looked for again: nothing hangs on the request that never ended.
      shop.answers.clear();
      vitrine.consent({ ranking: 'denied' });
      vitrine.consent({ ranking: 'granted' });
      await until(() => vitrine.status === 'ready', 'the next load');
    } finally {
      globalThis.setTimeout = real;
    }
  }
});

test('tuf: slow retrieval of the manifest: the copy that the browser has kept serves', async () => {
  const shop = new Shop();
  shop.answers.set('/manifest.json', ({ init }) =>
    init.cache === 'force-cache'
      ? new Response(JSON.stringify(manifest))
      : new Response(trickling()),
  );
  const real = globalThis.setTimeout;
  globalThis.setTimeout = (run, wait = 0, ...more) =>
    real(run, wait >= 20_000 ? wait / 500 : wait, ...more);
  try {
    assert.equal((await outcome(shop)).status, 'ranked');
  } finally {
    globalThis.setTimeout = real;
  }
});

test('tuf: slow retrieval: a report that is never answered is given up and sent again', async () => {
  const shop = new Shop();
  shop.answers.set('/v1/feedback', () => new Promise(() => {}));
  const real = globalThis.setTimeout;
  globalThis.setTimeout = (run, wait = 0, ...more) =>
    real(run, wait >= 20_000 ? wait / 500 : wait, ...more);
  try {
    const { vitrine, errors } = visit(shop, { consent: 'granted' });
    await vitrine.ready;
    vitrine.track({ item: ids[0] });
    await until(() => errors.some((said) => /took too long/.test(said)), 'the end of the request');
    const [{ state }] = (await vitrine.inspect()).reports;
    assert.equal(state, 'queued');
  } finally {
    globalThis.setTimeout = real;
  }
});
