/**
 * Pages by the address's fragment, so that any static server can serve the shop.
 *
 * @module
 */

import type { App } from './app.js';
import { h } from './dom.js';
import { basket, checkout } from './pages/basket.js';
import { department, search } from './pages/department.js';
import { home } from './pages/home.js';
import { product } from './pages/product.js';

/** One page, and what it does when things change around it. */
export interface Page {
  title: string;
  element: HTMLElement;
  /** The page is in the document. */
  start?: () => void;
  /** Vitrine has learned something, or its model changed. */
  changed?: () => void;
  /** The order was switched. */
  reordered?: () => void;
  /** The basket changed. */
  basket?: () => void;
}

/** Shows the page of the address in `main`, and follows it. */
export function route(app: App, main: HTMLElement): void {
  let page: Page | undefined;
  const scrolls = new Map<string, number>();
  let address = location.hash;

  const show = () => {
    scrolls.set(address, scrollY);
    address = location.hash;
    page = pageOf(app, address);
    document.title = page.title;
    main.replaceChildren(page.element);
    page.start?.();
    scrollTo({ top: scrolls.get(address) ?? 0, behavior: 'instant' });
  };
  addEventListener('hashchange', () => {
    show();
    main.focus({ preventScroll: true });
  });
  app.vitrine.subscribe(soon(() => page?.changed?.()));
  app.onOrder(() => page?.reordered?.());
  app.basket.subscribe(() => page?.basket?.());
  show();
}

function pageOf(app: App, hash: string): Page {
  const [, kind = '', ...rest] = hash.replace(/^#/, '').split('/');
  const name = decode(rest.join('/'));
  if (kind === '') return home(app);
  if (kind === 'basket') return basket(app);
  if (kind === 'checkout') return checkout(app);
  if (kind === 'department') return department(app, name);
  if (kind === 'search') return search(app, name);
  const item = kind === 'item' ? app.catalogue.get(name) : undefined;
  if (item !== undefined) return product(app, item);
  return {
    title: app.catalogue.name,
    element: h(
      'div',
      { class: 'page empty' },
      h('h1', {}, 'This page is not here'),
      h('a', { class: 'button', href: '#/' }, 'To the front page'),
    ),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** One call for many in a short time. */
export function soon(run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, 40);
  };
}
