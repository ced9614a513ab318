// Training speed beside PyTorch: the same encoder, data and batches, one pass each, in turn.
//
//   VITRINE_DATA=folder node benches/pytorch/run.mjs [diginetica retailrocket ...]
//
// Needs the built commands (VITRINE_BIN) and a Python with torch, numpy and pyarrow (PYTHON, default
// python3). Writes docs/results/training-speed.md.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const data = process.env.VITRINE_DATA;
if (!data) {
  console.log('skipped: set VITRINE_DATA to the folder of the public data sets');
  process.exit(0);
}
const here = dirname(fileURLToPath(import.meta.url));
const vitrine = join(process.env.VITRINE_BIN ?? 'target/debug', 'vitrine');
const python = process.env.PYTHON ?? 'python3';
const work = join(process.env.VITRINE_WORK ?? '.bench', 'pytorch');
const names = process.argv.length > 2 ? process.argv.slice(2) : ['diginetica', 'retailrocket'];
/** The table's parameters, given: it is not what is measured, and takes longer to choose. */
const TABLE = `[table]
teacher = "none"
cooccurrence = 0.8
gap_decay = 1.0
age_decay = 1.0
shrinkage = 3.0
popularity_power = -0.2
trend_power = 0.15
weight_power = 0.8
position_decay = 1.5
add_to_cart = 1.0
buy = 1.0
repeat_last = 0.2
repeat_session = 0.7
repeat_decay = 2.0
repeat_growth = 0.75
popularity = 0.0001
`;
/** Rounds; in each, both train one pass, one after the other. */
const ROUNDS = 3;

const call = (command, ...words) =>
  execFileSync(command, words, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

mkdirSync(work, { recursive: true });
const load = loadavg()[0].toFixed(1);
let rows = '';
let torch = '';
for (const name of names) {
  const [prepared, out] = [join(work, name), join(work, `${name}-run`)];
  call(vitrine, 'prepare', '--events', join(data, name, 'events.parquet'), '--preset', 'vitrine', '--name', name, '--out', prepared);
  for (const backbone of ['gru', 'attention']) {
    const recipe = join(work, 'recipe.toml');
    writeFileSync(recipe, `${TABLE}[encoder]\nbackbone = "${backbone}"\nepochs = 1\nrefit = 0\n`);
    const ours = [];
    const theirs = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      rmSync(out, { recursive: true, force: true });
      call(vitrine, 'train', '--data', prepared, '--recipe', recipe, '--out', out);
      const record = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'));
      ours.push(record.curve[0]);
      const encoder = join(work, 'encoder.json');
      writeFileSync(encoder, JSON.stringify(record.recipe.encoder));
      theirs.push(JSON.parse(call(python, join(here, 'train.py'), prepared, encoder)));
      console.log(name, backbone, ours.at(-1), theirs.at(-1));
    }
    torch = `PyTorch ${theirs[0].torch} on ${theirs[0].threads} threads`;
    const speeds = (runs) => runs.map((run) => run.sessions_per_second);
    const losses = (runs) => median(runs.map((run) => run.loss)).toFixed(3);
    const ratio = median(ours.map((run, at) => run.sessions_per_second / theirs[at].sessions_per_second));
    rows += `| ${name} | ${backbone} | ${theirs[0].sessions.toLocaleString('en')} | ${median(speeds(ours)).toFixed(0)} | ${median(speeds(theirs)).toFixed(0)} | ${ratio.toFixed(2)} | ${losses(ours)} | ${losses(theirs)} |\n`;
  }
}
const page = `# Training speed beside PyTorch

The default encoder (GRU, pooling head, sampled cross-entropy) and the same with attention (SASRec's
blocks) for its backbone, trained for one pass by \`vitrine train\`
and by \`benches/pytorch/train.py\`: same data, cut, batch size, negatives and learning rate, each with its
own random numbers. Medians of ${ROUNDS} rounds, in which both run one after the other; the ratio is taken
within each round. Loss is the mean cross-entropy of the pass, in nats.

    VITRINE_DATA=folder node benches/pytorch/run.mjs ${names.join(' ')}   # or make bench-pytorch

| data | backbone | sessions | Vitrine: sessions/s | PyTorch: sessions/s | ratio | loss: Vitrine | PyTorch |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows}
${cpus().length} cores, ${cpus()[0].model.trim()}, no GPU; load average at the start ${load}; ${torch}.
`;
writeFileSync('docs/results/training-speed.md', page);
console.log(page);
