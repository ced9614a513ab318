// Ranking quality of the shipped bundle on public data sets with published splits.
//
//   VITRINE_DATA=folder node benches/quality.mjs [diginetica ...] [--recipe FILE] [--out FILE]
//
// Runs prepare, train and evaluate with the built commands (VITRINE_BIN) and writes the page,
// docs/results/quality.md where --out names no other. Nothing is tuned on a test split: `train`
// chooses on the last tenth of the training sessions.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const data = process.env.VITRINE_DATA;
const vitrine = join(process.env.VITRINE_BIN ?? 'target/debug', 'vitrine');
const work = process.env.VITRINE_WORK ?? '.bench';
if (!data) {
  console.log('skipped: set VITRINE_DATA to the folder of the public data sets');
  process.exit(0);
}
const args = process.argv.slice(2);
const recipeAt = args.indexOf('--recipe');
const recipe = recipeAt < 0 ? [] : args.splice(recipeAt, 2);
const outAt = args.indexOf('--out');
const [, target = 'docs/results/quality.md'] = outAt < 0 ? [] : args.splice(outAt, 2);
const words = process.argv.slice(2).join(' ');
const names = args.length > 0 ? args : ['diginetica', 'retailrocket', 'tmall', 'amazon_beauty'];
/** Most bytes of the small bundle's tables and encoder, as they travel. */
const budgets = { diginetica: '1.95MB', retailrocket: '1.55MB' };

const seconds = (since) => ((Date.now() - since) / 1000).toFixed(0);
const run = (...words) => execFileSync(vitrine, words, { stdio: ['ignore', 'pipe', 'inherit'] });
const figures = (m) =>
  ['p@20', 'mrr@20', 'hr@10', 'ndcg@10'].map((name) => m[name].toFixed(2)).join(' | ');

mkdirSync(work, { recursive: true });
let page = `# Ranking quality

Next-item prediction, ties and unknown labels against us: of session data every proper prefix of every
test session, all items ranked; of data that leave one out (named so below) the last event of each
user, the items of the input not ranked. Measured by \`vitrine evaluate\` on the compressed bundle, through the code that
runs in the browser. Parameters and weights were chosen on the last tenth of the training sessions.

    VITRINE_DATA=folder ${words ? `node benches/quality.mjs ${words}` : 'make bench'}

The small bundle is \`vitrine compress --budget\` of the same run: chosen on validation too.

`;
for (const name of names) {
  const [prepared, out] = [join(work, name, 'data'), join(work, name, 'run')];
  mkdirSync(join(work, name), { recursive: true });
  run('prepare', '--events', join(data, name, 'events.parquet'), '--preset', 'vitrine', '--name', name, '--out', prepared);
  // An earlier run's checkpoints give the same bundle sooner, so that its time says nothing.
  const resumed = existsSync(join(out, 'checkpoints'));
  const began = Date.now();
  run('train', '--data', prepared, '--out', out, ...recipe);
  const trained = resumed
    ? 'taken up from checkpoints'
    : `trained in ${seconds(began)} s on 2 cores`;
  const measure = (folder, ...more) =>
    JSON.parse(run('evaluate', '--bundle', join(folder, 'bundle'), '--data', prepared, '--json', ...more));
  const found = measure(out, '--baselines');
  const record = JSON.parse(readFileSync(join(out, 'run.json')));
  const mb = (bytes) => (bytes / 1e6).toFixed(2);
  page += `## ${name}: ${found.examples} examples${found.protocol === 'leave-one-out' ? ', leave one out' : ''}

Bundle ${mb(found.bundle_bytes)} MB, ${mb(found.bundle_bytes_brotli)} MB as it travels (brotli); ${record.recipe.table.neighbours} neighbours an item on
average, ${record.recipe.table.weight_bits}-bit weights; encoder of ${record.passes} passes; seed ${record.recipe.seed}; ${trained}.

| | P@20 | MRR@20 | HR@10 | NDCG@10 |
| --- | --- | --- | --- | --- |
| **the bundle** | ${figures(found)} |
`;
  if (found.without_encoder) {
    page += `| its table alone (what ranks until the encoder is there) | ${figures(found.without_encoder)} |\n`;
  }
  if (budgets[name]) {
    const small = join(work, name, 'small');
    run('compress', '--run', out, '--data', prepared, '--out', small, '--budget', budgets[name]);
    const { recipe } = JSON.parse(readFileSync(join(small, 'run.json')));
    const compressed = measure(small);
    const vectors = recipe.bundle.dim > 0 ? `vectors of ${recipe.bundle.dim}` : 'no encoder';
    page += `| small: ${mb(compressed.bundle_bytes_brotli)} MB as it travels, ${recipe.table.neighbours} neighbours, ${recipe.table.weight_bits} bits, ${vectors} | ${figures(compressed)} |\n`;
  }
  for (const [baseline, metrics] of Object.entries(found.baselines)) {
    page += `| ${baseline} | ${figures(metrics)} |\n`;
  }
  page += `\nOn validation: ${JSON.stringify(record.validation)}\n\n`;
}
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, page);
console.log(page);
