/**
 * The blocks of a large catalogue: fetched when a list needs them, each once. Loaded for such a
 * catalogue only; like the outbox it imports no code.
 *
 * @module
 */

import type { Ranker } from '../wasm/ranker.js';
import type { Fetcher } from './fetching.js';

/** A block, and where in the file it is. */
interface Place {
  block: number;
  from: number;
  to: number;
}

/** What blocks need from around them. */
export interface BlocksContext {
  /** Where `blocks.bin` is. */
  url: string;
  fetcher: Fetcher;
  ranker: Ranker;
  /** Says what is wrong with a block. */
  refusing<T>(parse: () => T): T;
  /** Lets the page have its turn. */
  turn(): Promise<void>;
}

/** What is here of one bundle's blocks, and what is on its way. */
export class Blocks {
  readonly #context: BlocksContext;
  readonly #coming = new Map<number, Promise<void>>();

  constructor(context: BlocksContext) {
    this.#context = context;
  }

  /**
   * Fetches the blocks of the session and of `ids`, one per line; without them, those that a
   * recommendation is chosen from. Resolves to whether anything came.
   */
  async gather(ids?: string): Promise<boolean> {
    const { ranker } = this.#context;
    const missing = places(ranker.missing(ids));
    if (missing.length === 0) return false;
    const fresh = missing.filter(({ block }) => !this.#coming.has(block));
    for (const run of runs(fresh)) {
      const arriving = this.#fetch(run).finally(() => {
        for (const { block } of run) this.#coming.delete(block);
      });
      for (const { block } of run) this.#coming.set(block, arriving);
    }
    await Promise.all(missing.map(({ block }) => this.#coming.get(block)));
    ranker.gather();
    return true;
  }

  /** Fetches blocks that follow one another in the file, in one request. */
  async #fetch(run: Place[]): Promise<void> {
    const [first, last] = [run[0], run[run.length - 1]];
    if (first === undefined || last === undefined) return;
    const { url, fetcher, ranker, refusing, turn } = this.#context;
    const bytes = new Uint8Array(last.to - first.from);
    let length = 0;
    const take = (piece: Uint8Array) => {
      bytes.set(piece, length);
      length += piece.length;
    };
    const range = `bytes=${first.from}-${last.to - 1}`;
    await fetcher.pieces(url, bytes.length, take, 'default', range);
    for (const { block, from, to } of run) {
      await turn();
      const own = bytes.subarray(from - first.from, to - first.from);
      refusing(() => ranker.add(block, own));
    }
  }
}

function places(packed: Uint32Array): Place[] {
  return Array.from({ length: packed.length / 3 }, (_, at) => {
    const [block = 0, from = 0, to = 0] = packed.subarray(3 * at);
    return { block, from, to };
  });
}

/** Places that follow one another, together. */
function runs(places: Place[]): Place[][] {
  const runs: Place[][] = [];
  for (const place of places) {
    const run = runs[runs.length - 1];
    if (run?.[run.length - 1]?.to === place.from) run.push(place);
    else runs.push([place]);
  }
  return runs;
}
