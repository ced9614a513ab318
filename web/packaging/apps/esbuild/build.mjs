/** esbuild leaves `new URL(…, import.meta.url)` alone: worker and modules are put beside it. */

import { cp } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const resolved = (name) => fileURLToPath(import.meta.resolve(name));
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await build({
  entryPoints: { main: here('main.js'), worker: resolved('vitrine/worker') },
  outdir: here('dist'),
  bundle: true,
  minify: true,
  format: 'esm',
});
for (const name of ['ranker.wasm', 'verifier.wasm', 'encoder.wasm']) {
  await cp(resolved(`vitrine/${name}`), here(`dist/wasm/${name}`));
}
await cp(here('index.html'), here('dist/index.html'));
