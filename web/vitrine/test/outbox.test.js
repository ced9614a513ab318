import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { internal } from './internal.js';

const { Outbox } = await internal('outbox');

const WEEK = 604_800;

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 }));
afterEach(() => mock.timers.reset());

/** A record that several outboxes share, as the tabs of a shop do. */
const record = () => ({ pending: [], shown: [], outbox: [] });

/** An outbox whose clock, chance and server are the test's. */
function outbox(post, { state = record(), ...more } = {}) {
  const durabilities = [];
  const errors = [];
  const box = new Outbox({
    now: () => Date.now(),
    random: () => 0.5,
    delay: [1_000, 3_000],
    post,
    beforeSend: undefined,
    allowed: () => true,
    reportable: ({ number }) => number === 7,
    update: async (change, durability) => {
      durabilities.push(durability);
      const next = structuredClone(state);
      change(next);
      Object.assign(state, next);
      return structuredClone(state);
    },
    changed: () => {},
    failed: (error) => errors.push(error.message),
    ...more,
  });
  const put = (cell, number = 7) => {
    const window = { number, seconds: WEEK };
    state.outbox.push(box.outgoing(cell, window, String(state.outbox.length)));
    box.follow(state);
  };
  return { box, put, state, durabilities, errors };
}

/** Lets time pass as it does on a page that is awake: every timer in its turn. */
async function pass(milliseconds) {
  for (let left = milliseconds; left > 0; left -= 250) {
    mock.timers.tick(Math.min(left, 250));
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  }
}

/** The device sleeps: the clock goes on, and no timer fires. */
const sleep = (milliseconds) => mock.timers.setTime(Date.now() + milliseconds);

/** Numbers in [0, 1) that a test can repeat. */
function chance(seed = 1) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const cell = (item) => ({ table: 'item', item, action: 'view' });

test('a report waits its delay, is tried again as it is, and less and less often', async () => {
  const posted = [];
  const { box, put } = outbox(async (report) => posted.push([Date.now(), report]) && 503);
  put(cell('a'));
  await pass(1_750);
  assert.deepEqual(posted, []);
  await pass(30 * 3_600_000);
  const [[, first]] = posted;
  assert.deepEqual(first.window, { number: 7, seconds: WEEK });
  assert.ok(posted.every(([, report]) => JSON.stringify(report) === JSON.stringify(first)));
  const times = posted.map(([at]) => at);
  // After 2 s, then 1 minute · 1, 2, 4, …
  const pauses = times.slice(1).map((at, place) => Math.round((at - times[place]) / 60_000));
  assert.equal(times[0], 1_002_000);
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256]);
  assert.equal(box.reports()[0].state, 'dropped');
});

test('what the server refuses for good is dropped; what it asks for later is tried again', async () => {
  for (const [status, tries, state] of [
    [204, 1, 'sent'],
    [400, 1, 'dropped'],
    [410, 1, 'dropped'],
    [422, 1, 'dropped'],
    [408, 2, 'queued'],
    [425, 2, 'queued'],
    [429, 2, 'queued'],
    [503, 2, 'queued'],
  ]) {
    const posted = [];
    const { box, put } = outbox(async (report) => posted.push(report.nonce) && status);
    put(cell('a'));
    await pass(100_000);
    assert.equal(posted.length, tries, `${status}`);
    assert.equal(box.reports()[0].state, state, `${status}`);
    box.dispose();
  }
});

test('a report of a window that is over is not sent', async () => {
  const posted = [];
  const { box, put } = outbox(async (report) => posted.push(report.nonce) && 204);
  put(cell('a'), 6);
  await pass(60_000);
  assert.deepEqual(posted, []);
  assert.equal(box.reports()[0].state, 'dropped');
});

test('after a sleep one report leaves, and each other one after a delay of its own', async () => {
  const posted = [];
  const random = chance();
  const { put, box } = outbox(async () => posted.push(Date.now()) && 204, {
    delay: [5_000, 120_000],
    random,
  });
  for (const item of 'abcdef') put(cell(item));
  sleep(9 * 3_600_000);
  const woken = Date.now();
  await pass(4_000);
  assert.equal(posted.length, 1, 'one report a wake-up');
  await pass(600_000);
  assert.equal(posted.length, 6);
  const waits = posted.slice(1).map((at) => at - woken);
  assert.ok(Math.min(...waits) >= 5_000, waits.join());
  assert.ok(Math.max(...waits) > 60_000, waits.join());
  box.dispose();
});

test('a wake-up that fails spends no second report on it', async () => {
  const posted = [];
  const { put, box } = outbox(
    async () => {
      posted.push(Date.now());
      throw new TypeError('offline');
    },
    { delay: [5_000, 120_000], random: chance(3) },
  );
  for (const item of 'abcdef') put(cell(item));
  sleep(3_600_000);
  await pass(4_000);
  assert.equal(posted.length, 1);
  box.dispose();
});

test('tabs that wake together send one report between them', async () => {
  const posted = [];
  const state = record();
  const post = async ({ nonce }) => posted.push(nonce) && 204;
  const more = { state, delay: [5_000, 120_000], random: chance(5) };
  const tabs = [1, 2, 3].map(() => outbox(post, more));
  for (const item of 'abcdef') tabs[0].put(cell(item));
  tabs.forEach(({ box }) => box.follow(structuredClone(state)));
  sleep(3_600_000);
  await pass(4_000);
  assert.equal(posted.length, 1);
  await pass(600_000);
  assert.equal(new Set(posted).size, 6);
  assert.equal(posted.length, 6, 'each report once, whichever tab sent it');
  tabs.forEach(({ box }) => box.dispose());
});

test('timers that a background tab hears once a minute send one report a minute', async () => {
  const posted = [];
  const { put, box } = outbox(async () => posted.push(Date.now()) && 204, {
    delay: [5_000, 20_000],
    random: chance(7),
  });
  for (const item of 'abcdef') put(cell(item));
  for (let minute = 1; minute <= 6; minute += 1) {
    sleep(60_000);
    await pass(1);
    assert.ok(posted.length <= minute, `${posted.length} reports after ${minute} minutes`);
  }
  box.dispose();
});

test('what became due while a report was on its way does not follow on its heels', async () => {
  const posted = [];
  let answer;
  const { put, box } = outbox(
    (report) => {
      posted.push(Date.now());
      return new Promise((resolve) => (answer = () => resolve(204)));
    },
    { delay: [1_000, 3_000], random: chance(9) },
  );
  for (const item of 'abc') put(cell(item));
  await pass(20_000);
  assert.equal(posted.length, 1);
  answer();
  await pass(750);
  assert.equal(posted.length, 1);
  await pass(3_000);
  assert.equal(posted.length, 2);
  box.dispose();
});

test('which of the due reports leaves first is chance', async () => {
  const firsts = new Set();
  for (let seed = 1; seed <= 30; seed += 1) {
    const posted = [];
    const random = chance(seed * 7_919);
    const { put, box } = outbox(async ({ cell }) => posted.push(cell.item) && 204, { random });
    for (const item of 'abc') put(cell(item));
    sleep(3_600_000);
    await pass(250);
    firsts.add(posted[0]);
    box.dispose();
  }
  assert.equal(firsts.size, 3);
});

test('a report is on the disk before it leaves, and what cannot be written does not leave', async () => {
  const posted = [];
  const { put, box, durabilities } = outbox(async () => {
    posted.push([...durabilities]);
    return 204;
  });
  put(cell('a'));
  await pass(3_000);
  assert.deepEqual(posted, [['strict']]);

  const full = outbox(async () => posted.push('a') && 204, {
    update: async () => {
      throw new DOMException('no room', 'QuotaExceededError');
    },
  });
  full.put(cell('a'));
  await pass(60_000);
  assert.equal(posted.length, 1);
  assert.deepEqual(full.errors, ['no room']);
  box.dispose();
});

test('what an earlier page left behind does not leave all at once', () => {
  const { box, put, state } = outbox(async () => 204, { random: chance() });
  put(cell('a'));
  put(cell('b'));
  state.outbox.forEach((entry) => (entry.due = 10));
  box.redraw(state);
  const [first, second] = state.outbox.map(({ due }) => due);
  assert.ok(first >= 1_001_000 && second >= 1_001_000 && first !== second);
  box.dispose();
});
