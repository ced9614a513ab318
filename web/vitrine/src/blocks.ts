/**
 * The blocks of a large catalogue: fetched when a list needs them, each once.
 *
 * @module
 */

import type { Ranker } from '../wasm/ranker.js';
import type { Fetcher } from './fetching.js';
import { turn } from './slices.js';

/** A block, and where in the file it is. */
interface Place {
  block: number;
  from: number;
  to: number;
}

/** What is here of one bundle's blocks, and what is on its way. */
export class Blocks {
  readonly #fetcher: Fetcher;
  readonly #url: string;
  readonly #ranker: Ranker;
  readonly #refusing: <T>(parse: () => T) => T;
  readonly #coming = new Map<number, Promise<void>>();

  /** `url` is that of `blocks.bin`; `refusing` says what is wrong with a block. */
  constructor(fetcher: Fetcher, url: string, ranker: Ranker, refusing: <T>(parse: () => T) => T) {
    this.#fetcher = fetcher;
    this.#url = url;
    this.#ranker = ranker;
    this.#refusing = refusing;
  }

  /**
   * Fetches the blocks of the session and of `ids`, one per line; without them, those that a
   * recommendation is chosen from. Resolves to whether anything came.
   */
  async gather(ids?: string): Promise<boolean> {
    const missing = places(this.#ranker.missing(ids));
    if (missing.length === 0) return false;
    const fresh = missing.filter(({ block }) => !this.#coming.has(block));
    for (const run of runs(fresh)) {
      const arriving = this.#fetch(run).finally(() => {
        for (const { block } of run) this.#coming.delete(block);
      });
      for (const { block } of run) this.#coming.set(block, arriving);
    }
    await Promise.all(missing.map(({ block }) => this.#coming.get(block)));
    this.#ranker.gather();
    return true;
  }

  /** Fetches blocks that follow one another in the file, in one request. */
  async #fetch(run: Place[]): Promise<void> {
    const [first, last] = [run[0], run.at(-1)];
    if (first === undefined || last === undefined) return;
    const bytes = await this.#fetcher.range(this.#url, first.from, last.to);
    for (const { block, from, to } of run) {
      await turn();
      const own = bytes.subarray(from - first.from, to - first.from);
      this.#refusing(() => this.#ranker.add(block, own));
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
    const run = runs.at(-1);
    if (run?.at(-1)?.to === place.from) run.push(place);
    else runs.push([place]);
  }
  return runs;
}
