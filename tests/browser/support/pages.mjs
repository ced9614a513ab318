/**
 * Pages that run instances of the package, for the tests of one file: the browser, the fixture's
 * ids, and the few things that are done with such a page.
 *
 * @module
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { launch } from './browser.mjs';
import { FIXTURE } from './stage.mjs';

const PAGE = '<!doctype html><title>a page</title><script type="module" src="/page.js"></script>';

/** Instances by name, in the address so that no inline script is needed; `defaults` for each. */
const script = (defaults) => `import { createVitrine } from '/vitrine/dist/index.js';
window.errors = [];
const given = decodeURIComponent(location.search.slice(1)) || '{"vitrine":{}}';
for (const [name, options] of Object.entries(JSON.parse(given))) {
  if (options.refreshInterval === 'Infinity') options.refreshInterval = Infinity;
  window[name] = createVitrine({
    ...${JSON.stringify(defaults)},
    onError: (error) => window.errors.push(error.message),
    ...options,
  });
}
document.title = 'made';
`;

/**
 * A browser for the tests of a file, and pages in it, whose instances have these options.
 */
export function shopPages(defaults) {
  const known = {
    /** The page and its script, for `stage`. */
    pages: { '/page': PAGE, '/page.js': script(defaults) },
    browser: undefined,
    /** Every id of the fixture. */
    ids: [],
    /** A visitor's context, closed when the test `t` ends. */
    async visitor(t) {
      const made = await known.browser.newContext();
      t.after(() => made.close());
      return made;
    },
  };
  before(async () => {
    known.browser = await launch();
    const { items } = JSON.parse(await readFile(join(FIXTURE, 'catalogue.json'), 'utf8'));
    known.ids = items.map(({ id }) => id);
  });
  after(() => known.browser?.close());
  return known;
}

/** A page with these instances, once they are made. */
export async function made(visitor, url, instances = { vitrine: {} }) {
  const page = await visitor.newPage();
  await page.goto(`${url}/page?${encodeURIComponent(JSON.stringify(instances))}`);
  await page.waitForFunction(() => document.title === 'made');
  return page;
}

/** A page with these instances, once their first load has ended. */
export async function open(visitor, url, instances = { vitrine: {} }) {
  const page = await made(visitor, url, instances);
  await page.evaluate(
    (names) => Promise.all(names.map((name) => window[name].ready)),
    Object.keys(instances),
  );
  return page;
}

/** Records views of `items`. */
export const track = (page, items, name = 'vitrine') =>
  page.evaluate(
    ([name, items]) => items.forEach((item) => window[name].track({ item })),
    [name, items],
  );

/** All that an instance knows. */
export const inspect = (page, name = 'vitrine') =>
  page.evaluate((name) => window[name].inspect(), name);

/** The order of `ids`. */
export const rank = (page, ids) =>
  page.evaluate(async (ids) => {
    const { items, status, reason } = await window.vitrine.rank(ids);
    return { items, status, reason };
  }, ids);

/** The reports among what a stage was asked. */
export const posted = (requests) =>
  requests.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body));

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
