import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { internal } from './internal.js';

const { pieces } = await internal('slices');

/** Each piece takes 1.5 ms by this clock, so three fit into a slice of 4. */
let now = 0;
/** Node's own way to a new task; browsers have none of that name. */
const nextTask = globalThis.setImmediate;

for (const [place, known] of [
  ['Node', nextTask],
  ['a browser', undefined],
]) {
  test(`in ${place} the page has its turn after each slice, and no piece is lost`, async (t) => {
    globalThis.setImmediate = known;
    t.after(() => (globalThis.setImmediate = nextTask));
    await slicesGiveTurns();
  });
}

async function slicesGiveTurns() {
  now += 100;
  mock.method(performance, 'now', () => now);
  const seen = [];
  let turns = 0;
  let over = false;
  const page = () => {
    turns += 1;
    if (!over) nextTask(page);
  };
  nextTask(page);
  const turnsOf = [];
  const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => at);
  await pieces(bytes, (piece) => {
    now += 1.5;
    seen.push(...piece);
    turnsOf.push(turns);
  });
  over = true;
  assert.deepEqual(seen, [...bytes]);
  assert.equal(turnsOf.length, 10);
  // Pieces of one slice share a turn; between slices the page had one at least.
  for (let slice = 3; slice < 10; slice += 3) assert.ok(turnsOf[slice] > turnsOf[slice - 1]);
  for (const at of [1, 2, 4, 5, 7, 8]) assert.equal(turnsOf[at], turnsOf[at - 1]);
  mock.restoreAll();
}
