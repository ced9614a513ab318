/**
 * A row of products that re-arranges itself before the visitor's eyes.
 *
 * Cards move from where they were to where they now belong (first, last, invert, play), so that
 * one sees what a look at a product changed. Who asked for less motion sees the new order only.
 *
 * @module
 */

import type { App } from './app.js';
import { card } from './card.js';
import type { Product } from './catalogue.js';
import { calm, h } from './dom.js';

/** What a shelf shows. */
export interface ShelfOptions {
  id: string;
  title: string;
  /** The line under the title, for the order as it is. */
  lead: () => Promise<string>;
  products: () => Promise<Product[]>;
  /** What the shelf showed when the visitor last saw it; it starts from there. */
  before?: readonly Product[];
  /** Called with what is shown. */
  shown?: (products: readonly Product[]) => void;
}

const MOVE = { duration: 620, easing: 'cubic-bezier(.22,.9,.24,1)' };
/** A shelf that returns lets the eye settle before it moves. */
const SETTLE = 420;

/** Makes a shelf; `refresh` takes up a new order. */
export function shelf(
  app: App,
  options: ShelfOptions,
): { element: HTMLElement; refresh: () => Promise<void> } {
  const lead = h('p', { class: 'lead', 'aria-live': 'polite' });
  const list = h('ul', {
    class: 'shelf-list',
    tabindex: 0,
    'aria-labelledby': `${options.id}-title`,
  });
  const element = h(
    'section',
    { class: 'shelf', 'data-testid': 'shelf', 'aria-labelledby': `${options.id}-title` },
    h(
      'div',
      { class: 'section-head' },
      h('h2', { id: `${options.id}-title` }, options.title),
      lead,
    ),
    list,
  );
  let latest = 0;
  let first = true;

  const show = (products: readonly Product[], reasons: readonly string[]) => {
    const cards = new Map(
      [...list.children].map((child) => [
        (child as HTMLElement).dataset['item'],
        child as HTMLElement,
      ]),
    );
    const from = new Map([...cards].map(([id, child]) => [id, child.getBoundingClientRect()]));
    const next = products.map((product, place) => {
      const reason = reasons[place] ?? '';
      const kept = cards.get(product.id);
      if (kept === undefined) return card(app, product, reason);
      const line = kept.querySelector('.reason');
      if (line !== null && line.textContent !== reason) line.textContent = reason;
      return kept;
    });
    list.replaceChildren(...next);
    list.removeAttribute('aria-busy');
    if (calm() || from.size === 0) return;
    for (const child of next) {
      const old = from.get(child.dataset['item']);
      const now = child.getBoundingClientRect();
      if (old === undefined) {
        child.animate(
          [
            { opacity: 0, transform: 'scale(.92)' },
            { opacity: 1, transform: 'none' },
          ],
          MOVE,
        );
      } else if (old.left !== now.left || old.top !== now.top) {
        const back = `translate(${old.left - now.left}px, ${old.top - now.top}px)`;
        child.style.zIndex = '1';
        const moving = child.animate([{ transform: back }, { transform: 'none' }], MOVE);
        void moving.finished.catch(() => {}).then(() => child.style.removeProperty('z-index'));
      }
    }
  };

  const refresh = async () => {
    latest += 1;
    const turn = latest;
    const products = await options.products();
    const explanations =
      app.order === 'shop' ? [] : await Promise.all(products.map((p) => app.vitrine.explain(p.id)));
    const words = await options.lead();
    if (first && options.before !== undefined && options.before.length > 0 && !calm()) {
      first = false;
      show(options.before, []);
      await new Promise((resolve) => setTimeout(resolve, SETTLE));
    }
    // A later order overtook this one.
    if (turn !== latest) return;
    first = false;
    lead.textContent = words;
    show(
      products,
      explanations.map((explanation) => app.because(explanation)),
    );
    options.shown?.(products);
  };

  list.setAttribute('aria-busy', 'true');
  list.replaceChildren(
    ...Array.from({ length: 5 }, () => h('li', { class: 'card ghost', 'aria-hidden': 'true' })),
  );
  if (options.before !== undefined && options.before.length > 0) show(options.before, []);
  else list.querySelectorAll('.ghost').forEach((ghost) => ghost.removeAttribute('data-item'));
  return { element, refresh };
}
