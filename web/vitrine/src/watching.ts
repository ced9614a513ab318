/**
 * Loads what writes down each request, where `debug` is set.
 *
 * @module
 */

import type { Watch } from './debugging.js';
import { part } from './platform.js';
import type { Vitrine } from './types.js';

/** The code that writes down; `undefined` where it did not come. */
export type Watching = Promise<Watch | undefined>;

/** Loads it for `vitrine`, which makes its requests by `request`. */
export function watching(vitrine: Vitrine, request: typeof fetch, endpoint: string): Watching {
  return part(import('./debugging.js')).then(
    ({ watch }) => watch(vitrine, request, endpoint),
    () => undefined,
  );
}

/** `request`, which waits for that code. */
export function watched(watch: Watching, request: typeof fetch): typeof fetch {
  return async (input, init) => ((await watch)?.fetch ?? request)(input, init);
}
