/**
 * What every part of the shop shares.
 *
 * @module
 */

import type { Explanation, Vitrine } from 'vitrine';
import type { Basket } from './basket.js';
import type { Catalogue, Product } from './catalogue.js';

/** Whose order the lists have. */
export type Order = 'vitrine' | 'shop';

/** The shop. */
export class App {
  readonly catalogue: Catalogue;
  readonly vitrine: Vitrine;
  readonly basket: Basket;
  /** Nonces of the reports that the visitor has held back. */
  readonly heldBack: Set<string>;
  #order: Order;
  readonly #listeners = new Set<() => void>();

  constructor(catalogue: Catalogue, vitrine: Vitrine, basket: Basket, heldBack: Set<string>) {
    this.catalogue = catalogue;
    this.vitrine = vitrine;
    this.basket = basket;
    this.heldBack = heldBack;
    this.#order = read('order') === 'shop' ? 'shop' : 'vitrine';
  }

  get order(): Order {
    return this.#order;
  }

  set order(order: Order) {
    this.#order = order;
    write('order', order);
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` when the order was switched. */
  onOrder(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A list in the order that is switched on. */
  async arranged(products: readonly Product[]): Promise<Product[]> {
    if (this.#order === 'shop') return [...products];
    return (await this.vitrine.rank(products)).items;
  }

  /** The best `n` for this visitor, or the best sellers in the shop's order. */
  async chosen(n: number, exclude: readonly string[]): Promise<Product[]> {
    if (this.#order === 'vitrine') {
      const { status, items } = await this.vitrine.recommend({ n, exclude, filter: {} });
      if (status === 'ranked') {
        return items.map((item) => this.catalogue.get(item.id)).filter((p) => p !== undefined);
      }
    }
    const out = new Set(exclude);
    return this.catalogue.products.filter((product) => !out.has(product.id)).slice(0, n);
  }

  /** Why a product stands where it stands, in a few words. */
  because(explanation: Explanation | undefined): string {
    const first = explanation?.because[0];
    const named = first && this.catalogue.get(first.item)?.title;
    if (this.#order === 'shop' || first === undefined || named === undefined) return '';
    if (first.item === explanation?.item) return 'because you were here before';
    const did = { view: 'you looked at', add_to_cart: 'your basket has', buy: 'you bought' };
    return `because ${did[first.action]} ${named}`;
  }
}

/** Something small that this shop remembers, or `undefined`. */
export function read(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Remembers something small, where that is possible. */
export function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Then it is not remembered.
  }
}
