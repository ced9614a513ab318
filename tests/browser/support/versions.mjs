/**
 * Two versions of a simulated shop's bundle, a week apart.
 *
 * @module
 */

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './programs.mjs';
import { TABLE, train } from './shop.mjs';

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;
const WEEK = 7 * 86_400_000;
/** A visit ends after this pause; milliseconds. */
const SESSION = 1_800_000;
/** A pair is released when so many have reported it. */
const K = 2;

/** The table alone, which a retraining changes in part. */
export const RECIPE = `seed = 1\n${TABLE}\n[encoder]\nenabled = false\n`;

/**
 * Draws a shop with `vitrine simulate` and these options in `folder`, trains version 1 from all
 * but its last week, and retrains from what a release of that week would hold: `run-1/` and
 * `run-2/`.
 */
export async function twoVersions(folder, options, recipe = RECIPE) {
  const at = (name) => join(folder, name);
  await run('vitrine', ['simulate', '--out', at('whole'), ...options]);
  const week = await cut(at('whole'), at('shop'));
  await run('vitrine', [
    ...['prepare', '--events', at('shop'), '--preset', 'behaviour', '--no-test'],
    ...['--out', at('data')],
  ]);
  await writeFile(at('recipe.toml'), recipe);
  await train(at('data'), at('recipe.toml'), at('run-1'));
  await mkdir(at('released'));
  await writeFile(at('released/window-2870.json'), JSON.stringify(released(week)));
  await run('vitrine', [
    ...['retrain', '--data', at('data'), '--run', at('run-1'), '--released', at('released')],
    ...['--out', at('run-2'), '--device', 'cpu'],
  ]);
}

/** Publishes the bundle of a run. */
export function publish(from, store, ...more) {
  return run('vitrine', ['publish', join(from, 'bundle'), '--to', store, ...more]);
}

/** Copies a history without its last week; resolves to the events of that. */
async function cut(whole, part) {
  await mkdir(part);
  const events = await lines(join(whole, 'events.csv'));
  const last = events.map(timeOf).reduce((latest, time) => (time > latest ? time : latest));
  const end = new Date(Date.parse(last) - WEEK).toISOString().replace('.000', '');
  for (const name of await readdir(whole)) {
    if (!name.endsWith('.csv')) continue;
    const kept = (await lines(join(whole, name))).filter((line) => timeOf(line) < end);
    await writeFile(join(part, name), kept.join('\n'));
  }
  return events.filter((line) => timeOf(line) >= end);
}

/** When a line's event happened; empty for an item and for a header. */
function timeOf(line) {
  return TIME.exec(line)?.[0] ?? '';
}

/** What followed one another in these visits, where it was seen at least twice. */
function released(events) {
  const latest = new Map();
  const counts = new Map();
  for (const line of events) {
    const [user, item] = line.split(',');
    const before = latest.get(user);
    latest.set(user, { item, time: Date.parse(timeOf(line)) });
    const near = before && Date.parse(timeOf(line)) - before.time < SESSION;
    if (!near || before.item === item) continue;
    const cell = { table: 'transition', from: before.item, to: item, action: 'view' };
    const key = JSON.stringify(cell);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const cells = [...counts]
    .filter(([, count]) => count >= K)
    .map(([key, count]) => ({ cell: JSON.parse(key), count }))
    .sort(({ cell: a }, { cell: b }) => order(a.from, b.from) || order(a.to, b.to));
  const window = { schema: 'vitrine.released/1', window: 2870, window_seconds: WEEK / 1000 };
  return { ...window, level: 'unlinkable', k: K, cells };
}

function order(a, b) {
  return a < b ? -1 : Number(a > b);
}

async function lines(file) {
  return (await readFile(file, 'utf8')).split('\n');
}

/** Some items of a shop's history. */
export async function itemsOf(shop) {
  const some = (await lines(join(shop, 'events.csv'))).slice(1, 50);
  return [...new Set(some.map((line) => line.split(',')[1]))];
}
