/**
 * The manifest's signature, for pages that pin a key.
 *
 * @module
 */

import { type Fetcher, Refused, Unreachable } from './fetching.js';
import type { Modules } from './modules.js';

/** What is needed of `wasm/verifier.js`, which is loaded only where a key is pinned. */
interface Verifier {
  verify(manifest: Uint8Array, file: Uint8Array, keys: string): string;
  maxSignatureBytes(): number;
}

/** A manifest's bytes, and who is known to have signed them. */
export interface SignedManifest {
  bytes: Uint8Array;
  /** Ids of the pinned keys that have signed. */
  signers: string[];
}

/** Reads manifests that one of the pinned keys has signed, and no others. */
export class Signatures {
  readonly #fetcher: Fetcher;
  readonly #url: string;
  readonly #keys: string[];
  readonly #modules: Modules;
  #verifier: Promise<Verifier> | undefined;

  constructor(fetcher: Fetcher, endpoint: string, keys: readonly string[], modules: Modules) {
    this.#fetcher = fetcher;
    this.#url = `${endpoint}/manifest.sig`;
    this.#keys = Array.from(keys, String);
    this.#modules = modules;
  }

  /**
   * The bytes that `read` gives, once a pinned key is known to have signed them; nothing has
   * parsed them before. A manifest that is replaced between the two requests does not fit its
   * signature, so both are asked for once more.
   */
  async verified(read: () => Promise<Uint8Array>): Promise<SignedManifest> {
    const verifier = await this.#load();
    for (let last = false; ; last = true) {
      const [bytes, file] = await Promise.all([read(), this.#file(verifier)]);
      try {
        verifier.verify(bytes, file, this.#keys.join('\n'));
        const signers = this.#keys.flatMap((key) => signer(verifier, bytes, file, key));
        return { bytes, signers };
      } catch (error) {
        if (error instanceof WebAssembly.RuntimeError) throw error;
        if (last) throw new Refused(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** `manifest.sig`; empty when the manifest was published without one. */
  async #file(verifier: Verifier): Promise<Uint8Array> {
    try {
      return await this.#fetcher.fresh(this.#url, verifier.maxSignatureBytes());
    } catch (error) {
      if (error instanceof Unreachable && error.status === 404) return new Uint8Array();
      throw error;
    }
  }

  async #load(): Promise<Verifier> {
    this.#verifier ??= start(this.#modules).catch((error: unknown) => {
      this.#verifier = undefined;
      throw error;
    });
    return this.#verifier;
  }
}

async function start(modules: Modules): Promise<Verifier> {
  const [verifier, bytes] = await Promise.all([
    import('../wasm/verifier.js'),
    modules.fetch('verifier'),
  ]);
  verifier.initSync({ module: await WebAssembly.compile(bytes) });
  return verifier;
}

/** The id of a key, where it has signed. */
function signer(verifier: Verifier, bytes: Uint8Array, file: Uint8Array, key: string): string[] {
  try {
    return [verifier.verify(bytes, file, key)];
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw error;
    return [];
  }
}
