/**
 * Bundles the storefront into dist/, with Vitrine's worker and modules where its code looks for
 * them. `catalogue.json` is put beside it by whoever serves it.
 */

import { cp, mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const vitrine = (path) => fileURLToPath(new URL(`../vitrine/${path}`, import.meta.url));

await rm(here('dist'), { recursive: true, force: true });
await mkdir(here('dist/wasm'), { recursive: true });
await build({
  entryPoints: {
    main: here('src/main.ts'),
    style: here('src/style/index.css'),
    worker: vitrine('dist/worker.js'),
  },
  outdir: here('dist'),
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
});
await cp(here('static'), here('dist'), { recursive: true });
for (const module of ['ranker.wasm', 'verifier.wasm', 'encoder.wasm']) {
  await cp(vitrine(`wasm/${module}`), here(`dist/wasm/${module}`));
}
