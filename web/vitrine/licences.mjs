/**
 * Puts the licences beside the package before it is packed: npm packs nothing from above.
 */

import { copyFile } from 'node:fs/promises';

for (const name of ['LICENSE-APACHE', 'LICENSE-MIT']) {
  await copyFile(new URL(`../../${name}`, import.meta.url), new URL(`./${name}`, import.meta.url));
}
