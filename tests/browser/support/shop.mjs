/**
 * A small simulated shop, trained once and kept beside the built programs until those change.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BIN, program, ROOT, run } from './programs.mjs';

/** Parameters of the table that need no search. */
export const TABLE = `
[table]
cooccurrence = 0.8
gap_decay = 2.0
age_decay = 1.0
shrinkage = 1.0
popularity_power = -0.1
trend_power = 0.0
weight_power = 1.0
distillation = 0.0
position_decay = 2.0
add_to_cart = 1.0
buy = 1.0
repeat_last = 0.2
repeat_session = 0.7
repeat_decay = 2.0
repeat_growth = 0.0
popularity = 0.001
`;

/** A recipe that takes seconds: fixed table, a small encoder of enough passes to add something. */
export const RECIPE = `seed = 1
${TABLE}
[encoder]
dim = 32
hidden = 32
epochs = 6
batch = 64
`;

const SHOP = ['--items', 240, '--shoppers', 4000, '--days', 30, '--seed', 7];

/**
 * The folder of a finished shop: `shop/` (the history), `data/` (prepared), `run/` (trained,
 * with an encoder).
 */
export async function smallShop() {
  const built = statSync(program('vitrine'));
  const key = createHash('sha256')
    .update(JSON.stringify([RECIPE, SHOP, built.size, built.mtimeMs]))
    .digest('hex')
    .slice(0, 12);
  const shops = join(BIN, 'test-shops');
  const folder = join(shops, key);
  if (existsSync(folder)) return folder;
  await rm(shops, { recursive: true, force: true });
  const making = `${folder}.making`;
  await mkdir(making, { recursive: true });
  const at = (name) => join(making, name);
  await run('vitrine', ['simulate', '--out', at('shop'), ...SHOP]);
  await run('vitrine', [
    ...['prepare', '--events', at('shop'), '--preset', 'behaviour', '--out', at('data')],
  ]);
  await writeFile(at('recipe.toml'), RECIPE);
  await train(at('data'), at('recipe.toml'), at('run'));
  await rename(making, folder);
  return folder;
}

/** Trains on the CPU. */
export function train(data, recipe, out) {
  return run('vitrine', [
    ...['train', '--data', data, '--recipe', recipe, '--out', out, '--device', 'cpu'],
  ]);
}

/** A storefront's folder over a shop of `smallShop`: the built page, pictures, catalogue. */
export async function site(shop, folder) {
  const dist = join(ROOT, 'web/demo/dist');
  if (!existsSync(join(dist, 'main.js'))) {
    throw new Error(`${dist} is not built: run \`make web\` first`);
  }
  await cp(dist, folder, { recursive: true });
  await cp(join(shop, 'shop/pictures'), join(folder, 'pictures'), { recursive: true });
  await run('vitrine', [
    ...['export', '--run', join(shop, 'run'), '--data', join(shop, 'data')],
    ...['--catalogue', join(folder, 'catalogue.json'), '--currency', 'GBP'],
  ]);
  return folder;
}

/**
 * An invented catalogue of so many items in `folder`: `store/`, which a server serves, and what
 * the native ranker answers for a visit to it, `{ session, listing, ranked }`.
 */
export async function largeCatalogue(items, folder) {
  await run('vitrine-catalogue', ['--items', items, '--out', folder]);
  // By content hash, as `vitrine publish` does, without compressing for a minute.
  const bundles = join(folder, 'store/bundles');
  await mkdir(bundles, { recursive: true });
  const manifest = await readFile(join(folder, 'bundle/manifest.json'));
  for (const [name, { sha256 }] of Object.entries(JSON.parse(manifest).files)) {
    await rename(join(folder, 'bundle', name), join(bundles, sha256));
  }
  await writeFile(join(folder, 'store/manifest.json'), manifest);
  return JSON.parse(await readFile(join(folder, 'visit.json'), 'utf8'));
}
