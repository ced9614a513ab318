import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ids, manifest, options, Shop } from './shop.js';
import { addressOf, fileOf, makeKey } from './signing.js';

const open = [];
after(() => open.forEach((vitrine) => vitrine.dispose()));

const BYTES = await readFile(new URL('../../fixture/manifest.json', import.meta.url));
const [mine, next, theirs] = [makeKey(), makeKey(), makeKey()];

/** What comes of a shop that serves these manifest bytes with this signature file. */
async function outcome(bytes, file, more = { publicKeys: [mine.public] }) {
  const shop = new Shop();
  const said = [];
  shop.answers.set('/manifest.json', () => new Response(bytes));
  if (file !== undefined) shop.answers.set(addressOf(bytes), () => new Response(file));
  const vitrine = createVitrine(options(shop, { onError: (e) => said.push(e.message), ...more }));
  open.push(vitrine);
  const { status, reason } = await vitrine.ready;
  return { status, reason, said: said.join('\n'), asked: shop.requests.map(({ path }) => path) };
}

test('a manifest that a pinned key has signed ranks', async () => {
  const shop = new Shop();
  shop.answers.set(addressOf(BYTES), () => new Response(fileOf(BYTES, mine)));
  const vitrine = createVitrine(options(shop, { publicKeys: [mine.public] }));
  open.push(vitrine);
  const list = await vitrine.rank(ids);
  assert.equal(list.status, 'ranked');
  assert.equal(list.version, manifest.version);
});

test('keys are changed with an overlap: any pinned key will do', async () => {
  const both = fileOf(BYTES, mine, next);
  for (const publicKeys of [[mine.public], [next.public], [theirs.public, next.public]]) {
    assert.equal((await outcome(BYTES, both, { publicKeys })).status, 'ranked');
  }
});

test('what no pinned key has signed is refused before it is parsed', async () => {
  // Malformed and of an unknown schema: were it parsed, the error would say so.
  const junk = Buffer.from('{"schema": "vitrine.bundle/9"');
  const tampered = Buffer.from(BYTES.toString().replace('"version": 1', '"version": 2'));
  const signed = fileOf(BYTES, mine);
  for (const [bytes, file, says] of [
    [BYTES, undefined, /not signed/],
    [BYTES, '', /not signed/],
    [BYTES, 'junk', /first line/],
    [BYTES, `${signed}\n`, /hexadecimal/],
    [BYTES, fileOf(BYTES, theirs), /not signed with a key that is trusted here/],
    [tampered, signed, /altered/],
    [junk, signed, /altered/],
    [junk, fileOf(junk, theirs), /not signed with a key that is trusted here/],
    [BYTES, 'x'.repeat(100_000), /longer than/],
  ]) {
    const { status, reason, said, asked } = await outcome(bytes, file);
    assert.deepEqual([status, reason], ['fallback', 'refused'], said);
    assert.match(said, says);
    assert.ok(!asked.some((path) => path.startsWith('/bundles/')), asked.join());
  }
});

test('a signed manifest is refused all the same when it is unknown, expired or older', async () => {
  const change = (fields) => Buffer.from(JSON.stringify({ ...manifest, ...fields }));
  for (const [bytes, expected, says] of [
    [change({ schema: 'vitrine.bundle/9' }), 'refused', /update Vitrine/],
    [change({ created: 1, expires: 2 }), 'expired', /expired/],
  ]) {
    const { reason, said, asked } = await outcome(bytes, fileOf(bytes, mine));
    assert.equal(reason, expected);
    assert.match(said, says);
    assert.ok(!asked.some((path) => path.startsWith('/bundles/')), asked.join());
  }
});

test('each manifest has its own signature, whichever is current by now', async () => {
  const shop = new Shop();
  const later = Buffer.from('the next manifest');
  shop.answers.set('/manifest.sig', () => new Response(fileOf(later, mine)));
  shop.answers.set(addressOf(later), () => new Response(fileOf(later, mine)));
  shop.answers.set(addressOf(BYTES), () => new Response(fileOf(BYTES, mine)));
  const vitrine = createVitrine(options(shop, { publicKeys: [mine.public] }));
  open.push(vitrine);
  assert.equal((await vitrine.ready).status, 'ranked');
  const asked = shop.requests.map(({ path }) => path).filter((path) => path.endsWith('.sig'));
  assert.deepEqual(asked, [addressOf(BYTES)]);
});

test('no key and a misspelt key trust nothing, and without pinning nothing is asked for', async () => {
  const signed = fileOf(BYTES, mine);
  const none = await outcome(BYTES, signed, { publicKeys: [] });
  assert.deepEqual([none.reason, /trusted none/.test(none.said)], ['refused', true], none.said);
  const misspelt = await outcome(BYTES, signed, { publicKeys: [mine.public.toUpperCase()] });
  assert.equal(misspelt.reason, 'refused');
  assert.match(misspelt.said, /64 hexadecimal digits/);
  const plain = await outcome(BYTES, undefined, {});
  assert.equal(plain.status, 'ranked');
  assert.ok(!plain.asked.some((path) => path.endsWith('.sig')));
  // A server that fails is not a forger.
  const shop = new Shop();
  shop.answers.set(addressOf(BYTES), () => new Response('', { status: 503 }));
  const vitrine = createVitrine(options(shop, { publicKeys: [mine.public] }));
  open.push(vitrine);
  assert.equal((await vitrine.ready).reason, 'unreachable');
});
