/**
 * The manifest's signature, for pages that pin a key.
 *
 * @module
 */

import { type Fetcher, Refused, Unreachable } from './fetching.js';

/** What is needed of `wasm/verifier.js`, which is loaded only where a key is pinned. */
interface Verifier {
  verify(manifest: Uint8Array, file: Uint8Array, keys: string): string;
  maxSignatureBytes(): number;
}

/** The longest module that is read. */
const MAX_MODULE_BYTES = 4 * 1024 * 1024;

/** Reads manifests that one of the pinned keys has signed, and no others. */
export class Signatures {
  readonly #fetcher: Fetcher;
  readonly #url: string;
  readonly #keys: string;
  readonly #moduleUrl: () => string;
  #verifier: Promise<Verifier> | undefined;

  constructor(
    fetcher: Fetcher,
    endpoint: string,
    keys: readonly string[],
    moduleUrl: () => string,
  ) {
    this.#fetcher = fetcher;
    this.#url = `${endpoint}/manifest.sig`;
    this.#keys = Array.from(keys, String).join('\n');
    this.#moduleUrl = moduleUrl;
  }

  /**
   * The bytes that `read` gives, once a pinned key is known to have signed them; nothing has
   * parsed them before. A manifest that is replaced between the two requests does not fit its
   * signature, so both are asked for once more.
   */
  async verified(read: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const verifier = await this.#load();
    for (let last = false; ; last = true) {
      const [manifest, file] = await Promise.all([read(), this.#file(verifier)]);
      try {
        verifier.verify(manifest, file, this.#keys);
        return manifest;
      } catch (error) {
        if (error instanceof WebAssembly.RuntimeError) throw error;
        if (last) throw new Refused(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** `manifest.sig`; empty when the manifest was published without one. */
  async #file(verifier: Verifier): Promise<Uint8Array> {
    try {
      return await this.#fetcher.bytes(this.#url, verifier.maxSignatureBytes(), 'no-cache');
    } catch (error) {
      if (error instanceof Unreachable && error.status === 404) return new Uint8Array();
      throw error;
    }
  }

  async #load(): Promise<Verifier> {
    this.#verifier ??= start(this.#fetcher, this.#moduleUrl()).catch((error: unknown) => {
      this.#verifier = undefined;
      throw error;
    });
    return this.#verifier;
  }
}

async function start(fetcher: Fetcher, url: string): Promise<Verifier> {
  const [verifier, bytes] = await Promise.all([
    import('../wasm/verifier.js'),
    fetcher.bytes(url, MAX_MODULE_BYTES),
  ]);
  await verifier.default({ module_or_path: bytes as Uint8Array<ArrayBuffer> });
  return verifier;
}
