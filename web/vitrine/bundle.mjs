/**
 * Bundles the package's code into `dist/`, beside the types that `tsc` wrote there.
 *
 * A page without a bundler would fetch a file for each module, and only find the next ones when
 * those have come: five round trips before anything begins. So each entry is one file that shares
 * nothing with the others, and what is loaded later is another.
 */

import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { lateBindings } from './bindings.mjs';
import { OLDEST } from './browsers.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const ENTRIES = ['index', 'react', 'vue', 'element', 'testing', 'worker'];

// The names of parts change with what is in them.
for (const name of await readdir(at('dist'))) {
  if (/\.js(\.map)?$/.test(name)) await rm(at(`dist/${name}`));
}
for (const entry of ENTRIES) {
  await build({
    entryPoints: [at(`src/${entry}.ts`)],
    outdir: at('dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    target: OLDEST,
    external: ['react', 'vue'],
    plugins: [lateBindings],
    // The package has its own sources.
    sourcemap: true,
    sourcesContent: false,
    absWorkingDir: at('.'),
    logLevel: 'warning',
  });
}

/** The sources of other packages are not in this one: the maps carry them. */
for (const name of await readdir(at('dist'))) {
  if (!name.endsWith('.js.map')) continue;
  const map = JSON.parse(await readFile(at(`dist/${name}`), 'utf8'));
  if (!map.sources.some(foreign)) continue;
  const content = (source) => (foreign(source) ? readFile(at(`dist/${source}`), 'utf8') : null);
  map.sourcesContent = await Promise.all(map.sources.map(content));
  await writeFile(at(`dist/${name}`), JSON.stringify(map));
}

function foreign(source) {
  return source.includes('/node_modules/');
}
