/**
 * A large catalogue, a real server, a real browser: the native ranker's scores to the bit, from a
 * small part of the bundle.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { launch } from './support/browser.mjs';
import { largeVisit } from './support/large.mjs';
import { scratch, serve, until } from './support/programs.mjs';
import { largeCatalogue } from './support/shop.mjs';
import { stage } from './support/stage.mjs';

const ITEMS = 51_000;

test('a page ranks what it names of a large catalogue, over another origin', async (t) => {
  const folder = await scratch(t);
  const { session, listing, ranked } = await largeCatalogue(ITEMS, folder);
  const server = await serve(folder, { store: join(folder, 'store') });
  t.after(() => server.stop());
  const { url } = await stage(t, {
    pages: { '/page': '<!doctype html><title>a page</title>' },
    bundle: false,
  });

  const found = await largeVisit({ page: url, endpoint: server.url, session, listing });
  assert.equal(ranked.length, 500);
  assert.deepEqual(found.ranked, ranked);
  assert.equal(found.shelfStatus, 'ranked');
  assert.equal(found.shelf.length, 20);
  assert.ok(found.shelf.every((id) => !session.includes(id)));
  t.diagnostic(
    `${found.listed.data} bytes in ${found.listed.requests} requests for 500 of ${ITEMS} items`,
  );
  // Eleven megabytes lie on the server.
  assert.ok(found.listed.data < 2_000_000, `${found.listed.data} bytes`);
});

const SCRIPT = `import { createVitrine } from '/vitrine/dist/index.js';
window.errors = [];
window.vitrine = createVitrine({
  endpoint: decodeURIComponent(location.search.slice(1)),
  consent: { ranking: 'granted' },
  timeout: 60_000,
  onError: (error) => window.errors.push(error.message),
});
`;

test('without a network a page goes on with its blocks, and opened again keeps its order', async (t) => {
  const folder = await scratch(t);
  const { session, listing } = await largeCatalogue(ITEMS, folder);
  const server = await serve(folder, { store: join(folder, 'store') });
  t.after(() => server.stop());
  const { url } = await stage(t, {
    pages: {
      '/page': '<!doctype html><title>a page</title><script type="module" src="/page.js"></script>',
      '/page.js': SCRIPT,
    },
    headers: () => ({ 'cache-control': 'max-age=3600' }),
    bundle: false,
  });
  const visitor = await (await launch(t)).newContext();
  const open = async () => {
    const page = await visitor.newPage();
    await page.goto(`${url}/page?${encodeURIComponent(server.url)}`);
    await page.waitForFunction(() => window.vitrine);
    return page;
  };
  const rank = (page, ids) =>
    page.evaluate(async (ids) => {
      const { items, status, reason } = await window.vitrine.rank(ids);
      return { items, status, reason };
    }, ids);
  const [few, others] = [listing.slice(0, 40), listing.slice(400, 440)];
  const page = await open();
  await page.evaluate((seen) => seen.forEach((item) => window.vitrine.track({ item })), session);
  const before = await rank(page, few);
  assert.equal(before.status, 'ranked');
  assert.notDeepEqual(before.items, few);
  const inspect = () => page.evaluate(() => window.vitrine.inspect());
  await until('a kept index', async () => (await inspect()).files.length === 1);

  await visitor.setOffline(true);
  const kept = (items) => ({ items, status: 'fallback', reason: 'unreachable' });
  assert.deepEqual(await rank(page, few), before);
  assert.deepEqual(await rank(page, others), kept(others));
  await page.close();
  const again = await open();
  assert.deepEqual(await rank(again, few), kept(few));
  assert.equal(await again.evaluate(() => window.vitrine.status), 'ready');
  await visitor.setOffline(false);
  assert.deepEqual(await rank(again, few), before);
});
