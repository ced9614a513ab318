import assert from 'node:assert/strict';
import { after, afterEach, mock, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { internal } from './internal.js';
import { ids, options, Shop, until } from './shop.js';

const { Outbox } = await internal('outbox');

const open = [];
const start = (shop, more) => {
  const vitrine = createVitrine(options(shop, more));
  open.push(vitrine);
  return vitrine;
};
after(() => open.forEach((vitrine) => vitrine.dispose()));
afterEach(() =>
  Object.defineProperty(globalThis, 'navigator', { value: undefined, configurable: true }),
);

const visit = (vitrine, count = 6) =>
  ids.slice(0, count).forEach((item) => vitrine.track({ item }));
const settled = (vitrine) =>
  until(async () => {
    const { reports } = await vitrine.inspect();
    return reports.length > 0 && reports.every(({ state }) => state !== 'queued');
  }, 'the reports');

test('nothing leaves before consent, and nothing of before leaves after it', async () => {
  const shop = new Shop();
  const vitrine = start(shop, { consent: { ranking: 'granted' } });
  await vitrine.ready;
  visit(vitrine);
  await vitrine.inspect();
  const told = JSON.stringify(shop.requests.map(({ path, body }) => [path, body ?? '']));
  assert.ok(ids.every((id) => !told.includes(id)));

  vitrine.consent({ upload: 'granted' });
  vitrine.track({ item: ids[20] });
  await settled(vitrine);
  const cells = shop.reports().map(({ cell }) => cell);
  // Not even a transition from what came before.
  assert.deepEqual(cells, [{ table: 'item', item: ids[20], action: 'view' }]);
});

test('one cell per request, within the budget, without a trace of the visitor', async () => {
  const shop = new Shop();
  const vitrine = start(shop, { consent: 'granted' });
  await vitrine.ready;
  visit(vitrine, 12);
  vitrine.track({ item: ids[3], action: 'buy' });
  await settled(vitrine);

  const reports = shop.reports();
  const { budget } = await vitrine.inspect();
  assert.deepEqual(budget.allowed, { transitions: 4, items: 2, impressions: 2, metrics: 0 });
  assert.equal(reports.length, 6);
  assert.equal(reports.filter(({ cell }) => cell.table === 'transition').length, 4);
  assert.equal(new Set(reports.map(({ nonce }) => nonce)).size, reports.length);
  for (const report of reports) {
    assert.deepEqual(Object.keys(report), ['nonce', 'window', 'cell']);
    assert.deepEqual(Object.keys(report.window), ['number', 'seconds']);
    assert.equal(report.window.number, Math.floor(Date.now() / 1000 / report.window.seconds));
    assert.match(report.nonce, /^[0-9a-f]{32}$/);
  }
  for (const { method, init, path } of shop.requests) {
    assert.equal(init.credentials, 'omit');
    assert.equal(init.referrerPolicy, 'no-referrer');
    if (method !== 'POST') continue;
    assert.equal(path, '/v1/feedback');
    assert.equal(init.keepalive, true);
    assert.deepEqual(Object.keys(init.headers), ['content-type']);
  }
});

test('a click on a recommended item is an impression, and never the whole list', async () => {
  const shop = new Shop();
  const vitrine = start(shop, { consent: 'granted' });
  const { items } = await vitrine.recommend({ n: 10 });
  vitrine.track({ item: items[2].id });
  await settled(vitrine);
  const impressions = shop
    .reports()
    .map(({ cell }) => cell)
    .filter(({ table }) => table === 'impression');
  assert.equal(impressions.length, 2);
  const clicked = impressions.find((cell) => cell.clicked);
  assert.deepEqual(clicked, {
    table: 'impression',
    item: items[2].id,
    position: '2-4',
    clicked: true,
  });
  const other = impressions.find((cell) => !cell.clicked);
  assert.ok(items.some(({ id }) => id === other.item && id !== clicked.item));
});

test('Global Privacy Control refuses upload, whatever was answered', async () => {
  Object.defineProperty(globalThis, 'navigator', {
    value: { globalPrivacyControl: true },
    configurable: true,
  });
  const shop = new Shop();
  const vitrine = start(shop, { consent: 'granted' });
  await vitrine.ready;
  visit(vitrine);
  const known = await vitrine.inspect();
  assert.equal(known.globalPrivacyControl, true);
  assert.deepEqual(known.reports, []);
  assert.deepEqual(shop.reports(), []);
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
});

test('a refusal empties the queue, and the shop can hold a report back', async () => {
  const shop = new Shop();
  const vitrine = start(shop, { consent: 'granted', reportDelay: [60_000, 60_000] });
  await vitrine.ready;
  visit(vitrine);
  assert.ok((await vitrine.inspect()).reports.length > 0);
  vitrine.consent({ upload: 'denied' });
  await until(async () => (await vitrine.inspect()).reports.length === 0);

  const other = new Shop();
  const vetoing = start(other, {
    consent: 'granted',
    beforeSend: ({ cell }) => cell.table !== 'item',
  });
  await vetoing.ready;
  visit(vetoing, 3);
  await settled(vetoing);
  const states = (await vetoing.inspect()).reports;
  assert.ok(states.some(({ state }) => state === 'vetoed'));
  assert.ok(other.reports().every(({ cell }) => cell.table !== 'item'));
  assert.deepEqual(shop.reports(), []);
});

test('forgetting erases session, answers, budget and queue', async () => {
  const shop = new Shop();
  const vitrine = start(shop, { reportDelay: [60_000, 60_000] });
  vitrine.consent('granted');
  await vitrine.ready;
  visit(vitrine);
  assert.ok((await vitrine.inspect()).budget.spent.transitions > 0);
  await vitrine.forget();
  const known = await vitrine.inspect();
  assert.deepEqual(known.session, []);
  assert.deepEqual(known.reports, []);
  assert.deepEqual(known.consent, { ranking: 'pending', upload: 'pending' });
  assert.equal(known.budget.spent.transitions, 0);
  const { items } = await vitrine.rank(ids);
  const fresh = start(new Shop());
  assert.deepEqual(items, (await fresh.rank(ids)).items);
});

/** An outbox whose clock, chance and server are the test's. */
function outbox(post, more = {}) {
  const state = { pending: [], shown: [], outbox: [] };
  const context = {
    now: () => Date.now(),
    random: () => 0.5,
    delay: [1_000, 3_000],
    post,
    beforeSend: undefined,
    allowed: () => true,
    reportable: ({ number }) => number === 7,
    update: async (change) => {
      change(state);
      return structuredClone(state);
    },
    changed: () => {},
    failed: () => {},
    ...more,
  };
  const box = new Outbox(context);
  const put = (cell, number = 7) => {
    state.outbox.push(
      box.outgoing(cell, { number, seconds: 604_800 }, String(state.outbox.length)),
    );
    box.follow(state);
  };
  return { box, put, state };
}

async function pass(milliseconds) {
  mock.timers.tick(milliseconds);
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

test('a report waits its delay, is tried again under its nonce, and less and less often', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  try {
    const posted = [];
    const { box, put } = outbox(async (report) => posted.push([Date.now(), report.nonce]) && 503);
    put({ table: 'item', item: 'a', action: 'view' });
    await pass(1_999);
    assert.deepEqual(posted, []);
    await pass(1);
    await pass(29_999);
    assert.equal(posted.length, 1);
    await pass(1);
    await pass(60_000);
    // 1,000,000 + 2,000, then 30 s · 1, then 60 s · 1.
    assert.deepEqual(posted, [
      [1_002_000, '0'],
      [1_032_000, '0'],
      [1_092_000, '0'],
    ]);
    for (let turn = 0; turn < 12; turn += 1) await pass(3_600_000);
    assert.equal(posted.length, 8);
    assert.equal(box.reports()[0].state, 'dropped');
  } finally {
    mock.timers.reset();
  }
});

test('a refused report is not tried again, and one of another window is not sent', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  try {
    const posted = [];
    const { box, put } = outbox(async (report) => posted.push(report.nonce) && 422);
    put({ table: 'item', item: 'a', action: 'view' });
    put({ table: 'item', item: 'b', action: 'view' }, 6);
    await pass(5_000);
    await pass(600_000);
    assert.deepEqual(posted, ['0']);
    assert.deepEqual(
      box.reports().map(({ state }) => state),
      ['dropped', 'dropped'],
    );
  } finally {
    mock.timers.reset();
  }
});

test('what an earlier page left behind does not leave all at once', () => {
  let draw = 0;
  const { box, put, state } = outbox(async () => 204, {
    random: () => (draw += 0.1),
    now: () => 50_000,
  });
  put('a');
  put('b');
  state.outbox.forEach((entry) => (entry.due = 10));
  box.redraw(state);
  const [first, second] = state.outbox.map(({ due }) => due);
  assert.ok(first >= 51_000 && second >= 51_000 && first !== second);
  box.dispose();
});
