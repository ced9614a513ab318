/**
 * React's hooks and Vue's composables with the lists that pages really have: not there yet, with
 * numbers for ids, without an id, and outside of a provider.
 */

import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { build } from 'esbuild';
import { launch } from '../../../tests/browser/support/browser.mjs';
import { until } from '../../../tests/browser/support/programs.mjs';
import { FIXTURE, stage } from '../../../tests/browser/support/stage.mjs';
import { app, install, WORK } from './support/install.mjs';
import { opened } from './support/page.mjs';

const NUMBERS = Array.from({ length: 12 }, (_, at) => 1001 + 10 * at);

let browser;
let folder;
let numbered;
before(async () => {
  await install();
  folder = await app('hooks');
  numbered = await readFile(join(FIXTURE, 'numbered.json'), 'utf8');
  browser = await launch();
});
after(() => browser?.close());

for (const [name, entry] of [
  ['React', 'react.jsx'],
  ['Vue', 'vue.js'],
]) {
  test(`${name}: lists of every kind leave the page whole, and come to their order`, async (t) => {
    const out = join(folder, name);
    await build({
      entryPoints: { main: join(folder, entry) },
      outdir: out,
      ...{ bundle: true, format: 'esm', jsx: 'automatic', logLevel: 'error' },
      define: { 'process.env.NODE_ENV': '"development"' },
      alias: { vue: join(WORK, '../node_modules/vue/dist/vue.runtime.esm-browser.js') },
    });
    await cp(join(folder, 'index.html'), join(out, 'index.html'));
    const { url } = await stage(t, {
      folders: { '/wasm/': join(WORK, 'node_modules/vitrine/wasm'), '/': out },
      pages: { '/manifest.json': numbered },
    });
    const { page, faults, warnings } = await opened(t, browser, `${url}/`);
    const lists = async () => JSON.parse(await page.evaluate(() => JSON.stringify(window.lists)));
    const ranked = [
      'nothing',
      'holes',
      'numbers',
      'texts',
      'objects',
      'skus',
      'unreadable',
      'shelf',
    ];
    await until('all lists', async () => {
      const now = await lists();
      return ranked.every((name) => now[name]?.status === 'ranked');
    });
    await page.getByText('drawn').waitFor();
    await page.evaluate((item) => window.vitrine.track({ item }), NUMBERS[5]);
    await until('another order', async () => (await lists()).numbers.ids.join() !== NUMBERS.join());

    const now = await lists();
    for (const absent of ['undefined', 'null']) {
      assert.deepEqual(now[absent], { status: 'loading', ids: [] }, absent);
    }
    assert.deepEqual(now.nothing.ids, []);
    assert.deepEqual(now.response.ids, [], 'an answer that is no list');
    const order = now.numbers.ids;
    assert.deepEqual([...order].sort(), [...NUMBERS].sort());
    assert.ok(order.every((id) => typeof id === 'number'));
    assert.deepEqual(now.texts.ids, order.map(String));
    for (const same of ['objects', 'skus']) assert.deepEqual(now[same].ids, order, same);
    assert.deepEqual(now.holes.ids, [...order, null, null]);
    assert.equal(now.unreadable.ids.length, 2);
    assert.equal(now.shelf.ids.length, 3);
    assert.ok(!now.shelf.ids.includes(String(NUMBERS[0])));
    assert.equal(now['shelf without options'].ids.length, 10);

    assert.deepEqual(now.late, { status: 'loading', ids: [] });
    for (const delivered of [NUMBERS, undefined, NUMBERS.slice(0, 3), null, []]) {
      await page.evaluate((items) => window.deliver(items), delivered);
      const status = delivered ? 'ranked' : 'loading';
      await until(`a list that is ${status}`, async () => {
        const { late } = await lists();
        return late.status === status && late.ids.length === (delivered ?? []).length;
      });
    }

    assert.deepEqual(now['instance is being made'], { status: 'loading', ids: NUMBERS });
    const fallback = { status: 'fallback', reason: 'failed' };
    assert.deepEqual(now.outside, { ...fallback, ids: NUMBERS });
    assert.deepEqual(now['outside shelf'], { ...fallback, ids: [] });
    assert.equal(await page.evaluate(() => window.outside), undefined);
    assert.deepEqual(faults, []);
    const outside = warnings.filter((message) => /^vitrine: /.test(message));
    assert.equal(outside.length, 3, 'one for each hook');
    for (const [at, hook] of ['useVitrine', 'useRanked', 'useRecommended'].entries()) {
      assert.match(outside[at], new RegExp(`${hook} was called outside of .*keep your own order`));
    }
  });
}
