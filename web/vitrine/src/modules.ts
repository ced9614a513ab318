/**
 * The WebAssembly modules: where they are, and that they are this package's own.
 *
 * Whoever could put another module in their place would decide what ranks, whatever keys a page
 * pins. So the package's code holds the SHA-256 of its modules, and no other bytes are run.
 *
 * @module
 */

import { DIGESTS } from '../wasm/digests.js';
import { Failure, reasonOf } from './failures.js';
import type { Fetcher } from './fetching.js';
import { hasSha256, hex, sha256 } from './platform.js';

/** A module of the package. */
export type Module = keyof typeof DIGESTS;

/** Fetches the package's modules. */
export class Modules {
  readonly #fetcher: Fetcher;
  readonly #folder: string | URL | undefined;
  readonly #pinned: boolean;

  /** `folder` is as in the options; `pinned` says whether the page pins keys. */
  constructor(fetcher: Fetcher, folder: string | URL | undefined, pinned: boolean) {
    this.#fetcher = fetcher;
    this.#folder = folder;
    this.#pinned = pinned;
  }

  /** The SHA-256 that the encoder's module must have; `undefined` where nothing can be verified. */
  get encoderDigest(): string | undefined {
    return hasSha256() ? DIGESTS.encoder.sha256 : undefined;
  }

  /** Refuses where a key is pinned and nothing can be verified: a page that came without TLS. */
  check(): void {
    if (this.#pinned && !hasSha256()) {
      throw new Failure(
        'refused',
        'A page with publicKeys must come over TLS: without it, nothing that runs can be verified.',
      );
    }
  }

  /**
   * The bytes of a module, verified where the browser can. Those of the encoder are verified where
   * they are run: hashing them would hold up the page.
   */
  async fetch(name: Module): Promise<Uint8Array<ArrayBuffer>> {
    this.check();
    const own = DIGESTS[name];
    const verify = name !== 'encoder' && hasSha256();
    const url = moduleUrl(name, this.#folder);
    let fault: unknown;
    for (const cache of ['default', 'reload'] as const) {
      const bytes = await this.#fetcher.bytes(url, own.bytes, cache).catch((error: unknown) => {
        // Something longer is another module, and a web page may only be in the browser's cache.
        const reason = reasonOf(error);
        if (reason !== 'refused' && reason !== 'wrong_address') throw error;
        if (reason === 'wrong_address') fault = error;
      });
      // A browser may have kept the module of the package's last version under the same address.
      if (bytes && (!verify || hex(await sha256(bytes)) === own.sha256)) return bytes;
    }
    throw fault ?? new Failure('refused', `${url} is not the module of this build of the package.`);
  }
}

/** Where a module is: beside this code, in the words that bundlers look for, or in a folder. */
function moduleUrl(name: Module, folder: string | URL | undefined): string {
  if (folder !== undefined) return `${String(folder).replace(/\/*$/, '')}/${name}.wasm`;
  switch (name) {
    case 'ranker':
      return new URL('../wasm/ranker.wasm', import.meta.url).href;
    case 'verifier':
      return new URL('../wasm/verifier.wasm', import.meta.url).href;
    case 'encoder':
      return new URL('../wasm/encoder.wasm', import.meta.url).href;
  }
}
