/** A load that failed is tried again by itself, and at once when there is reason to. */

import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ids, manifest, options, Shop, until } from './shop.js';

const open = [];
after(() => open.forEach((vitrine) => vitrine.dispose()));

/** The window and document of a page, as much of them as is looked at. */
let visible;
beforeEach(() => {
  const events = new EventTarget();
  for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent']) {
    globalThis[name] = events[name].bind(events);
  }
  visible = 'visible';
  globalThis.document = Object.defineProperties(new EventTarget(), {
    visibilityState: { get: () => visible },
    baseURI: { value: 'https://shop.example/' },
  });
});

function page(shop, more) {
  const errors = [];
  const vitrine = createVitrine(options(shop, { onError: (error) => errors.push(error), ...more }));
  open.push(vitrine);
  return { vitrine, errors };
}

const PATH = '/manifest.json';
const offline = () => Promise.reject(new TypeError('offline'));
const looks = (shop) =>
  shop.requests.filter(({ path, init }) => path === PATH && init.cache === 'no-cache').length;

test('after an outage the page ranks by itself, and was told once', async () => {
  for (const answer of [
    offline,
    () => new Response('busy', { status: 503 }),
    // A captive portal answers everything with its own page.
    () => new Response('<!doctype html><title>Welcome</title>'),
  ]) {
    const shop = new Shop();
    shop.answers.set(PATH, answer);
    const { vitrine, errors } = page(shop);
    assert.equal((await vitrine.ready).status, 'fallback');
    await until(() => looks(shop) >= 2, 'a second try');
    assert.equal(errors.length, 1, errors.join());
    shop.answers.clear();
    await until(() => vitrine.status === 'ready', 'the model');
    assert.equal((await vitrine.rank(ids)).status, 'ranked');
    vitrine.dispose();
  }
});

test('the pauses grow, are not the same for all, and nobody asks for a hidden page', async () => {
  const { setTimeout } = globalThis;
  const waits = [];
  // Each pause is over at once, and noted.
  globalThis.setTimeout = (run, wait) => {
    if (wait < 400 || wait > 300_000 || wait === 60_000) return setTimeout(run, wait);
    waits.push(wait);
    return setTimeout(run, 1);
  };
  const shop = new Shop();
  shop.answers.set(PATH, offline);
  const { vitrine } = page(shop, { timeout: 10 });
  try {
    await until(() => waits.length >= 14, 'fourteen pauses');
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  waits.slice(0, 14).forEach((wait, at) => {
    const most = Math.min(1000 * 2 ** at, 300_000);
    assert.ok(wait <= most && wait >= most / 2, `${at}: ${wait}`);
  });
  assert.notEqual(waits[12], waits[13]);

  visible = 'hidden';
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = looks(shop);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(looks(shop), before);
  vitrine.dispose();
});

for (const [event, target] of [
  ['online', () => globalThis],
  ['visibilitychange', () => document],
]) {
  test(`${event} ends the pause`, async () => {
    const shop = new Shop();
    shop.answers.set(PATH, offline);
    const { vitrine } = page(shop);
    await vitrine.ready;
    await until(() => looks(shop) >= 2, 'a pause of seconds');
    shop.answers.clear();
    target().dispatchEvent(new Event(event));
    const begun = performance.now();
    await until(() => vitrine.status === 'ready', 'the model');
    assert.ok(performance.now() - begun < 900);
    vitrine.dispose();
  });
}

test('a page that is shown again and again looks for a newer bundle once in a while', async () => {
  const shop = new Shop();
  const { vitrine } = page(shop);
  await vitrine.ready;
  for (let shown = 0; shown < 50; shown += 1) document.dispatchEvent(new Event('visibilitychange'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(looks(shop), 1);
  vitrine.dispose();
});

test('retry() loads now, and takes up a newer bundle', async () => {
  const shop = new Shop();
  shop.answers.set(PATH, offline);
  const { vitrine } = page(shop, { refreshInterval: Infinity });
  assert.equal((await vitrine.ready).reason, 'unreachable');
  assert.equal((await vitrine.retry()).reason, 'unreachable');
  shop.answers.clear();
  assert.deepEqual(await vitrine.retry(), { status: 'ranked', version: manifest.version });
  shop.publish({ version: 5 });
  assert.equal((await vitrine.retry()).version, 5);
  const asked = shop.requests.length;
  vitrine.consent('denied');
  assert.equal((await vitrine.retry()).reason, 'consent');
  vitrine.dispose();
  assert.equal((await vitrine.retry()).reason, 'disposed');
  assert.equal(shop.requests.length, asked);
});

test('a bundle that is refused, or a module that stopped, is not asked for in a loop', async () => {
  const shop = new Shop();
  shop.answers.set(PATH, () => new Response('{'));
  const { vitrine } = page(shop);
  assert.equal((await vitrine.ready).reason, 'refused');
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  assert.equal(looks(shop), 1);
  vitrine.dispose();
});

test('an encoder whose file did not come is loaded when it is there', async () => {
  const shop = new Shop();
  const file = `/bundles/${manifest.files['encoder.onnx'].sha256}`;
  shop.answers.set(file, () => new Response('', { status: 503 }));
  const { vitrine } = page(shop, { encoder: true, worker: false });
  const encoder = async (state) => (await vitrine.inspect()).encoder === state;
  await until(() => encoder('failed'), 'the failure');
  shop.answers.clear();
  await vitrine.retry();
  await until(() => encoder('ready'), 'the encoder');
  vitrine.dispose();
});
