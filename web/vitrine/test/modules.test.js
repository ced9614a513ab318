/**
 * The package runs its own modules and no others, wherever they come from. In a file of its own,
 * and in this order: the ranker's module is loaded once for the page.
 */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ids, options, Shop, until } from './shop.js';
import { addressOf, fileOf, makeKey } from './signing.js';

const open = [];
after(() => open.forEach((vitrine) => vitrine.dispose()));

const FOLDER = 'https://ranking.example/wasm';
const own = (name) => readFile(new URL(`../wasm/${name}.wasm`, import.meta.url));
const MANIFEST = await readFile(new URL('../../fixture/manifest.json', import.meta.url));
const key = makeKey();

/** A patched module: one byte of its data is another, and it still compiles. */
async function patched(name) {
  const bytes = await own(name);
  for (let at = bytes.length - 1; ; at -= 1) {
    bytes[at] ^= 1;
    if (WebAssembly.validate(bytes)) return bytes;
    bytes[at] ^= 1;
  }
}

/** A page whose modules come from the ranking server, which gives `modules` in place of its own. */
function page(modules, more) {
  const shop = new Shop();
  const asked = [];
  const errors = [];
  const fetch = async (input, init) => {
    const url = String(input);
    if (!url.startsWith(FOLDER)) return shop.fetch(input, init);
    const name = /(\w+)\.wasm$/.exec(url)[1];
    asked.push([name, init.cache]);
    return new Response(modules[name]?.(init) ?? (await own(name)));
  };
  const vitrine = createVitrine(
    options(shop, {
      fetch,
      wasmUrl: FOLDER,
      onError: (error) => errors.push(error.message),
      ...more,
    }),
  );
  open.push(vitrine);
  return { vitrine, shop, asked, errors };
}

/** Nothing of a bundle was asked for, and the list is the shop's. */
async function refuses({ vitrine, errors, shop }, says) {
  const list = await vitrine.rank(ids);
  assert.deepEqual([list.status, list.reason], ['fallback', 'refused'], errors.join());
  assert.deepEqual(list.items, ids);
  assert.match(errors.join(), says);
  return shop.requests.map(({ path }) => path);
}

test('a page in place of a module is a wrong address, and the error says what to do', async () => {
  const html = () => '<!doctype html><div id="app"></div>';
  const { vitrine, errors, asked } = page({ ranker: html });
  const list = await vitrine.rank(ids);
  assert.deepEqual([list.status, list.reason], ['fallback', 'wrong_address'], errors.join());
  assert.match(errors[0], /ranking\.example\/wasm\/ranker\.wasm is a web page \(text\/plain/);
  assert.match(errors[0], /`wasmUrl`.*optimizeDeps/);
  // A browser may have kept the page from before it was mended.
  assert.deepEqual(asked, [
    ['ranker', 'default'],
    ['ranker', 'reload'],
  ]);
});

test('a patched ranker is refused, with keys and without, though its server is the bundle’s', async () => {
  const bytes = await patched('ranker');
  await WebAssembly.compile(bytes);
  for (const more of [{}, { publicKeys: [key.public] }]) {
    await refuses(page({ ranker: () => bytes }, more), /ranker\.wasm is not the module/);
  }
  const other = (await own('ranker')).fill(1, 1000, 1001);
  await refuses(page({ ranker: () => other }), /ranker\.wasm is not the module/);
  await refuses(page({ ranker: () => bytes.subarray(0, 1000) }), /ranker\.wasm is not the module/);
});

test('a patched verifier verifies nothing', async () => {
  const bytes = await patched('verifier');
  const said = page({ verifier: () => bytes }, { publicKeys: [key.public] });
  said.shop.answers.set(addressOf(MANIFEST), () => new Response(fileOf(MANIFEST, key)));
  const asked = await refuses(said, /verifier\.wasm is not the module/);
  assert.ok(!asked.includes('/manifest.json'), asked.join());
});

test('without TLS nothing can be verified, so with keys nothing is run', async () => {
  Object.defineProperty(crypto, 'subtle', { value: undefined, configurable: true });
  try {
    const pinned = page({}, { publicKeys: [key.public] });
    await refuses(pinned, /must come over TLS/);
    assert.deepEqual(pinned.asked, []);
    const plain = page({});
    assert.equal((await plain.vitrine.rank(ids)).status, 'ranked');
    // What the other instance has loaded is not verified either.
    const next = page({}, { publicKeys: [key.public] });
    next.shop.answers.set(addressOf(MANIFEST), () => new Response(fileOf(MANIFEST, key)));
    await refuses(next, /must come over TLS/);
  } finally {
    delete crypto.subtle;
  }
});

test('a patched encoder module is given up, and the table ranks alone', async () => {
  const bytes = await patched('encoder');
  const { vitrine, errors } = page({ encoder: () => bytes }, { encoder: true });
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
  await until(async () => (await vitrine.inspect()).encoder === 'failed', 'the refusal');
  assert.match(errors.join(), /encoder\.wasm is not the module/);
});

test('a module that the browser has kept of the last version is asked for anew', async () => {
  const old = await patched('verifier');
  const { vitrine, shop, asked, errors } = page(
    { verifier: ({ cache }) => (cache === 'reload' ? undefined : old) },
    { publicKeys: [key.public] },
  );
  shop.answers.set(addressOf(MANIFEST), () => new Response(fileOf(MANIFEST, key)));
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
  assert.deepEqual(
    asked.filter(([name]) => name === 'verifier'),
    [
      ['verifier', 'default'],
      ['verifier', 'reload'],
    ],
  );
  assert.deepEqual(errors, []);
});
