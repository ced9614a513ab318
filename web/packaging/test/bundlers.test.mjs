/**
 * The installed package in a page, built in each of the ways that the documentation names.
 */

import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { launch } from '../../../tests/browser/support/browser.mjs';
import { stage } from '../../../tests/browser/support/stage.mjs';
import { app, install, run, tool, WORK } from './support/install.mjs';

let browser;

before(async () => {
  await install();
  browser = await launch();
});
after(() => browser?.close());

/** Opens a built page; it must rank, load its encoder in a worker, and say nothing untoward. */
async function ranks(t, folders) {
  const { url, requests } = await stage(t, { folders });
  const page = await browser.newPage();
  t.after(() => page.close());
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  await page.goto(`${url}/`);
  const visited = await page
    .waitForFunction(() => window.visited, null, { timeout: 30_000 })
    .then((handle) => handle.jsonValue())
    .catch(() => assert.fail(`the page did not come so far: ${faults.join('\n')}`));
  assert.deepEqual(
    faults.filter((fault) => !fault.includes('404')),
    [],
  );
  assert.equal(visited.status, 'ranked', visited.reason);
  assert.notDeepEqual(visited.before, visited.own);
  assert.notDeepEqual(visited.after, visited.before);
  assert.deepEqual([...visited.after].sort(), [...visited.own].sort());
  assert.equal(visited.shelf.length, 5);
  assert.ok(visited.shelf[0].reasons.some(({ item }) => item === visited.own[0]));
  assert.equal(visited.encoder, 'ready');
  assert.equal(page.workers().length, 1, 'the encoder is in a worker');
  assert.ok(requests.every(({ method }) => method === 'GET'));
}

test('without a bundler', async (t) => {
  await ranks(t, { '/node_modules/': join(WORK, 'node_modules'), '/': await app('html') });
});

test('Vite', async (t) => {
  const folder = await app('vite');
  await tool('vite/bin/vite.js', ['build', '--logLevel', 'warn'], { cwd: folder });
  await ranks(t, { '/': join(folder, 'dist') });
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
  await ranks(t, { '/': join(folder, 'dist') });
});

test('esbuild', async (t) => {
  const folder = await app('esbuild');
  await run(process.execPath, ['build.mjs'], { cwd: folder });
  await ranks(t, { '/': join(folder, 'dist') });
});
