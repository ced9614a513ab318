/**
 * The front page.
 *
 * @module
 */

import type { App } from '../app.js';
import { picture } from '../card.js';
import type { Product } from '../catalogue.js';
import { h, icon, ICONS } from '../dom.js';
import { listing } from '../listing.js';
import { shelf } from '../shelf.js';
import type { Page } from '../router.js';

const SHELF = 10;
/** What the shelf showed last: it starts from there when the visitor returns. */
let seen: readonly Product[] = [];

export function home(app: App): Page {
  const { catalogue } = app;
  const forYou = shelf(app, {
    id: 'for-you',
    title: 'For you',
    before: seen,
    products: () => app.chosen(SHELF, []),
    shown: (products) => {
      seen = products;
    },
    lead: async () => {
      if (app.order === 'shop') return 'The shop’s own order: best sellers first.';
      const { session, bundle } = await app.vitrine.inspect();
      if (bundle === undefined) return 'Best sellers first.';
      return session.length === 0
        ? 'What most people like. Look at a few things, and this shelf follows you.'
        : 'Arranged in your browser, from what you just looked at.';
    },
  });
  const all = listing(app, 'Everything', catalogue.products);
  const faces = catalogue.categories.slice(0, 3).map((category) => catalogue.in(category)[0]);
  const pictures = faces.length === 3 ? faces : catalogue.products.slice(0, 3);
  const hero = h(
    'section',
    { class: 'hero' },
    h(
      'div',
      { class: 'hero-words' },
      h(
        'p',
        { class: 'eyebrow' },
        [
          `${catalogue.products.length.toLocaleString()} things`,
          ...(catalogue.categories.length > 1
            ? [`${catalogue.categories.length} departments`]
            : []),
        ].join(', '),
      ),
      h('h1', {}, 'A window dressed for whoever stands before it'),
      h('p', {}, 'Wander about. What you look at stays in this browser, and the shelves follow.'),
      h(
        'a',
        {
          class: 'button',
          href: `#/department/${encodeURIComponent(catalogue.categories[0] ?? '')}`,
        },
        'Start looking',
        icon(...ICONS.arrow),
      ),
    ),
    h(
      'div',
      { class: 'hero-pictures', 'aria-hidden': 'true' },
      pictures.map((product) => product && h('div', {}, picture(product, true))),
    ),
  );
  const departments =
    catalogue.categories.length > 1 &&
    h(
      'section',
      { class: 'departments', 'aria-labelledby': 'departments-title' },
      h('div', { class: 'section-head' }, h('h2', { id: 'departments-title' }, 'Departments')),
      h(
        'ul',
        {},
        catalogue.categories.slice(0, 12).map((category) => {
          const [face] = catalogue.in(category);
          return h(
            'li',
            {},
            h(
              'a',
              { href: `#/department/${encodeURIComponent(category)}` },
              face && picture(face),
              h('span', {}, category),
            ),
          );
        }),
      ),
    );
  return {
    title: catalogue.name,
    element: h('div', { class: 'page' }, hero, forYou.element, departments, all.element),
    start: () => {
      void forYou.refresh();
      void all.refresh();
    },
    changed: () => void forYou.refresh(),
    reordered: () => {
      void forYou.refresh();
      void all.refresh();
    },
  };
}
