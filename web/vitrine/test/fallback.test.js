import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ids, manifest, options, Shop } from './shop.js';

async function fallback(prepare, more) {
  const shop = new Shop();
  prepare(shop);
  const errors = [];
  const vitrine = createVitrine(
    options(shop, { onError: (error) => errors.push(error.message), ...more }),
  );
  vitrine.track({ item: ids[0] });
  const list = ids.slice(0, 20).reverse();
  const ranking = await vitrine.rank(list);
  assert.equal(ranking.status, 'fallback');
  assert.deepEqual(ranking.items, list);
  assert.equal(ranking.version, undefined);
  assert.deepEqual((await vitrine.recommend()).items, []);
  assert.equal(await vitrine.explain(ids[0]), undefined);
  assert.equal(vitrine.status, 'fallback');
  vitrine.dispose();
  return { reason: ranking.reason, errors: errors.join('\n'), shop };
}

const bundle = (name) => `/bundles/${manifest.files[name].sha256}`;

/** A page that came without TLS has no SHA-256 of its own; the module's is used. */
async function withoutTls(run) {
  Object.defineProperty(crypto, 'subtle', { value: undefined, configurable: true });
  try {
    await run();
  } finally {
    delete crypto.subtle;
  }
}

async function refusesAlteredFiles() {
  for (const name of ['tables.safetensors', 'items.fst', 'facets.json']) {
    const { bytes } = manifest.files[name];
    const altered = await fallback((shop) =>
      shop.answers.set(bundle(name), () => new Response(new Uint8Array(bytes))),
    );
    assert.equal(altered.reason, 'refused');
    assert.match(altered.errors, new RegExp(`${name} has SHA-256`));
    const short = await fallback((shop) =>
      shop.answers.set(bundle(name), () => new Response(new Uint8Array(bytes - 1))),
    );
    assert.match(short.errors, new RegExp(`${name} is ${bytes - 1} bytes long`));
    const long = await fallback((shop) =>
      shop.answers.set(bundle(name), () => new Response(new Uint8Array(bytes + 1))),
    );
    assert.match(long.errors, /is longer than/);
  }
}

test('an altered file is refused by its hash, a short or long one by its length', async () => {
  await refusesAlteredFiles();
  await withoutTls(refusesAlteredFiles);
});

test('a page without TLS has the same lists', async () => {
  const list = async () => {
    const vitrine = createVitrine(options(new Shop()));
    vitrine.track({ item: ids[0] });
    const ranking = await vitrine.rank(ids);
    vitrine.dispose();
    assert.equal(ranking.status, 'ranked');
    return ranking;
  };
  const expected = await list();
  await withoutTls(async () => {
    assert.equal(crypto.subtle, undefined);
    assert.deepEqual(await list(), expected);
  });
});

test('a bad manifest is refused, and asks for nothing but files of the bundle', async () => {
  const outside = { sha256: '../v1/feedback', bytes: 9 };
  const bad = [
    [() => new Response('{'), /not a Vitrine manifest/],
    [() => new Response(new Uint8Array(300_000)), /longer than/],
    [
      () => new Response(JSON.stringify({ ...manifest, schema: 'vitrine.bundle\/9' })),
      /update Vitrine/,
    ],
    [() => new Response(JSON.stringify({ ...manifest, files: null })), /not a Vitrine manifest/],
    [
      () => new Response(JSON.stringify({ ...manifest, files: { 'items.fst': outside } })),
      /not a Vitrine manifest/,
    ],
  ];
  for (const [answer, message] of bad) {
    const { reason, errors, shop } = await fallback((shop) =>
      shop.answers.set('/manifest.json', answer),
    );
    assert.equal(reason, 'refused');
    assert.match(errors, message);
    assert.ok(shop.requests.every(({ path }) => path === '/manifest.json'));
  }
  const over = await fallback((shop) => shop.publish({ created: 1, expires: 2 }));
  assert.equal(over.reason, 'expired');
  assert.ok(over.shop.requests.every(({ path }) => path === '/manifest.json'));
  const unknown = await fallback((shop) => shop.publish({ visitor: 7 }));
  assert.equal(unknown.reason, 'refused');
  assert.match(unknown.errors, /visitor/);
  assert.ok(unknown.shop.requests.every(({ path }) => /^\/(manifest|bundles\/)/.test(path)));
});

test('without a server, a bundle or a network the shop’s order stays', async () => {
  const missing = await fallback((shop) =>
    shop.answers.set('/manifest.json', () => new Response('', { status: 404 })),
  );
  assert.equal(missing.reason, 'unreachable');
  const offline = await fallback((shop) =>
    shop.answers.set('/manifest.json', () => Promise.reject(new TypeError('offline'))),
  );
  assert.equal(offline.reason, 'unreachable');
});

test('a refusal of ranking loads nothing', async () => {
  const { reason, shop } = await fallback(() => {}, { consent: { ranking: 'denied' } });
  assert.equal(reason, 'consent');
  assert.deepEqual(shop.requests, []);
});

test('a slow model does not hold the page up, and is used once it is there', async () => {
  const shop = new Shop();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  shop.answers.set('/manifest.json', async () => {
    await held;
    return new Response(JSON.stringify(manifest));
  });
  const vitrine = createVitrine(options(shop, { timeout: 20 }));
  const early = await vitrine.rank(ids);
  assert.equal(early.reason, 'timeout');
  assert.deepEqual(early.items, ids);
  release();
  await vitrine.ready;
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
  vitrine.dispose();
  assert.equal((await vitrine.rank(ids)).reason, 'disposed');
});

test('on a server, importing and creating do nothing', () => {
  const script = `
    globalThis.fetch = () => { throw new Error('a request'); };
    globalThis.setInterval = () => { throw new Error('a timer'); };
    const { createVitrine } = await import('vitrine');
    const vitrine = createVitrine({ endpoint: 'https://shop.example', consent: 'granted' });
    vitrine.track({ item: 'a' });
    const list = ['b', 'a'];
    const ranking = await vitrine.rank(list);
    await vitrine.forget();
    vitrine.dispose();
    console.log(JSON.stringify([ranking.items, ranking.status, ranking.reason, (await vitrine.inspect()).session]));
  `;
  const run = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: new URL('.', import.meta.url),
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal(run.stderr, '');
  assert.equal(run.stdout, '[["b","a"],"fallback","server",[]]\n');
});
