/**
 * A page with a large catalogue in a real browser, and the bytes that it fetches.
 *
 * @module
 */

import { launch } from './browser.mjs';

/**
 * A visit by a fresh browser to a page of the origin `page`, over the server at `endpoint`: the
 * session is looked at, then the listing ranked. Resolves to the list, `[place, bits of score]`,
 * to a recommendation after it, to the seconds that each took, and to the bytes as they
 * travelled: `data` (manifest and bundle) and `code` (the package).
 */
export async function largeVisit({ page: origin, endpoint, session, listing }) {
  const browser = await launch();
  try {
    const page = await (await browser.newContext()).newPage();
    const network = await page.context().newCDPSession(page);
    const bytes = { data: 0, code: 0, requests: 0 };
    const urls = new Map();
    network.on('Network.requestWillBeSent', ({ requestId, request }) =>
      urls.set(requestId, request.url),
    );
    network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const ofData = urls.get(requestId)?.startsWith(`${endpoint}/`) === true;
      bytes[ofData ? 'data' : 'code'] += encodedDataLength;
      if (ofData) bytes.requests += 1;
    });
    await network.send('Network.enable');
    await page.goto(`${origin}/page`);
    const found = await page.evaluate(visit, { endpoint, session, listing });
    const listed = { ...bytes };
    const shelf = await page.evaluate(recommend);
    return { ...found, ...shelf, listed, bytes };
  } finally {
    await browser.close();
  }
}

/** Runs in the page. */
async function visit({ endpoint, session, listing }) {
  const { createVitrine } = await import('/vitrine/dist/index.js');
  const errors = [];
  const vitrine = createVitrine({
    endpoint,
    timeout: 120_000,
    onError: (error) => errors.push(error.message),
  });
  globalThis.vitrine = vitrine;
  const began = performance.now();
  for (const item of session) vitrine.track({ item });
  const { items, scores, status, reason } = await vitrine.rank(listing);
  const seconds = (performance.now() - began) / 1000;
  if (status !== 'ranked') throw new Error(`${reason}: ${errors}`);
  const places = new Map(listing.map((id, place) => [id, place]));
  const bits = new Uint32Array(Float32Array.from(scores).buffer);
  return { ranked: items.map((id, at) => [places.get(id), bits[at]]), seconds };
}

/** Runs in the page, afterwards. */
async function recommend() {
  const { items, status } = await globalThis.vitrine.recommend({ n: 20, filter: { unseen: true } });
  return { shelf: items.map(({ id }) => id), shelfStatus: status };
}
