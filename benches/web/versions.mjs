/**
 * The next version of a shop's bundle, after a week: what a visitor who has the last one fetches.
 *
 * @module
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { launch } from '../../tests/browser/support/browser.mjs';
import { serve } from '../../tests/browser/support/programs.mjs';
import { PAGES, visit } from '../../tests/browser/support/returning.mjs';
import { stage } from '../../tests/browser/support/stage.mjs';
import { itemsOf, publish, twoVersions } from '../../tests/browser/support/versions.mjs';

/** The shop: items, shoppers, days of history, the last seven of which are new in version 2. */
const SHOP = { items: 5_000, shoppers: 20_000, days: 60 };

/** Resolves to the bytes that a newcomer and a returning visitor fetch of version 2. */
export async function versions(folder, note) {
  note('two versions of a shop, a week apart');
  const at = (name) => join(folder, name);
  const options = Object.entries(SHOP).flatMap(([name, value]) => [`--${name}`, value]);
  await twoVersions(folder, options);
  const store = at('store-of-versions');
  await publish(at('run-1'), store);
  const cleanups = [];
  const server = await serve(folder, { store });
  const browser = await launch();
  try {
    const { url } = await stage(
      { after: (task) => cleanups.push(task) },
      { pages: PAGES, bundle: false },
    );
    const items = await itemsOf(at('shop'));
    const returning = await browser.newContext();
    const see = (context, seen) => visit(context, url, server.url, seen);
    await see(returning, items.slice(0, 1));
    await publish(at('run-2'), store);
    const again = await see(returning, items.slice(1, 2));
    const fresh = await see(await browser.newContext(), items.slice(0, 2));
    if (again.version !== 2 || JSON.stringify(again.items) !== JSON.stringify(fresh.items)) {
      throw new Error('the returning visitor has another list than the newcomer');
    }
    return { ...SHOP, whole: fresh.bytes, delta: again.bytes };
  } finally {
    await browser.close();
    for (const task of cleanups) await task();
    await server.stop();
    for (const name of ['whole', 'shop', 'data']) {
      await rm(at(name), { recursive: true });
    }
  }
}
