import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVitrine } from 'vitrine';
import { ids, manifest, options, Shop } from './shop.js';

/** A shop whose bundle does not come before `release` is called. */
function slowShop() {
  const shop = new Shop();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  shop.answers.set('/manifest.json', async () => {
    await held;
    return new Response(JSON.stringify(manifest));
  });
  return { shop, release };
}

test('a recommendation says what brought it, and which model', async () => {
  const vitrine = createVitrine(options(new Shop()));
  vitrine.track({ item: ids[0] });
  vitrine.track({ item: ids[1], action: 'add_to_cart' });
  const { items, status, version } = await vitrine.recommend({ n: 20, exclude: [ids[0], ids[1]] });
  assert.equal(status, 'ranked');
  assert.equal(version, manifest.version);
  for (const { id, score, reasons } of items) {
    const parts = reasons.map(({ contribution }) => contribution);
    assert.ok(parts.every((part, at) => part > 0 && (at === 0 || part <= parts[at - 1])));
    const explanation = await vitrine.explain(id);
    const seen = reasons.filter(({ kind }) => kind === 'seen');
    assert.deepEqual(
      seen.map(({ kind, ...because }) => because),
      explanation.because,
    );
    assert.ok(Math.abs(parts.reduce((sum, part) => sum + part, 0) - score) < 1e-4);
  }
  assert.ok(items[0].reasons.some(({ item }) => item === ids[0] || item === ids[1]));
  vitrine.dispose();
});

test('an aborted call answers at once with the caller’s own order', async () => {
  const { shop, release } = slowShop();
  const vitrine = createVitrine(options(shop, { timeout: 60_000 }));
  const stop = new AbortController();
  const calls = [
    vitrine.rank(ids, { signal: stop.signal }),
    vitrine.recommend({ signal: stop.signal }),
  ];
  stop.abort();
  const [ranking, recommendation] = await Promise.all(calls);
  assert.equal(ranking.reason, 'aborted');
  assert.deepEqual(ranking.items, ids);
  assert.equal(recommendation.reason, 'aborted');
  assert.equal((await vitrine.rank(ids, { signal: AbortSignal.abort() })).reason, 'aborted');
  release();
  await vitrine.ready;
  assert.equal((await vitrine.rank(ids, { signal: AbortSignal.abort() })).reason, 'aborted');
  assert.equal(
    (await vitrine.rank(ids, { signal: new AbortController().signal })).status,
    'ranked',
  );
  vitrine.dispose();
});

test('disposing answers whoever waits, and asks for nothing more', async () => {
  const { shop, release } = slowShop();
  const errors = [];
  const vitrine = createVitrine(
    options(shop, { timeout: 60_000, onError: (error) => errors.push(error) }),
  );
  const waiting = vitrine.rank(ids);
  await new Promise((resolve) => setTimeout(resolve, 5));
  vitrine.dispose();
  assert.equal((await waiting).reason, 'disposed');
  release();
  await vitrine.ready;
  assert.ok(shop.requests.every(({ path }) => path === '/manifest.json'));
  assert.equal((await vitrine.recommend()).reason, 'disposed');
  assert.equal(await vitrine.explain(ids[0]), undefined);
  assert.deepEqual((await vitrine.inspect()).session, []);
  vitrine.track({ item: ids[0] });
  vitrine.consent('granted');
  vitrine.dispose();
  assert.deepEqual(errors, []);
});

test('forgetting after disposing erases what is stored', async () => {
  const vitrine = createVitrine(options(new Shop(), { storage: 'indexeddb', consent: 'granted' }));
  vitrine.track({ item: ids[0] });
  await vitrine.inspect();
  assert.equal((await indexedDB.databases()).length, 1);
  vitrine.dispose();
  await vitrine.forget();
  assert.equal((await indexedDB.databases()).length, 0);
});

test('nonsense from the page rejects nothing', async () => {
  const errors = [];
  const vitrine = createVitrine(options(new Shop(), { onError: (error) => errors.push(error) }));
  await vitrine.ready;
  assert.deepEqual((await vitrine.rank(undefined)).items, []);
  assert.deepEqual((await vitrine.rank([null, 3, ids[0]], null)).items, [ids[0], null, 3]);
  assert.equal((await vitrine.recommend(null)).items.length, 10);
  assert.equal((await vitrine.recommend({ n: 'many' })).items.length, 10);
  const refused = await vitrine.recommend({ filter: { colour: 'red' } });
  assert.equal(refused.reason, 'failed');
  assert.match(errors.at(-1).message, /colour/);
  assert.equal(await vitrine.explain(undefined), undefined);
  assert.deepEqual(vitrine.consent(null), { ranking: 'pending', upload: 'pending' });
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
  vitrine.dispose();
});
