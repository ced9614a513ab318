import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agree } from '../agreement.mjs';
import { floatTensor, readTensors, writeTensors } from '../safetensors.mjs';
import { figure, quantile, spread, summary } from '../statistics.mjs';
import { readTrace } from '../trace.mjs';

test('quartiles lie between neighbours', () => {
  assert.deepEqual(summary([4, 1, 3, 2]), { median: 2.5, low: 1.75, high: 3.25 });
  assert.equal(quantile([7], 0.25), 7);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test('figures have three digits that count', () => {
  assert.equal(figure(0.012345), '0.0123');
  assert.equal(figure(1.5), '1.50');
  assert.equal(figure(12345.6), '12,346');
  assert.equal(figure(0), '0');
  assert.equal(figure(NaN), '–');
  assert.equal(spread([1, 1, 1]), '1.00 (1.00–1.00)');
});

test('tensors that are put in leave the others as they were', () => {
  const file = writeTensors(
    new Map([
      ['count', { dtype: 'U8', shape: [3], bytes: Uint8Array.of(1, 2, 3) }],
      ['weight', floatTensor([1.5, -2], [2])],
      ['short', floatTensor([1.5, -2], [2], 'BF16')],
    ]),
  );
  const tensors = readTensors(file);
  assert.deepEqual([...tensors.get('count').bytes], [1, 2, 3]);
  assert.deepEqual([...new Float32Array(tensors.get('weight').bytes.slice().buffer)], [1.5, -2]);
  assert.deepEqual(
    [...new Uint16Array(tensors.get('short').bytes.slice().buffer)],
    [0x3fc0, 0xc000],
  );
  assert.deepEqual(writeTensors(tensors), file);
});

test('a trace says which part of a task was Vitrine’s', () => {
  const main = { pid: 1, tid: 2 };
  const chunk = (samples, timeDeltas) => ({
    ...main,
    name: 'ProfileChunk',
    id: '0x1',
    ts: 1,
    args: {
      data: {
        cpuProfile: {
          nodes: [
            { id: 1, callFrame: { functionName: '(root)' } },
            { id: 2, parent: 1, callFrame: { functionName: 'draw', url: 'http://shop/main.js' } },
            {
              id: 3,
              parent: 2,
              callFrame: { functionName: 'rank', url: 'http://shop/vitrine.js' },
            },
            { id: 4, parent: 3, callFrame: { functionName: '(garbage collector)' } },
            { id: 5, parent: 3, callFrame: { functionName: 'draw', url: 'http://shop/main.js' } },
          ],
          samples,
        },
        timeDeltas,
      },
    },
  });
  const task = (ts, dur) => ({ ...main, name: 'RunTask', ph: 'X', ts, dur });
  const shift = (score, recent) => ({
    ...main,
    name: 'LayoutShift',
    args: { data: { score, had_recent_input: recent } },
  });
  const found = readTrace(
    [
      { ...main, name: 'thread_name', args: { name: 'CrRendererMain' } },
      { ...main, name: 'Profile', id: '0x1', ts: 0, args: { data: { startTime: 0 } } },
      // The last is 1 ms into the second task, however late it is.
      chunk([2, 3, 4, 5, 3], [1000, 2000, 3000, 4000, 71_000]),
      task(0, 70_000),
      task(80_000, 4_000),
      shift(0.25, false),
      shift(0.5, true),
    ],
    (url) => url.endsWith('/vitrine.js'),
  );
  assert.equal(found.blocking, 20);
  assert.equal(found.longest, 70);
  assert.equal(found.vitrineLongest, 5);
  assert.equal(found.vitrineTotal, 6);
  assert.deepEqual(found.busy, { rank: 6 });
  assert.equal(found.shift, 0.25);
});

test('subjects that do other work are found out', () => {
  const run = (subject, query, rows) => ({ subject, place: 'node', items: 10, query, rows });
  const list = Array.from({ length: 20 }, (_, row) => row);
  agree([run('vitrine', [1, 2], ['a']), run('ort', [1, 2.00001], list), run('tfjs', [1, 2], list)]);
  assert.throws(() => agree([run('vitrine', [1, 2], []), run('ort', [1, 2.1], list)]), /0\.1/);
  const others = list.map((row) => row + 10);
  assert.throws(() => agree([run('ort', [1], list), run('tfjs', [1], others)]), /50 %/);
});
