/** Addresses where something else answers: the error names them, their type, and a remedy. */

import { IDBFactory } from 'fake-indexeddb';
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ENDPOINT, ids, manifest, options, Shop } from './shop.js';
import { makeKey } from './signing.js';

const open = [];
after(() => open.forEach((vitrine) => vitrine.dispose()));

const HTML = '<!doctype html><html><title>A shop</title><div id="app"></div></html>';
const html =
  (status = 200) =>
  () =>
    new Response(HTML, { status, headers: { 'content-type': 'text/html; charset=utf-8' } });

/** An instance's list, and its errors. */
async function list(shop, more) {
  const errors = [];
  const vitrine = createVitrine(options(shop, { onError: (error) => errors.push(error), ...more }));
  open.push(vitrine);
  const { status, reason } = await vitrine.rank(ids);
  vitrine.dispose();
  return { status, reason, errors };
}

/** The list keeps its order, and the error says which address, what is there, and what to do. */
async function isWrong(shop, address, type, more) {
  const { reason, errors } = await list(shop, more);
  assert.equal(reason, 'wrong_address', errors.join());
  const [error] = errors;
  assert.equal(error.reason, 'wrong_address');
  for (const part of [address, type, '`endpoint`', '`wasmUrl`', 'optimizeDeps']) {
    assert.ok(error.message.includes(part), `${part} in: ${error.message}`);
  }
}

test('a site that answers its own page for everything is a wrong address', async () => {
  const shop = new Shop();
  shop.answers.set('/manifest.json', html());
  await isWrong(shop, `${ENDPOINT}/manifest.json`, 'text/html');
  for (const page of [
    '\ufeff<!DOCTYPE html>',
    '\n\n  <html lang="en">',
    '<?xml version="1.0"?><html/>',
    '<!-- app --><body>',
  ]) {
    shop.answers.set('/manifest.json', () => new Response(page));
    await isWrong(shop, `${ENDPOINT}/manifest.json`, 'text/plain');
  }
});

test('a page for what is not found is a wrong address, a server’s own answer is unreachable', async () => {
  const shop = new Shop();
  for (const status of [404, 410]) {
    shop.answers.set('/manifest.json', html(status));
    await isWrong(shop, `${ENDPOINT}/manifest.json`, 'text/html');
  }
  for (const status of [500, 502, 503]) {
    shop.answers.set('/manifest.json', html(status));
    const { reason, errors } = await list(shop);
    assert.equal(reason, 'unreachable');
    assert.match(errors[0].message, new RegExp(`manifest.json answered ${status} \\(text/html`));
  }
  const problem = { 'content-type': 'application/problem+json' };
  shop.answers.set('/manifest.json', () => new Response('{}', { status: 404, headers: problem }));
  assert.equal((await list(shop)).reason, 'unreachable');
});

test('another program’s manifest.json is a wrong address', async () => {
  const shop = new Shop();
  const others = [
    { name: 'Shop', short_name: 'Shop', start_url: '/', display: 'standalone', icons: [] },
    { manifest_version: 3, name: 'An extension' },
    { schema: 'something.else/1' },
    [],
    null,
    'text',
    7,
  ];
  for (const other of others) {
    const headers = { 'content-type': 'application/manifest+json' };
    shop.answers.set('/manifest.json', () => new Response(JSON.stringify(other), { headers }));
    await isWrong(shop, `${ENDPOINT}/manifest.json`, 'application/manifest+json');
  }
  shop.answers.set('/manifest.json', () =>
    Response.json({ ...manifest, schema: 'vitrine.bundle/9' }),
  );
  assert.equal((await list(shop)).reason, 'refused', 'a later version of Vitrine');
});

test('a page in place of a file of the bundle is a wrong address', async () => {
  const shop = new Shop();
  const { sha256 } = manifest.files['tables.safetensors'];
  shop.answers.set(`/bundles/${sha256}`, html());
  await isWrong(shop, `${ENDPOINT}/bundles/${sha256}`, 'text/html');
});

test('a file that is labelled as a page, and is itself, ranks', async () => {
  const shop = new Shop();
  const labelled = async (input, init) => {
    const response = await shop.fetch(input, init);
    const headers = { 'content-type': 'text/html' };
    return new Response(response.body, { status: response.status, headers });
  };
  assert.equal((await list(shop, { fetch: labelled })).status, 'ranked');
});

test('with pinned keys, a page in place of a signature is a missing signature', async () => {
  const shop = new Shop();
  const fetch = (input, init) =>
    String(input).endsWith('.sig') ? html()() : shop.fetch(input, init);
  const { reason, errors } = await list(shop, {
    fetch,
    publicKeys: [makeKey().public],
  });
  assert.equal(reason, 'refused', errors.join());
});

test('an endpoint is the same in every way of writing it, and so is what is stored', async () => {
  globalThis.indexedDB = new IDBFactory();
  globalThis.location = new URL('https://shop.example/de/products?page=2');
  try {
    for (const endpoint of [
      ENDPOINT,
      `${ENDPOINT}/`,
      `${ENDPOINT}//`,
      'https://SHOP.example:443',
      `${ENDPOINT}/manifest.json`,
      `${ENDPOINT}/?lang=de#top`,
      '//shop.example/',
      '/',
      '',
      undefined,
      null,
      new URL(ENDPOINT),
    ]) {
      const stored = { storage: 'indexeddb', consent: 'granted', endpoint };
      const { status, errors } = await list(new Shop(), stored);
      assert.equal(status, 'ranked', `${endpoint} ${errors}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    const names = (await indexedDB.databases()).map(({ name }) => name);
    assert.deepEqual(names, [`vitrine ${ENDPOINT}`]);
  } finally {
    delete globalThis.location;
  }
});

test('two shops on one origin, by turns: neither is refused, and neither knows the other', async () => {
  globalThis.indexedDB = new IDBFactory();
  const at = (endpoint, version, name) => {
    const shop = new Shop();
    const under = async (input, init) =>
      shop.fetch(String(input).replace(/shop\.example\/(de|fr|www)\//, 'shop.example/'), init);
    shop.publish({ version });
    const errors = [];
    const vitrine = createVitrine(
      options(shop, {
        ...{ storage: 'indexeddb', consent: 'granted', endpoint, name, fetch: under },
        onError: (error) => errors.push(error),
      }),
    );
    open.push(vitrine);
    return { vitrine, errors };
  };
  const shops = [
    [`${ENDPOINT}/de`, 9],
    [`${ENDPOINT}/fr/`, 2],
    [ENDPOINT, 7],
    // Two that a developer serves on one port by turns.
    [ENDPOINT, 1, 'another'],
  ];
  for (let visit = 0; visit < 3; visit += 1) {
    for (const [place, [endpoint, version, name]] of shops.entries()) {
      const { vitrine, errors } = at(endpoint, version, name);
      const outcome = await vitrine.ready;
      assert.deepEqual([outcome.status, outcome.version], ['ranked', version], errors.join());
      vitrine.track({ item: ids[place] });
      const { session } = await vitrine.inspect();
      assert.deepEqual(
        session.map(({ item }) => item),
        Array(visit + 1).fill(ids[place]),
      );
      vitrine.dispose();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const names = (await indexedDB.databases()).map(({ name }) => name).sort();
  assert.equal(names.length, 4);
});
