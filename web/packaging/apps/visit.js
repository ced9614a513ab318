/**
 * One visit, the same for every way to build a page: two views, then what the lists say.
 */

import { createVitrine } from 'vitrine';

export async function visit(options) {
  const errors = [];
  const onError = ({ message }) => errors.push(message);
  const vitrine = createVitrine({ timeout: 20_000, onError, ...options });
  const { items } = await (await fetch('/catalogue.json')).json();
  const before = await vitrine.rank(items);
  vitrine.track('Product Viewed', { product_id: items[0].id });
  vitrine.track({ item: items[7].id });
  const after = await vitrine.rank(items);
  const shelf = await vitrine.recommend({ n: 5 });
  for (let turn = 0; turn < 400; turn += 1) {
    if ((await vitrine.inspect()).encoder !== 'loading') break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  window.visited = {
    own: items.map(({ id }) => id),
    before: before.items.map(({ id }) => id),
    after: after.items.map(({ id }) => id),
    status: after.status,
    reason: after.reason,
    shelf: shelf.items,
    encoder: (await vitrine.inspect()).encoder,
    errors,
  };
}
