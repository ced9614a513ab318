import { vitrine } from './shop.js';

/** Draws products in their order, and tells of a click. */
export async function draw(list, products) {
  const { items, status } = await vitrine.rank(products);
  list.dataset.status = status;
  list.replaceChildren(
    ...items.map(({ id, title }) => {
      const entry = document.createElement('li');
      entry.textContent = title;
      entry.addEventListener('click', () => vitrine.track({ item: id }));
      return entry;
    }),
  );
}
