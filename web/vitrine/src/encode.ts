/**
 * The encoder's module and one encoder in it, on whatever thread this is imported.
 *
 * @module
 */

import initialise, { Encoder } from '../wasm/encoder.js';

/** What starts an encoder. */
export interface EncoderStart {
  /** Bytes of `encoder.wasm`. */
  module: Uint8Array;
  /** Bytes of `encoder.onnx`, verified. */
  onnx: Uint8Array;
  /** Numbers per event, D + 3. */
  width: number;
}

/** Compiles the module and reads the file; tens of milliseconds. */
export async function openEncoder(start: EncoderStart): Promise<Encoder> {
  await initialise({ module_or_path: start.module as Uint8Array<ArrayBuffer> });
  return new Encoder(start.onnx, start.width);
}
