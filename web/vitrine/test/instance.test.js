import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { isProxy, reactive, readonly, ref, shallowReactive, toRaw } from 'vue';
import { ids, options, Shop } from './shop.js';

const open = [];
after(() => open.forEach((vitrine) => vitrine.dispose()));

function start(more) {
  const errors = [];
  const vitrine = createVitrine(
    options(new Shop(), { onError: (error) => errors.push(error.message), ...more }),
  );
  open.push(vitrine);
  return { vitrine, errors };
}

/** A proxy that is the receiver of everything that is reached through it, as in MobX and immer. */
const proxied = (target) =>
  new Proxy(target, {
    get(target, name, receiver) {
      const value = Reflect.get(target, name, receiver);
      return typeof value === 'object' && value !== null && !(value instanceof Promise)
        ? proxied(value)
        : value;
    },
  });

/** Everything that an instance can do, called on `vitrine`. */
async function everything(vitrine) {
  let changes = 0;
  const end = vitrine.subscribe(() => (changes += 1));
  assert.equal((await vitrine.ready).status, 'ranked');
  assert.equal(vitrine.status, 'ready');
  vitrine.track({ item: ids[0] });
  vitrine.track('Product Viewed', { product_id: ids[1] });
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
  assert.equal((await vitrine.recommend({ n: 3 })).items.length, 3);
  assert.equal((await vitrine.explain(ids[0])).item, ids[0]);
  assert.equal(vitrine.consent('granted').ranking, 'granted');
  assert.equal((await vitrine.inspect()).session.length, 2);
  assert.ok(changes > 0);
  end();
  await vitrine.forget();
  assert.equal((await vitrine.inspect()).session.length, 0);
  vitrine.dispose();
  assert.equal(vitrine.status, 'fallback');
}

const PLACES = {
  'Vue’s ref': (vitrine) => ref(vitrine).value,
  'Vue’s reactive, as in data() and Pinia': (vitrine) =>
    reactive({ shop: { vitrine } }).shop.vitrine,
  'Vue’s readonly': (vitrine) => readonly(reactive({ vitrine })).vitrine,
  'Vue’s shallowReactive': (vitrine) => shallowReactive(vitrine),
  'a Map in Vue’s reactive': (vitrine) => reactive(new Map([['it', vitrine]])).get('it'),
  'a proxy that hands itself on': (vitrine) => proxied({ vitrine }).vitrine,
  'Object.freeze': (vitrine) => Object.freeze(vitrine),
  'a frozen one in Vue’s reactive': (vitrine) => reactive({ it: Object.freeze(vitrine) }).it,
  'a frozen one behind a proxy': (vitrine) => proxied(Object.freeze(vitrine)),
  'an object that inherits from it': (vitrine) => Object.create(vitrine),
};

for (const [name, put] of Object.entries(PLACES)) {
  test(`an instance does everything in ${name}`, async () => {
    const { vitrine, errors } = start();
    await everything(put(vitrine));
    assert.deepEqual(errors, []);
  });
}

test('methods that were taken off an instance, or copied, do everything', async () => {
  const { vitrine, errors } = start();
  const { track, rank, recommend, explain, consent, inspect, forget, subscribe, dispose } = vitrine;
  const copy = { ...vitrine };
  assert.equal((await copy.ready).status, 'ranked');
  let changes = 0;
  subscribe.call(undefined, () => (changes += 1));
  ids.slice(0, 3).forEach((item) => track({ item }));
  [{ item: ids[3] }].forEach(copy.track);
  assert.equal((await rank(ids)).status, 'ranked');
  assert.equal((await Promise.all([ids, ids].map((list) => rank(list)))).length, 2);
  assert.equal((await recommend.apply(null, [{ n: 2 }])).items.length, 2);
  assert.equal((await explain.call({}, ids[0])).item, ids[0]);
  assert.equal(consent().ranking, 'pending');
  assert.equal((await inspect()).session.length, 4);
  assert.ok(changes > 0);
  await forget();
  assert.deepEqual((await inspect()).session, []);
  dispose();
  assert.equal(vitrine.status, 'fallback');
  assert.deepEqual(errors, []);
});

test('Vue and others leave an instance as it is', () => {
  const { vitrine } = start();
  const state = reactive({ vitrine });
  assert.equal(isProxy(state.vitrine), false);
  assert.equal(toRaw(state.vitrine), vitrine);
  // MobX, immer, Svelte and Solid proxy or copy what looks like a plain object.
  const prototype = Object.getPrototypeOf(vitrine);
  assert.ok(prototype !== Object.prototype && prototype !== null);
  assert.ok(!Object.hasOwn(prototype, 'constructor'));
  assert.ok(Object.keys(vitrine).includes('track'));
  assert.ok(!Object.keys(vitrine).includes('__v_skip'));
});

test('an attempt to clone an instance is an error of the cloning, and the instance goes on', async () => {
  const { vitrine, errors } = start();
  assert.throws(() => structuredClone(vitrine), { name: 'DataCloneError' });
  assert.equal(JSON.stringify({ vitrine }), '{"vitrine":{"ready":{}}}');
  await everything(vitrine);
  assert.deepEqual(errors, []);
});

test('a test may spy on a method', () => {
  const { vitrine } = start();
  const seen = [];
  const { track } = vitrine;
  vitrine.track = (...given) => (seen.push(given), track(...given));
  vitrine.track({ item: ids[0] });
  assert.equal(seen.length, 1);
});

test('whatever a method is called with, it neither throws nor rejects, and says so', async () => {
  const { vitrine, errors } = start();
  await vitrine.ready;
  const thrower = new Proxy(
    {},
    {
      get() {
        throw new Error('a trap of the page');
      },
    },
  );
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  const strange = [
    thrower,
    revoked,
    Symbol('s'),
    () => {},
    7n,
    Object.create(null),
    NaN,
    'text',
    0,
  ];
  for (const given of strange) {
    vitrine.track(given);
    vitrine.track('view_item', given);
    assert.ok(Array.isArray((await vitrine.rank(given)).items));
    assert.deepEqual((await vitrine.rank([given])).items, [given]);
    assert.deepEqual(new Set((await vitrine.rank(ids, given)).items), new Set(ids));
    assert.ok(Array.isArray((await vitrine.recommend(given)).items));
    for (const name of ['n', 'filter', 'exclude', 'diversity', 'timeout', 'signal']) {
      assert.ok(Array.isArray((await vitrine.recommend({ [name]: given })).items), name);
    }
    await vitrine.explain(given);
    assert.equal(vitrine.consent(given).upload, 'pending');
    const end = vitrine.subscribe(given);
    vitrine.track({ item: ids[0] });
    end();
  }
  // An AbortController where its signal is wanted.
  const ranking = await vitrine.rank(ids, { signal: new AbortController() });
  assert.deepEqual([ranking.status, ranking.reason], ['fallback', 'failed']);
  assert.match(errors.at(-1), /'signal' is no AbortSignal/);
  assert.ok(errors.some((message) => /a trap of the page/.test(message)));
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
});

test('options may be a proxy, and a fetch that minds its receiver is called with none', async () => {
  const shop = new Shop();
  const { vitrine, errors } = start(
    reactive({
      fetch(...given) {
        if (this !== undefined && this !== globalThis) throw new TypeError('Illegal invocation');
        return shop.fetch(...given);
      },
    }),
  );
  assert.equal((await vitrine.rank(ids)).status, 'ranked');
  assert.deepEqual(errors, []);
});
