/**
 * What stands around every page: header, the line for simulated shops, the question, footer.
 *
 * @module
 */

import type { App, Order } from './app.js';
import { h, icon, ICONS } from './dom.js';

/** The header; `why` is the button of the panel. */
export function header(app: App, why: HTMLButtonElement): HTMLElement {
  const { catalogue } = app;
  const query = h('input', {
    type: 'search',
    name: 'q',
    placeholder: 'Search the shop',
    'aria-label': 'Search the shop',
    autocomplete: 'off',
    maxlength: 80,
  });
  const count = h('span', { class: 'count' });
  const basket = h(
    'a',
    { class: 'plain labelled', href: '#/basket', 'data-testid': 'basket' },
    icon(...ICONS.basket),
    h('span', {}, 'Basket'),
    count,
  );
  const recount = () => {
    const things = app.basket.count();
    count.textContent = String(things);
    count.hidden = things === 0;
    basket.setAttribute('aria-label', things === 0 ? 'Basket, empty' : `Basket, ${things}`);
  };
  app.basket.subscribe(recount);
  recount();
  const links = catalogue.categories
    .slice(0, 9)
    .map((category) => h('a', { href: `#/department/${encodeURIComponent(category)}` }, category));
  const mark = () => {
    for (const link of links) {
      if (link.hash === location.hash) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  };
  addEventListener('hashchange', mark);
  mark();
  return h(
    'header',
    { class: 'top' },
    h(
      'div',
      { class: 'top-row' },
      h('a', { class: 'wordmark', href: '#/' }, catalogue.name),
      h(
        'form',
        {
          class: 'search',
          role: 'search',
          onsubmit: (event) => {
            event.preventDefault();
            const text = query.value.trim();
            if (text !== '') location.hash = `#/search/${encodeURIComponent(text)}`;
          },
        },
        icon(...ICONS.search),
        query,
      ),
      h('div', { class: 'tools' }, orderSwitch(app), why, basket),
    ),
    links.length > 1 && h('nav', { class: 'departments-bar', 'aria-label': 'Departments' }, links),
  );
}

/** Chooses between the shop's order and Vitrine's. */
function orderSwitch(app: App): HTMLElement {
  const choices: [Order, string][] = [
    ['vitrine', 'For you'],
    ['shop', 'Shop’s order'],
  ];
  return h(
    'fieldset',
    { class: 'order', 'data-testid': 'order-switch' },
    h('legend', { class: 'unseen' }, 'Order of the shelves'),
    choices.map(([order, words]) => {
      const input = h('input', {
        type: 'radio',
        name: 'order',
        value: order,
        checked: app.order === order,
        'data-testid': `order-${order}`,
        onchange: () => {
          if (input.checked) app.order = order;
        },
      });
      return h('label', {}, input, h('span', {}, words));
    }),
  );
}

/** The line that a simulated shop must show. */
export function simulated(): HTMLElement {
  return h(
    'p',
    { class: 'simulated', 'data-testid': 'synthetic' },
    'This shop is simulated: its goods, its prices and the visits behind its model are invented.',
  );
}

/** Asks for both consents, until they are answered. */
export function question(app: App): HTMLElement {
  const answer = (ranking: 'granted' | 'denied', upload: 'granted' | 'denied') => () =>
    app.vitrine.consent({ ranking, upload });
  const element = h(
    'section',
    { class: 'question', 'aria-label': 'Your consent', 'data-testid': 'consent', hidden: true },
    h(
      'div',
      {},
      h('h2', {}, 'May this shop arrange itself for you?'),
      h(
        'p',
        {},
        'It happens in your browser, from what you look at, and stays there. You may also let it send a few single counts that nobody can trace to you; the next model learns from them.',
      ),
    ),
    h(
      'div',
      { class: 'answers' },
      h(
        'button',
        {
          class: 'button',
          type: 'button',
          'data-testid': 'consent-both',
          onclick: answer('granted', 'granted'),
        },
        'Arrange, and send counts',
      ),
      h(
        'button',
        {
          class: 'button quiet',
          type: 'button',
          'data-testid': 'consent-ranking-only',
          onclick: answer('granted', 'denied'),
        },
        'Arrange only',
      ),
      h(
        'button',
        {
          class: 'button quiet',
          type: 'button',
          'data-testid': 'consent-none',
          onclick: answer('denied', 'denied'),
        },
        'Neither',
      ),
    ),
  );
  const update = () => {
    const { ranking, upload } = app.vitrine.consent();
    element.hidden = ranking !== 'pending' && upload !== 'pending';
  };
  // Stored answers are read first, so that the question does not flash up.
  void app.vitrine.inspect().then(() => {
    update();
    app.vitrine.subscribe(update);
  });
  return element;
}

export function footer(app: App): HTMLElement {
  return h(
    'footer',
    { class: 'bottom' },
    h('p', { class: 'wordmark' }, app.catalogue.name),
    h(
      'p',
      {},
      'The shelves of this shop are arranged by Vitrine, in your browser. “Why this?” above shows all that it knows.',
    ),
  );
}
