/**
 * The next version as a delta of what is kept, and the whole file wherever anything is wrong.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, beforeEach, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ENDPOINT, ids, inBlocks, manifest, options, Shop, until } from './shop.js';

const TABLES = 'tables.safetensors';
const { sha256: newest } = manifest.files[TABLES];
const path = (sha256) => `/bundles/${sha256}`;
const hash = (bytes) => createHash('sha256').update(bytes).digest('hex');
const tables = await readFile(new URL(`../../fixture${path(newest)}`, import.meta.url));

/** A file of the version before: one byte is another, and ten are more. */
function before(file) {
  const base = Buffer.concat([file.subarray(0, 300), Buffer.alloc(10), file.subarray(300)]);
  base[200] += 1;
  // Copy 200, add 1, copy 99 and skip 10, copy the rest.
  const delta = Buffer.from([
    ...[base.length, file.length, 3].flatMap(leb128),
    ...[200, 1, 0, 0, 99, 0, 10, 0, file.length - 300, 0, 0, 0].flatMap(leb128),
    255,
  ]);
  return { base, delta };
}
const { base, delta } = before(tables);
const name = `${TABLES}.${hash(base)}.delta`;

function leb128(number) {
  return number < 128 ? [number] : [(number & 127) | 128, ...leb128(number >> 7)];
}

/** As much of Cache Storage as is used. */
class Caches {
  kept = new Map();
  async open() {
    return {
      put: async (url, response) => void this.kept.set(url, await response.bytes()),
      keys: async () => [...this.kept.keys()].map((url) => ({ url })),
      delete: async (url) => this.kept.delete(url),
    };
  }
  async has() {
    return this.kept.size > 0;
  }
  async match(url) {
    return this.kept.has(url) ? new Response(this.kept.get(url)) : undefined;
  }
  async delete() {
    this.kept.clear();
  }
}
if (Response.prototype.bytes === undefined) {
  Response.prototype.bytes = async function () {
    return new Uint8Array(await this.arrayBuffer());
  };
}

let caches;
const open = [];
beforeEach(() => {
  caches = new Caches();
  globalThis.caches = caches;
});
after(() => open.forEach((vitrine) => vitrine.dispose()));

/** A shop whose bundle has a delta from `base`. */
function shop(bytes = delta) {
  const made = new Shop();
  const entry = { sha256: hash(delta), bytes: delta.length };
  made.publish({ files: { ...manifest.files, [name]: entry } });
  made.answers.set(path(hash(delta)), () => new Response(bytes));
  return made;
}

function visit(shop, more) {
  const vitrine = createVitrine(
    options(shop, { storage: undefined, consent: { ranking: 'granted' }, ...more }),
  );
  open.push(vitrine);
  return vitrine;
}

const asked = (shop) => new Set(shop.requests.map((request) => request.path));
const keepBase = (bytes = base) => caches.kept.set(ENDPOINT + path(hash(base)), bytes);
const all = Object.values(manifest.files).map(({ sha256 }) => sha256);
const known = (sha256) => caches.kept.has(ENDPOINT + path(sha256));

test('of the next version, a visitor who has kept the last fetches what changed', async () => {
  const whole = visit(new Shop(), { storage: 'memory' });
  whole.track({ item: ids[4] });
  const expected = await whole.rank(ids);
  assert.equal(caches.kept.size, 0, 'a page in memory only keeps nothing');

  keepBase();
  const own = shop();
  const vitrine = visit(own);
  vitrine.track({ item: ids[4] });
  assert.deepEqual(await vitrine.rank(ids), expected);
  assert.ok(asked(own).has(path(hash(delta))));
  assert.ok(!asked(own).has(path(newest)));
  await until(() => known(newest) && !known(hash(base)), 'the new file in place of the old one');
  assert.deepEqual(Buffer.from(caches.kept.get(ENDPOINT + path(newest))), tables);
  const { files } = await vitrine.inspect();
  assert.equal(files.length, 3);

  // The next visit finds all of it, and a version that takes this one back would too.
  const again = shop();
  assert.equal((await visit(again).rank(ids)).status, 'ranked');
  for (const sha256 of all) assert.ok(!asked(again).has(path(sha256)));
  assert.ok(!asked(again).has(path(hash(delta))));

  await vitrine.forget();
  assert.equal(caches.kept.size, 0);
});

test('whatever is wrong with a delta or with what is kept, the whole file is fetched', async () => {
  const spoilt = Buffer.from(delta);
  spoilt[spoilt.length - 1] ^= 1;
  const faults = {
    'no base': () => shop(),
    'an altered base': () => (keepBase(Buffer.from(base).fill(7, 100, 120)), shop()),
    'a base cut short': () => (keepBase(base.subarray(0, 250)), shop()),
    'an altered delta': () => (keepBase(), shop(spoilt)),
    'a delta cut short': () => (keepBase(), shop(delta.subarray(0, 9))),
    'a delta that is gone': () => {
      keepBase();
      const made = shop();
      made.answers.set(path(hash(delta)), () => new Response('', { status: 404 }));
      return made;
    },
    'an altered copy of the file itself': () => {
      caches.kept.set(ENDPOINT + path(newest), Buffer.from(tables).fill(7, 100, 120));
      return shop();
    },
    'a storage that refuses': () => {
      const refuse = async () => {
        throw new DOMException('no', 'SecurityError');
      };
      globalThis.caches = { match: refuse, open: refuse, has: refuse, delete: refuse };
      return shop();
    },
  };
  for (const [fault, make] of Object.entries(faults)) {
    globalThis.caches = caches = new Caches();
    const own = make();
    const { status, reason } = await visit(own).rank(ids);
    assert.deepEqual([status, reason], ['ranked', undefined], fault);
    assert.ok(asked(own).has(path(newest)), fault);
  }
});

test('of a large catalogue the index comes as a delta', async () => {
  const INDEX = 'index.safetensors';
  const { sha256 } = inBlocks.files[INDEX];
  const index = await readFile(new URL(`../../fixture${path(sha256)}`, import.meta.url));
  const { base, delta } = before(index);
  const make = () => {
    const made = new Shop();
    const entry = { sha256: hash(delta), bytes: delta.length };
    const files = { ...inBlocks.files, [`${INDEX}.${hash(base)}.delta`]: entry };
    made.publish({ ...inBlocks, files });
    made.answers.set(path(hash(delta)), () => new Response(delta));
    return made;
  };
  const fresh = make();
  const expected = await visit(fresh).rank(ids.slice(0, 40));
  assert.equal(expected.status, 'ranked');
  assert.ok(asked(fresh).has(path(sha256)));

  globalThis.caches = caches = new Caches();
  caches.kept.set(ENDPOINT + path(hash(base)), base);
  const own = make();
  assert.deepEqual(await visit(own).rank(ids.slice(0, 40)), expected);
  assert.ok(asked(own).has(path(hash(delta))));
  assert.ok(!asked(own).has(path(sha256)));
  await until(() => known(sha256) && !known(hash(base)), 'the new index in place of the old one');
});

test('without consent to ranking nothing is kept', async () => {
  keepBase();
  const own = shop();
  const vitrine = visit(own, { consent: 'pending' });
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
  assert.ok(asked(own).has(path(newest)));
  assert.ok(!known(newest));
  vitrine.consent('denied');
  await until(() => caches.kept.size === 0, 'erasing');
});
