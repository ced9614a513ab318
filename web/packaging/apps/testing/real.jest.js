import { createVitrine } from 'vitrine';
import { defineVitrineShelf } from 'vitrine/element';

test('the package itself keeps the order where jest’s jsdom has nothing that it needs', async () => {
  expect([typeof TextDecoder, typeof fetch]).toEqual(['undefined', 'undefined']);
  const errors = [];
  const vitrine = createVitrine({
    endpoint: 'https://vitrine.shop.example',
    onError: (error) => errors.push(error.message),
  });
  defineVitrineShelf(vitrine);
  vitrine.track({ item: 1 });
  const { items, status } = await vitrine.rank([2, 1]);
  expect([items, status]).toEqual([[2, 1], 'fallback']);
  expect((await vitrine.recommend()).items).toEqual([]);
  expect(await vitrine.explain(1)).toBe(undefined);
  await vitrine.inspect();
  await vitrine.forget();
  vitrine.dispose();
  expect(errors.length).toBeGreaterThan(0);
});
