/**
 * The Content Security Policies of the documentation, as they stand there: the shop runs under
 * each, and under none with a part left out.
 */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { inspect, made, rank, shopPages } from './support/pages.mjs';
import { ROOT, until } from './support/programs.mjs';
import { stage } from './support/stage.mjs';

const shop = shopPages({ timeout: 20_000, consent: 'granted', reportDelay: [0, 20] });

/** The headers in the documentation: the one for a single origin, and the one for a CDN. */
const DOCUMENT = await readFile(join(ROOT, 'docs/web.md'), 'utf8');
const HEADERS = [...DOCUMENT.matchAll(/^Content-Security-Policy: (.+)$/gm)].map(
  ([, header]) => header,
);
const [SAME, CDN] = HEADERS;

/** A page that notes what its policy forbids, before anything else runs. */
async function watched(visitor) {
  await visitor.addInitScript(() => {
    window.forbidden = [];
    document.addEventListener('securitypolicyviolation', (event) =>
      window.forbidden.push(`${event.effectiveDirective} ${event.blockedURI}`),
    );
  });
  return visitor;
}
const forbidden = (page) => page.evaluate(() => window.forbidden);
const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'content-type' };

test('the documentation has two headers', () => assert.equal(HEADERS.length, 2));

test('everything of one origin runs under the documented header, and nothing is forbidden', async (t) => {
  const { url, requests } = await stage(t, {
    pages: shop.pages,
    headers: () => ({ 'content-security-policy': SAME }),
  });
  const visitor = await watched(await shop.visitor(t));
  const page = await made(visitor, url);
  assert.equal((await rank(page, shop.ids)).status, 'ranked');
  await page.evaluate((item) => window.vitrine.track({ item }), shop.ids[0]);
  await until('the encoder', async () => (await inspect(page)).encoder === 'ready');
  assert.equal(page.workers().length, 1);
  await until('a report', () => requests.some(({ method }) => method === 'POST'));
  assert.deepEqual(await forbidden(page), []);
});

test('the package on a CDN and a server of its own run under the documented header', async (t) => {
  const preflight = (request, response) =>
    request.method === 'OPTIONS' && Boolean(response.writeHead(204).end());
  const [cdn, server] = [
    await stage(t, { headers: () => cors, bundle: false }),
    await stage(t, { headers: () => cors, answer: preflight }),
  ];
  const policy = CDN.replaceAll('https://cdn.example.com', cdn.url).replaceAll(
    'https://ranking.example.com',
    server.url,
  );
  const pages = {
    ...shop.pages,
    '/page.js': shop.pages['/page.js'].replace('/vitrine/dist', `${cdn.url}/vitrine/dist`),
  };
  const { url } = await stage(t, {
    pages,
    headers: () => ({ 'content-security-policy': policy }),
    bundle: false,
  });
  const page = await made(await watched(await shop.visitor(t)), url, {
    vitrine: { endpoint: server.url },
  });
  const list = await rank(page, shop.ids);
  assert.equal(list.status, 'ranked', (await page.evaluate(() => window.errors)).join('\n'));
  await page.evaluate((item) => window.vitrine.track({ item }), shop.ids[0]);
  // No browser starts a worker of another origin: the encoder runs in the page.
  await until('the encoder', async () => (await inspect(page)).encoder === 'ready');
  await until('a report', () => server.requests.some(({ method }) => method === 'POST'));
  assert.deepEqual(await forbidden(page), []);
  // With a worker of the page's own origin, it runs there.
  const other = await made(await shop.visitor(t), url, {
    vitrine: { endpoint: server.url, worker: '/vitrine/dist/worker.js' },
  });
  await until('the encoder', async () => (await inspect(other)).encoder === 'ready');
  assert.equal(other.workers().length, 1);
});

test('each part of the header is needed', async (t) => {
  for (const [part, without, directive] of [
    ["'wasm-unsafe-eval'", '', 'script-src'],
    ["connect-src 'self'", "connect-src 'none'", 'connect-src'],
    ["worker-src 'self'", "worker-src 'none'", 'worker-src'],
  ]) {
    assert.ok(SAME.includes(part), part);
    const policy = SAME.replace(part, without);
    const { url } = await stage(t, {
      pages: shop.pages,
      headers: () => ({ 'content-security-policy': policy }),
    });
    const page = await made(await watched(await shop.visitor(t)), url);
    const { status } = await rank(page, shop.ids);
    assert.equal(status, directive === 'worker-src' ? 'ranked' : 'fallback', part);
    await until(`${part} to be missed`, async () =>
      (await forbidden(page)).some((one) => one.startsWith(directive)),
    );
  }
});
