/**
 * The demo storefront as a visitor sees it, by its `data-testid`s.
 *
 * @module
 */

import { until } from './programs.mjs';

/** One visitor's page of the storefront. */
export class Storefront {
  constructor(page, url) {
    this.page = page;
    this.url = url;
  }

  /** Opens the front page and waits until its shelf is filled. */
  async open() {
    await this.page.goto(`${this.url}/`);
    await this.shelf();
  }

  get(testid) {
    return this.page.getByTestId(testid);
  }

  /** The ids on the first shelf, once it is filled. */
  shelf() {
    return until('a filled shelf', async () => {
      const ids = await this.get('shelf')
        .first()
        .locator('li[data-item]:not(.ghost)')
        .evaluateAll((cards) => cards.map((card) => card.dataset.item));
      return ids.length > 0 && ids;
    });
  }

  /** Opens a product's page through its card on the page in view. */
  async look(id) {
    await this.page.locator(`li.card[data-item="${id}"] a.card-link`).first().click();
    await this.page.locator(`article[data-item="${id}"]`).waitFor();
  }

  /** Goes to the front page by the shop's name. */
  async home() {
    await this.page.locator('header a.wordmark').click();
    await this.get('listing').waitFor();
  }

  /** Opens the panel, if it is not open. */
  async why() {
    const button = this.get('why-open');
    if ((await button.getAttribute('aria-expanded')) !== 'true') await button.click();
  }

  /** Answers the question at the foot of the page. */
  async answer(choice) {
    await this.get(`consent-${choice}`).click();
  }

  /** The explained items of the panel: id, and the ids of what led there. */
  explanations() {
    return this.get('explanations')
      .locator('li')
      .evaluateAll((lines) =>
        lines.map((line) => ({
          item: line.dataset.item,
          because: line.dataset.because.split(' ').filter(Boolean),
        })),
      );
  }

  /** The version of the model that ranks; empty when there is none. */
  version() {
    return this.get('model-version').getAttribute('data-version');
  }

  /** What the origin keeps on the device: databases with their records, and local storage. */
  stored() {
    return this.page.evaluate(async () => {
      const databases = {};
      for (const { name } of await indexedDB.databases()) {
        const database = await new Promise((resolve, reject) => {
          const opening = indexedDB.open(name);
          opening.onsuccess = () => resolve(opening.result);
          opening.onerror = () => reject(opening.error);
        });
        databases[name] = {};
        for (const store of database.objectStoreNames) {
          databases[name][store] = await new Promise((resolve) => {
            const reading = database.transaction(store).objectStore(store).getAll();
            reading.onsuccess = () => resolve(reading.result);
          });
        }
        database.close();
      }
      return JSON.stringify({ databases, local: { ...localStorage }, cookies: document.cookie });
    });
  }
}
