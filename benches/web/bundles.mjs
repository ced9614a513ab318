/**
 * The code of each subject as a page gets it: bundled and minified.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { PACKAGE, ROOT } from '../../tests/browser/support/programs.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const ORT = here('node_modules/onnxruntime-web/dist/');
const TFJS = here('node_modules/@tensorflow/tfjs-backend-wasm/dist/');

/**
 * Writes the bundles of all subjects into `folder`; pages import them from there. Each is bundled
 * by itself, so that none waits for a part that it shares with another.
 */
export async function bundle(folder) {
  const entries = {
    vitrine: join(PACKAGE, 'dist/index.js'),
    worker: join(PACKAGE, 'dist/worker.js'),
    ort: here('ort.mjs'),
    tfjs: here('tfjs.mjs'),
  };
  for (const [name, entry] of Object.entries(entries)) await bundleAlone(name, entry, folder);
}

/** One entry, bundled by itself into `folder` under its name; `more` are options of esbuild. */
export async function bundleAlone(name, entry, folder, more) {
  await build({
    entryPoints: { [name]: entry },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    logLevel: 'error',
    // Bundles for browsers do not reach the branches that are Node's.
    external: ['fs', 'path', 'url', 'os', 'crypto', 'worker_threads', 'perf_hooks', 'util'],
    ...more,
  });
}

/** What a browser fetches of each subject: name → list of files. */
export function fetched(folder) {
  const wasm = join(PACKAGE, 'wasm');
  return {
    ranker: [join(wasm, 'ranker.wasm')],
    encoder: [join(wasm, 'encoder.wasm')],
    ort: [join(folder, 'ort.js'), join(ORT, 'ort-wasm-simd-threaded.wasm')],
    tfjs: [join(folder, 'tfjs.js'), join(TFJS, 'tfjs-backend-wasm-simd.wasm')],
  };
}

/** Raw, gzip -9 and brotli 11 of files, each compressed by itself. */
export async function weigh(files) {
  const sizes = { raw: 0, gzip: 0, brotli: 0 };
  for (const file of files) {
    const found = await weighed(await readFile(file));
    for (const how of Object.keys(sizes)) sizes[how] += found[how];
  }
  return { ...sizes, files: files.map((file) => basename(file)) };
}

/** Brotli takes half a minute for the largest module, so what was weighed is kept by its hash. */
async function weighed(bytes) {
  const kept = join(ROOT, '.bench/web/weights');
  const file = join(kept, `${createHash('sha256').update(bytes).digest('hex')}.json`);
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    // Not yet.
  }
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  const found = {
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, quality).length,
  };
  await mkdir(kept, { recursive: true });
  await writeFile(file, JSON.stringify(found));
  return found;
}

/** Where the rivals' modules are. */
export const MODULES = { '/ort/': ORT, '/tfjs/': TFJS };
