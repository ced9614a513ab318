/**
 * The manifest's signature, for pages that pin a key: loaded by no other. It imports nothing that
 * the code of the first list has.
 *
 * @module
 */

import { initSync, maxSignatureBytes, verify } from '../wasm/verifier.js';

/** What is needed from around it. */
export interface SignaturesContext {
  keys: readonly string[];
  /** The signature file of a manifest, at most `limit` bytes; empty when it has none. */
  file(manifest: Uint8Array, limit: number): Promise<Uint8Array>;
  /** Refuses what a step of the module does not take. */
  refusing<T>(parse: () => T): T;
}

/** A manifest's bytes, and who is known to have signed them. */
export interface SignedManifest {
  bytes: Uint8Array;
  /** Ids of the pinned keys that have signed. */
  signers: string[];
}

/** Starts the verifier from the bytes of its module. */
export async function startVerifier(module: Uint8Array<ArrayBuffer>): Promise<void> {
  initSync({ module: await WebAssembly.compile(module) });
}

/**
 * The bytes that `read` gives, once a pinned key is known to have signed them; nothing has parsed
 * them before. The signature is asked for by the hash of these bytes, so that a manifest which is
 * replaced meanwhile, or kept by a cache, still gets its own.
 */
export async function verified(
  read: () => Promise<Uint8Array>,
  context: SignaturesContext,
): Promise<SignedManifest> {
  const keys = Array.from(context.keys, String);
  const bytes = await read();
  const file = await context.file(bytes, maxSignatureBytes());
  context.refusing(() => verify(bytes, file, keys.join('\n')));
  return { bytes, signers: keys.flatMap((key) => signer(bytes, file, key)) };
}

/** The id of a key, where it has signed. */
function signer(bytes: Uint8Array, file: Uint8Array, key: string): string[] {
  try {
    return [verify(bytes, file, key)];
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw error;
    return [];
  }
}
