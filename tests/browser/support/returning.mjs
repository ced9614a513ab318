/**
 * Visitors who come back: what their browsers fetch of a bundle, and how it ranks.
 *
 * @module
 */

import { until } from './programs.mjs';

const SCRIPT = `import { createVitrine } from '/vitrine/dist/index.js';
window.errors = [];
window.vitrine = createVitrine({
  endpoint: decodeURIComponent(location.search.slice(1)),
  consent: { ranking: 'granted' },
  encoder: false,
  timeout: 60_000,
  onError: (error) => window.errors.push(error.message),
});
`;

/** The files that a page without an encoder reads, and keeps. */
const READ = ['tables.safetensors', 'items.fst', 'facets.json'];

/** The pages that a visit needs, as `stage` takes them. */
export const PAGES = {
  '/returning':
    '<!doctype html><title>a page</title><script type="module" src="/returning.js"></script>',
  '/returning.js': SCRIPT,
};

/**
 * A visit in this context to a page of `origin`, over the server at `endpoint`, after a look at
 * `items`. Resolves to the list of 100, to the hashes of what was fetched of the bundle, and to
 * the bytes of that as they travelled.
 */
export async function visit(context, origin, endpoint, items) {
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  const urls = new Map();
  const fetched = [];
  let bytes = 0;
  network.on('Network.requestWillBeSent', ({ requestId, request }) =>
    urls.set(requestId, request.url),
  );
  network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const sha256 = /\/bundles\/([0-9a-f]{64})$/.exec(urls.get(requestId) ?? '')?.[1];
    if (sha256 === undefined) return;
    fetched.push(sha256);
    bytes += encodedDataLength;
  });
  await network.send('Network.enable');
  await page.goto(`${origin}/returning?${encodeURIComponent(endpoint)}`);
  await page.waitForFunction(() => window.vitrine);
  const shelf = await page.evaluate(async (seen) => {
    for (const item of seen) window.vitrine.track({ item });
    const { items, version, status, reason } = await window.vitrine.recommend({ n: 100 });
    if (status !== 'ranked') throw new Error(`${reason}: ${window.errors}`);
    return { version, items: items.map(({ id, score }) => [id, score]) };
  }, items);
  const { files } = await (await fetch(`${endpoint}/manifest.json`)).json();
  const current = READ.map((name) => `${endpoint}/bundles/${files[name].sha256}`).sort();
  const kept = () => page.evaluate(async () => (await window.vitrine.inspect()).files);
  await until('kept files', async () => (await kept()).sort().join() === current.join());
  const errors = await page.evaluate(() => window.errors);
  if (errors.length > 0) throw new Error(`${errors}`);
  await page.close();
  return { ...shelf, fetched, bytes };
}
