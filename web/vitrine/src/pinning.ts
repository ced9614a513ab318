/**
 * Loads what checks signatures, where a page pins keys.
 *
 * @module
 */

import { Failure, refusing } from './failures.js';
import type { Fetcher } from './fetching.js';
import type { Modules } from './modules.js';
import { hex, part, sha256 } from './platform.js';
import type { SignedManifest } from './signatures.js';

/** Reads manifests that one of the pinned keys has signed, and no others. */
export type Pinning = (read: () => Promise<Uint8Array>) => Promise<SignedManifest>;

/** The check for these keys; the verifier is started once, and again where that failed. */
export function pinning(
  keys: readonly string[],
  fetcher: Fetcher,
  endpoint: string,
  modules: Modules,
): Pinning {
  const load = async () => {
    // Side by side: neither waits a round trip for the other.
    const [signatures, module] = await Promise.all([
      part(import('./signatures.js')),
      modules.fetch('verifier'),
    ]);
    await signatures.startVerifier(module);
    return signatures;
  };
  let loading: ReturnType<typeof load> | undefined;
  const file = async (manifest: Uint8Array, limit: number) => {
    const digest = hex(await sha256(manifest as Uint8Array<ArrayBuffer>));
    try {
      return await fetcher.fresh(`${endpoint}/manifests/${digest}.sig`, limit);
    } catch (error) {
      // A host may answer its own page where there is no file.
      const none =
        error instanceof Failure && (error.status === 404 || error.reason === 'wrong_address');
      if (none) return new Uint8Array();
      throw error;
    }
  };
  return async (read) => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return (await loading).verified(read, { keys, file, refusing });
  };
}
