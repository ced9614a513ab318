/**
 * A page in a browser, and whatever untoward it says.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { until } from '../../../../tests/browser/support/programs.mjs';

/** Opens a page; `faults` gets its errors, on the console too, and `warnings` its warnings. */
export async function opened(t, browser, url) {
  const page = await browser.newPage();
  const faults = [];
  const warnings = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    // The pages have no icon, and a browser asks for one.
    if (message.location().url.endsWith('/favicon.ico')) return;
    if (message.type() === 'error') faults.push(message.text());
    if (message.type() === 'warning') warnings.push(message.text());
  });
  t.after(() => page.close());
  await page.goto(url);
  return { page, faults, warnings };
}

/** Opens a built page; it must rank, and load its encoder in a worker. */
export async function ranks(t, browser, url, instances = 1) {
  const { page, faults } = await opened(t, browser, `${url}/`);
  const visited = await page
    .waitForFunction(() => window.visited, null, { timeout: 30_000 })
    .then((handle) => handle.jsonValue());
  assert.equal(visited.status, 'ranked', visited.reason);
  assert.notDeepEqual(visited.before, visited.own);
  assert.notDeepEqual(visited.after, visited.before);
  assert.deepEqual([...visited.after].sort(), [...visited.own].sort());
  assert.equal(visited.shelf.length, 5);
  assert.ok(visited.shelf[0].reasons.some(({ item }) => item === visited.own[0]));
  assert.equal(visited.encoder, 'ready');
  await until('an encoder in a worker', () => page.workers().length === instances);
  assert.deepEqual(faults, []);
  return page;
}

/** Looking at the last of some listed items changes their order. */
export async function movesWhatWasClicked(page, selector) {
  const order = () =>
    page.locator(selector).evaluateAll((all) => all.map((one) => one.dataset.item));
  const before = await order();
  await page.locator(selector).last().click();
  await until('another order', async () => (await order()).join() !== before.join());
  assert.deepEqual((await order()).sort(), before.sort());
}
