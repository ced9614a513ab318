import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ids, options, Shop, until } from './shop.js';

/** A worker that says what `answer` gives for each message, and keeps what was handed to it. */
function worker(answer) {
  globalThis.Worker = class {
    static started = [];
    static copied = 0;

    constructor() {
      setTimeout(() => this.say(answer('opened')), 1);
    }

    postMessage(message, given = []) {
      const received = structuredClone(message, { transfer: given });
      if ('start' in message) {
        const { module, onnx } = message.start;
        Worker.copied += module.length + onnx.length;
        Worker.started.push(received.start);
      }
      setTimeout(() => this.say(answer('start' in message ? 'start' : 'session', received)), 1);
    }

    say(data) {
      if (data instanceof Error) {
        this.onerror?.({ message: data.message, preventDefault() {} });
      } else if (data !== undefined) this.onmessage?.({ data });
    }

    terminate() {}
  };
}

const open = [];
const start = (more) => {
  const vitrine = createVitrine(options(new Shop(), { encoder: true, ...more }));
  open.push(vitrine);
  return vitrine;
};
afterEach(() => {
  open.splice(0).forEach((vitrine) => vitrine.dispose());
  delete globalThis.Worker;
});
const encoder = async (vitrine) => (await vitrine.inspect()).encoder;

test('the module is handed to the worker, not copied', async () => {
  worker((what, received) => {
    if (what === 'opened') return { listening: true };
    if (what === 'start') return { ready: true };
    return { query: new Float32Array(16).fill(0.5), turn: received.turn };
  });
  const vitrine = start();
  vitrine.track({ item: ids[0] });
  await until(async () => (await encoder(vitrine)) === 'ready', 'the encoder');
  const [{ module, onnx }] = Worker.started;
  assert.deepEqual([...module.subarray(0, 4)], [0, 0x61, 0x73, 0x6d]);
  assert.ok(onnx.length > 0);
  assert.equal(Worker.copied, 0);
});

test('a worker that cannot be loaded has taken nothing: the encoder runs in the page', async () => {
  worker(() => new Error('forbidden'));
  const vitrine = start();
  vitrine.track({ item: ids[0] });
  await until(async () => (await encoder(vitrine)) === 'ready', 'the encoder');
  await until(async () => (await vitrine.explain(ids[2])).terms.encoder !== 0, 'its answer');
  assert.deepEqual(Worker.started, []);
});

for (const when of ['start', 'session']) {
  test(`a worker that breaks at its ${when}, with the module: the encoder runs in the page`, async () => {
    worker((what) => {
      if (what === 'opened') return { listening: true };
      return what === when ? new Error('it stopped') : { ready: true };
    });
    const errors = [];
    const vitrine = start({ onError: (error) => errors.push(error) });
    vitrine.track({ item: ids[0] });
    await until(async () => (await vitrine.explain(ids[2])).terms.encoder !== 0, 'its answer');
    assert.equal(await encoder(vitrine), 'ready');
    assert.equal(Worker.started.length, 1);
    assert.deepEqual(
      errors.map((error) => error.message),
      ['it stopped'],
    );
    assert.equal((await vitrine.rank(ids)).status, 'ranked');
  });
}

test('what the encoder refuses in the worker is not tried again in the page', async () => {
  worker((what) => (what === 'opened' ? { listening: true } : { error: 'no such operator' }));
  const errors = [];
  const vitrine = start({ onError: (error) => errors.push(error) });
  await until(async () => (await encoder(vitrine)) === 'failed', 'the failure');
  assert.deepEqual(
    errors.map((error) => error.message),
    ['no such operator'],
  );
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
});
