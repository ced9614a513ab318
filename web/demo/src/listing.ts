/**
 * A grid of products, a screenful at a time.
 *
 * @module
 */

import type { App } from './app.js';
import { card } from './card.js';
import type { Product } from './catalogue.js';
import { h } from './dom.js';

const PORTION = 24;

/** Makes a listing; `refresh` takes up the order that is switched on. */
export function listing(
  app: App,
  title: string,
  products: readonly Product[],
): { element: HTMLElement; refresh: () => Promise<void> } {
  const id = 'listing-title';
  const list = h('ul', { class: 'grid', 'data-testid': 'listing', 'aria-labelledby': id });
  const note = h('p', { class: 'lead' });
  const more = h('button', { class: 'button quiet', type: 'button' }, 'Show more');
  let ordered: readonly Product[] = products;
  let shown = PORTION;
  const fill = () => {
    list.replaceChildren(...ordered.slice(0, shown).map((product) => card(app, product)));
    more.hidden = shown >= ordered.length;
  };
  more.addEventListener('click', () => {
    const from = shown;
    shown += PORTION;
    list.append(...ordered.slice(from, shown).map((product) => card(app, product)));
    more.hidden = shown >= ordered.length;
    (list.children[from]?.querySelector('a') as HTMLElement | null)?.focus();
  });
  return {
    element: h(
      'section',
      { class: 'listing', 'aria-labelledby': id },
      h('div', { class: 'section-head' }, h('h2', { id }, title), note),
      list,
      h('div', { class: 'more' }, more),
    ),
    refresh: async () => {
      ordered = await app.arranged(products);
      const things =
        products.length === 1 ? '1 thing' : `${products.length.toLocaleString()} things`;
      note.textContent =
        app.order === 'shop' ? `${things}, best sellers first` : `${things}, arranged for you`;
      fill();
    },
  };
}
