/**
 * One subject in a Chromium of its own.
 *
 * @module
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from '../../tests/browser/support/browser.mjs';
import { stage } from '../../tests/browser/support/stage.mjs';
import { MODULES } from './bundles.mjs';

const PAGE = '<!doctype html><meta charset="utf-8"><title>a bench</title>';

/** A network as CDP emulates it, for each request: latency in milliseconds, megabits a second. */
export const NETWORK = { latency: 60, megabits: 20 };

/** Serves a shop and the bundled code, as `measureInBrowser` wants it; `compressed` as brotli. */
export async function serveBench(cleanup, folder, code, compressed = false) {
  const session = await readFile(join(folder, 'session.json'));
  const subjects = fileURLToPath(new URL('subjects/', import.meta.url));
  return stage(cleanup, {
    folders: {
      ...MODULES,
      '/site/': join(folder, 'site'),
      '/rivals/': join(folder, 'rivals'),
      '/subjects/': subjects,
      '/code/': code,
    },
    pages: { '/': PAGE, '/session.json': session },
    bundle: false,
    compressed,
    // Isolated pages have a clock of 5 microseconds instead of 100.
    headers: () => ({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    }),
  });
}

/**
 * Runs `subjects/<name>.mjs` in a fresh browser; resolves to what it found. Over a `network`, only
 * the cold start is measured.
 */
export async function measureInBrowser(name, url, network) {
  const browser = await launch();
  try {
    const context = await browser.newContext();
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await page.exposeFunction('usedHeap', async () => {
      await session.send('HeapProfiler.collectGarbage');
      return (await session.send('Runtime.getHeapUsage')).usedSize;
    });
    await page.goto(`${url}/`);
    if (network) {
      const throughput = (network.megabits * 1e6) / 8;
      await session.send('Network.enable');
      await session.send('Network.emulateNetworkConditions', {
        offline: false,
        latency: network.latency,
        downloadThroughput: throughput,
        uploadThroughput: throughput,
      });
    }
    return await page.evaluate(inPage, { name, coldOnly: network !== undefined });
  } finally {
    await browser.close();
  }
}

/** Runs in the page. */
async function inPage({ name, coldOnly }) {
  const base = location.origin;
  const libraries = {
    vitrine: '/code/vitrine.js',
    ranker: '/vitrine/wasm/ranker.js',
    encoder: '/vitrine/wasm/encoder.js',
    ort: '/code/ort.js',
    tfjs: '/code/tfjs.js',
  };
  if (!globalThis.crossOriginIsolated) throw new Error('the page is not isolated');
  const { measure } = await import(`${base}/subjects/${name}.mjs`);
  return measure({
    coldOnly,
    import: (library) => import(base + libraries[library]),
    bytes: async (path) => {
      const response = await fetch(`${base}/${path.replace(/^wasm\//, 'vitrine/wasm/')}`);
      if (!response.ok) throw new Error(`${path}: ${response.status}`);
      return new Uint8Array(await response.arrayBuffer());
    },
    endpoint: `${base}/site`,
    wasmUrl: `${base}/vitrine/wasm`,
    workerUrl: `${base}/code/worker.js`,
    ortUrl: `${base}/ort/`,
    tfjsUrl: `${base}/tfjs/`,
    heap: () => globalThis.usedHeap(),
  });
}
