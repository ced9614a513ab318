/**
 * The manifest's signature, for pages that pin a key.
 *
 * @module
 */

import { type Fetcher, Refused, Unreachable } from './fetching.js';
import type { Modules } from './modules.js';
import { hex, sha256 } from './platform.js';

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
  readonly #endpoint: string;
  readonly #keys: string[];
  readonly #modules: Modules;
  #verifier: Promise<Verifier> | undefined;

  constructor(fetcher: Fetcher, endpoint: string, keys: readonly string[], modules: Modules) {
    this.#fetcher = fetcher;
    this.#endpoint = endpoint;
    this.#keys = Array.from(keys, String);
    this.#modules = modules;
  }

  /**
   * The bytes that `read` gives, once a pinned key is known to have signed them; nothing has
   * parsed them before. The signature is asked for by the hash of these bytes, so that a manifest
   * which is replaced meanwhile, or kept by a cache, still gets its own.
   */
  async verified(read: () => Promise<Uint8Array>): Promise<SignedManifest> {
    const verifier = await this.#load();
    const bytes = await read();
    const file = await this.#file(verifier, bytes);
    try {
      verifier.verify(bytes, file, this.#keys.join('\n'));
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) throw error;
      throw new Refused(error instanceof Error ? error.message : String(error));
    }
    const signers = this.#keys.flatMap((key) => signer(verifier, bytes, file, key));
    return { bytes, signers };
  }

  /** The signature file of a manifest; empty when it was published without one. */
  async #file(verifier: Verifier, manifest: Uint8Array): Promise<Uint8Array> {
    const digest = hex(await sha256(manifest as Uint8Array<ArrayBuffer>));
    const url = `${this.#endpoint}/manifests/${digest}.sig`;
    try {
      return await this.#fetcher.fresh(url, verifier.maxSignatureBytes());
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
