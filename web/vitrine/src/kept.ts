/**
 * Files of the bundle that are kept on the device: what a delta is applied to when the next
 * version comes.
 *
 * They are the same for every visitor and say nothing of this one. They are kept in Cache Storage,
 * with consent to ranking; without it, and where the browser refuses, whole files are fetched.
 *
 * @module
 */

/** The cache of an endpoint is named by this, a blank and the endpoint; once it had all of them. */
const NAME = 'vitrine';

/** The kept files, by address. */
export class Kept {
  readonly #allowed: () => boolean;
  readonly #name: string;
  #last: Promise<unknown> = Promise.resolve();

  /** `endpoint` is whose files they are; `allowed` says whether anything may be kept. */
  constructor(endpoint: string, allowed: () => boolean) {
    this.#name = `${NAME} ${endpoint}`;
    this.#allowed = allowed;
  }

  get allowed(): boolean {
    return this.#allowed();
  }

  /** What is kept of the file at `url`. */
  async find(url: string): Promise<Response | undefined> {
    if (!this.allowed) return undefined;
    return this.#try((caches) => caches.match(url, { cacheName: this.#name }));
  }

  /** Keeps these files in place of all others. */
  keep(files: ReadonlyMap<string, Blob>): Promise<void> {
    return this.#inTurn(async (caches) => {
      if (!this.allowed || files.size === 0) return;
      await caches.delete(NAME);
      const cache = await caches.open(this.#name);
      const wanted = new Set([...files.keys()].map(absolute));
      for (const [url, blob] of files) {
        if (blob.size > 0) await cache.put(url, new Response(blob));
      }
      for (const { url } of await cache.keys()) {
        if (!wanted.has(url)) await cache.delete(url);
      }
    });
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
    return this.#inTurn(async (caches) => {
      await caches.delete(NAME);
      await caches.delete(this.#name);
    });
  }

  /** So that nothing is kept by who began before an erasing. */
  #inTurn(run: (caches: CacheStorage) => Promise<void>): Promise<void> {
    const turn = this.#last.then(() => this.#try(run));
    this.#last = turn;
    return turn;
  }

  /** Where there is no room or no permission, nothing is kept and nothing is missed. */
  async #try<T>(run: (caches: CacheStorage) => Promise<T>): Promise<T | undefined> {
    try {
      // Where storage is refused, some browsers throw when it is only looked at.
      const { caches } = globalThis as { caches?: CacheStorage };
      return caches && (await run(caches));
    } catch {
      return undefined;
    }
  }
}

function absolute(url: string): string {
  return new URL(url, globalThis.location?.href).href;
}
