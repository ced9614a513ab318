/**
 * Files of a bundle that the ranker does not read as they are: deltas and the encoder. Loaded for
 * one of them only; like the outbox it imports no code.
 *
 * @module
 */

import type { Delta, Manifest } from '../wasm/ranker.js';
import type { Fetcher } from './fetching.js';

/** The parts of the first list's code that are needed here. */
export interface Tools {
  fetcher: Fetcher;
  /** Hands bytes on in pieces, between which the page has its turn. */
  pieces(bytes: Uint8Array, take: (piece: Uint8Array) => void | Promise<void>): Promise<void>;
  /** Refuses what a step of the module does not take. */
  refusing<T>(parse: () => T): T;
  /** Frees what the module keeps. */
  release(object: { free(): void }): void;
}

/** Fetches the file `name` at `url`, and checks it as it arrives. */
export async function verified(
  url: string,
  name: string,
  length: number,
  manifest: Manifest,
  { fetcher, pieces, refusing, release }: Tools,
): Promise<Uint8Array> {
  const check = manifest.check(name);
  try {
    const whole = new Uint8Array(length);
    let at = 0;
    await fetcher.pieces(url, length, (arrived) =>
      pieces(arrived, (piece) => {
        whole.set(piece, at);
        at += piece.length;
        check.push(piece);
      }),
    );
    refusing(() => check.finish());
    return whole;
  } catch (error) {
    release(check);
    throw error;
  }
}

/** Hands the file that `delta` makes of the one that `base` gives to `take`. */
export async function applied(
  delta: Delta,
  base: (take: (piece: Uint8Array) => Promise<void>) => Promise<unknown>,
  take: (made: Uint8Array) => Promise<void>,
  { pieces, release }: Tools,
): Promise<void> {
  const make = (piece: Uint8Array) => take(delta.apply(piece));
  try {
    await make(new Uint8Array());
    await base((arrived) => pieces(arrived, make));
  } finally {
    release(delta);
  }
}
