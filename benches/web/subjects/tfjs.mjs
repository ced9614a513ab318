/**
 * TensorFlow.js on its WebAssembly backend: the encoder written by hand in its operators, with
 * the products of all events with the input weights taken at once, then the product with the
 * items and the best of them.
 *
 * @module
 */

import { once, time } from './clock.mjs';

const HIDDEN = 64;
const DIM = 64;

export async function measure(env) {
  const session = JSON.parse(new TextDecoder().decode(await env.bytes('session.json')));
  const input = Float32Array.from(session.input);
  const T = session.events.length;
  const best = 20;

  const [cold, { tf, network, items, first }] = await once(async () => {
    const { tf, backend } = await env.import('tfjs');
    backend.setWasmPaths(env.tfjsUrl);
    backend.setThreadsCount(1);
    await tf.setBackend('wasm');
    await tf.ready();
    const floats = async (name) => {
      const bytes = await env.bytes(`rivals/${name}.f32`);
      return new Float32Array(bytes.slice().buffer);
    };
    const network = gru(tf, await floats('weights'));
    const items = tf.tensor2d(await floats('items'), [session.items, DIM]);
    const first = rank(tf, encode(tf, network, input, T), items, best);
    return { tf, network, items, first };
  });
  if (env.coldOnly) return { cold };
  const asked = tf.tidy(() => encode(tf, network, input, T).dataSync().slice());
  const times = {
    encoder: await time(() => tf.tidy(() => encode(tf, network, input, T).dataSync())),
    scan: await time(() => rank(tf, tf.tensor2d(asked, [1, DIM]), items, best)),
    session: await time(() => rank(tf, encode(tf, network, input, T), items, best)),
  };
  return { cold, times, rows: [...first], query: [...asked] };
}

/** The weights of `gruWeights`, one after another, as tensors that a product wants. */
function gru(tf, weights) {
  let at = 0;
  const take = (count) => weights.subarray(at, (at += count));
  const gates = 3 * HIDDEN;
  const turned = (rows, columns) =>
    tf.tidy(() => tf.transpose(tf.tensor2d(take(rows * columns), [rows, columns])));
  const [W, R] = [turned(gates, DIM + 3), turned(gates, HIDDEN)];
  const [b, r] = [tf.tensor1d(take(gates)), tf.tensor1d(take(gates))];
  const P = tf.tensor2d(take(HIDDEN * DIM), [HIDDEN, DIM]);
  return { W, R, b, r, P, p: tf.tensor1d(take(DIM)), start: tf.zeros([1, HIDDEN]) };
}

/** The query `[1, D]`; gates in ONNX's order z, r, h, with the reset gate after the product. */
function encode(tf, { W, R, b, r, P, p, start }, input, T) {
  return tf.tidy(() => {
    const events = tf.tensor2d(input, [T, DIM + 3]);
    const given = tf.split(tf.add(tf.matMul(events, W), b), T, 0);
    let state = start;
    for (const step of given) {
      const [xz, xr, xh] = tf.split(step, 3, 1);
      const [hz, hr, hh] = tf.split(tf.add(tf.matMul(state, R), r), 3, 1);
      const z = tf.sigmoid(tf.add(xz, hz));
      const reset = tf.sigmoid(tf.add(xr, hr));
      const fresh = tf.tanh(tf.add(xh, tf.mul(reset, hh)));
      state = tf.add(fresh, tf.mul(z, tf.sub(state, fresh)));
    }
    return tf.add(tf.matMul(state, P), p);
  });
}

/** The rows of the best items. */
function rank(tf, query, items, best) {
  const rows = tf.tidy(() => {
    const scores = tf.matMul(query, items, false, true);
    return tf.topk(scores, best).indices.dataSync().slice();
  });
  query.dispose();
  return rows;
}
