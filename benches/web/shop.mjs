/**
 * Shops of a given number of items, made once and kept in a folder that git ignores.
 *
 * The table is trained by the built command from an invented history in which every item is seen. The vectors and the encoder are random
 * numbers: what they say does not matter to a clock, and the rivals get the very same ones. So
 * tables are taken as they are, whatever their format, and only what an encoder adds is put in.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { program, ROOT, run } from '../../tests/browser/support/programs.mjs';
import { TABLE, train } from '../../tests/browser/support/shop.mjs';
import { encoderModel, scanModel, sessionModel } from './onnx.mjs';
import { floatTensor, readTensors, writeTensors } from './safetensors.mjs';

/** Width of an item vector and of the recurrent state. */
export const DIM = 64;
export const HIDDEN = 64;
/** Events of a session, and items of a list. */
export const EVENTS = 20;
export const BEST = 20;

/** Made anew when this changes. */
const FORM = 4;
/** Items that are seen together, and events of a visit in the history. */
const CORNER = 25;
const VISIT = 6;
const LIFETIME_SECONDS = 3650 * 86_400;

/** splitmix32: the same numbers on every machine. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Random weights of a GRU, in ONNX's layout. */
export function gruWeights(seed, dim = DIM, hidden = HIDDEN) {
  const next = generator(seed);
  const draw = (count) => Float32Array.from({ length: count }, () => (2 * next() - 1) / 8);
  return {
    dim,
    hidden,
    W: draw(3 * hidden * (dim + 3)),
    R: draw(3 * hidden * hidden),
    B: draw(6 * hidden),
    P: draw(hidden * dim),
    p: draw(dim),
  };
}

/** Item vectors as the bundle holds them: `units` `[N, D]` and one scale for all. */
function vectors(items, seed) {
  const next = generator(seed);
  const units = Int8Array.from({ length: items * DIM }, () => Math.round(254 * next() - 127));
  return { units, scale: 1 / 128 };
}

/**
 * A shop of `items` items; resolves to its folder: `site/` (as a server would serve it),
 * `rivals/` (the same model for the others) and `session.json` (the visit that is measured).
 */
export async function shop(items, note) {
  const built = statSync(program('vitrine'));
  const key = createHash('sha256')
    .update(JSON.stringify([FORM, TABLE, items, built.size, built.mtimeMs]))
    .digest('hex')
    .slice(0, 12);
  const folder = join(ROOT, '.bench/web', `${items}-${key}`);
  if (existsSync(folder)) return folder;
  note(`making a shop of ${items} items`);
  const making = `${folder}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  const at = (name) => join(making, name);
  const ids = names(items);
  await history(ids, at('shop'));
  await run('vitrine', [
    ...['prepare', '--events', at('shop'), '--preset', 'behaviour', '--no-test'],
    ...['--min-item-events', 1, '--out', at('data')],
  ]);
  await writeFile(at('recipe.toml'), `seed = 1\n${TABLE}\n[encoder]\nenabled = false\n`);
  await train(at('data'), at('recipe.toml'), at('run'));
  await furnish(ids, at('run/bundle'), making);
  for (const name of ['shop', 'data', 'run']) await rm(at(name), { recursive: true });
  await rename(making, folder);
  return folder;
}

/** The shop's own ids, `[N]` in byte order, which is the order of the rows. */
function names(items) {
  const next = generator(4);
  const drawn = new Set();
  while (drawn.size < items)
    drawn.add(
      `p${Math.floor(next() * 36 ** 6)
        .toString(36)
        .padStart(6, '0')}`,
    );
  return [...drawn].sort();
}

/** A history of one visit for each item, which begins with it and stays in its corner of the shop. */
async function history(ids, out) {
  const next = generator(5);
  const begin = Date.parse('2025-01-01T00:00:00Z');
  const events = ['user_id,item_id,timestamp,action,rating\n'];
  const items = ['item_id,title,category,price,image,in_stock\n'];
  for (const [row, id] of ids.entries()) {
    const corner = CORNER * Math.floor(row / CORNER);
    let time = begin + Math.floor(next() * 30 * 86_400) * 1000;
    let seen = row;
    for (let step = 0; step < VISIT; step += 1) {
      const stamp = new Date(time).toISOString().replace('.000', '');
      events.push(`u${row},${ids[seen]},${stamp},${next() < 0.1 ? 'add_to_cart' : 'view'},\n`);
      time += 20_000 + Math.floor(next() * 100) * 1000;
      seen = Math.min(corner + Math.floor(CORNER * next() ** 2), ids.length - 1);
    }
    const price = (5 + 200 * next()).toFixed(2);
    items.push(`${id},Item ${id},Corner ${corner % 97},${price},,${next() < 0.9}\n`);
  }
  await mkdir(out);
  await writeFile(join(out, 'events.csv'), events.join(''));
  await writeFile(join(out, 'items.csv'), items.join(''));
}

/** Puts vectors and an encoder into the bundle, and writes the rivals' models. */
async function furnish(ids, bundle, out) {
  const items = ids.length;
  const manifest = JSON.parse(await readFile(join(bundle, 'manifest.json'), 'utf8'));
  if (manifest.model.items !== items) {
    throw new Error(`the bundle has ${manifest.model.items} items, not ${items}`);
  }
  const weights = gruWeights(1);
  const { units, scale } = vectors(items, 2);
  const tensors = readTensors(await readFile(join(bundle, 'tables.safetensors')));
  const scaleType = tensors.get('neighbour_scale')?.dtype;
  tensors.set('items', { dtype: 'I8', shape: [items, DIM], bytes: new Uint8Array(units.buffer) });
  const scales = new Float32Array(items).fill(scale);
  tensors.set('item_scale', floatTensor(scales, [items], scaleType));
  const fusion = tensors.get('fusion');
  const [, ...others] = new Float32Array(Uint8Array.from(fusion.bytes).buffer);
  tensors.set('fusion', floatTensor([1, ...others], fusion.shape));
  const files = {
    'tables.safetensors': writeTensors(tensors),
    'items.fst': await readFile(join(bundle, 'items.fst')),
    'facets.json': await readFile(join(bundle, 'facets.json')),
    'encoder.onnx': encoderModel(weights),
  };
  manifest.files = {};
  manifest.model.dim = DIM;
  manifest.expires = manifest.created + LIFETIME_SECONDS;
  await mkdir(join(out, 'site/bundles'), { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    manifest.files[name] = { sha256, bytes: bytes.length };
    await writeFile(join(out, 'site/bundles', sha256), bytes);
  }
  await writeFile(join(out, 'site/manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);

  const byRow = Float32Array.from(units, (unit) => unit * scale);
  const byColumn = new Float32Array(byRow.length);
  for (let row = 0; row < items; row += 1) {
    for (let d = 0; d < DIM; d += 1) byColumn[d * items + row] = byRow[row * DIM + d];
  }
  await mkdir(join(out, 'rivals'));
  const put = (name, bytes) => writeFile(join(out, 'rivals', name), bytes);
  await put('encoder.onnx', encoderModel(weights));
  await put('scan.onnx', scanModel(DIM, byColumn, BEST));
  await put('session.onnx', sessionModel(weights, byColumn, BEST));
  await put('items.f32', Buffer.from(byRow.buffer));
  const flat = ['W', 'R', 'B', 'P', 'p'].map((name) => Buffer.from(weights[name].buffer));
  await put('weights.f32', Buffer.concat(flat));
  await writeFile(join(out, 'session.json'), JSON.stringify(visit(ids, byRow)));
}

/** The visit: which items, what was done, and what the encoder is given. */
function visit(ids, byRow) {
  const next = generator(3);
  const items = ids.length;
  const rows = Array.from({ length: EVENTS }, () => Math.floor(next() * items));
  const actions = rows.map((_, at) => (at % 7 === 6 ? 1 : 0));
  const input = rows.flatMap((row, at) => [
    ...byRow.subarray(row * DIM, (row + 1) * DIM),
    ...[0, 1, 2].map((action) => (action === actions[at] ? 1 : 0)),
  ]);
  return { items, events: rows.map((row) => ids[row]), actions, input, listing: ids };
}
