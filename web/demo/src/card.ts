/**
 * A product in a list.
 *
 * @module
 */

import type { App } from './app.js';
import { pictureOf } from './art.js';
import type { Product } from './catalogue.js';
import { h } from './dom.js';

/** The address of a product's page. */
export function linkTo(product: Product): string {
  return `#/item/${encodeURIComponent(product.id)}`;
}

/** A product's picture; the words beside it say what it shows. */
export function picture(product: Product, eager = false): HTMLImageElement {
  return h('img', {
    src: pictureOf(product),
    alt: '',
    width: 400,
    height: 500,
    loading: eager ? 'eager' : 'lazy',
    decoding: 'async',
  });
}

/** The card of a product; `reason` says why it is here. */
export function card(app: App, product: Product, reason = ''): HTMLLIElement {
  return h(
    'li',
    { class: 'card', 'data-item': product.id },
    h(
      'a',
      { class: 'card-link', href: linkTo(product) },
      h(
        'span',
        { class: 'card-picture' },
        picture(product),
        !product.in_stock && h('span', { class: 'badge' }, 'Sold out'),
      ),
      h('span', { class: 'card-title' }, product.title),
      h('span', { class: 'card-price' }, app.catalogue.price(product.price)),
    ),
    h('p', { class: 'reason' }, reason),
  );
}
