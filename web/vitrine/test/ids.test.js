import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createVitrine } from 'vitrine';
import { numbered, options, Shop } from './shop.js';

const open = [];
after(() => open.forEach((vitrine) => vitrine.dispose()));

/** An instance over a bundle whose ids are 1001 to 1240, and what `onError` was told. */
async function start() {
  const shop = new Shop();
  shop.publish(numbered);
  const errors = [];
  const vitrine = createVitrine(options(shop, { onError: (error) => errors.push(error.message) }));
  open.push(vitrine);
  await vitrine.ready;
  return { vitrine, errors };
}

const NUMBERS = Array.from({ length: 24 }, (_, at) => 1001 + 10 * at);

test('numbers rank as the strings that they are written as, and come back as numbers', async () => {
  const { vitrine, errors } = await start();
  vitrine.track({ item: 1001 });
  assert.deepEqual((await vitrine.inspect()).session, [{ item: '1001', action: 'view' }]);
  const ranked = await vitrine.rank(NUMBERS);
  assert.equal(ranked.status, 'ranked');
  assert.ok(ranked.scores.every((score) => score > 0));
  assert.notDeepEqual(ranked.items, NUMBERS);
  const texts = await vitrine.rank(NUMBERS.map(String));
  assert.deepEqual(ranked.items, texts.items.map(Number));
  assert.deepEqual(ranked.scores, texts.scores);
  const objects = NUMBERS.map((id) => ({ id, title: `item ${id}` }));
  const { items } = await vitrine.rank(objects);
  assert.deepEqual(
    items.map(({ id }) => id),
    ranked.items,
  );
  assert.ok(items.every((item) => objects.includes(item)));
  assert.deepEqual((await vitrine.rank(NUMBERS.map(BigInt))).items.map(Number), ranked.items);
  assert.deepEqual(errors, []);
});

test('getId finds the id of items that have none in `id`, and they come back whole', async () => {
  const { vitrine, errors } = await start();
  vitrine.track({ item: '1001' });
  const { items: expected } = await vitrine.rank(NUMBERS);
  const rows = NUMBERS.map((number) => Object.freeze({ node: { legacyId: number }, id: 'gid' }));
  const { items, scores } = await vitrine.rank(rows, { getId: ({ node }) => node.legacyId });
  assert.deepEqual(
    items.map(({ node }) => node.legacyId),
    expected,
  );
  assert.ok(items.every((item) => rows.includes(item)));
  assert.ok(scores.every((score) => score > 0));
  assert.deepEqual(errors, []);
});

test('exclusion and explanation take numbers, and products too', async () => {
  const { vitrine } = await start();
  vitrine.track({ item: 1001, action: 'add_to_cart' });
  const { items } = await vitrine.recommend({ n: 12 });
  const [first, second, third] = items.map(({ id }) => Number(id));
  const without = async (exclude) =>
    (await vitrine.recommend({ n: 12, exclude })).items.map(({ id }) => Number(id));
  assert.ok(![first, second].some((id) => items.length === 0 || id === undefined));
  for (const exclude of [
    [first, String(second)],
    new Set([first, second]),
    [{ id: first }, second],
  ]) {
    const left = await without(exclude);
    assert.deepEqual([left[0], left.includes(first), left.includes(second)], [third, false, false]);
  }
  for (const alone of [first, String(first)]) assert.equal((await without(alone))[0], second);
  const why = await vitrine.explain(first);
  assert.equal(why.item, first);
  assert.deepEqual({ ...why, item: String(first) }, await vitrine.explain(String(first)));
  assert.deepEqual(why.because[0].item, '1001');
});

test('items without an id keep their places at the end, and that is said once', async () => {
  const { vitrine, errors } = await start();
  const nameless = [{ sku: 'a' }, null, { id: NaN }, { id: 2 ** 60 }, { id: {} }, { id: '' }, []];
  const { items, scores } = await vitrine.rank([...nameless, 1001]);
  assert.deepEqual(items, [1001, ...nameless]);
  assert.deepEqual(
    [...scores.slice(1)],
    nameless.map(() => 0),
  );
  await vitrine.rank(nameless);
  assert.equal(errors.length, 1);
  assert.match(errors[0], /7 of 8 items have no id, the first at place 0.*'getId'/);
});

test('an id that cannot be read, or a number that has lost digits, is said', async () => {
  const { vitrine, errors } = await start();
  const thrown = await vitrine.rank([{ id: 1001 }, { id: 1002 }], {
    getId: ({ id }) => {
      if (id === 1002) throw new Error('no such field');
      return id;
    },
  });
  assert.deepEqual(thrown.items, [{ id: 1001 }, { id: 1002 }]);
  assert.match(errors[0], /1 of 2 items have no id, the first at place 1/);
  vitrine.track({ item: 2 ** 60 });
  vitrine.track({ item: Infinity });
  assert.equal(errors.length, 3);
  assert.match(errors[1], /cannot be recorded: .*1152921504606847000.*a number up to 2\^53/);
  assert.deepEqual((await vitrine.inspect()).session, []);
});

test('a list that is still loading is an empty list', async () => {
  const { vitrine, errors } = await start();
  for (const nothing of [undefined, null, []]) {
    const { items, scores, status } = await vitrine.rank(nothing);
    assert.deepEqual([items, scores.length, status], [[], 0, 'ranked']);
  }
  assert.deepEqual(errors, []);
});
