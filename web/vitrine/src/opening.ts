/**
 * A bundle on its way into the ranker: its files come side by side, from the device, as a delta of
 * what is kept there, or whole.
 *
 * @module
 */

import { type Manifest, Opening, type Ranker } from '../wasm/ranker.js';
import { refusing } from './failures.js';
import { bounded, type Fetcher, PATIENCE, read } from './fetching.js';
import type { Kept } from './kept.js';
import { hasSha256, part, sha256 } from './platform.js';
import { pieces, turn, until } from './slices.js';

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
  /** What the manifest says of its files, which `module` has not checked yet. */
  files: Files;
  /** The manifest in the module, when that is here and has checked it. */
  module: Promise<Checked>;
}

/** A manifest that the module has checked, and the module's memory. */
export interface Checked {
  manifest: Manifest;
  memory: WebAssembly.Memory;
}

/**
 * The ranker of a bundle, and its files by address, for who keeps them. The files are asked for at
 * once; their first bytes wait for the module.
 */
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
  readonly #opening: Promise<Opening>;
  /** True if the module has it back; another file may have failed meanwhile. */
  #given = false;

  constructor(source: Source) {
    this.#source = source;
    this.#opening = source.module.then(({ manifest }) => refusing(() => new Opening(manifest)));
  }

  async open(): Promise<Ranker> {
    try {
      const files = rankerFiles(this.#source.files).map((name) => this.#fetch(name));
      const [opening] = await Promise.all([this.#opening, ...files]);
      await turn();
      this.#given = true;
      return refusing(() => opening.finish());
    } catch (error) {
      if (!this.#given) void this.#opening.then(release).catch(() => {});
      this.#given = true;
      throw error;
    }
  }

  /** Brings a file into the module, which then reads it while others are on their way. */
  async #fetch(name: string): Promise<void> {
    const entry = this.#source.files[name];
    // Where this is no address, the module will refuse the manifest.
    if (!entry || !ADDRESS.test(entry.sha256)) return;
    await this.#bring(name, entry.sha256, entry.bytes);
    const opening = await this.#opening;
    await until(() => this.#given || refusing(() => opening.read(name)));
  }

  async #bring(name: string, sha256: string, bytes: number): Promise<void> {
    const { fetcher, kept, files, folder } = this.#source;
    const url = folder + sha256;
    if (await this.#fromKept(name, url, bytes)) return void this.files.set(url, new Blob());
    for (const [base, delta] of deltasOf(files, name)) {
      const inlet = this.#inlet(name, bytes);
      if (await this.#fromDelta(name, folder + base, delta, inlet)) {
        return void this.files.set(url, inlet.blob());
      }
    }
    const inlet = this.#inlet(name, bytes);
    await fetcher.pieces(url, bytes, (arrived) => inlet.take(arrived));
    await inlet.end();
    if (kept.allowed) this.files.set(url, inlet.blob());
  }

  /** Takes a file that is kept already; resolves to whether it is there as it should be. */
  async #fromKept(name: string, url: string, bytes: number): Promise<boolean> {
    const found = await this.#source.kept.find(url);
    if (found === undefined) return false;
    const inlet = this.#inlet(name, bytes);
    await fromDevice(url, found, inlet.take);
    await inlet.end();
    return this.#arrived(name);
  }

  /** Puts a file together from the one at `base`, where that is kept; anything wrong with either
   * is no more than a reason to fetch the whole. */
  async #fromDelta(name: string, base: string, deltaName: string, inlet: Inlet): Promise<boolean> {
    const { fetcher, kept, module, files, folder } = this.#source;
    const found = await kept.find(base);
    const entry = files[deltaName];
    if (found === undefined || entry === undefined) return false;
    try {
      const tools = { fetcher, pieces, refusing, release };
      const { applied, verified } = await part(import('./checked.js'));
      const { manifest } = await module;
      const bytes = await verified(folder + entry.sha256, deltaName, entry.bytes, manifest, tools);
      const delta = manifest.delta(name, bytes);
      await applied(delta, (take) => fromDevice(base, found, take), inlet.take, tools);
      await inlet.end();
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) throw error;
    }
    return this.#arrived(name);
  }

  /** What did not come as it should is forgotten. */
  async #arrived(name: string): Promise<boolean> {
    const opening = await this.#opening;
    return !this.#given && opening.arrived(name);
  }

  /** Begins with a file. */
  #inlet(name: string, bytes: number): Inlet {
    const native = bytes <= MAX_NATIVE && hasSha256();
    const parts: Blob[] = [];
    const { kept, module } = this.#source;
    let begun = false;
    let length = 0;
    return {
      take: async (arrived) => {
        const opening = await this.#opening;
        if (!begun && native && !this.#given) opening.unhashed(name);
        begun = true;
        await pieces(arrived, (piece) => {
          if (!this.#given) opening.push(name, piece);
          length += piece.length;
          if (kept.allowed) parts.push(new Blob([piece as Uint8Array<ArrayBuffer>]));
        });
      },
      end: async () => {
        if (!begun || !native) return;
        await turn();
        const [opening, { memory }] = await Promise.all([this.#opening, module]);
        if (this.#given) return;
        const hash = await sha256(
          new Uint8Array(memory.buffer, opening.address(name), Math.min(length, bytes)),
        );
        if (!this.#given) opening.hashed(name, hash);
      },
      blob: () => new Blob(parts),
    };
  }
}

/** Hands a file that is kept on the device to `take`, unless the browser never gives it. */
function fromDevice(url: string, found: Response, take: Inlet['take']): Promise<number> {
  return bounded(url, PATIENCE, new AbortController(), (signal) =>
    read(url, found, Infinity, take, signal),
  );
}

/** A file's address: its SHA-256. */
const ADDRESS = /^[0-9a-f]{64}$/;

/** The way of one file's bytes into the module. */
interface Inlet {
  take(bytes: Uint8Array): Promise<void>;
  /** Called when all has come. */
  end(): Promise<void>;
  /** What came, where it is to be kept. */
  blob(): Blob;
}

/** The longest file that the browser hashes, because it copies it in one go; in bytes. */
const MAX_NATIVE = 2 * 1024 * 1024;

/** SHA-256 of the base and name of each delta that makes the file `name`. */
function deltasOf(files: Files, name: string): [string, string][] {
  return Object.keys(files).flatMap((delta) => {
    const base = delta.startsWith(`${name}.`) && delta.slice(name.length + 1, -'.delta'.length);
    return base && ADDRESS.test(base) && delta.endsWith('.delta') ? [[base, delta]] : [];
  });
}
