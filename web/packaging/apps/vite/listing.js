import { createVitrine } from 'vitrine';

const vitrine = createVitrine({ endpoint: import.meta.env.VITE_VITRINE });
const list = document.querySelector('#listing');

async function arrange() {
  const cards = [...list.children].map((card) => ({ id: card.dataset.item, card }));
  const { items } = await vitrine.rank(cards);
  list.append(...items.map(({ card }) => card));
}

list.addEventListener('click', ({ target }) => {
  const item = target.closest('[data-item]')?.dataset.item;
  if (item) vitrine.track({ item });
});
vitrine.subscribe(arrange);
arrange();
