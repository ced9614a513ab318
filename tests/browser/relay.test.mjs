/**
 * Reports through a relay: the package in Chromium, a relay of the tests' own, and the gateway of
 * a real `vitrine-server`.
 */

import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { internal } from '../../web/vitrine/test/internal.js';
import { launch } from './support/browser.mjs';
import { run, scratch, serve, until } from './support/programs.mjs';
import { door, relay } from './support/relay.mjs';
import { FIXTURE, stage } from './support/stage.mjs';

const GATEWAY = '/.well-known/ohttp-gateway';
const PAGE = '<!doctype html><title>a page</title><script type="module" src="/page.js"></script>';
/** Options come in the address, so that no inline script is needed. */
const SCRIPT = `import { createVitrine } from '/vitrine/dist/index.js';
window.errors = [];
const options = JSON.parse(decodeURIComponent(location.search.slice(1)));
window.vitrine = createVitrine({
  ...{ timeout: 20_000, reportDelay: [0, 20], encoder: false, consent: 'granted' },
  onError: (error) => window.errors.push(error.message),
  ...options,
});
`;
const PAGES = { '/page': PAGE, '/page.js': SCRIPT };

let ids;
before(async () => {
  const { items } = JSON.parse(await readFile(join(FIXTURE, 'catalogue.json'), 'utf8'));
  ids = items.map(({ id }) => id);
});

/** Draws a key; resolves to what pages pin. */
async function newKey(file) {
  const said = await run('vitrine-server', ['oblivious-key', 'new', file]);
  return /^keys +(\S+)$/m.exec(said)[1];
}

/** A gateway with a key over the fixture's bundle. */
async function gateway(t) {
  const folder = await scratch(t);
  const store = join(folder, 'store');
  await cp(FIXTURE, store, { recursive: true });
  const file = join(folder, 'oblivious.keys');
  const keys = await newKey(file);
  let server;
  const self = {
    keys,
    file,
    url: () => server.url,
    async start() {
      await server?.stop();
      server = await serve(folder, { store, obliviousKeys: file });
    },
    /** Stops the server; how many reports a release finds, once the window is over. */
    async stored() {
      await server.stop();
      const { seconds } = await self.window();
      const said = await run('vitrine-server', [
        ...['release', '--database', join(folder, 'vitrine.db'), '--out', join(folder, 'released')],
        ...['--clock-offset-seconds', 2 * seconds],
      ]);
      return Number(/(\d+) reports gave/.exec(said)?.[1] ?? 0);
    },
    async window() {
      const { privacy } = JSON.parse(await readFile(join(store, 'manifest.json'), 'utf8'));
      const seconds = privacy.window_seconds;
      return { number: Math.floor(Date.now() / 1000 / seconds), seconds };
    },
  };
  await self.start();
  t.after(() => server.stop());
  return self;
}

async function open(context, url, options) {
  const page = await context.newPage();
  await page.goto(`${url}/page?${encodeURIComponent(JSON.stringify(options))}`);
  await page.waitForFunction(() => window.vitrine);
  await page.evaluate(() => window.vitrine.ready);
  return page;
}

const look = (page, items) =>
  page.evaluate((items) => items.forEach((item) => window.vitrine.track({ item })), items);
const states = (page) =>
  page.evaluate(async () => (await window.vitrine.inspect()).reports.map(({ state }) => state));
const all = (state) => (states) => states.length > 0 && states.every((one) => one === state);

test('a visit’s reports all come through the relay, and each side sees its half', async (t) => {
  const server = await gateway(t);
  const entrance = await door(t, server.url);
  const between = await relay(t, `${entrance.url}${GATEWAY}`);
  const shop = await stage(t, { pages: PAGES });
  const browser = await launch(t);
  const context = await browser.newContext();
  await context.addCookies([{ name: 'canary', value: 'canary-cookie', url: between.url }]);
  const options = { relay: { url: between.url, keys: server.keys } };
  const page = await open(context, shop.url, options);

  // Before there is something to report, its code is not fetched.
  const fetched = () => shop.requests.filter(({ path }) => path.includes('/oblivious-'));
  await page.evaluate(() => window.vitrine.recommend({ n: 5 }));
  assert.equal(fetched().length, 0);
  await look(page, ids.slice(0, 6));
  await until('every report', async () => all('sent')(await states(page)));
  assert.equal(fetched().length, 1);
  const reports = await page.evaluate(async () =>
    (await window.vitrine.inspect()).reports.map(({ report }) => report),
  );
  assert.equal(reports.length, 6);
  assert.deepEqual(await page.evaluate(() => window.errors), []);

  // None went the ordinary way, and nobody but the relay came to the gateway.
  assert.deepEqual(
    shop.requests.filter(({ method }) => method !== 'GET'),
    [],
  );
  assert.equal(between.seen.length, 6);
  assert.equal(entrance.callers.length, 6);
  assert.deepEqual(entrance.callers.toSorted(), between.ports.toSorted());
  assert.equal(await server.stored(), 6);

  // The relay saw bytes of one length each way, and nothing of what they say.
  const secrets = [
    ...['canary', 'transition', 'feedback', 'nonce'],
    ...reports.map(({ nonce }) => nonce),
    ...ids.slice(0, 6),
  ];
  for (const { headers, body, answer } of between.seen) {
    assert.equal(body.length, between.seen[0].body.length);
    assert.equal(answer.length, between.seen[0].answer.length);
    assert.doesNotMatch(headers, /^(cookie|referer|authorization)$/im);
    for (const secret of secrets) {
      for (const bytes of [Buffer.from(headers), body, answer]) {
        assert.ok(!bytes.includes(secret), secret);
      }
    }
  }
});

test('while the relay fails reports wait, and go through it later', async (t) => {
  const server = await gateway(t);
  const between = await relay(t, `${server.url()}${GATEWAY}`);
  const shop = await stage(t, { pages: PAGES });
  const browser = await launch(t);
  const context = await browser.newContext();
  await context.clock.install();
  const options = { relay: { url: between.url, keys: server.keys } };
  between.down = true;
  const page = await open(context, shop.url, options);
  await look(page, ids.slice(0, 4));
  await until('an error', () => page.evaluate(() => window.errors.length > 0));
  await page.evaluate(() => window.vitrine.inspect());
  assert.ok(all('queued')(await states(page)));
  assert.ok(shop.requests.every(({ method }) => method === 'GET'));

  between.down = false;
  await until('every report', async () => {
    await context.clock.fastForward(30_000);
    return all('sent')(await states(page));
  });
  assert.ok(shop.requests.every(({ method }) => method === 'GET'));
});

test('a page with a key that is no longer in force sends when it is loaded with the new one', async (t) => {
  const server = await gateway(t);
  const entrance = await door(t, server.url);
  const between = await relay(t, `${entrance.url}${GATEWAY}`);
  const shop = await stage(t, { pages: PAGES });
  const browser = await launch(t);
  const context = await browser.newContext();
  await context.clock.install();
  const old = await open(context, shop.url, { relay: { url: between.url, keys: server.keys } });

  // The key is changed while the page is open, and the old one deleted.
  const keys = await newKey(server.file);
  const [newest] = (await readFile(server.file, 'utf8')).split('\n');
  await writeFile(server.file, `${newest}\n`);
  await server.start();

  await look(old, ids.slice(0, 4));
  await until('an error', () => old.evaluate(() => window.errors.length > 0));
  const [said] = await old.evaluate(() => window.errors);
  assert.match(said, /answered 400: the gateway does not have the key that `relay\.keys` names/);
  const waiting = (await states(old)).length;
  assert.ok(waiting > 0);
  await old.close();

  const page = await open(context, shop.url, { relay: { url: between.url, keys } });
  await until('every report', async () => {
    await context.clock.fastForward(30_000);
    return all('sent')(await states(page));
  });
  assert.equal(await server.stored(), waiting);
  assert.ok(shop.requests.every(({ method }) => method === 'GET'));
});

test('the package’s client and the server’s gateway understand each other in Node too', async (t) => {
  const server = await gateway(t);
  const { envelope } = await internal('oblivious');
  const window = await server.window();
  const cell = { table: 'item', item: ids[0], action: 'view' };
  const post = async (report) => {
    const pinned = { url: server.url(), keys: server.keys };
    const { bytes, status } = await envelope(pinned, 'https://shop.example', report);
    const answer = await fetch(`${server.url()}${GATEWAY}`, {
      ...{ method: 'POST', headers: { 'content-type': 'message/ohttp-req' }, body: bytes },
    });
    return status(answer.status, [new Uint8Array(await answer.arrayBuffer())]);
  };
  const nonce = (number) => String(number).padStart(32, '0');
  assert.equal(await post({ nonce: nonce(1), window, cell }), 204);
  assert.equal(await post({ nonce: nonce(1), window, cell }), 204, 'a retry');
  assert.equal(await post({ nonce: nonce(1), window, cell: { ...cell, item: ids[1] } }), 409);
  assert.equal(await post({ nonce: nonce(2), window: { ...window, number: 1 }, cell }), 410);
  assert.equal(await post({ nonce: 'none', window, cell }), 422);
  const long = { ...cell, item: 'ü'.repeat(4000) };
  assert.equal(await post({ nonce: nonce(3), window, cell: long }), 422, 'over 8 kB');
  assert.equal(await server.stored(), 1);
});
