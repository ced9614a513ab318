import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { catalogue, ids, manifest, options, Shop, until } from './shop.js';

const open = [];
const start = (shop, more) => {
  const vitrine = createVitrine(options(shop, more));
  open.push(vitrine);
  return vitrine;
};
after(() => open.forEach((vitrine) => vitrine.dispose()));

const styled = (style) => catalogue.items.filter((item) => item.title.startsWith(style));

test('a list comes back whole, and follows what was looked at', async () => {
  const vitrine = start(new Shop());
  const before = await vitrine.rank(ids);
  assert.equal(before.status, 'ranked');
  assert.equal(before.version, manifest.version);
  assert.deepEqual([...before.items].sort(), [...ids].sort());
  assert.ok(before.scores.every((score, at) => at === 0 || score <= before.scores[at - 1]));

  const [oak] = styled('Oak');
  vitrine.track({ item: oak.id });
  const after = await vitrine.rank(ids);
  assert.notDeepEqual(after.items, before.items);
  const rankOf = (list, id) => list.items.indexOf(id);
  const others = styled('Oak')
    .slice(1)
    .map((item) => item.id);
  const mean = (list) => others.reduce((sum, id) => sum + rankOf(list, id), 0) / others.length;
  assert.ok(mean(after) < mean(before));
});

test('objects are ordered by their id, and unknown ones keep the caller’s order at the end', async () => {
  const vitrine = start(new Shop());
  const listing = [{ id: 'new-2' }, { id: ids[3], price: 1 }, { id: 'new-1' }, { id: 'a\nb' }];
  const { items, scores } = await vitrine.rank(listing);
  assert.equal(items[0], listing[1]);
  assert.deepEqual(items.slice(1), [listing[0], listing[2], listing[3]]);
  assert.deepEqual([...scores.slice(1)], [0, 0, 0]);
  assert.deepEqual((await vitrine.rank([])).items, []);
});

test('recommendations obey filter and exclusion, and explanations name the viewed item', async () => {
  const vitrine = start(new Shop());
  const viewed = ids[0];
  vitrine.track({ item: viewed });
  const { items, status } = await vitrine.recommend({
    n: 8,
    filter: { category: ['Kitchen'], in_stock: true },
    exclude: [viewed],
  });
  assert.equal(status, 'ranked');
  assert.equal(items.length, 8);
  const byId = new Map(catalogue.items.map((item) => [item.id, item]));
  for (const { id } of items) {
    assert.equal(byId.get(id).category, 'Kitchen');
    assert.equal(byId.get(id).in_stock, true);
    assert.notEqual(id, viewed);
  }
  const fresh = await vitrine.recommend({ n: ids.length, filter: { unseen: true } });
  assert.equal(fresh.items.length, ids.length - 1);
  assert.ok(fresh.items.every(({ id }) => id !== viewed));
  const explanation = await vitrine.explain(items[0].id);
  assert.equal(explanation.because[0].item, viewed);
  assert.equal(explanation.because[0].action, 'view');
  const sum = Object.values(explanation.terms).reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(sum - explanation.score) < 1e-5);
  assert.equal(await vitrine.explain('nobody knows it'), undefined);
});

test('a diverse list begins with the best item and repeats itself less', async () => {
  const vitrine = start(new Shop());
  vitrine.track({ item: styled('Oak')[0].id });
  const list = async (diversity) => (await vitrine.recommend({ n: 12, diversity })).items;
  const plain = await vitrine.recommend({ n: 12 });
  assert.deepEqual(await list(0), plain.items);
  assert.deepEqual(await list('nonsense'), plain.items);
  const diverse = await list(0.7);
  assert.equal(diverse.length, 12);
  assert.equal(new Set(diverse.map(({ id }) => id)).size, 12);
  assert.deepEqual(diverse[0], plain.items[0]);
  const kinds = (items) =>
    new Set(items.map(({ id }) => catalogue.items.find((item) => item.id === id).title)).size;
  assert.notDeepEqual(
    diverse.map(({ id }) => id),
    plain.items.map(({ id }) => id),
  );
  assert.ok(kinds(diverse) >= kinds(plain.items));
});

test('events before the model is there are queued', async () => {
  const shop = new Shop();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  shop.answers.set('/manifest.json', async () => {
    await held;
    return new Response(JSON.stringify(manifest));
  });
  const vitrine = start(shop);
  vitrine.track({ item: ids[5] });
  vitrine.track({ item: ids[6], action: 'add_to_cart' });
  assert.equal((await vitrine.rank(ids, { timeout: 5 })).reason, 'timeout');
  release();
  assert.equal((await vitrine.ready).status, 'ranked');
  assert.deepEqual((await vitrine.inspect()).session, [
    { item: ids[5], action: 'view' },
    { item: ids[6], action: 'add_to_cart' },
  ]);
});

test('the encoder joins in when it is there, and its absence is survived', async () => {
  const vitrine = start(new Shop(), { encoder: true, worker: false });
  vitrine.track({ item: ids[1] });
  assert.equal((await vitrine.explain(ids[2])).terms.encoder, 0);
  await until(async () => (await vitrine.inspect()).encoder === 'ready', 'the encoder');
  await until(async () => (await vitrine.explain(ids[2])).terms.encoder !== 0, 'its answer');
  const once = await vitrine.rank(ids);
  assert.deepEqual((await vitrine.rank(ids)).items, once.items);

  const errors = [];
  const shop = new Shop();
  shop.answers.set(`/bundles/${manifest.files['encoder.onnx'].sha256}`, () => new Response('x'));
  const without = start(shop, { encoder: true, worker: false, onError: (e) => errors.push(e) });
  without.track({ item: ids[1] });
  await until(async () => (await without.inspect()).encoder === 'failed');
  assert.equal((await without.rank(ids)).status, 'ranked');
  assert.match(errors[0].message, /encoder\.onnx is 1 bytes long/);
});

test('a newer bundle is taken up, an older one never', async () => {
  const shop = new Shop();
  const vitrine = start(shop);
  vitrine.track({ item: ids[0] });
  assert.equal((await vitrine.rank(ids)).version, 1);
  shop.publish({ version: 3 });
  assert.equal((await vitrine.retry()).version, 3);
  assert.equal((await vitrine.rank(ids)).version, 3);
  assert.equal((await vitrine.inspect()).session.length, 1);
  shop.publish({ version: 2 });
  assert.equal((await vitrine.retry()).version, 3);
  assert.equal((await vitrine.rank(ids)).version, 3);
});

test('a listener that throws and an event that is none do not break the page', async () => {
  const errors = [];
  const vitrine = start(new Shop(), { onError: (error) => errors.push(error) });
  vitrine.subscribe(() => {
    throw new Error('the page');
  });
  await vitrine.ready;
  for (const event of [
    undefined,
    {},
    { item: '' },
    { item: 'a\u0007' },
    { item: 'x'.repeat(129) },
    { item: 'a', action: 'steal' },
  ]) {
    vitrine.track(event);
  }
  assert.deepEqual((await vitrine.inspect()).session, []);
  assert.ok(errors.some((error) => /cannot be recorded/.test(error.message)));
});
