// What item features are worth: the same shop learned with them and without.
//
//   VITRINE_DATA=folder node benches/new-items.mjs [online_retail ...] [--out FILE]
//
// Splits by time, trains twice with the built commands (VITRINE_BIN) and writes the page,
// docs/results/new-items.md where --out names no other.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { called, data, evaluated, prepare, record, run, workIn } from './commands.mjs';

const { names, out: target = 'docs/results/new-items.md' } = called(['out'], ['online_retail']);

let page = `# Items that nobody has looked at yet

Histories with a catalogue, split by time. The same recipe is trained with item features (category,
price band, words of the title) and without; both bundles hold the same items, also those of the
catalogue that the training part never names. Every proper prefix of every test session is one
example; *new* labels are those that the training part does not name.

    VITRINE_DATA=folder node ${['benches/new-items.mjs', ...names].join(' ')}

| data | features | passes | known labels | P@20 | MRR@20 | new labels | P@20 | MRR@20 |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
`;
for (const name of names) {
  const folder = workIn(`new-items/${name}`);
  const prepared = join(folder, 'data');
  const items = join(data, name, 'items.parquet');
  const catalogue = existsSync(items) ? ['--items', items] : [];
  prepare(name, prepared, ...catalogue);
  for (const features of [true, false]) {
    const out = join(folder, features ? 'with' : 'without');
    const recipe = `${out}.toml`;
    writeFileSync(recipe, `[encoder]\nitem_features = ${features}\n`);
    run('train', '--data', prepared, '--recipe', recipe, '--out', out);
    const found = evaluated(out, prepared, '--breakdown');
    const { passes } = record(out);
    const groups = found.breakdown.by_label_known.map(
      (group) => `${group.examples} | ${group['p@20'].toFixed(2)} | ${group['mrr@20'].toFixed(2)}`,
    );
    page += `| ${name} | ${features ? 'with' : 'without'} | ${passes} | ${groups.join(' | ')} |\n`;
  }
}
writeFileSync(target, page);
console.log(page);
