/**
 * One subject in this Node process: `node --expose-gc process.mjs SUBJECT FOLDER`, where FOLDER is
 * what `shop` made. Prints one line of JSON.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [name, folder] = process.argv.slice(2);
const here = (path) => new URL(path, import.meta.url);
const wasm = here('../../web/vitrine/wasm/');
const LIBRARIES = {
  vitrine: here('../../web/vitrine/dist/index.js').href,
  // Instances of their own, beside the package's.
  ranker: new URL('ranker.js?alone', wasm).href,
  encoder: new URL('encoder.js?alone', wasm).href,
  ort: 'onnxruntime-web',
  tfjs: here('tfjs.mjs').href,
};

const env = {
  coldOnly: false,
  import: (library) => import(LIBRARIES[library]),
  bytes: async (path) => {
    const [root, rest] = path.split(/\/(.*)/);
    const file = root === 'wasm' ? new URL(rest, wasm) : pathToFileURL(join(folder, path));
    const found = await readFile(file);
    return new Uint8Array(found.buffer, found.byteOffset, found.length);
  },
  endpoint: 'http://shop.example/site',
  wasmUrl: wasm.href.replace(/\/$/, ''),
  tfjsUrl: fileURLToPath(here('node_modules/@tensorflow/tfjs-backend-wasm/dist/')),
  fetch: async (input) => {
    const url = new URL(String(input));
    const file = url.protocol === 'file:' ? fileURLToPath(url) : join(folder, url.pathname);
    return new Response(await readFile(file));
  },
  /** Bytes of JavaScript objects that are still in use. */
  heap: () => {
    globalThis.gc();
    return process.memoryUsage().heapUsed;
  },
};

// A page has it before any code runs; Node loads its own when it is first used.
await new Response('').text();

const { measure } = await import(here(`subjects/${name}.mjs`).href);
const before = process.memoryUsage().rss;
const found = await measure(env);
found.residentBefore = before;
found.resident = process.memoryUsage().rss;
process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit(0));
