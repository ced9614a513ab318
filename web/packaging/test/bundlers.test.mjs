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
import { movesWhatWasClicked, opened, ranks } from './support/page.mjs';

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

test('without a bundler', async (t) => {
  await ranks(
    t,
    browser,
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
  const page = await ranks(t, browser, await served(t, { '/': join(folder, 'dist') }), 2);
  await movesWhatWasClicked(page, '#listing [data-item]');
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
  await ranks(t, browser, await served(t, { '/': join(folder, 'dist') }));
});

test('esbuild', async (t) => {
  const folder = await app('esbuild');
  await run(process.execPath, ['build.mjs'], { cwd: folder });
  await ranks(t, browser, await served(t, { '/': join(folder, 'dist') }));
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
