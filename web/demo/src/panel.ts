/**
 * "What this page knows about you, and why it shows this."
 *
 * Everything here is read from Vitrine itself: nothing is kept for this panel.
 *
 * @module
 */

import type { Action, Cell, Explanation, Inspection, Report } from 'vitrine';
import type { App } from './app.js';
import { linkTo, picture } from './card.js';
import { type Child, h, icon, ICONS } from './dom.js';
import { soon } from './router.js';

/** The terms of a score, in the words of this panel. */
const TERMS = [
  ['neighbours', 'goes with what you looked at'],
  ['encoder', 'fits your visit as a whole'],
  ['repeat', 'you were here before'],
  ['popularity', 'liked by many'],
] as const;
const EXPLAINED = 5;
const DID: Record<Action, string> = {
  view: 'Looked at',
  add_to_cart: 'Put in the basket',
  buy: 'Bought',
};

/** Makes the panel and the button that opens it. */
export function panel(app: App): { element: HTMLElement; button: HTMLButtonElement } {
  const body = h('div', { class: 'panel-body' });
  const close = h(
    'button',
    { class: 'plain', type: 'button', 'aria-label': 'Close' },
    icon(...ICONS.close),
  );
  const element = h(
    'aside',
    {
      class: 'panel',
      id: 'why',
      'data-testid': 'why',
      'aria-labelledby': 'why-title',
      inert: true,
    },
    h(
      'div',
      { class: 'panel-head' },
      h(
        'h2',
        { id: 'why-title', tabindex: -1 },
        'What this page knows about you, and why it shows this',
      ),
      close,
    ),
    body,
  );
  const button = h(
    'button',
    {
      class: 'plain labelled',
      type: 'button',
      'aria-expanded': 'false',
      'aria-controls': 'why',
      'data-testid': 'why-open',
    },
    icon(...ICONS.eye),
    h('span', {}, 'Why this?'),
  );
  const toggle = (open: boolean) => {
    document.documentElement.classList.toggle('panel-open', open);
    button.setAttribute('aria-expanded', String(open));
    element.inert = !open;
    if (open) (element.querySelector('h2') as HTMLElement).focus();
    else button.focus();
  };
  button.addEventListener('click', () => toggle(element.inert));
  close.addEventListener('click', () => toggle(false));
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') toggle(false);
  });

  let turn = 0;
  const fill = async () => {
    turn += 1;
    const mine = turn;
    const known = await app.vitrine.inspect();
    const top = await app.chosen(EXPLAINED, []);
    const why = await Promise.all(top.map((product) => app.vitrine.explain(product.id)));
    if (mine !== turn) return;
    // A control that has the focus keeps it.
    const focused = document.activeElement?.getAttribute('data-testid');
    body.replaceChildren(
      knownAbout(app, known),
      whyShown(
        app,
        why.filter((explanation) => explanation !== undefined),
      ),
      leaves(app, known),
      model(known),
      erase(app),
    );
    if (focused && element.contains(document.activeElement) === false && !element.inert) {
      (body.querySelector(`[data-testid="${focused}"]`) as HTMLElement | null)?.focus();
    }
  };
  const later = soon(() => void fill());
  app.vitrine.subscribe(later);
  app.onOrder(later);
  later();
  return { element, button };
}

function section(title: string, ...children: Child[]): HTMLElement {
  return h('section', {}, h('h3', {}, title), ...children);
}

function knownAbout(app: App, known: Inspection): HTMLElement {
  const events = [...known.session].reverse();
  const where = { indexeddb: 'in this browser', memory: 'in this page’s memory' }[known.storage];
  if (events.length === 0) {
    return section('Your visit', h('p', { class: 'muted' }, 'Nothing yet. Look at something.'));
  }
  return section(
    'Your visit',
    h(
      'p',
      { class: 'muted' },
      `Kept ${known.consent.ranking === 'granted' ? where : 'in this page’s memory'}, for half an hour after the last click. No server has it.`,
    ),
    h(
      'ol',
      { class: 'events', 'data-testid': 'session' },
      events.map(({ item, action }) => {
        const product = app.catalogue.get(item);
        return h(
          'li',
          { 'data-item': item, 'data-action': action },
          product && picture(product),
          h(
            'span',
            {},
            h('small', {}, DID[action]),
            product ? h('a', { href: linkTo(product) }, product.title) : item,
          ),
        );
      }),
    ),
  );
}

function whyShown(app: App, explanations: readonly Explanation[]): HTMLElement {
  if (app.order === 'shop') {
    return section(
      'Why these come first',
      h(
        'p',
        { class: 'muted' },
        'The shop’s own order is switched on: best sellers come first, whoever looks.',
      ),
    );
  }
  if (explanations.length === 0) {
    return section(
      'Why these come first',
      h(
        'p',
        { class: 'muted' },
        'The model is not here, so the shop’s own order is shown: best sellers first.',
      ),
    );
  }
  const parts = (e: Explanation) => TERMS.map(([term]) => Math.max(0, e.terms[term]));
  const most = Math.max(...explanations.map((e) => parts(e).reduce((a, b) => a + b, 0)), 1e-9);
  return section(
    'Why these come first',
    h(
      'ul',
      { class: 'legend' },
      TERMS.map(([term, words]) => h('li', { class: term }, words)),
    ),
    h(
      'ol',
      { class: 'explained', 'data-testid': 'explanations' },
      explanations.map((explanation) => {
        const product = app.catalogue.get(explanation.item);
        const because = explanation.because.slice(0, 3);
        return h(
          'li',
          { 'data-item': explanation.item, 'data-because': because.map((b) => b.item).join(' ') },
          product && picture(product),
          h(
            'div',
            {},
            product ? h('a', { href: linkTo(product) }, product.title) : explanation.item,
            bar(parts(explanation), most),
            because.length > 0
              ? h(
                  'small',
                  {},
                  'Because of ',
                  because.map((b, at) => [
                    at > 0 && ', ',
                    h('em', {}, app.catalogue.get(b.item)?.title ?? b.item),
                  ]),
                )
              : h('small', {}, 'Popular; nothing of your visit led here'),
          ),
        );
      }),
    ),
  );
}

function bar(parts: readonly number[], most: number): HTMLElement {
  const words = TERMS.map(([, name], at) => `${name}: ${share(parts[at] ?? 0, parts)}`);
  const element = h('div', { class: 'bar', role: 'img', 'aria-label': words.join('; ') });
  TERMS.forEach(([term], at) => {
    const piece = h('span', { class: term });
    piece.style.width = `${(100 * (parts[at] ?? 0)) / most}%`;
    element.append(piece);
  });
  return element;
}

function share(part: number, parts: readonly number[]): string {
  const sum = parts.reduce((a, b) => a + b, 0);
  return `${Math.round((100 * part) / (sum || 1))} %`;
}

function leaves(app: App, known: Inspection): HTMLElement {
  const { consent, globalPrivacyControl, budget, reports, bundle } = known;
  const days = Math.round((bundle?.windowSeconds ?? 604_800) / 86_400);
  const choice = (name: 'ranking' | 'upload', title: string, words: string, disabled = false) => {
    const id = `consent-${name}`;
    // The one that is there stays: it may be under the visitor's finger.
    const kept = document.getElementById(id) as HTMLInputElement | null;
    const box: HTMLInputElement =
      kept ??
      h('input', {
        type: 'checkbox',
        role: 'switch',
        id,
        'data-testid': id,
        'aria-describedby': `${id}-words`,
        onchange: () => app.vitrine.consent({ [name]: box.checked ? 'granted' : 'denied' }),
      });
    box.checked = consent[name] === 'granted' && !disabled;
    box.disabled = disabled;
    return h(
      'div',
      { class: 'switch' },
      box,
      h('label', { for: id }, title),
      h('p', { class: 'muted', id: `${id}-words` }, words),
    );
  };
  const spent = budget && Object.values(budget.spent).reduce((a, b) => a + b, 0);
  const allowed = budget && Object.values(budget.allowed).reduce((a, b) => a + b, 0);
  return section(
    'What may leave this device',
    choice(
      'ranking',
      'Arrange the shop in this browser',
      'Remembers your visit on this device. Nothing is sent for it.',
    ),
    choice(
      'upload',
      'Send a few single counts',
      globalPrivacyControl
        ? 'Your browser says “do not share” (Global Privacy Control), so nothing is sent.'
        : 'Such as “somebody went from this to that”: one per request, without a name, a cookie or a time.',
      globalPrivacyControl,
    ),
    spent !== undefined &&
      allowed !== undefined &&
      h(
        'div',
        { class: 'budget', 'data-testid': 'budget', 'data-spent': spent, 'data-allowed': allowed },
        h(
          'p',
          {},
          h('strong', {}, `${allowed - spent} of ${allowed}`),
          ` counts left for these ${days} days`,
        ),
        h(
          'div',
          { class: 'pips', 'aria-hidden': 'true' },
          Array.from({ length: allowed }, (_, at) =>
            h('span', { class: at < spent ? 'spent' : '' }),
          ),
        ),
      ),
    reports.length > 0 &&
      h(
        'ul',
        { class: 'reports', 'data-testid': 'reports' },
        [...reports].reverse().map(({ report, state }) =>
          h(
            'li',
            { 'data-state': state },
            h('span', {}, inWords(app, report.cell)),
            h('small', {}, app.heldBack.has(report.nonce) ? STATES.vetoed : STATES[state]),
            state === 'queued' && !app.heldBack.has(report.nonce) && holdBack(app, report),
            // All of it: this is the body of its request, to the byte.
            h('code', {}, JSON.stringify(report)),
          ),
        ),
      ),
  );
}

function holdBack(app: App, { nonce }: Report): HTMLElement {
  return h(
    'button',
    {
      type: 'button',
      class: 'plain',
      onclick: ({ currentTarget }: Event) => {
        app.heldBack.add(nonce);
        (currentTarget as HTMLElement).replaceWith(STATES.vetoed);
      },
    },
    'Hold it back',
  );
}

const STATES = { queued: 'waits', sent: 'sent', dropped: 'dropped', vetoed: 'held back' };

function inWords(app: App, cell: Cell): string {
  const name = (id: string) => app.catalogue.get(id)?.title ?? id;
  switch (cell.table) {
    case 'transition':
      return `Somebody went from ${name(cell.from)} to ${name(cell.to)}`;
    case 'item':
      return `${name(cell.item)}: somebody ${{ view: 'looked', add_to_cart: 'wants it', buy: 'bought it' }[cell.action]}`;
    case 'impression':
      return `${name(cell.item)} was shown at place ${cell.position} and ${cell.clicked ? 'clicked' : 'not clicked'}`;
    case 'metric':
      return `Somebody clicked at place ${cell.rank} of the ${cell.arm} order`;
  }
}

function model({ bundle, encoder }: Inspection): HTMLElement {
  if (bundle === undefined) {
    return section(
      'The model',
      h(
        'p',
        { class: 'muted', 'data-testid': 'model-version', 'data-version': '' },
        'There is none here now; the shop’s own order is shown.',
      ),
    );
  }
  const size =
    bundle.bytes < 1e6
      ? `${Math.round(bundle.bytes / 1e3)} kB`
      : `${(bundle.bytes / 1e6).toFixed(1)} MB`;
  const row = (term: string, ...words: Child[]) =>
    h('div', {}, h('dt', {}, term), h('dd', {}, ...words));
  return section(
    'The model',
    h(
      'dl',
      { class: 'facts' },
      row(
        'Version',
        h(
          'span',
          { 'data-testid': 'model-version', 'data-version': bundle.version },
          String(bundle.version),
        ),
      ),
      row('Made', bundle.created.toLocaleDateString(undefined, { dateStyle: 'medium' })),
      row(
        'Trained from',
        `${bundle.sessions.toLocaleString()} visits`,
        bundle.releasedCells > 0 &&
          ` and ${bundle.releasedCells.toLocaleString()} counts from browsers`,
      ),
      row('Knows', `${bundle.items.toLocaleString()} items, ${size}`),
      row(
        'Session encoder',
        { off: 'none', loading: 'on its way', ready: 'at work', failed: 'did not start' }[encoder],
      ),
    ),
  );
}

function erase(app: App): HTMLElement {
  return h(
    'section',
    { class: 'erase' },
    h(
      'button',
      {
        class: 'button quiet wide',
        type: 'button',
        'data-testid': 'erase',
        onclick: () => void app.vitrine.forget(),
      },
      'Erase all of this',
    ),
    h(
      'p',
      { class: 'muted' },
      'Your visit, your answers and what waits to be sent. The shop goes on without it.',
    ),
  );
}
