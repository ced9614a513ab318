// What parts of the recipe are worth: the same shop trained with one of them exchanged at a time.
//
//   VITRINE_DATA=folder node benches/parts.mjs [retailrocket ...] [--out FILE]
//
// Prepares, trains and evaluates with the built commands (VITRINE_BIN) and writes the page,
// docs/results/parts.md where --out names no other.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { called, evaluated, prepare, record, run, workIn } from './commands.mjs';

const { names, out: target = 'docs/results/parts.md' } = called(['out'], ['retailrocket']);

/** What is exchanged, as a recipe. */
const VARIANTS = {
  'the default recipe': '',
  'no teacher': '[table]\nteacher = "none"\n',
  'convolutions (`cnn`)': '[encoder]\nbackbone = "cnn"\n',
  'attention (`attention`)': '[encoder]\nbackbone = "attention"\n',
  'no encoder': '[encoder]\nenabled = false\n',
};

const both = (figures) => `${figures['p@20'].toFixed(2)} / ${figures['mrr@20'].toFixed(2)}`;
let page = `# What the parts are worth

The default recipe, and with one part exchanged at a time: P@20 / MRR@20 in percent of the compressed
bundle on the test split, and what validation, by which everything is chosen, said of the encoder alone
and of the whole. Nothing is chosen by this page.

    VITRINE_DATA=folder node ${['benches/parts.mjs', ...names].join(' ')}

| data | | bundle, test | its table alone, test | encoder alone, validation | all, validation | passes | MB as it travels |
| --- | --- | --- | --- | --- | --- | --- | --- |
`;
for (const name of names) {
  const folder = workIn(`parts/${name}`);
  const prepared = join(folder, 'data');
  prepare(name, prepared);
  for (const [at, [variant, recipe]] of Object.entries(VARIANTS).entries()) {
    const out = join(folder, `run-${at}`);
    writeFileSync(`${out}.toml`, recipe);
    run('train', '--data', prepared, '--recipe', `${out}.toml`, '--out', out);
    const found = evaluated(out, prepared);
    const { passes, validation } = record(out);
    const alone = found.without_encoder ?? found;
    const encoder = validation.encoder ? both(validation.encoder) : '–';
    page += `| ${name} | ${variant} | ${both(found)} | ${both(alone)} | ${encoder} | ${both(validation.both ?? validation.table)} | ${passes} | ${(found.bundle_bytes_brotli / 1e6).toFixed(2)} |\n`;
  }
}
writeFileSync(target, page);
console.log(page);
