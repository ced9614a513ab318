/**
 * `<vitrine-shelf>`: a row of items that arranges itself, for pages without a framework.
 *
 * ```html
 * <vitrine-shelf label="For you" n="8">
 *   <template><a data-vitrine="href:url text:title"></a></template>
 *   <script type="application/json">[{ "id": "mug", "title": "Mug", "url": "/mug" }]</script>
 * </vitrine-shelf>
 * ```
 *
 * Its items are either written by the page, as elements with `data-item`, which are put in
 * order where they stand, also those that come later; or made from the `<template>`. Everything is
 * in the page's own tree, so the page's styles hold. Nothing is parsed as HTML, so it works under
 * Trusted Types.
 *
 * Importing this does nothing; `defineVitrineShelf` does.
 *
 * @module
 */

import { arrange, cardsOf, itemOf, ownOf, rowOf } from './cards.js';
import { follow } from './following.js';
import { type Id, idOf } from './ids.js';
import { fill } from './template.js';
import type { Outcome, Vitrine } from './types.js';
import { warnOnce } from './warning.js';

/** An item with whatever the template shows of it. */
export interface ShelfItem {
  /** The shop's item id; another field where the shelf has `getId`. */
  id?: Id;
  /** What a template's `data-vitrine` may name. */
  [field: string]: unknown;
}

/** What `vitrine-arranged` tells, after each arrangement. */
export interface ShelfArrangement extends Outcome {
  /** The ids that are shown, in their order. */
  ids: string[];
}

/** The element. */
export interface VitrineShelf extends HTMLElement {
  /** The items to be ranked. Default: the JSON inside the element, or what the page wrote. */
  items: readonly ShelfItem[];
  /**
   * Gives an item of the catalogue by its id. With it, the shelf shows recommendations of the
   * whole catalogue, and `items` only while there are none. Default: none.
   */
  lookup: ((id: string) => ShelfItem | undefined) | undefined;
  /** Gives an item's id. Default: its `id`. */
  getId: ((item: ShelfItem) => Id) | undefined;
}

/** An item and the id by which its card is found. */
interface Entry {
  id: string;
  item: ShelfItem;
}

interface Answer {
  outcome: Outcome;
  entries: readonly Entry[];
}

const PROPERTIES = ['items', 'lookup', 'getId'] as const;

/**
 * Makes `<vitrine-shelf>` known to the page, over one instance. On a server, and where the name
 * is taken, it does nothing.
 */
export function defineVitrineShelf(vitrine: Vitrine, name = 'vitrine-shelf'): void {
  if (typeof customElements === 'undefined' || customElements.get(name) !== undefined) return;
  customElements.define(
    name,
    class extends HTMLElement implements VitrineShelf {
      static readonly observedAttributes = ['n', 'exclude', 'label'];
      #items: readonly ShelfItem[] | undefined;
      #lookup: VitrineShelf['lookup'];
      #getId: VitrineShelf['getId'];
      /** The parent of what is moved; `undefined` where nothing can be. */
      #list: Element | undefined;
      /** The cards, and the child of the list that each stands in; in their first order. */
      #movers = new Map<Element, Element>();
      /** The ids of the cards that the page shows. */
      #seen = new Map<Element, string>();
      /** Cards that were made from the template. */
      readonly #made = new Set<Element>();
      readonly #observer = new MutationObserver(() => this.#look());
      #end: (() => void) | undefined;
      #arranged = false;
      #renewing = false;
      /** Set while the list's `tabindex` is the shelf's. */
      #scrolls = false;
      /** An arrangement that waits until the visitor has left the list. */
      #held: Answer | undefined;

      get items(): readonly ShelfItem[] {
        const written = [...this.#movers.keys()].filter((card) => !this.#made.has(card));
        return this.#items ?? this.#written() ?? written.map(asItem);
      }

      set items(items: readonly ShelfItem[]) {
        this.#items = Array.isArray(items) ? items : undefined;
        this.#renew();
      }

      get lookup(): VitrineShelf['lookup'] {
        return this.#lookup;
      }

      set lookup(lookup: VitrineShelf['lookup']) {
        this.#lookup = lookup;
        this.#renew();
      }

      get getId(): VitrineShelf['getId'] {
        return this.#getId;
      }

      set getId(getId: VitrineShelf['getId']) {
        this.#getId = getId;
        this.#renew();
      }

      connectedCallback(): void {
        // What stands inside may not be parsed yet.
        if (document.readyState !== 'loading') return this.#start();
        document.addEventListener('DOMContentLoaded', () => this.#start(), { once: true });
      }

      disconnectedCallback(): void {
        this.#observer.disconnect();
        this.#end?.();
        this.#end = undefined;
      }

      attributeChangedCallback(): void {
        this.#restart();
      }

      /** What was made from the template may show what an item no longer is. */
      #renew(): void {
        // Properties that are set one after the other belong together.
        if (!this.#renewing) queueMicrotask(() => this.#remake());
        this.#renewing = true;
      }

      #remake(): void {
        if (!this.#renewing) return;
        this.#renewing = false;
        for (const one of this.#made) {
          one.remove();
          this.#movers.delete(one);
        }
        this.#made.clear();
        this.#arranged = false;
        this.#restart();
      }

      #restart(): void {
        if (this.#end === undefined) return;
        this.#end();
        this.#end = undefined;
        this.#held = undefined;
        this.#start();
      }

      #start(): void {
        if (!this.isConnected || this.#end !== undefined) return;
        this.#takeProperties();
        this.#renewing = false;
        this.#find();
        const label = this.getAttribute('label');
        if (label !== null) {
          this.setAttribute('role', 'region');
          this.setAttribute('aria-label', label);
        }
        this.#list?.setAttribute('aria-busy', 'true');
        // Until the model answers, the shop's order stands.
        if (!this.#arranged) this.#show(this.#first(this.#entries()));
        this.#observer.observe(this, {
          childList: true,
          subtree: true,
          attributeFilter: ['data-item'],
        });
        this.#end = follow(
          vitrine,
          (signal) => this.#ask(signal),
          (answer) => this.#arrange(answer),
        );
      }

      /** Properties that were set before the element was known. */
      #takeProperties(): void {
        for (const name of PROPERTIES) {
          if (!Object.prototype.hasOwnProperty.call(this, name)) continue;
          const value: unknown = this[name];
          delete (this as Partial<VitrineShelf>)[name];
          Object.assign(this, { [name]: value });
        }
      }

      /** Begins anew when the page has added, removed or exchanged a card. */
      #look(): void {
        const cards = cardsOf(this);
        const same =
          cards.length === this.#seen.size &&
          cards.every((card) => this.#seen.get(card) === itemOf(card));
        if (!same) this.#restart();
      }

      /** Finds the cards, and in which list they stand. */
      #find(): void {
        const cards = cardsOf(this);
        // Cards that the shelf took out may return, unless the page has put others in their place.
        const replaced = this.#seen.size > 0 && !cards.some((card) => this.#seen.has(card));
        const parked = [...this.#movers].filter(
          ([card, mover]) => !replaced && !mover.isConnected && !this.#seen.has(card),
        );
        const row = rowOf(cards, this.#list);
        if (row?.list !== this.#list) this.#leave();
        if (row) {
          this.#list = row.list;
          this.#movers = ordered(this.#movers, new Map([...row.movers, ...parked]));
        } else if (cards.length > 0) {
          this.#movers = new Map(cards.map((card) => [card, card]));
          this.#warn(
            'the items are not side by side, so none is moved. Each needs an element of its own, all of them in one parent; lists that stand apart need a shelf each.',
          );
        } else if (parked.length === 0 && this.#template) {
          this.#list = this.#emptyList();
          this.#movers = new Map();
        }
        this.#note();
      }

      /** Gives up the list that the cards stood in. */
      #leave(): void {
        this.#list?.removeAttribute('aria-busy');
        if (this.#scrolls) this.#list?.removeAttribute('tabindex');
        this.#scrolls = false;
        this.#list = undefined;
      }

      /** The list that the template's items go into: one of the page's that has nothing in it. */
      #emptyList(): Element {
        const own = ownOf(this, 'ul, ol').find((list) =>
          [...list.children].every(({ localName }) => ['template', 'script'].includes(localName)),
        );
        if (own) return own;
        const made = document.createElement('ul');
        // A list without bullets is no list for VoiceOver, unless it says so.
        made.setAttribute('role', 'list');
        this.append(made);
        return made;
      }

      get #template(): HTMLTemplateElement | undefined {
        return ownOf<HTMLTemplateElement>(this, 'template')[0];
      }

      /** The JSON that stands in the shelf. */
      #written(): readonly ShelfItem[] | undefined {
        const json = ownOf(this, 'script[type="application/json"]')[0]?.textContent;
        if (!json) return undefined;
        try {
          const items: unknown = JSON.parse(json);
          if (Array.isArray(items)) return items as ShelfItem[];
          this.#warn('the JSON inside is no list of items, and is not used.');
        } catch (error) {
          this.#warn(`the JSON inside cannot be read: ${String(error)}`);
        }
        return undefined;
      }

      /** The items to be ranked; a card that they do not name is one of them too. */
      #entries(): Entry[] {
        const items = this.items;
        const entries: Entry[] = [];
        for (const item of items) {
          const id = this.#idOf(item);
          if (id !== undefined) entries.push({ id, item });
        }
        const nameless = items.length - entries.length;
        if (nameless > 0) {
          this.#warn(
            `${nameless} of ${items.length} items have no id, and are not shown: an id is a string or a number in 'id', or where the shelf's 'getId' finds it.`,
          );
        }
        const named = new Set(entries.map(({ id }) => id));
        for (const card of this.#movers.keys()) {
          const id = itemOf(card);
          // Of what was recommended before, only what is shown still counts.
          const gone = this.#made.has(card) && !this.#seen.has(card);
          if (!named.has(id) && !gone) entries.push({ id, item: asItem(card) });
        }
        const exclude = words(this.getAttribute('exclude'));
        return entries.filter(({ id }) => !exclude.includes(id));
      }

      #idOf(item: ShelfItem): string | undefined {
        try {
          return idOf(item, this.#getId);
        } catch {
          return undefined;
        }
      }

      async #ask(signal: AbortSignal): Promise<Answer> {
        if (this.#lookup !== undefined) {
          const n = this.#n ?? 10;
          const exclude = words(this.getAttribute('exclude'));
          const { items, ...outcome } = await vitrine.recommend({ n, exclude, signal });
          const entries = items.flatMap(({ id }) => this.#lookedUp(id));
          if (entries.length > 0) return { outcome, entries };
          if (items.length > 0) {
            this.#warn(
              `none of the ${items.length} recommended items can be shown, the first is '${items[0]?.id}'. 'lookup' is given ids as strings and returns an item for a template.`,
            );
          }
        }
        const entries = this.#entries();
        const { items, scores: _, ...outcome } = await vitrine.rank(entries, { signal });
        return { outcome, entries: this.#first(items) };
      }

      /** A recommended item, if the page knows it and can show it. */
      #lookedUp(id: string): Entry[] {
        try {
          const item = this.#lookup?.(id);
          const shown = item && (this.#template ?? this.#cardOf(id));
          return shown ? [{ id, item }] : [];
        } catch (error) {
          this.#warn(`'lookup' failed: ${String(error)}`);
          return [];
        }
      }

      #cardOf(id: string): Element | undefined {
        return [...this.#movers.keys()].find((card) => itemOf(card) === id);
      }

      #arrange(answer: Answer): void {
        const list = this.#list;
        list?.removeAttribute('aria-busy');
        // Nothing moves under the focus of a visitor.
        if (list?.contains(document.activeElement) && document.activeElement !== list) {
          const waits = this.#held !== undefined;
          this.#held = answer;
          if (!waits) this.addEventListener('focusout', () => this.#release(), { once: true });
          return;
        }
        this.#show(answer.entries);
        this.#arranged = true;
        const apart = list === undefined && this.#movers.size > 0;
        const outcome: Outcome = apart ? { status: 'fallback', reason: 'failed' } : answer.outcome;
        this.setAttribute('status', outcome.status);
        const detail: ShelfArrangement = { ...outcome, ids: cardsOf(this).map(itemOf) };
        this.dispatchEvent(new CustomEvent('vitrine-arranged', { detail, bubbles: true }));
      }

      /** The focus may only have gone to the next item: that is known a task later. */
      #release(): void {
        setTimeout(() => {
          const held = this.#held;
          this.#held = undefined;
          if (held !== undefined && this.#end !== undefined) this.#arrange(held);
        });
      }

      #show(entries: readonly Entry[]): void {
        const list = this.#list;
        if (list === undefined) return;
        // Two cards may be of one item.
        const free = new Map<string, Element[]>();
        for (const card of this.#movers.keys()) {
          const id = itemOf(card);
          free.set(id, [...(free.get(id) ?? []), card]);
        }
        const wanted: Element[] = [];
        for (const { id, item } of entries) {
          const card = free.get(id)?.shift() ?? this.#make(id, item);
          const mover = card && this.#movers.get(card);
          if (mover) wanted.push(mover);
        }
        const without = entries.length - wanted.length;
        if (without > 0) {
          this.#warn(
            `${without} of ${entries.length} items have neither an element with their id in 'data-item' nor a template, and are not shown.`,
          );
        }
        arrange(list, new Set(this.#movers.values()), wanted);
        this.#note();
        // A row that scrolls must be reachable by keyboard.
        const scrolls = list.scrollWidth > list.clientWidth + 1;
        if (scrolls && !list.hasAttribute('tabindex')) {
          list.setAttribute('tabindex', '0');
          this.#scrolls = true;
        } else if (!scrolls && this.#scrolls) {
          list.removeAttribute('tabindex');
          this.#scrolls = false;
        }
      }

      /** Notes which cards stand in the page, to tell the page's changes from the shelf's own. */
      #note(): void {
        this.#seen = new Map(cardsOf(this).map((card) => [card, itemOf(card)]));
      }

      #make(id: string, item: ShelfItem): Element | undefined {
        const template = this.#template;
        if (template === undefined) return undefined;
        const content = fill(template, item);
        const only = content.children.length === 1 ? content.firstElementChild : null;
        const made = only?.localName === 'li' ? only : document.createElement('li');
        if (made !== only) made.append(content);
        made.setAttribute('data-item', id);
        this.#made.add(made);
        this.#movers.set(made, made);
        return made;
      }

      #warn(message: string): void {
        const label = this.getAttribute('label');
        warnOnce(`<${this.localName}${label ? ` label="${label}"` : ''}>: ${message}`);
      }

      get #n(): number | undefined {
        const n = Number(this.getAttribute('n') ?? NaN);
        return Number.isFinite(n) && n >= 0 ? Math.floor(n) : undefined;
      }

      #first<T>(items: readonly T[]): readonly T[] {
        return items.slice(0, this.#n);
      }
    },
  );
}

function asItem(card: Element): ShelfItem {
  return { id: itemOf(card) };
}

/** `movers`, in the order of those that were known, with new ones behind. */
function ordered(
  known: ReadonlyMap<Element, Element>,
  movers: ReadonlyMap<Element, Element>,
): Map<Element, Element> {
  return new Map([...[...known].filter(([card]) => movers.has(card)), ...movers]);
}

function words(text: string | null): string[] {
  return (text ?? '').split(/\s+/).filter(Boolean);
}
