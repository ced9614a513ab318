/**
 * Files of the bundle that are kept on the device: what a delta is applied to when the next
 * version comes.
 *
 * They are the same for every visitor and say nothing of this one. They are kept in Cache Storage,
 * with consent to ranking; without it, and where the browser refuses, whole files are fetched.
 *
 * @module
 */

import { inTime, Late, part, STORAGE_PATIENCE } from './platform.js';

/** The cache of an endpoint is named by this, a blank and the endpoint; once it had all of them. */
const NAME = 'vitrine';

/** How long a slow disk may take for all files, in milliseconds. */
const WRITE_PATIENCE = 30_000;

/** The kept files, by address. */
export class Kept {
  readonly #allowed: () => boolean;
  readonly #failed: (error: unknown) => void;
  readonly #found: (url: string) => void;
  readonly #name: string;
  #last: Promise<unknown> = Promise.resolve();
  /** True if the browser does not answer. */
  #gone = false;
  #erased = 0;

  /**
   * `place` names whose files they are, `allowed` says whether anything may be kept, `failed` is
   * told where the browser does not answer, and `found` of each file that was kept.
   */
  constructor(
    place: string,
    allowed: () => boolean,
    failed: (error: unknown) => void,
    found: (url: string) => void,
  ) {
    this.#name = `${NAME} ${place}`;
    this.#allowed = allowed;
    this.#failed = failed;
    this.#found = found;
  }

  get allowed(): boolean {
    return this.#allowed() && !this.#gone;
  }

  /** The kept file of `url`. */
  async find(url: string): Promise<Response | undefined> {
    if (!this.allowed) return undefined;
    const found = await this.#try((caches) => caches.match(url, { cacheName: this.#name }));
    if (found) this.#found(url);
    return found;
  }

  /** Keeps these files in place of all others. */
  async keep(files: ReadonlyMap<string, Blob>): Promise<void> {
    if (!this.allowed || files.size === 0) return;
    const erased = this.#erased;
    const { keep } = await part(import('./keeping.js')).catch((error: unknown) => {
      this.#failed(error);
      return { keep: undefined };
    });
    if (keep === undefined) return;
    await this.#inTurn(async (caches) => {
      if (!this.allowed || erased !== this.#erased) return;
      await caches.delete(NAME);
      await keep(caches, this.#name, files);
    }, WRITE_PATIENCE);
  }

  /** The addresses of what is kept. */
  async addresses(): Promise<string[]> {
    const kept = await this.#try(async (caches) => {
      if (!(await caches.has(this.#name))) return [];
      return (await caches.open(this.#name)).keys();
    });
    return kept?.map(({ url }) => url) ?? [];
  }

  /** Erases all. */
  erase(): Promise<void> {
    this.#erased += 1;
    return this.#inTurn(async (caches) => {
      await caches.delete(NAME);
      await caches.delete(this.#name);
    });
  }

  /** So that nothing is kept by who began before an erasing. */
  #inTurn(run: (caches: CacheStorage) => Promise<void>, patience?: number): Promise<void> {
    const turn = this.#last.then(() => this.#try(run, patience));
    this.#last = turn;
    return turn;
  }

  /** Where there is no room, no permission or no answer, nothing is kept and nothing is missed. */
  async #try<T>(
    run: (caches: CacheStorage) => Promise<T>,
    patience = STORAGE_PATIENCE,
  ): Promise<T | undefined> {
    try {
      // Where storage is refused, some browsers throw when it is only looked at.
      const { caches } = globalThis as { caches?: CacheStorage };
      return caches && (await inTime(run(caches), patience, 'Cache Storage'));
    } catch (error) {
      if (error instanceof Late && !this.#gone) {
        this.#gone = true;
        this.#failed(error);
      }
      return undefined;
    }
  }
}
