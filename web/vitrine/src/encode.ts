/**
 * The encoder's module and one encoder in it, on whatever thread this is imported.
 *
 * @module
 */

import { Encoder, initSync } from '../wasm/encoder.js';

/** What starts an encoder. */
export interface EncoderStart {
  /** Bytes of `encoder.wasm`. */
  module: Uint8Array<ArrayBuffer>;
  /** The SHA-256 that it must have; `undefined` where the page cannot verify anything. */
  sha256: string | undefined;
  /** Bytes of `encoder.onnx`, verified. */
  onnx: Uint8Array;
  /** Numbers per event, D + 3. */
  width: number;
}

/** Verifies and compiles the module, and reads the file; tens of milliseconds. */
export async function openEncoder(start: EncoderStart): Promise<Encoder> {
  if (start.sha256 !== undefined && (await digestOf(start.module)) !== start.sha256) {
    throw new Error('encoder.wasm is not the module of this build of the package.');
  }
  initSync({ module: await WebAssembly.compile(start.module) });
  return new Encoder(start.onnx, start.width);
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
