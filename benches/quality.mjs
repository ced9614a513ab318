// Ranking quality of the shipped bundle on public data sets with published splits.
//
//   VITRINE_DATA=folder node benches/quality.mjs [diginetica retailrocket ...] [--recipe FILE]
//
// Runs prepare, train and evaluate with the built commands (VITRINE_BIN) and writes
// docs/results/quality.md. Nothing is tuned on a test split: `train` chooses on the last tenth of
// the training sessions.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

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
const names = args.length > 0 ? args : ['diginetica', 'retailrocket'];

const run = (...words) => execFileSync(vitrine, words, { stdio: ['ignore', 'pipe', 'inherit'] });
const figures = (m) =>
  ['p@20', 'mrr@20', 'hr@10', 'ndcg@10'].map((name) => m[name].toFixed(2)).join(' | ');

mkdirSync(work, { recursive: true });
let page = `# Ranking quality

Next-item prediction, every proper prefix of every test session, all items ranked, ties and unknown
labels against us. Measured by \`vitrine evaluate\` on the compressed bundle, through the code that
runs in the browser. Parameters and weights were chosen on the last tenth of the training sessions.

    VITRINE_DATA=folder make bench

\`make bench\` trains the encoder for three passes, which takes minutes on two cores; the default
recipe allows eight.

`;
for (const name of names) {
  const [prepared, out] = [join(work, name, 'data'), join(work, name, 'run')];
  mkdirSync(join(work, name), { recursive: true });
  run('prepare', '--events', join(data, name, 'events.parquet'), '--preset', 'vitrine', '--name', name, '--out', prepared);
  const began = Date.now();
  run('train', '--data', prepared, '--out', out, ...recipe);
  const seconds = (Date.now() - began) / 1000;
  const found = JSON.parse(run('evaluate', '--bundle', join(out, 'bundle'), '--data', prepared, '--json', '--baselines'));
  const record = JSON.parse(readFileSync(join(out, 'run.json')));
  const mb = (bytes) => (bytes / 1e6).toFixed(2);
  page += `## ${name}: ${found.examples} examples

Bundle ${mb(found.bundle_bytes)} MB, ${mb(found.bundle_bytes_brotli)} MB as it travels (brotli); ${record.recipe.table.neighbours} neighbours an item,
8-bit weights; encoder of ${record.passes} passes; seed ${record.recipe.seed}; trained in ${seconds.toFixed(0)} s on 2 cores.

| | P@20 | MRR@20 | HR@10 | NDCG@10 |
| --- | --- | --- | --- | --- |
| **the bundle** | ${figures(found)} |
`;
  if (found.without_encoder) {
    page += `| its table alone (what ranks until the encoder is there) | ${figures(found.without_encoder)} |\n`;
  }
  for (const [baseline, metrics] of Object.entries(found.baselines)) {
    page += `| ${baseline} | ${figures(metrics)} |\n`;
  }
  page += `\nOn validation: ${JSON.stringify(record.validation)}\n\n`;
}
mkdirSync('docs/results', { recursive: true });
writeFileSync('docs/results/quality.md', page);
console.log(page);
