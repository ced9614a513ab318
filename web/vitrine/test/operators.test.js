/**
 * Every operator of the encoder's contract, in the module that browsers get: what `operators.json`
 * says was computed natively.
 */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import initialise, { Encoder } from '../wasm/encoder.js';

const here = (path) => readFile(new URL(path, import.meta.url));
await initialise({ module_or_path: await here('../wasm/encoder.wasm') });
const encoders = JSON.parse(await here('../../fixture/operators.json'));
const WIDTH = 7;

for (const [name, { onnx, sessions, queries }] of Object.entries(encoders)) {
  test(name, () => {
    const encoder = new Encoder(Buffer.from(onnx, 'hex'), WIDTH);
    for (const [at, session] of sessions.entries()) {
      const query = encoder.encode(Float32Array.from(session));
      assert.equal(query.length, queries[at].length);
      for (const [d, value] of queries[at].entries()) {
        assert.ok(Math.abs(query[d] - value) <= 1e-5 * (1 + Math.abs(value)), `${query[d]}`);
      }
    }
    encoder.free();
  });
}

test('a file that is no encoder is refused in a sentence', () => {
  assert.throws(() => new Encoder(new Uint8Array(40), WIDTH), /\w+ \w+/);
  const unknown = encoders.Tanh.onnx.replace(Buffer.from('Tanh').toString('hex'), '4c617a79');
  assert.throws(() => new Encoder(Buffer.from(unknown, 'hex'), WIDTH), /Lazy/);
});
