/**
 * The demo storefront with Vitrine and without it, and a bare page that loads a large bundle:
 * what the main thread is kept busy with, and what travels.
 *
 * @module
 */

import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launch } from '../../tests/browser/support/browser.mjs';
import { PACKAGE, ROOT, run, serve } from '../../tests/browser/support/programs.mjs';
import { site, smallShop } from '../../tests/browser/support/shop.mjs';
import { Storefront } from '../../tests/browser/support/storefront.mjs';
import { bundleAlone } from './bundles.mjs';
import { CATEGORIES, readTrace } from './trace.mjs';

/** How long a page is watched after it has come to rest; milliseconds. */
const REST = 1_500;
/** How often a visit is tried until the profiler has seen something of it. */
const VISITS = 4;

/**
 * Two folders of a site in `folder`: `with` and `without`. The code of Vitrine is a file of its
 * own, `vitrine.js`, so that a trace can tell it from the storefront's.
 */
export async function storefronts(folder) {
  const shop = await smallShop();
  for (const kind of ['with', 'without']) {
    const out = join(folder, kind);
    await rm(out, { recursive: true, force: true });
    await mkdir(out, { recursive: true });
    await site(shop, out);
    for (const old of ['main.js', 'worker.js']) await rm(join(out, old));
    const plugins = [{ name: 'alone', setup }];
    await bundleAlone('main', join(ROOT, 'web/demo/src/main.ts'), out, { plugins });
    const without = new URL('without.mjs', import.meta.url).pathname;
    const code = kind === 'with' ? join(PACKAGE, 'dist/index.js') : without;
    const parts = { chunkNames: 'vitrine-[name]-[hash]' };
    await bundleAlone('vitrine', code, out, parts);
    if (kind === 'with') await bundleAlone('worker', join(PACKAGE, 'dist/worker.js'), out, parts);
  }
  await run('vitrine', ['publish', join(shop, 'run/bundle'), '--to', join(folder, 'store')]);
}

function setup(build) {
  build.onResolve({ filter: /^vitrine$/ }, () => ({ path: './vitrine.js', external: true }));
}

/** Whether code at `url` is Vitrine's. */
const ours = (url) => /\/(vitrine[^/]*|worker)\.js$/.test(url);

/** A server over one of the two; resolves to it. */
export function serveStorefront(folder, kind) {
  return serve(folder, { store: join(folder, 'store'), site: join(folder, kind) });
}

/**
 * One visit in a fresh browser: the front page, two products, the front page again. `slower` is
 * the CPU's slowdown.
 */
export async function visitStorefront(url, slower, kind) {
  return watched(slower, kind === 'with', async (page) => {
    const front = new Storefront(page, url);
    await page.goto(`${url}/`);
    await front.get('listing').waitFor();
    const rest = () => page.waitForTimeout(REST);
    await rest();
    const seen = [];
    for (let turn = 0; turn < 2; turn += 1) {
      // What is listed changes with what was looked at.
      const listed = await front
        .get('listing')
        .locator('li.card[data-item]')
        .evaluateAll((cards) => cards.map((card) => card.dataset.item));
      const id = listed.find((other) => !seen.includes(other));
      seen.push(id);
      await front.look(id);
      await page.waitForTimeout(300);
      await front.home();
      await page.waitForTimeout(300);
    }
    await rest();
  });
}

/** A bare page that loads a bundle, ranks its whole catalogue and follows two events. */
export async function visitBare(url, session, slower) {
  return watched(slower, true, async (page) => {
    await page.goto(`${url}/`);
    await page.evaluate(useTheShop, { base: url, ...session });
    await page.waitForTimeout(300);
  });
}

async function useTheShop({ base, events, listing }) {
  const { createVitrine } = await import(`${base}/code/vitrine.js`);
  const vitrine = createVitrine({
    endpoint: `${base}/site`,
    wasmUrl: `${base}/vitrine/wasm`,
    worker: `${base}/code/worker.js`,
    storage: 'memory',
    timeout: 60_000,
  });
  await vitrine.recommend({ n: 20 });
  const ready = async () => (await vitrine.inspect()).encoder === 'ready';
  for (let turn = 0; turn < 600 && !(await ready()); turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const item of events.slice(0, 2)) {
    vitrine.track({ item });
    await vitrine.recommend({ n: 20 });
    await vitrine.rank(listing.slice(0, 100));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/**
 * What a visit kept the main thread busy with. Of some visits Chromium's profiler has nothing: one
 * in which Vitrine must have run is repeated then.
 */
async function watched(slower, runs, visit) {
  for (let turn = 1; ; turn += 1) {
    const seen = await watchedOnce(slower, visit);
    if (!runs || seen.vitrineTotal > 0 || turn === VISITS) return seen;
  }
}

async function watchedOnce(slower, visit) {
  const browser = await launch();
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    let transferred = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => {
      transferred += encodedDataLength;
    });
    await session.send('Network.enable');
    if (slower > 1) await session.send('Emulation.setCPUThrottlingRate', { rate: slower });
    await browser.startTracing(page, { categories: CATEGORIES });
    await visit(page);
    const trace = JSON.parse((await browser.stopTracing()).toString());
    return { ...readTrace(trace.traceEvents, ours), transferred };
  } finally {
    await browser.close();
  }
}
