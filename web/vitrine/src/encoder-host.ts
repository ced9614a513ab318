/**
 * The encoder beside the page: in a worker where there can be one, else on the main thread.
 *
 * @module
 */

import type { EncoderStart } from './encode.js';
import type { VitrineOptions } from './types.js';
import type { FromWorker, ToWorker } from './worker.js';

/** Answers sessions with query vectors. */
export interface EncoderHost {
  /** The query `[D]` of a session `[T × width]`; one at a time. */
  encode(session: Float32Array): Promise<Float32Array>;
  dispose(): void;
}

/** Longest time that a worker may take to start, in milliseconds; slow phones included. */
const START_PATIENCE = 30_000;
/** Longest time that it may take for one session. */
const ANSWER_PATIENCE = 10_000;

/** A worker broke after it had been handed the bytes. With new ones, the page can take over. */
export class WorkerLost extends Error {}

/**
 * Starts an encoder; `worker` is as in the options, and `stop` ends a start under way. The bytes
 * of `start` are given away: a worker that listens gets them without a copy, which for a module
 * of megabytes would hold up the page. Rejects with {@link WorkerLost} where that worker breaks,
 * as `encode` does later.
 */
export async function startEncoder(
  start: EncoderStart,
  worker: VitrineOptions['worker'],
  stop: AbortSignal,
): Promise<EncoderHost> {
  if (worker !== false && typeof Worker === 'function') {
    try {
      return await inWorker(start, openWorker(worker), stop);
    } catch (error) {
      // A page may forbid workers, or serve this code from another origin. What the encoder
      // itself refuses, it would refuse here too.
      if (error instanceof EncoderFailed || error instanceof WorkerLost) throw error;
    }
  }
  if (stop.aborted) throw new EncoderFailed('Vitrine was disposed.');
  const { openEncoder } = await import('./encode.js');
  const encoder = await openEncoder(start);
  return {
    async encode(session) {
      return encoder.encode(session);
    },
    dispose: () => encoder.free(),
  };
}

class EncoderFailed extends Error {}

function openWorker(url: Exclude<VitrineOptions['worker'], false>): Worker {
  // Bundlers look for this very form.
  return url === undefined
    ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'vitrine' })
    : // A TrustedScriptURL must be handed on as it is.
      new Worker(url as string | URL, { type: 'module', name: 'vitrine' });
}

function inWorker(start: EncoderStart, worker: Worker, stop: AbortSignal): Promise<EncoderHost> {
  type Waiting = { resolve(query: Float32Array): void; reject(error: Error): void };
  const waiting = new Map<number, Waiting>();
  let turn = 0;
  const send = (message: ToWorker, given: Transferable[] = []) =>
    worker.postMessage(message, given);
  // Until then the bytes are here, and the main thread can take over.
  let listening = false;
  let ended: Error | undefined;
  const fail = (error: Error) => {
    ended = error;
    worker.terminate();
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };

  return new Promise((resolve, reject) => {
    const give = (error: Error) => {
      clearTimeout(timer);
      fail(error);
      reject(error);
    };
    const broken = (message: string) =>
      give(listening ? new WorkerLost(message) : new Error(message));
    const timer = setTimeout(() => broken('The worker did not start.'), START_PATIENCE);
    const stopped = () => give(new EncoderFailed('Vitrine was disposed.'));
    stop.addEventListener('abort', stopped, { once: true });
    if (stop.aborted) return stopped();
    worker.onerror = (event) => {
      event.preventDefault();
      broken(event.message || 'The worker could not be loaded.');
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if ('error' in data) return give(new EncoderFailed(data.error));
      if ('query' in data) {
        waiting.get(data.turn)?.resolve(data.query);
        waiting.delete(data.turn);
        return;
      }
      if ('listening' in data) {
        listening = true;
        return send({ start }, [start.module.buffer, start.onnx.buffer] as ArrayBuffer[]);
      }
      clearTimeout(timer);
      resolve({
        encode(session) {
          turn += 1;
          // It may have broken while nobody asked.
          if (ended !== undefined) return Promise.reject(ended);
          return new Promise((resolve, reject) => {
            const late = setTimeout(
              () =>
                fail(new WorkerLost('The worker does not answer; the page goes on without it.')),
              ANSWER_PATIENCE,
            );
            const settling =
              <T>(settle: (value: T) => void) =>
              (value: T) => {
                clearTimeout(late);
                settle(value);
              };
            waiting.set(turn, { resolve: settling(resolve), reject: settling(reject) });
            send({ session, turn });
          });
        },
        dispose: () => fail(new Error('The encoder was disposed.')),
      });
    };
  });
}
