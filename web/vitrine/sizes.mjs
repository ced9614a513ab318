/**
 * What the package weighs on a page, against the snapshot in `sizes.json`.
 *
 *   node sizes.mjs            fails when anything has grown by more than 2 %
 *   node sizes.mjs --update   writes the snapshot
 *
 * Code is measured as a storefront ships it: each entry with all that it imports at once, bundled
 * and minified, React and Vue left out. What is loaded later (`worker`, `oblivious`) is an entry of
 * its own; `later.js` is all else that `index` loads later. What the first list needs stays below a
 * fixed limit.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { lateBindings } from './bindings.mjs';
import { OLDEST } from './browsers.mjs';

const GROWTH = 0.02;
/** Bytes of `index.js` and `ranker.wasm` together, as brotli. */
const FIRST_LIST = 100_000;
const ENTRIES = ['index', 'react', 'vue', 'element', 'worker', 'oblivious'];
const MODULES = ['ranker', 'verifier', 'encoder'];
const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const SNAPSHOT = at('sizes.json');

async function bundled(entry) {
  const { outputFiles, metafile } = await build({
    entryPoints: [at(`src/${entry}.ts`)],
    bundle: true,
    splitting: true,
    format: 'esm',
    target: OLDEST,
    minify: true,
    external: ['react', 'vue'],
    plugins: [lateBindings],
    outdir: at('dist/measured'),
    absWorkingDir: at('.'),
    write: false,
    metafile: true,
    logLevel: 'error',
  });
  const files = new Map(outputFiles.map((file) => [file.path, file.contents]));
  const reached = new Set();
  const reach = (path) => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { path: next, kind, external } of metafile.outputs[path].imports) {
      if (kind === 'import-statement' && !external) reach(next);
    }
  };
  reach(`dist/measured/${entry}.js`);
  const together = (paths) => Buffer.concat(paths.map((path) => files.get(at(path))));
  const later = Object.keys(metafile.outputs).filter(
    (path) => !reached.has(path) && !/\/oblivious-/.test(path),
  );
  return { now: together([...reached]), later: together(later) };
}

function weigh(bytes) {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  return {
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, quality).length,
  };
}

const sizes = {};
for (const entry of ENTRIES) {
  const { now, later } = await bundled(entry);
  sizes[`${entry}.js`] = weigh(now);
  if (entry === 'index') sizes['later.js'] = weigh(later);
}
for (const name of MODULES) sizes[`${name}.wasm`] = weigh(await readFile(at(`wasm/${name}.wasm`)));

const first = sizes['index.js'].brotli + sizes['ranker.wasm'].brotli;
if (first > FIRST_LIST) {
  console.error(`The first list needs ${first} bytes of code, more than ${FIRST_LIST}.`);
  console.error('Load later what it does not need.');
  process.exitCode = 1;
}
if (process.argv.includes('--update')) {
  await writeFile(SNAPSHOT, `${JSON.stringify(sizes, null, 2)}\n`);
  console.table(sizes);
} else {
  const snapshot = JSON.parse(await readFile(SNAPSHOT, 'utf8'));
  const grown = Object.entries(sizes).flatMap(([name, size]) =>
    Object.entries(size)
      .filter(([how, bytes]) => !(bytes <= (snapshot[name]?.[how] ?? 0) * (1 + GROWTH)))
      .map(([how, bytes]) => `${name} (${how}): ${snapshot[name]?.[how]} → ${bytes} bytes`),
  );
  if (grown.length > 0) {
    console.error(`Grown by more than ${100 * GROWTH} %:\n  ${grown.join('\n  ')}`);
    console.error('If it is worth it: node web/vitrine/sizes.mjs --update');
    process.exitCode = 1;
  }
}
