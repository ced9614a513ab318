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
 * What it shows is either written by the server, as elements with `data-item`, which are put in
 * order where they stand; or made from the `<template>`. Everything is in the page's own tree, so
 * the page's styles hold. Nothing is parsed as HTML, so it works under Trusted Types.
 *
 * Importing this does nothing; `defineVitrineShelf` does.
 *
 * @module
 */

import { follow } from './following.js';
import { fill } from './template.js';
import type { Outcome, Vitrine } from './types.js';

/** An item with whatever the template shows of it. */
export interface ShelfItem {
  /** The shop's item id. */
  id: string;
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
  /** The items to be ranked. Default: the JSON inside the element, or what the server wrote. */
  items: readonly ShelfItem[];
  /**
   * Gives an item of the catalogue by its id. With it, the shelf shows recommendations of the
   * whole catalogue, and `items` only while there are none. Default: none.
   */
  lookup: ((id: string) => ShelfItem | undefined) | undefined;
}

interface Answer {
  outcome: Outcome;
  items: readonly ShelfItem[];
}

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
      #list: Element | undefined;
      readonly #shown = new Map<string, Element>();
      #end: (() => void) | undefined;
      #arranged = false;
      /** An arrangement that waits until the visitor has left the list. */
      #held: Answer | undefined;

      get items(): readonly ShelfItem[] {
        return this.#items ?? [];
      }

      set items(items: readonly ShelfItem[]) {
        this.#items = items;
        this.#renew();
      }

      get lookup(): VitrineShelf['lookup'] {
        return this.#lookup;
      }

      set lookup(lookup: VitrineShelf['lookup']) {
        this.#lookup = lookup;
        this.#renew();
      }

      connectedCallback(): void {
        // What stands inside may not be parsed yet.
        if (document.readyState !== 'loading') return this.#start();
        document.addEventListener('DOMContentLoaded', () => this.#start(), { once: true });
      }

      disconnectedCallback(): void {
        this.#end?.();
        this.#end = undefined;
      }

      attributeChangedCallback(): void {
        this.#restart();
      }

      /** What was made from the template may show what an item no longer is. */
      #renew(): void {
        if (this.querySelector('template') !== null) {
          for (const one of this.#shown.values()) one.remove();
          this.#shown.clear();
        }
        this.#arranged = false;
        this.#restart();
      }

      #restart(): void {
        if (this.#end === undefined) return;
        this.#end();
        this.#end = undefined;
        this.#start();
      }

      #start(): void {
        if (!this.isConnected || this.#end !== undefined) return;
        this.#takeProperties();
        const list = (this.#list ??= this.#findList());
        const label = this.getAttribute('label');
        if (label !== null) {
          this.setAttribute('role', 'region');
          this.setAttribute('aria-label', label);
        }
        list.setAttribute('aria-busy', 'true');
        // Until the model answers, the shop's order stands.
        if (!this.#arranged) this.#show(this.#first(this.items));
        this.#end = follow(
          vitrine,
          (signal) => this.#ask(signal),
          (answer) => this.#arrange(answer),
        );
      }

      /** Properties that were set before the element was known. */
      #takeProperties(): void {
        for (const name of ['items', 'lookup'] as const) {
          if (!Object.prototype.hasOwnProperty.call(this, name)) continue;
          const value: unknown = this[name];
          delete (this as Partial<VitrineShelf>)[name];
          Object.assign(this, { [name]: value });
        }
      }

      #findList(): Element {
        const written = [...this.querySelectorAll('[data-item]')];
        const data = this.querySelector('script[type="application/json"]')?.textContent;
        this.#items ??= data ? parsed(data) : written.map((one) => ({ id: itemOf(one) }));
        for (const one of written) this.#shown.set(itemOf(one), one);
        const found = written[0]?.parentElement ?? this.querySelector('ul, ol');
        if (found) return found;
        const made = document.createElement('ul');
        // A list without bullets is no list for VoiceOver, unless it says so.
        made.setAttribute('role', 'list');
        this.append(made);
        return made;
      }

      async #ask(signal: AbortSignal): Promise<Answer> {
        const exclude = words(this.getAttribute('exclude'));
        const lookup = this.#lookup;
        if (lookup !== undefined) {
          const n = this.#n ?? 10;
          const { items, ...outcome } = await vitrine.recommend({ n, exclude, signal });
          const found = items.map(({ id }) => lookup(id)).filter((item) => item !== undefined);
          if (found.length > 0) return { outcome, items: found };
        }
        const wanted = this.items.filter(({ id }) => !exclude.includes(id));
        const { items, scores: _, ...outcome } = await vitrine.rank(wanted, { signal });
        return { outcome, items: this.#first(items) };
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
        this.#show(answer.items);
        this.#arranged = true;
        this.setAttribute('status', answer.outcome.status);
        const detail: ShelfArrangement = {
          ...answer.outcome,
          ids: answer.items.map(({ id }) => id),
        };
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

      #show(items: readonly ShelfItem[]): void {
        const list = this.#list;
        if (list === undefined) return;
        const wanted = items
          .map((item) => this.#elementOf(item))
          .filter((one) => one !== undefined);
        const kept = new Set(wanted);
        for (const one of this.#shown.values()) if (!kept.has(one)) one.remove();
        // An element that stands where it should is not touched.
        wanted.forEach((one, place) => {
          const there = list.querySelectorAll(':scope > [data-item]')[place];
          if (there !== one) list.insertBefore(one, there ?? null);
        });
        // A row that scrolls must be reachable by keyboard.
        if (list.scrollWidth > list.clientWidth + 1) list.setAttribute('tabindex', '0');
        else list.removeAttribute('tabindex');
      }

      #elementOf(item: ShelfItem): Element | undefined {
        const known = this.#shown.get(item.id);
        const template = this.querySelector('template');
        if (known !== undefined || template === null) return known;
        const content = fill(template, item);
        const only = content.children.length === 1 ? content.firstElementChild : null;
        const made = only?.localName === 'li' ? only : document.createElement('li');
        if (made !== only) made.append(content);
        made.setAttribute('data-item', item.id);
        this.#shown.set(item.id, made);
        return made;
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

function itemOf(element: Element): string {
  return element.getAttribute('data-item') ?? '';
}

function words(text: string | null): string[] {
  return (text ?? '').split(/\s+/).filter(Boolean);
}

function parsed(json: string): ShelfItem[] {
  try {
    const items: unknown = JSON.parse(json);
    return Array.isArray(items) ? items.filter((item) => typeof item?.id === 'string') : [];
  } catch {
    return [];
  }
}
