// How long a large history takes, and how much memory: prepare and the item-to-item table.
//
//   node benches/scale.mjs [EVENTS_IN_MILLIONS ...]      (default: 2 20)
//
// Draws a synthetic shop of 200,000 items for each size, runs `prepare` and then `train` without an
// encoder, all as the built commands (VITRINE_BIN), and writes docs/results/scale.md. Peak memory is
// VmHWM of /proc, so it runs on Linux only.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { profile, vitrine } from './built.mjs';

const work = join(process.env.VITRINE_WORK ?? '.bench', 'scale');
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [2, 20];
const ITEMS = 200_000;
/** Shoppers of a first small shop, by which events per shopper are measured. */
const PROBE = 20_000;

/** Runs a command; resolves to its seconds and its peak memory in bytes. */
function measured(...words) {
  return new Promise((resolve, reject) => {
    const began = process.hrtime.bigint();
    const child = spawn(vitrine, words, { stdio: ['ignore', 'ignore', 'inherit'] });
    let peak = 0;
    const timer = setInterval(() => {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
        peak = Math.max(peak, 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0));
      } catch {
        // It has just ended.
      }
    }, 50);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearInterval(timer);
      const seconds = Number(process.hrtime.bigint() - began) / 1e9;
      if (code === 0) resolve({ seconds, peak });
      else reject(new Error(`vitrine ${words.join(' ')} ended with ${code}`));
    });
  });
}

/** Draws a shop. */
async function shop(folder, shoppers) {
  rmSync(folder, { recursive: true, force: true });
  await measured('simulate', '--out', folder, '--items', `${ITEMS}`, '--shoppers', `${shoppers}`, '--days', '60');
}

/** Events and sessions of a prepared history. */
function facts(folder) {
  const { splits } = JSON.parse(readFileSync(join(folder, 'dataset.json'), 'utf8'));
  const sum = (what) => Object.values(splits).reduce((all, split) => all + split[what], 0);
  return { events: sum('events'), sessions: sum('sessions') };
}

mkdirSync(work, { recursive: true });
const recipe = join(work, 'recipe.toml');
writeFileSync(recipe, '[encoder]\nenabled = false\n');
const raw = join(work, 'shop');
const prepared = join(work, 'data');
const prepare = () =>
  measured('prepare', '--events', join(raw, 'events.csv'), '--items', join(raw, 'items.csv'), '--out', prepared);

await shop(raw, PROBE);
await prepare();
const perShopper = facts(prepared).events / PROBE;
const rows = [];
for (const millions of sizes) {
  await shop(raw, Math.round((millions * 1e6) / perShopper));
  rmSync(prepared, { recursive: true, force: true });
  const preparing = await prepare();
  const out = join(work, 'run');
  rmSync(out, { recursive: true, force: true });
  const training = await measured('train', '--data', prepared, '--recipe', recipe, '--out', out);
  rows.push({ ...facts(prepared), preparing, training });
  console.log(rows.at(-1));
}
rmSync(work, { recursive: true, force: true });

const gb = (bytes) => (bytes / 1e9).toFixed(2);
const page = `# A large history: time and memory

A synthetic shop of ${ITEMS.toLocaleString('en')} items. \`prepare\` reads CSV; \`train\` builds the item-to-item
table without an encoder: it searches the table's parameters on validation, then counts the whole
history. Peak memory is that of the process.

    VITRINE_BIN=target/${profile} node benches/scale.mjs ${sizes.join(' ')}

| events | sessions | prepare: s | GB | train: s | GB | in all: s |
| --- | --- | --- | --- | --- | --- | --- |
${rows
  .map(
    (row) =>
      `| ${row.events.toLocaleString('en')} | ${row.sessions.toLocaleString('en')} | ${row.preparing.seconds.toFixed(0)} | ${gb(row.preparing.peak)} | ${row.training.seconds.toFixed(0)} | ${gb(row.training.peak)} | ${(row.preparing.seconds + row.training.seconds).toFixed(0)} |`,
  )
  .join('\n')}

${cpus().length} cores, ${cpus()[0].model.trim()}.
`;
writeFileSync('docs/results/scale.md', page);
console.log(page);
