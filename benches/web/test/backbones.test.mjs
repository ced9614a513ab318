// What the trainer exports, onnxruntime-web and the browser's encoder module read alike.
//
// Needs `make web everything`: the module in web/vitrine/wasm and the trainer's example.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as ort from 'onnxruntime-web';
import initialise, { Encoder } from '../../../web/vitrine/wasm/encoder.js';

const programs = process.env.VITRINE_BIN ?? 'target/debug';
/** D + 3 of the trainer's example. */
const DIM = 16;
const WIDTH = DIM + 3;
let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backbones-'));
  execFileSync(join(programs, 'examples', 'backbones'), [folder], { stdio: 'inherit' });
  const module = new URL('../../../web/vitrine/wasm/encoder.wasm', import.meta.url);
  await initialise({ module_or_path: await readFile(module) });
  ort.env.wasm.numThreads = 1;
});

after(() => rm(folder, { recursive: true }));

/** Events with vectors of unit length and one action each; the same on every run. */
function session(events) {
  const numbers = new Float32Array(events * WIDTH);
  for (let event = 0; event < events; event += 1) {
    const row = numbers.subarray(event * WIDTH, (event + 1) * WIDTH);
    for (let d = 0; d < DIM; d += 1) row[d] = Math.sin(1 + event * 3.7 + d * d * 0.61);
    const length = Math.hypot(...row);
    for (let d = 0; d < DIM; d += 1) row[d] /= length;
    row[DIM + (event % 3)] = 1;
  }
  return numbers;
}

for (const backbone of ['gru', 'cnn', 'attention']) {
  test(`${backbone}: onnxruntime-web and the encoder module answer alike`, async () => {
    const onnx = await readFile(join(folder, `${backbone}.onnx`));
    const theirs = await ort.InferenceSession.create(onnx, { executionProviders: ['wasm'] });
    const ours = new Encoder(onnx, WIDTH);
    const answers = [];
    for (const events of [1, 2, 3, 7, 20]) {
      const numbers = session(events);
      const tensor = new ort.Tensor('float32', numbers, [1, events, WIDTH]);
      const { query } = await theirs.run({ session: tensor });
      const answer = ours.encode(numbers);
      assert.equal(query.data.length, DIM);
      assert.equal(answer.length, DIM);
      answer.forEach((value, at) => {
        const gap = Math.abs(value - query.data[at]);
        assert.ok(gap < 1e-4, `${events} events, ${at}: ${value}, ${query.data[at]}`);
      });
      answers.push([...answer]);
    }
    assert.notDeepEqual(answers[0], answers[1], 'the answer depends on the session');
  });
}
