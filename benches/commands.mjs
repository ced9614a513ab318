// What the benchmarks of ranking share: the built commands, the public data, and how they are called.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vitrine } from './built.mjs';

/** Folder of the public data sets (VITRINE_DATA). */
export const data = process.env.VITRINE_DATA;
if (!data) {
  console.log('skipped: set VITRINE_DATA to the folder of the public data sets');
  process.exit(0);
}

/** Runs `vitrine`; what it prints. */
export const run = (...words) => execFileSync(vitrine, words, { stdio: ['ignore', 'pipe', 'inherit'] });

/** A folder to work in: `name` in VITRINE_WORK. */
export function workIn(name = '') {
  const folder = join(process.env.VITRINE_WORK ?? '.bench', name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Words of the command line: `options` (as in `--out FILE`) by name, and the data sets. */
export function called(options, sets) {
  const words = process.argv.slice(2);
  const given = {};
  for (const option of options) {
    const at = words.indexOf(`--${option}`);
    if (at >= 0) [, given[option]] = words.splice(at, 2);
  }
  return { ...given, names: words.length > 0 ? words : sets };
}

/** Prepares a public data set into `out`. */
export function prepare(name, out, ...more) {
  run('prepare', '--events', join(data, name, 'events.parquet'), ...more, '--preset', 'vitrine', '--name', name, '--out', out);
}

/** What `evaluate` says of a run's bundle. */
export const evaluated = (folder, prepared, ...more) =>
  JSON.parse(run('evaluate', '--bundle', join(folder, 'bundle'), '--data', prepared, '--json', ...more));

/** A run's choices and figures. */
export const record = (folder) => JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
