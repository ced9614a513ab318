/**
 * Development servers: the documented set-up ranks in each, and so do the frameworks that render a
 * page on their server first.
 */

import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import { launch } from '../../../tests/browser/support/browser.mjs';
import { until } from '../../../tests/browser/support/programs.mjs';
import { stage } from '../../../tests/browser/support/stage.mjs';
import { app, install, tool, WORK } from './support/install.mjs';
import { movesWhatWasClicked, opened, ranks } from './support/page.mjs';
import { freePort, serve } from './support/server.mjs';

const VITES = ['vite5', 'vite6', 'vite7', 'vite'];
const OTHER_ORIGIN = { headers: () => ({ 'access-control-allow-origin': '*' }) };

let browser;
let folder;
before(async () => {
  ({ folder } = await install());
  browser = await launch();
});
after(() => browser?.close());

/** An app that has the package in its own folder, because its server serves no other files. */
async function appWithPackage(name) {
  const cwd = await app(name);
  await cp(folder, join(cwd, 'node_modules/vitrine'), { recursive: true });
  return cwd;
}

/** The address of Vite's development server over a folder, with the shop behind it. */
async function developed(t, vite, folder, options) {
  const entry = join(WORK, '../node_modules', vite, 'dist/node/index.js');
  const { createServer } = await import(pathToFileURL(entry));
  const { url: target } = await stage(t);
  const server = await createServer({
    root: folder,
    logLevel: 'error',
    cacheDir: join(folder, `.${vite}`),
    server: {
      ...{ host: '127.0.0.1', port: await freePort() },
      proxy: { '/manifest.json': target, '/bundles': target, '/catalogue.json': target },
    },
    ...options,
  });
  await server.listen();
  t.after(() => server.close());
  return `http://127.0.0.1:${server.httpServer.address().port}`;
}

for (const vite of VITES) {
  test(`${vite}: the recipe ranks, with its encoder in a worker`, async (t) => {
    const folder = await app('vite');
    const page = await ranks(t, browser, await developed(t, vite, folder), 2);
    await movesWhatWasClicked(page, '#listing [data-item]');
  });

  test(`${vite}: without optimizeDeps it ranks, or says what to write`, async (t) => {
    const url = await developed(t, vite, await app('vite'), { configFile: false });
    const { page } = await opened(t, browser, url);
    const visited = await page
      .waitForFunction(() => window.visited, null, { timeout: 30_000 })
      .then((handle) => handle.jsonValue());
    if (visited.status === 'ranked') return;
    assert.match(visited.errors.join('\n'), /ranker\.wasm .*optimizeDeps/);
  });
}

/** A listing that Vue draws ranks, and follows what is clicked. */
async function ranksInVue(t, url) {
  const { page, faults } = await opened(t, browser, `${url}/`);
  await page.locator('ul[data-status="ranked"]').waitFor({ timeout: 30_000 });
  assert.equal(await page.locator('ol[data-status="ranked"] li').count(), 5);
  const order = () =>
    page.locator('ul li').evaluateAll((all) => all.map((one) => one.dataset.item));
  const before = await order();
  await page.locator('ul li button').nth(30).click();
  await until('another order', async () => (await order()).join() !== before.join());
  assert.deepEqual((await order()).sort(), before.sort());
  await until('the encoder in its worker', () => page.workers().length === 1);
  assert.deepEqual(faults, []);
}

for (const vite of ['vite5', 'vite']) {
  test(`Vue and Pinia in the development server of ${vite}`, async (t) => {
    await ranksInVue(t, await developed(t, vite, await app('vue')));
  });
}

test('Vue and Pinia, built by Vite', async (t) => {
  const folder = await app('vue');
  await tool('vite/bin/vite.js', ['build', '--logLevel', 'warn'], { cwd: folder });
  const { url } = await stage(t, { folders: { '/': join(folder, 'dist') } });
  await ranksInVue(t, url);
});

/** The server sends the shop's order and loads no model; the browser takes it up, and ranks. */
async function ranksAfterHydration(t, shop, url) {
  const { items } = await (await fetch(`${shop.url}/catalogue.json`)).json();
  const own = items.map(({ id }) => id);
  const html = await (await fetch(url)).text();
  const sent = [...html.matchAll(/<li data-item="([^"]+)"/g)].map(([, id]) => id);
  assert.deepEqual(sent, own, 'the server sends the shop’s order');
  assert.ok(!shop.requests.some(({ path }) => path === '/manifest.json'), 'and loads no model');
  const { page, faults, warnings } = await opened(t, browser, url);
  const order = () =>
    page.locator('ul li').evaluateAll((all) => all.map((one) => one.dataset.item));
  await page.locator('ul[data-status="ranked"]').waitFor({ timeout: 60_000 });
  const before = await order();
  assert.notDeepEqual(before, own);
  await page.locator(`li[data-item="${own[7]}"] button`).click();
  await until('another order', async () => (await order()).join() !== before.join());
  assert.deepEqual([...(await order())].sort(), [...own].sort());
  await until('the encoder in its worker', () => page.workers().length === 1);
  assert.deepEqual([...faults, ...warnings.filter((text) => /hydrat/i.test(text))], []);
}

/** Waits until a server, which may still be building, answers with a page that has the list. */
async function answers(url) {
  await until(
    'a page with the list',
    async () => {
      const response = await fetch(url).catch(() => undefined);
      return response?.ok && (await response.text()).includes('data-item');
    },
    60_000,
  );
}

test('SvelteKit’s development server', async (t) => {
  const shop = await stage(t, OTHER_ORIGIN);
  const args = ['dev', '--host', '127.0.0.1', '--port', String(await freePort())];
  const cwd = await appWithPackage('sveltekit');
  const url = await serve(t, 'vite/bin/vite.js', args, { cwd, env: { VITE_VITRINE: shop.url } });
  await ranksAfterHydration(t, shop, url);
});

test('SvelteKit, built', async (t) => {
  const shop = await stage(t, OTHER_ORIGIN);
  const cwd = await app('sveltekit');
  const env = { VITE_VITRINE: shop.url };
  await tool('vite/bin/vite.js', ['build', '--logLevel', 'error'], { cwd, env });
  const args = ['preview', '--host', '127.0.0.1', '--port', String(await freePort())];
  const url = await serve(t, 'vite/bin/vite.js', args, { cwd, env });
  await ranksAfterHydration(t, shop, url);
});

test('Nuxt’s development server', async (t) => {
  const shop = await stage(t, OTHER_ORIGIN);
  const args = ['dev', '--host', '127.0.0.1', '--port', String(await freePort()), '--no-fork'];
  const env = { NUXT_PUBLIC_VITRINE: shop.url, NUXT_TELEMETRY_DISABLED: '1' };
  const cwd = await appWithPackage('nuxt');
  const url = await serve(t, 'nuxt/bin/nuxt.mjs', args, { cwd, env });
  await answers(url);
  await ranksAfterHydration(t, shop, url);
});
