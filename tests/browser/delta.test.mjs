/**
 * A visitor who comes back after a new version fetches what changed of it, from a real server into
 * a real browser, and has the lists of who fetches all; and so when the version is taken back.
 */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { launch } from './support/browser.mjs';
import { run, scratch, serve } from './support/programs.mjs';
import { PAGES, visit } from './support/returning.mjs';
import { stage } from './support/stage.mjs';
import { itemsOf, publish, twoVersions } from './support/versions.mjs';

const SHOP = ['--items', 1500, '--shoppers', 6000, '--days', 40, '--seed', 7];
const DELTA = /^tables\.safetensors\.[0-9a-f]{64}\.delta$/;

test('a returning visitor fetches the delta, and the one that takes it back', async (t) => {
  const folder = await scratch(t);
  const store = join(folder, 'store');
  await twoVersions(folder, SHOP);
  await publish(join(folder, 'run-1'), store);
  const server = await serve(folder, { store });
  t.after(() => server.stop());
  const { url } = await stage(t, { pages: PAGES, bundle: false });
  const browser = await launch(t);
  const returning = await browser.newContext();
  const items = await itemsOf(join(folder, 'shop'));

  const seen = [];
  /** By one who has kept what there was, and by one who has nothing: names of what each fetches. */
  const both = async (version) => {
    const item = items[seen.length];
    const again = await visit(returning, url, server.url, [item]);
    seen.push(item);
    const fresh = await visit(await browser.newContext(), url, server.url, seen);
    assert.deepEqual([fresh.version, again.version], [version, version]);
    assert.equal(again.items.length, 100);
    assert.deepEqual(again.items, fresh.items);
    const { files } = JSON.parse(await readFile(join(store, 'manifest.json'), 'utf8'));
    const names = new Map(Object.entries(files).map(([name, { sha256 }]) => [sha256, name]));
    t.diagnostic(`version ${version}: ${again.bytes} bytes, and ${fresh.bytes} by a newcomer`);
    return [again, fresh].map(({ fetched }) => fetched.map((sha256) => names.get(sha256)).sort());
  };

  const whole = ['facets.json', 'items.fst', 'tables.safetensors'];
  assert.deepEqual(await both(1), [whole, whole]);

  await publish(join(folder, 'run-2'), store);
  const [changed, all] = await both(2);
  assert.deepEqual(all, whole);
  assert.ok(
    changed.some((name) => DELTA.test(name)),
    `${changed}`,
  );
  assert.ok(!changed.includes('tables.safetensors'), `${changed}`);

  await run('vitrine', ['rollback', '1', '--to', store]);
  const [restored] = await both(3);
  assert.ok(
    restored.some((name) => DELTA.test(name)),
    `${restored}`,
  );
  assert.ok(!restored.includes('tables.safetensors'), `${restored}`);
});
