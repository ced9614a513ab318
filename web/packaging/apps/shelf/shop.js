import { createVitrine } from './vitrine/dist/index.js';
import { defineVitrineShelf } from './vitrine/dist/element.js';

const vitrine = createVitrine();
defineVitrineShelf(vitrine);

document.addEventListener('click', ({ target }) => {
  const item = target.closest('[data-item]')?.dataset.item;
  if (item) vitrine.track({ item });
});
