/** Parts of the package that no page can import, from their sources. */

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Imports `src/<name>.ts`. */
export async function internal(name) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  });
  return import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`
  );
}
