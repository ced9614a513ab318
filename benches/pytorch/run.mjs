// Training speed beside PyTorch: the same encoder, data and batches, one pass each, in turn.
//
//   VITRINE_DATA=folder node benches/pytorch/run.mjs [diginetica retailrocket ...]
//
// Needs the built commands (VITRINE_BIN) and a Python with torch, numpy and pyarrow (PYTHON, default
// python3). Writes docs/results/training-speed.md.

import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TABLE } from '../../tests/browser/support/shop.mjs';
import { profile } from '../built.mjs';
import { called, prepare, record, run, workIn } from '../commands.mjs';

const python = process.env.PYTHON ?? 'python3';
const train = fileURLToPath(new URL('train.py', import.meta.url));
const work = workIn('pytorch');
const { names } = called([], ['diginetica', 'retailrocket']);
/** Rounds; in each, both train one pass, one after the other. */
const ROUNDS = 3;

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const load = loadavg()[0].toFixed(1);
let rows = '';
let torch = '';
for (const name of names) {
  const [prepared, out] = [join(work, name), join(work, `${name}-run`)];
  prepare(name, prepared);
  for (const backbone of ['gru', 'attention']) {
    const recipe = join(work, 'recipe.toml');
    writeFileSync(recipe, `${TABLE}[encoder]\nbackbone = "${backbone}"\nepochs = 1\nrefit = 0\n`);
    const ours = [];
    const theirs = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      rmSync(out, { recursive: true, force: true });
      run('train', '--data', prepared, '--recipe', recipe, '--out', out);
      const trained = record(out);
      ours.push(trained.curve[0]);
      const encoder = join(work, 'encoder.json');
      writeFileSync(encoder, JSON.stringify(trained.recipe.encoder));
      theirs.push(JSON.parse(execFileSync(python, [train, prepared, encoder])));
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
blocks) for its backbone, trained for one pass by \`vitrine train\` (${profile} build)
and by \`benches/pytorch/train.py\`: same data, cut, batch size, negatives and learning rate, each with its
own random numbers. Medians of ${ROUNDS} rounds, in which both run one after the other; the ratio is taken
within each round. Loss is the mean cross-entropy of the pass, in nats.

    VITRINE_DATA=folder VITRINE_BIN=target/${profile} node benches/pytorch/run.mjs ${names.join(' ')}   # or make bench-pytorch

| data | backbone | sessions | Vitrine: sessions/s | PyTorch: sessions/s | ratio | loss: Vitrine | PyTorch |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows}
${cpus().length} cores, ${cpus()[0].model.trim()}, no GPU; load average at the start ${load}; ${torch}.
`;
writeFileSync('docs/results/training-speed.md', page);
console.log(page);
