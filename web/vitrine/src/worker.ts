/**
 * The encoder's worker. It makes no request of its own: all bytes are handed to it.
 *
 * Speaks {@link ToWorker} and {@link FromWorker}.
 *
 * @module
 */

import type { Encoder } from '../wasm/encoder.js';
import { type EncoderStart, openEncoder } from './encode.js';

/** What the page says: first `start`, then sessions, each with a number of its own. */
export type ToWorker = { start: EncoderStart } | { session: Float32Array; turn: number };

/** What the worker answers; it says that it listens before anything is handed to it. */
export type FromWorker =
  { listening: true } | { ready: true } | { query: Float32Array; turn: number } | { error: string };

/** The few members of a worker's global scope that are used. */
interface Scope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
}

let encoder: Promise<Encoder> | undefined;

function serve(scope: Scope): void {
  scope.onmessage = async ({ data }) => {
    try {
      if ('start' in data) {
        encoder = openEncoder(data.start);
        await encoder;
        scope.postMessage({ ready: true });
      } else if (encoder !== undefined) {
        const query = (await encoder).encode(data.session);
        scope.postMessage({ query, turn: data.turn });
      }
    } catch (error) {
      scope.postMessage({ error: error instanceof Error ? error.message : String(error) });
    }
  };
  scope.postMessage({ listening: true });
}

// Elsewhere than in a worker, importing this does nothing.
if (typeof document === 'undefined' && 'WorkerGlobalScope' in globalThis) {
  serve(globalThis as unknown as Scope);
}
