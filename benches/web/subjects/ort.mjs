/**
 * onnxruntime-web: encoder, product and the best items as one ONNX model, on one thread.
 *
 * @module
 */

import { once, time } from './clock.mjs';

export async function measure(env) {
  const session = JSON.parse(new TextDecoder().decode(await env.bytes('session.json')));
  const input = Float32Array.from(session.input);
  const T = session.events.length;
  const width = input.length / T;

  const [cold, { ort, whole, first }] = await once(async () => {
    const ort = await env.import('ort');
    ort.env.wasm.numThreads = 1;
    if (env.ortUrl) ort.env.wasm.wasmPaths = env.ortUrl;
    const open = async (name) =>
      ort.InferenceSession.create(await env.bytes(`rivals/${name}.onnx`), {
        executionProviders: ['wasm'],
      });
    const whole = await open('session');
    const events = new ort.Tensor('float32', input, [1, T, width]);
    const first = await whole.run({ session: events });
    return { ort, whole, first };
  });
  if (env.coldOnly) return { cold };
  const rows = [...first.rows.data].map(Number);
  const query = [...first.query.data];

  const open = async (name) =>
    ort.InferenceSession.create(await env.bytes(`rivals/${name}.onnx`), {
      executionProviders: ['wasm'],
    });
  const [encoder, scan] = [await open('encoder'), await open('scan')];
  const tensor = (data, dims) => new ort.Tensor('float32', data, dims);
  const asked = Float32Array.from(query);
  const times = {
    encoder: await time(() => encoder.run({ session: tensor(input, [1, T, width]) })),
    scan: await time(() => scan.run({ query: tensor(asked, [1, asked.length]) })),
    session: await time(() => whole.run({ session: tensor(input, [1, T, width]) })),
  };
  return { cold, times, rows, query };
}
