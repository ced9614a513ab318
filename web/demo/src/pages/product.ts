/**
 * One product.
 *
 * @module
 */

import type { App } from '../app.js';
import { picture } from '../card.js';
import type { Product } from '../catalogue.js';
import { h, icon, ICONS } from '../dom.js';
import type { Page } from '../router.js';
import { shelf } from '../shelf.js';

const SHELF = 5;

export function product(app: App, item: Product): Page {
  const alike = shelf(app, {
    id: 'alike',
    title: 'You may also like',
    products: () => app.chosen(SHELF, [item.id]),
    lead: async () =>
      app.order === 'shop'
        ? 'The shop’s own order: best sellers first.'
        : 'What goes with this, and with what you saw before.',
  });
  const done = h('p', { class: 'added', role: 'status' });
  const add = h(
    'button',
    {
      class: 'button wide',
      type: 'button',
      disabled: !item.in_stock,
      'data-testid': 'add-to-basket',
      onclick: () => {
        app.basket.add(item.id);
        app.vitrine.track({ item: item.id, action: 'add_to_cart' });
        done.replaceChildren(
          icon(...ICONS.check),
          'In your basket. ',
          h('a', { href: '#/basket' }, 'Go there'),
        );
      },
    },
    icon(...ICONS.basket),
    item.in_stock ? 'Add to basket' : 'Sold out',
  );
  const department = `#/department/${encodeURIComponent(item.category)}`;
  return {
    title: `${item.title} · ${app.catalogue.name}`,
    element: h(
      'div',
      { class: 'page' },
      h(
        'article',
        { class: 'product', 'data-item': item.id },
        h('div', { class: 'product-picture' }, picture(item, true)),
        h(
          'div',
          { class: 'product-words' },
          h(
            'nav',
            { 'aria-label': 'You are here', class: 'crumbs' },
            h('a', { href: '#/' }, app.catalogue.name),
            h('span', { 'aria-hidden': 'true' }, '/'),
            h('a', { href: department }, item.category),
          ),
          h('h1', {}, item.title),
          h('p', { class: 'price' }, app.catalogue.price(item.price)),
          h(
            'p',
            { class: item.in_stock ? 'stock' : 'stock out' },
            item.in_stock ? 'In stock, sent tomorrow' : 'Sold out for now',
          ),
          add,
          done,
          h(
            'dl',
            { class: 'facts' },
            h(
              'div',
              {},
              h('dt', {}, 'Department'),
              h('dd', {}, h('a', { href: department }, item.category)),
            ),
            h('div', {}, h('dt', {}, 'Item'), h('dd', {}, item.id)),
            h('div', {}, h('dt', {}, 'Returns'), h('dd', {}, 'Within thirty days')),
          ),
        ),
      ),
      alike.element,
    ),
    start: () => {
      app.vitrine.track({ item: item.id });
      void alike.refresh();
    },
    changed: () => void alike.refresh(),
    reordered: () => void alike.refresh(),
  };
}
