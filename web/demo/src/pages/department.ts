/**
 * A department, or what a search found.
 *
 * @module
 */

import type { App } from '../app.js';
import type { Product } from '../catalogue.js';
import { h } from '../dom.js';
import { listing } from '../listing.js';
import type { Page } from '../router.js';

export function department(app: App, category: string): Page {
  return listed(app, category, app.catalogue.in(category), 'There is no such department.');
}

export function search(app: App, query: string): Page {
  const found = app.catalogue.search(query);
  return listed(app, `“${query}”`, found, `Nothing here is called “${query}”.`);
}

function listed(app: App, title: string, products: readonly Product[], nothing: string): Page {
  const list = listing(app, title, products);
  const empty = h(
    'div',
    { class: 'empty' },
    h('h1', {}, nothing),
    h('a', { class: 'button', href: '#/' }, 'To the front page'),
  );
  return {
    title: `${title} · ${app.catalogue.name}`,
    element: h('div', { class: 'page' }, products.length === 0 ? empty : list.element),
    start: () => void list.refresh(),
    reordered: () => void list.refresh(),
  };
}
