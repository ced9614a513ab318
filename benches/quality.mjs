// Ranking quality of the shipped bundle on public data sets with published splits.
//
//   VITRINE_DATA=folder node benches/quality.mjs [diginetica ...] [--recipe FILE] [--out FILE]
//
// Runs prepare, train and evaluate with the built commands (VITRINE_BIN) and writes the page,
// docs/results/quality.md where --out names no other. Nothing is tuned on a test split: `train`
// chooses on the last tenth of the training sessions.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { profile } from './built.mjs';
import { called, evaluated, prepare, record, run, workIn } from './commands.mjs';

const given = called(['recipe', 'out'], ['diginetica', 'retailrocket', 'tmall', 'amazon_beauty']);
const { names, out: target = 'docs/results/quality.md' } = given;
const recipe = given.recipe ? ['--recipe', given.recipe] : [];
/** Most bytes of the small bundle's tables and encoder, as they travel. */
const budgets = { diginetica: '1.95MB', retailrocket: '1.55MB' };

const seconds = (since) => ((Date.now() - since) / 1000).toFixed(0);
/** Figures in percent, with their intervals where there are some. */
const figures = (m) =>
  ['p@20', 'mrr@20', 'hr@10', 'ndcg@10']
    .map((name) => {
      const [low, high] = m.intervals?.[name] ?? [];
      const interval = low === undefined ? '' : ` (${low.toFixed(2)}–${high.toFixed(2)})`;
      return m[name].toFixed(2) + interval;
    })
    .join(' | ');

let page = `# Ranking quality

Next-item prediction, ties and unknown labels against us: of session data every proper prefix of every
test session, all items ranked; of data that leave one out (named so below) the last event of each
user, the items of the input not ranked. Measured by \`vitrine evaluate\` on the compressed bundle, through the code that
runs in the browser. Parameters and weights were chosen on the last tenth of the training sessions.
In parentheses the 95 % bootstrap interval over sessions.

    VITRINE_DATA=folder VITRINE_BIN=target/${profile} node ${['benches/quality.mjs', ...names, ...recipe].join(' ')}

The small bundle is \`vitrine compress --budget\` of the same run: chosen on validation too.

`;
for (const name of names) {
  const folder = workIn(name);
  const [prepared, out] = [join(folder, 'data'), join(folder, 'run')];
  prepare(name, prepared);
  // An earlier run's checkpoints give the same bundle sooner, so that its time says nothing.
  const resumed = existsSync(join(out, 'checkpoints'));
  const began = Date.now();
  run('train', '--data', prepared, '--out', out, ...recipe);
  const took = resumed
    ? 'taken up from checkpoints'
    : `trained in ${seconds(began)} s on 2 cores`;
  const found = evaluated(out, prepared, '--baselines');
  const trained = record(out);
  const mb = (bytes) => (bytes / 1e6).toFixed(2);
  page += `## ${name}: ${found.examples} examples${found.protocol === 'leave-one-out' ? ', leave one out' : ''}

Bundle ${mb(found.bundle_bytes)} MB, ${mb(found.bundle_bytes_brotli)} MB as it travels (brotli); ${trained.recipe.table.neighbours} neighbours an item on
average, ${trained.recipe.table.weight_bits}-bit weights; encoder of ${trained.passes} passes; seed ${trained.recipe.seed}; ${took}.

| | P@20 | MRR@20 | HR@10 | NDCG@10 |
| --- | --- | --- | --- | --- |
| **the bundle** | ${figures(found)} |
`;
  if (found.without_encoder) {
    page += `| its table alone (what ranks until the encoder is there) | ${figures(found.without_encoder)} |\n`;
  }
  if (budgets[name]) {
    const small = join(folder, 'small');
    run('compress', '--run', out, '--data', prepared, '--out', small, '--budget', budgets[name]);
    const { recipe } = record(small);
    const compressed = evaluated(small, prepared);
    const vectors = recipe.bundle.dim > 0 ? `vectors of ${recipe.bundle.dim}` : 'no encoder';
    page += `| small: ${mb(compressed.bundle_bytes_brotli)} MB as it travels, ${recipe.table.neighbours} neighbours, ${recipe.table.weight_bits} bits, ${vectors} | ${figures(compressed)} |\n`;
  }
  for (const [baseline, metrics] of Object.entries(found.baselines)) {
    page += `| ${baseline} | ${figures(metrics)} |\n`;
  }
  page += `\nOn validation: ${JSON.stringify(trained.validation)}\n\n`;
}
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, page);
console.log(page);
