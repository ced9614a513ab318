/**
 * The installed package in a page, built in each of the ways that the documentation names.
 */

import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { launch } from '../../../tests/browser/support/browser.mjs';
import { until } from '../../../tests/browser/support/programs.mjs';
import { stage } from '../../../tests/browser/support/stage.mjs';
import { app, install, run, tool, WORK } from './support/install.mjs';
import { opened } from './support/page.mjs';

let browser;

before(async () => {
  await install();
  browser = await launch();
});
after(() => browser?.close());

/** The address of a built page, with the shop's bundle beside it. */
async function served(t, folders) {
  return (await stage(t, { folders })).url;
}

/** Opens a built page; it must rank, and load its encoder in a worker. */
async function ranks(t, url, instances = 1) {
  const { page, faults } = await opened(t, browser, `${url}/`);
  const visited = await page
    .waitForFunction(() => window.visited, null, { timeout: 30_000 })
    .then((handle) => handle.jsonValue());
  assert.equal(visited.status, 'ranked', visited.reason);
  assert.notDeepEqual(visited.before, visited.own);
  assert.notDeepEqual(visited.after, visited.before);
  assert.deepEqual([...visited.after].sort(), [...visited.own].sort());
  assert.equal(visited.shelf.length, 5);
  assert.ok(visited.shelf[0].reasons.some(({ item }) => item === visited.own[0]));
  assert.equal(visited.encoder, 'ready');
  await until('an encoder in a worker', () => page.workers().length === instances);
  assert.deepEqual(faults, []);
  return page;
}

/** Looking at the last of some listed items changes their order. */
async function movesWhatWasClicked(page, selector) {
  const order = () =>
    page.locator(selector).evaluateAll((all) => all.map((one) => one.dataset.item));
  const before = await order();
  await page.locator(selector).last().click();
  await until('another order', async () => (await order()).join() !== before.join());
  assert.deepEqual((await order()).sort(), before.sort());
}

test('without a bundler', async (t) => {
  await ranks(
    t,
    await served(t, { '/node_modules/': join(WORK, 'node_modules'), '/': await app('html') }),
  );
});

test('without a bundler, as a shelf', async (t) => {
  const { url } = await stage(t, {
    folders: { '/vitrine/': join(WORK, 'node_modules/vitrine'), '/': await app('shelf') },
  });
  const { page, faults } = await opened(t, browser, `${url}/`);
  await page.locator('vitrine-shelf[status="ranked"]').waitFor({ timeout: 20_000 });
  await movesWhatWasClicked(page, 'vitrine-shelf [data-item]');
  assert.deepEqual(faults, []);
});

test('Vite', async (t) => {
  const folder = await app('vite');
  await tool('vite/bin/vite.js', ['build', '--logLevel', 'warn'], { cwd: folder });
  // The page has two instances.
  const page = await ranks(t, await served(t, { '/': join(folder, 'dist') }), 2);
  await movesWhatWasClicked(page, '#listing [data-item]');
});

test('Vite’s development server', async (t) => {
  const { createServer } = await import('vite');
  const shop = await stage(t);
  const { url: target } = shop;
  const server = await createServer({
    root: await app('vite'),
    logLevel: 'warn',
    server: {
      ...{ host: '127.0.0.1', port: 0 },
      proxy: { '/manifest.json': target, '/bundles': target, '/catalogue.json': target },
    },
  });
  await server.listen();
  t.after(() => server.close());
  await ranks(t, `http://127.0.0.1:${server.httpServer.address().port}`, 2);
});

test('webpack', async (t) => {
  const folder = await app('webpack');
  const { default: webpack } = await import('webpack');
  const { default: config } = await import(join(folder, 'webpack.config.js'));
  const stats = await new Promise((resolve, reject) =>
    webpack(config, (error, stats) => (error ? reject(error) : resolve(stats))),
  );
  assert.equal(stats.hasErrors(), false, stats.toString());
  await cp(join(folder, 'index.html'), join(folder, 'dist/index.html'));
  await ranks(t, await served(t, { '/': join(folder, 'dist') }));
});

test('esbuild', async (t) => {
  const folder = await app('esbuild');
  await run(process.execPath, ['build.mjs'], { cwd: folder });
  await ranks(t, await served(t, { '/': join(folder, 'dist') }));
});

test('React in strict mode', async (t) => {
  const folder = await app('react');
  const { build } = await import('esbuild');
  await build({
    entryPoints: [join(folder, 'main.jsx')],
    outdir: join(folder, 'dist'),
    ...{ bundle: true, format: 'esm', jsx: 'automatic', logLevel: 'error' },
    define: { 'process.env.NODE_ENV': '"development"' },
  });
  await cp(join(folder, 'index.html'), join(folder, 'dist/index.html'));
  const url = await served(t, {
    '/wasm/': join(WORK, 'node_modules/vitrine/wasm'),
    '/': join(folder, 'dist'),
  });
  const { page, faults } = await opened(t, browser, `${url}/`);
  await page.locator('#root > ul[data-status="ranked"][data-shelf="3"]').waitFor();
  const own = ['hf-001', 'hf-002', 'hf-003', 'hf-009'];
  const order = (selector) =>
    page.locator(selector).evaluateAll((all) => all.map((one) => one.dataset.item));
  assert.notDeepEqual(await order('#root > ul > li'), own);
  await movesWhatWasClicked(page, '#root > ul > li');
  assert.deepEqual(await order('#root > section li'), own);
  const renders = await page.evaluate(() => window.renders);
  await page.waitForTimeout(300);
  assert.equal(await page.evaluate(() => window.renders), renders, 'it comes to rest');
  assert.ok(renders < 60, `${renders} renders`);
  assert.deepEqual(faults, []);
});
