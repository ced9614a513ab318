/**
 * Writes `wasm/digests.js`: SHA-256 and length of each module that the package runs. The package's
 * code is built with them, so it runs these modules and no others, wherever they are fetched from.
 */

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

const MODULES = ['ranker', 'verifier', 'encoder'];
const at = (path) => new URL(path, import.meta.url);

const entries = await Promise.all(
  MODULES.map(async (name) => {
    const bytes = await readFile(at(`wasm/${name}.wasm`));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return [name, { sha256, bytes: bytes.length }];
  }),
);
const digests = JSON.stringify(Object.fromEntries(entries), null, 2);
await writeFile(at('wasm/digests.js'), `export const DIGESTS = ${digests};\n`);
const names = MODULES.map((name) => `'${name}'`).join(' | ');
await writeFile(
  at('wasm/digests.d.ts'),
  `export const DIGESTS: Record<${names}, { sha256: string; bytes: number }>;\n`,
);
