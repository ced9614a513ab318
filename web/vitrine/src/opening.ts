/**
 * A bundle on its way into the ranker: its files come side by side, from the device, as a delta of
 * what is kept there, or whole.
 *
 * @module
 */

import { type Manifest, Opening, type Ranker } from '../wasm/ranker.js';
import { type Fetcher, read, refusing } from './fetching.js';
import type { Kept } from './kept.js';
import { Slices } from './slices.js';

/** What a manifest says of its files: by name, SHA-256 and length. */
export type Files = Record<string, { sha256: string; bytes: number } | undefined>;

export const INDEX = 'index.safetensors';

/** The files of the bundle that the ranker reads whole. */
export function rankerFiles(files: Files): string[] {
  return files[INDEX] === undefined ? ['tables.safetensors', 'items.fst', 'facets.json'] : [INDEX];
}

/** What is opened, and where from. */
export interface Source {
  fetcher: Fetcher;
  kept: Kept;
  /** Where the bundle's files are, with a `/` at the end. */
  folder: string;
  manifest: Manifest;
  files: Files;
}

/** The ranker of a bundle, and its files by address, for who keeps them. */
export async function openBundle(
  source: Source,
): Promise<{ ranker: Ranker; files: Map<string, Blob> }> {
  const arrival = new Arrival(source);
  const ranker = await arrival.open();
  return { ranker, files: arrival.files };
}

/** Frees what the module keeps; one that has stopped cannot free anything. */
export function release(object: { free(): void }): void {
  try {
    object.free();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw error;
  }
}

class Arrival {
  readonly files = new Map<string, Blob>();
  readonly #source: Source;
  readonly #opening: Opening;
  readonly #slices = new Slices();
  /** Whether the module has it back; another file may have failed meanwhile. */
  #given = false;

  constructor(source: Source) {
    this.#source = source;
    this.#opening = refusing(() => new Opening(source.manifest));
  }

  async open(): Promise<Ranker> {
    const opening = this.#opening;
    try {
      await Promise.all(rankerFiles(this.#source.files).map((name) => this.#fetch(name)));
      await this.#slices.until(() => refusing(() => opening.step()));
      this.#given = true;
      return refusing(() => opening.finish());
    } catch (error) {
      if (!this.#given) release(opening);
      this.#given = true;
      throw error;
    }
  }

  async #fetch(name: string): Promise<void> {
    const { fetcher, kept, files, folder } = this.#source;
    const entry = files[name];
    if (entry === undefined) return;
    const url = folder + entry.sha256;
    if (await this.#fromKept(name, url)) return void this.files.set(url, new Blob());
    const parts: Blob[] = [];
    const take = (piece: Uint8Array) => {
      if (this.#given) return;
      this.#opening.push(name, piece);
      if (kept.allowed) parts.push(new Blob([piece as Uint8Array<ArrayBuffer>]));
    };
    for (const [base, delta] of deltasOf(files, name)) {
      if (await this.#fromDelta(name, folder + base, delta, take)) {
        return void this.files.set(url, new Blob(parts));
      }
      parts.length = 0;
    }
    await fetcher.pieces(url, entry.bytes, (arrived) => this.#slices.pieces(arrived, take));
    if (kept.allowed) this.files.set(url, new Blob(parts));
  }

  /** Takes a file that is kept already; resolves to whether it is there as it should be. */
  async #fromKept(name: string, url: string): Promise<boolean> {
    const found = await this.#source.kept.find(url);
    if (found === undefined) return false;
    const take = (piece: Uint8Array) => {
      if (!this.#given) this.#opening.push(name, piece);
    };
    await read(url, found, Infinity, (arrived) => this.#slices.pieces(arrived, take));
    return this.#arrived(name);
  }

  /** Puts a file together from the one at `base`, where that is kept; anything wrong with either
   * is no more than a reason to fetch the whole. */
  async #fromDelta(
    name: string,
    base: string,
    deltaName: string,
    take: (piece: Uint8Array) => void,
  ): Promise<boolean> {
    const { fetcher, kept, manifest, files, folder } = this.#source;
    const found = await kept.find(base);
    const entry = files[deltaName];
    if (found === undefined || entry === undefined) return false;
    try {
      const bytes = await verified(fetcher, folder, deltaName, entry, manifest, this.#slices);
      const delta = manifest.delta(name, bytes);
      const make = (piece: Uint8Array) => this.#slices.pieces(delta.apply(piece), take);
      try {
        await make(new Uint8Array());
        await read(base, found, Infinity, (arrived) => this.#slices.each(arrived, make));
      } finally {
        release(delta);
      }
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) throw error;
    }
    return this.#arrived(name);
  }

  /** What did not come as it should is forgotten. */
  #arrived(name: string): boolean {
    return !this.#given && this.#opening.arrived(name);
  }
}

/** Fetches a file of the bundle that the ranker does not read; checks it as it arrives. */
export async function verified(
  fetcher: Fetcher,
  folder: string,
  name: string,
  { sha256, bytes }: { sha256: string; bytes: number },
  manifest: Manifest,
  slices = new Slices(),
): Promise<Uint8Array> {
  const check = manifest.check(name);
  try {
    const whole = new Uint8Array(bytes);
    let length = 0;
    await fetcher.pieces(folder + sha256, bytes, (arrived) =>
      slices.pieces(arrived, (piece) => {
        whole.set(piece, length);
        length += piece.length;
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

/** SHA-256 of the base and name of each delta that makes the file `name`. */
function deltasOf(files: Files, name: string): [string, string][] {
  return Object.keys(files).flatMap((delta) => {
    const base = delta.startsWith(`${name}.`) && delta.slice(name.length + 1, -'.delta'.length);
    return base && /^[0-9a-f]{64}$/.test(base) && delta.endsWith('.delta') ? [[base, delta]] : [];
  });
}
