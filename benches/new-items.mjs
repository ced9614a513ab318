// What item features are worth: the same shop learned with them and without.
//
//   VITRINE_DATA=folder node benches/new-items.mjs [online_retail ...] [--out FILE]
//
// Splits by time, trains twice with the built commands (VITRINE_BIN) and writes the page,
// docs/results/new-items.md where --out names no other.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const data = process.env.VITRINE_DATA;
const vitrine = join(process.env.VITRINE_BIN ?? 'target/debug', 'vitrine');
const work = join(process.env.VITRINE_WORK ?? '.bench', 'new-items');
if (!data) {
  console.log('skipped: set VITRINE_DATA to the folder of the public data sets');
  process.exit(0);
}
const args = process.argv.slice(2);
const outAt = args.indexOf('--out');
const [, target = 'docs/results/new-items.md'] = outAt < 0 ? [] : args.splice(outAt, 2);
const names = args.length > 0 ? args : ['online_retail'];
const run = (...words) => execFileSync(vitrine, words, { stdio: ['ignore', 'pipe', 'inherit'] });

let page = `# Items that nobody has looked at yet

Histories with a catalogue, split by time. The same recipe is trained with item features (category,
price band, words of the title) and without; both bundles hold the same items, also those of the
catalogue that the training part never names. Every proper prefix of every test session is one
example; *new* labels are those that the training part does not name.

    VITRINE_DATA=folder node ${['benches/new-items.mjs', ...args].join(' ')}

| data | features | passes | known labels | P@20 | MRR@20 | new labels | P@20 | MRR@20 |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
`;
for (const name of names) {
  const folder = join(work, name);
  mkdirSync(folder, { recursive: true });
  const prepared = join(folder, 'data');
  const items = join(data, name, 'items.parquet');
  const catalogue = existsSync(items) ? ['--items', items] : [];
  run('prepare', '--events', join(data, name, 'events.parquet'), ...catalogue, '--preset', 'vitrine', '--name', name, '--out', prepared);
  for (const features of [true, false]) {
    const out = join(folder, features ? 'with' : 'without');
    const recipe = `${out}.toml`;
    writeFileSync(recipe, `[encoder]\nitem_features = ${features}\n`);
    run('train', '--data', prepared, '--recipe', recipe, '--out', out);
    const found = JSON.parse(run('evaluate', '--bundle', join(out, 'bundle'), '--data', prepared, '--json', '--breakdown'));
    const { passes } = JSON.parse(readFileSync(join(out, 'run.json')));
    const groups = found.breakdown.by_label_known.map(
      (group) => `${group.examples} | ${group['p@20'].toFixed(2)} | ${group['mrr@20'].toFixed(2)}`,
    );
    page += `| ${name} | ${features ? 'with' : 'without'} | ${passes} | ${groups.join(' | ')} |\n`;
  }
}
writeFileSync(target, page);
console.log(page);
