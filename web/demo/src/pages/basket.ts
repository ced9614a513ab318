/**
 * Basket and checkout. Nothing is paid: the order ends in a thank-you.
 *
 * @module
 */

import type { App } from '../app.js';
import { linkTo, picture } from '../card.js';
import { h, icon, ICONS } from '../dom.js';
import type { Page } from '../router.js';

export function basket(app: App): Page {
  const element = h('div', { class: 'page narrow' });
  const fill = () => {
    const lines = linesOf(app);
    if (lines.length === 0) {
      element.replaceChildren(
        h(
          'div',
          { class: 'empty' },
          h('h1', {}, 'Your basket is empty'),
          h('a', { class: 'button', href: '#/' }, 'Look around'),
        ),
      );
      return;
    }
    const rows = lines.map(({ product, quantity }) => {
      const amount = h('input', {
        type: 'number',
        min: 0,
        max: 99,
        value: quantity,
        'aria-label': `How many: ${product.title}`,
        onchange: () => app.basket.set(product.id, Number(amount.value)),
      });
      return h(
        'li',
        { class: 'line', 'data-item': product.id },
        h('a', { href: linkTo(product), tabindex: -1, 'aria-hidden': 'true' }, picture(product)),
        h(
          'div',
          {},
          h('a', { href: linkTo(product) }, product.title),
          h('p', { class: 'muted' }, app.catalogue.price(product.price)),
        ),
        amount,
        h(
          'button',
          {
            class: 'plain',
            type: 'button',
            'aria-label': `Remove ${product.title}`,
            onclick: () => app.basket.set(product.id, 0),
          },
          icon(...ICONS.close),
        ),
      );
    });
    element.replaceChildren(
      h('h1', {}, 'Your basket'),
      h('ul', { class: 'lines' }, rows),
      h(
        'p',
        { class: 'total' },
        h('span', {}, 'Together'),
        h('strong', {}, app.catalogue.price(total(app))),
      ),
      h(
        'a',
        { class: 'button wide', href: '#/checkout', 'data-testid': 'checkout' },
        'To the checkout',
        icon(...ICONS.arrow),
      ),
    );
  };
  return { title: `Basket · ${app.catalogue.name}`, element, start: fill, basket: fill };
}

export function checkout(app: App): Page {
  const element = h('div', { class: 'page narrow' });
  const thank = (things: number) => {
    element.replaceChildren(
      h(
        'div',
        { class: 'empty', role: 'status' },
        h('h1', {}, 'Thank you'),
        h(
          'p',
          {},
          `Your order of ${things === 1 ? 'one thing' : `${things} things`} is on its way, or would be: this shop is a demonstration, and nothing was paid.`,
        ),
        h('a', { class: 'button', href: '#/' }, 'Look around some more'),
      ),
    );
  };
  const order = (event: Event) => {
    event.preventDefault();
    const lines = linesOf(app);
    for (const { product } of lines) app.vitrine.track({ item: product.id, action: 'buy' });
    const things = app.basket.count();
    app.basket.clear();
    thank(things);
  };
  const field = (label: string, name: string, autocomplete: string) =>
    h(
      'label',
      {},
      label,
      h('input', { name, autocomplete, placeholder: 'Not needed in this demonstration' }),
    );
  const lines = linesOf(app);
  element.append(
    h('h1', {}, 'Checkout'),
    lines.length === 0
      ? h('p', {}, 'There is nothing in your basket. ', h('a', { href: '#/' }, 'Look around'))
      : h(
          'form',
          { class: 'checkout', onsubmit: order },
          h(
            'ul',
            { class: 'summary' },
            lines.map(({ product, quantity }) =>
              h(
                'li',
                {},
                h('span', {}, `${quantity} × ${product.title}`),
                h(
                  'span',
                  {},
                  app.catalogue.price(product.price === null ? null : product.price * quantity),
                ),
              ),
            ),
          ),
          h(
            'p',
            { class: 'total' },
            h('span', {}, 'Together'),
            h('strong', {}, app.catalogue.price(total(app))),
          ),
          field('Name', 'name', 'off'),
          field('Where to', 'address', 'off'),
          h(
            'button',
            { class: 'button wide', type: 'submit', 'data-testid': 'place-order' },
            'Place the order',
          ),
        ),
  );
  return { title: `Checkout · ${app.catalogue.name}`, element };
}

function linesOf(app: App) {
  return app.basket.lines().flatMap(([id, quantity]) => {
    const product = app.catalogue.get(id);
    return product === undefined ? [] : [{ product, quantity }];
  });
}

function total(app: App): number {
  return linesOf(app).reduce(
    (sum, { product, quantity }) => sum + (product.price ?? 0) * quantity,
    0,
  );
}
