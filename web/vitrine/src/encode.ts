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
  /** Bytes of `encoder.onnx`, verified. */
  onnx: Uint8Array;
  /** Numbers per event, D + 3. */
  width: number;
}

/** Compiles the module and reads the file; tens of milliseconds. */
export async function openEncoder(start: EncoderStart): Promise<Encoder> {
  initSync({ module: await WebAssembly.compile(start.module) });
  return new Encoder(start.onnx, start.width);
}
