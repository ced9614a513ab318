/**
 * `debug: true`: a line in the console on each thing that is loaded, from where and in what time,
 * and why it is not. Loaded with that option only; it imports no code.
 *
 * @module
 */

import type { Vitrine } from './types.js';

/** What is watched, and its lines. */
export interface Watch {
  /** The page's fetch, with a line on each answer. */
  fetch: typeof fetch;
  /** A line on a file that was kept on the device. */
  found(url: string): void;
  /** A line on an error that was survived. */
  failed(error: unknown): void;
}

const say = (line: string) => console.info(`vitrine: ${line}`);

/** Watches `vitrine`, which makes its requests by `request`. */
export function watch(vitrine: Vitrine, request: typeof fetch, endpoint: string): Watch {
  const begun = performance.now();
  say(`asks ${endpoint} for a bundle`);
  void follow(vitrine, () => since(begun));
  return {
    async fetch(input, init) {
      const start = performance.now();
      const about = `${init?.method === 'POST' ? 'report to ' : ''}${String(input)}`;
      try {
        const response = await request(input, init);
        const { ok, status, headers } = response;
        const answer = `${status}, ${headers.get('content-type') ?? 'no content type'}`;
        if (ok && response.body !== null) {
          return counted(response, (bytes) =>
            say(`${about}: ${answer}, ${bytes} bytes ${sourceOf(String(input))}in ${since(start)}`),
          );
        }
        say(`${about}: ${ok ? '' : 'not loaded, '}${answer}, in ${since(start)}`);
        return response;
      } catch (error) {
        say(`${about}: not loaded, ${String(error)}, after ${since(start)}`);
        throw error;
      }
    },
    found: (url) => say(`${url}: kept on this device`),
    failed: (error) => console.warn(`vitrine: ${error instanceof Error ? error.message : error}`),
  };
}

/** Lines on how things stand, whenever that changes. */
async function follow(vitrine: Vitrine, time: () => string): Promise<void> {
  let last: Record<string, string> = {};
  let asking = false;
  const look = async () => {
    if (asking) return;
    asking = true;
    const { storage, bundle, encoder } = await vitrine.inspect();
    const outcome = await vitrine.rank([], { timeout: 0 });
    asking = false;
    const now = {
      list:
        outcome.status === 'ranked'
          ? `ranks with version ${bundle?.version}, ${bundle?.items} items, until ${bundle?.expires.toISOString()}`
          : `keeps the shop's order: ${outcome.reason}`,
      storage: `storage: ${storage}`,
      encoder: `encoder: ${encoder}`,
    };
    for (const [about, line] of Object.entries(now)) {
      if (last[about] !== line) say(`${line} (after ${time()})`);
    }
    last = now;
  };
  vitrine.subscribe(() => void look());
  await vitrine.ready;
  await look();
}

/** A response that says how many bytes it had, when all have come. */
function counted(response: Response, ended: (bytes: number) => void): Response {
  let bytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      bytes += piece.length;
      controller.enqueue(piece);
    },
    flush: () => ended(bytes),
  });
  const { status, statusText, headers } = response;
  return new Response(response.body?.pipeThrough(counter) ?? null, { status, statusText, headers });
}

/** Where a file came from, as far as the browser tells. */
function sourceOf(url: string): string {
  const [entry] = performance.getEntriesByName(url).slice(-1) as PerformanceResourceTiming[];
  if (entry === undefined || !entry.decodedBodySize) return '';
  return entry.transferSize === 0 ? 'from the browser’s cache ' : 'from the network ';
}

function since(start: number): string {
  return `${Math.round(performance.now() - start)} ms`;
}
