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

/** Serves a shop and the bundled code, as `measureInBrowser` wants it. */
export async function serveBench(cleanup, folder, code) {
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
    // Isolated pages have a clock of 5 microseconds instead of 100.
    headers: () => ({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    }),
  });
}

/** Runs `subjects/<name>.mjs` in a fresh browser; resolves to what it found. */
export async function measureInBrowser(name, url) {
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
    return await page.evaluate(inPage, name);
  } finally {
    await browser.close();
  }
}

/** Runs in the page. */
async function inPage(name) {
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
    place: 'chromium',
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
