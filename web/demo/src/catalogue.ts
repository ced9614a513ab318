/**
 * What the shop sells: `catalogue.json`, made beside the bundle.
 *
 * @module
 */

/** One product. */
export interface Product {
  id: string;
  title: string;
  category: string;
  /** In the shop's currency; `null` when it is not known. */
  price: number | null;
  in_stock: boolean;
  popularity: number;
}

interface File {
  name: string;
  synthetic: boolean;
  currency: string;
  items: Product[];
}

const OTHER = 'Everything else';

/** The products, findable. */
export class Catalogue {
  readonly name: string;
  readonly synthetic: boolean;
  /** All products in the shop's own order: the best sellers first. */
  readonly products: readonly Product[];
  /** Names of the categories, the largest first. */
  readonly categories: readonly string[];
  readonly #byId: Map<string, Product>;
  readonly #price: Intl.NumberFormat;

  constructor(file: File) {
    this.name = file.name;
    this.synthetic = file.synthetic;
    const products = file.items.map((item) => ({
      ...item,
      title: readable(item.title || `Item ${item.id}`),
      category: readable(item.category || OTHER),
    }));
    products.sort((a, b) => b.popularity - a.popularity);
    this.products = products;
    this.#byId = new Map(products.map((product) => [product.id, product]));
    const sizes = new Map<string, number>();
    for (const { category } of products) sizes.set(category, (sizes.get(category) ?? 0) + 1);
    const rest = (category: string) => Number(category === OTHER);
    this.categories = [...sizes.keys()].sort(
      (a, b) => rest(a) - rest(b) || (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0),
    );
    this.#price = new Intl.NumberFormat(navigator.language, {
      style: 'currency',
      currency: file.currency,
    });
  }

  static async load(url: string): Promise<Catalogue> {
    const response = await fetch(url, { credentials: 'omit' });
    if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
    return new Catalogue((await response.json()) as File);
  }

  get(id: string): Product | undefined {
    return this.#byId.get(id);
  }

  /** The products of a category, in the shop's order. */
  in(category: string): Product[] {
    return this.products.filter((product) => product.category === category);
  }

  /** The products whose title or category has every word of `query`. */
  search(query: string): Product[] {
    const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    return this.products.filter((product) => {
      const text = `${product.title} ${product.category}`.toLocaleLowerCase();
      return words.every((word) => text.includes(word));
    });
  }

  price(amount: number | null): string {
    return amount === null ? 'Price on request' : this.#price.format(amount);
  }
}

/** Shouted text in sentence case; anything else as it is. */
function readable(text: string): string {
  const trimmed = text.trim().replace(/\s+/g, ' ');
  if (trimmed !== trimmed.toLocaleUpperCase() || trimmed === trimmed.toLocaleLowerCase())
    return trimmed;
  const lower = trimmed.toLocaleLowerCase();
  return lower.charAt(0).toLocaleUpperCase() + lower.slice(1);
}
