/**
 * The storefront.
 *
 * @module
 */

import { createVitrine } from 'vitrine';
import { App } from './app.js';
import { Basket } from './basket.js';
import { Catalogue } from './catalogue.js';
import { h } from './dom.js';
import { footer, header, question, simulated } from './frame.js';
import { panel } from './panel.js';
import { route } from './router.js';

async function open(): Promise<void> {
  const heldBack = new Set<string>();
  // The model is loaded while the catalogue is.
  const vitrine = createVitrine({
    reportDelay: delayOf(document.documentElement),
    beforeSend: ({ nonce }) => !heldBack.has(nonce),
    ...pinned(document.documentElement),
  });
  const catalogue = await Catalogue.load('catalogue.json');
  const app = new App(catalogue, vitrine, new Basket(), heldBack);
  const why = panel(app);
  const main = h('main', { id: 'main', tabindex: -1 });
  document.body.replaceChildren(
    h('a', { class: 'skip', href: '#main', onclick: skip(main) }, 'To the goods'),
    ...(catalogue.synthetic ? [simulated()] : []),
    header(app, why.button),
    main,
    footer(app),
    why.element,
    question(app),
  );
  route(app, main);
}

/** The fragment belongs to the router, so the link moves the focus itself. */
function skip(main: HTMLElement) {
  return (event: Event) => {
    event.preventDefault();
    main.focus();
  };
}

/** `data-public-keys="key key"` on the page: bundles that none of them has signed are refused. */
function pinned(root: HTMLElement): { publicKeys?: string[] } {
  const keys = root.dataset['publicKeys'];
  return keys === undefined ? {} : { publicKeys: keys.split(' ') };
}

/** `data-report-delay="least most"` on the page, in milliseconds: shorter in a demonstration. */
function delayOf(root: HTMLElement): [number, number] {
  const [least = NaN, most = NaN] = (root.dataset['reportDelay'] ?? '').split(' ').map(Number);
  return Number.isFinite(least) && Number.isFinite(most) ? [least, most] : [5_000, 120_000];
}

open().catch((error: unknown) => {
  document.body.replaceChildren(
    h(
      'main',
      { class: 'page empty', role: 'alert' },
      h('h1', {}, 'The shop could not be opened'),
      h('p', {}, error instanceof Error ? error.message : String(error)),
    ),
  );
});
