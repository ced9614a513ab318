/**
 * The basket. It belongs to the shop and not to Vitrine, and lasts as long as the tab.
 *
 * @module
 */

const KEY = 'basket';

/** How many of each product, by id. */
export class Basket {
  readonly #lines: Map<string, number>;
  readonly #listeners = new Set<() => void>();

  constructor() {
    let stored: unknown;
    try {
      stored = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
    } catch {
      stored = [];
    }
    this.#lines = new Map(Array.isArray(stored) ? (stored as [string, number][]) : []);
  }

  lines(): [string, number][] {
    return [...this.#lines];
  }

  count(): number {
    return [...this.#lines.values()].reduce((sum, quantity) => sum + quantity, 0);
  }

  add(id: string): void {
    this.set(id, (this.#lines.get(id) ?? 0) + 1);
  }

  set(id: string, quantity: number): void {
    if (quantity > 0) this.#lines.set(id, Math.min(quantity, 99));
    else this.#lines.delete(id);
    this.#changed();
  }

  clear(): void {
    this.#lines.clear();
    this.#changed();
  }

  subscribe(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #changed(): void {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.lines()));
    } catch {
      // Without storage the basket lasts as long as the page.
    }
    for (const listener of this.#listeners) listener();
  }
}
