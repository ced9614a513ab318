import { expect, test } from 'vitest';
import { draw } from './listing.js';
import { vitrine } from './shop.js';

const PRODUCTS = [
  { id: 1, title: 'Mug' },
  { id: 2, title: 'Jug' },
];
const list = document.createElement('ul');
const titles = () => [...list.children].map(({ textContent }) => textContent);

test('products are drawn in their order', async () => {
  vitrine.order([2, 1]);
  await draw(list, PRODUCTS);
  expect(titles()).toEqual(['Jug', 'Mug']);
  expect(list.dataset.status).toBe('ranked');
});

test('without a model the shop’s order stands', async () => {
  vitrine.fallback('unreachable');
  await draw(list, PRODUCTS);
  expect(titles()).toEqual(['Mug', 'Jug']);
  expect(list.dataset.status).toBe('fallback');
});

test('a click is told of', () => {
  list.firstElementChild.click();
  expect(vitrine.tracked).toEqual([{ item: '1', action: 'view' }]);
  expect(vitrine.errors).toEqual([]);
});
